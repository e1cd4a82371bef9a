import { type CanonicalEvent, schemaVersion } from '@tributary/shared/canonical.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import {
  amount,
  attribution,
  canonicalType,
  columnCharsMax,
  columnTexts,
  currency,
  eventTime,
  hashSubject,
  idColumn,
  idempotencyKey,
  idempotencyKeyDigest,
  isReadableKey,
  type SearchOfIds,
  sourceEventType,
} from './columns.ts';
import { orgDigest } from './crypto/org-digest.ts';
import { openRecord, unreadScreen } from './privacy/record.ts';
import { shapeOf } from './privacy/sample.ts';
import type { RecordPrivacy } from './privacy/screen.ts';
import { cut } from './reading/fields.ts';
import { fingerprintOf } from './reading/fingerprint.ts';
import { isoTime } from './reading/iso-time.ts';
import { recordsOf } from './reading/records.ts';
import { type Body, type Delivery, type Json, type RawRecord, type Reading, RecordError, type Source } from './source.ts';

/** A row of `canonical_events` without what the database adds: the times of its commits, and how many there were. */
export type CanonicalRow = Omit<CanonicalEvent, 'ingested_at' | 'rewritten_at' | 'revision'>;

export interface ProcessContext {
  orgId: string;
  projectId: string;
  connectionId: string;
  journalId: string;
  /** The connection's config, parsed by `source.config`. Its `defaultCountry` is assumed for telephone numbers without a country code. */
  config: unknown;
  /** The org's hash key; undefined when the key is missing or cannot be unwrapped. */
  hashKey: { version: number; key: Uint8Array } | undefined;
  /** The org's digest key (crypto/org-digest.ts). */
  digestKey: Uint8Array;
  /** Digests of idempotency keys that named a person who was erased: a record that is sent again gets its digest as the key. */
  erasedKeys?: ReadonlySet<string> | undefined;
  receivedAtMs: number;
  nowMs: number;
  /** Whether our own test sender sent the delivery. */
  isTest: boolean;
  /** A new UUID v7. */
  newId: () => string;
}

export type ProcessedRecord =
  | {
      ok: true;
      event: CanonicalRow;
      /** Hexadecimal digest of the record's fingerprint under the org's digest key, which is the same for a repeated delivery. */
      bodySha256: string;
      /** The key that the event has where it was stored before ids that contain a person's identifier were replaced by digests. */
      formerKey: string | undefined;
    }
  | {
      ok: false;
      errorClass: ErrorClass;
      /** Says what is wrong without repeating the payload. */
      message: string;
      /** Path of the field that is wrong. */
      path: string | undefined;
      sourceEventType: string | undefined;
      idempotencyKey: string | undefined;
      /** A small, redacted form of the record that may be shown; removed values leave their type. */
      sample: Json;
      /** Undefined when the delivery failed as a whole. */
      identity: RecordIdentity | undefined;
    };

type FailedRecord = Extract<ProcessedRecord, { ok: false }>;

/** What makes a repeat of a record recognisable that became no event: hexadecimal digests under the org's digest key. */
export interface RecordIdentity {
  /** Of the idempotency key as it was sent; the same as `bodySha256` where the key could not be read. */
  key: string;
  /** Of the record's fingerprint, as for an event. */
  bodySha256: string;
}

/**
 * Step two: turns a genuine delivery into canonical rows, one outcome per record, in order. A record that fails does not affect the others,
 * and nothing is thrown. A delivery that cannot be split into records, or that has too many (records.ts), is one failure. Personal data is
 * hashed with the org's key or removed, amounts are integer minor units, the event's time is the one that the source gives.
 */
export function processDelivery(source: Source, delivery: Delivery, body: Body, context: ProcessContext): ProcessedRecord[];
/** With `isWanted` only the records at the wanted positions are read; the outcome of every other record is undefined. */
export function processDelivery(
  source: Source,
  delivery: Delivery,
  body: Body,
  context: ProcessContext,
  isWanted: (index: number) => boolean,
): (ProcessedRecord | undefined)[];
export function processDelivery(
  source: Source,
  delivery: Delivery,
  body: Body,
  context: ProcessContext,
  isWanted?: (index: number) => boolean,
): (ProcessedRecord | undefined)[] {
  return [...processRecords(source, delivery, body, context, isWanted)];
}

/** The outcomes of {@link processDelivery} one by one: a record is processed when its outcome is asked for, so that the caller may pause between two. */
export function* processRecords(
  source: Source,
  delivery: Delivery,
  body: Body,
  context: ProcessContext,
  isWanted?: (index: number) => boolean,
): Generator<ProcessedRecord | undefined, void, void> {
  let records: RawRecord[];
  try {
    records = [...recordsOf(source, delivery, body, context.config)];
  } catch (error) {
    const value = body.kind === 'empty' ? null : body.value;
    yield failure(error, { screen: unreadScreen, sample: () => shapeOf(value) }, undefined);
    return;
  }
  const receivedAt = isoTime(context.receivedAtMs);
  for (const [index, record] of records.entries())
    yield isWanted === undefined || isWanted(index) ? processRecord(source, delivery, record, context, receivedAt) : undefined;
}

function processRecord(
  source: Source,
  delivery: Delivery,
  record: RawRecord,
  context: ProcessContext,
  receivedAt: string,
): ProcessedRecord {
  let reading: Reading | undefined;
  let asSent: Reading | undefined;
  const privacy = openRecord(source, record, context);
  try {
    privacy.keep();
    asSent = source.read(record, { config: context.config, headers: delivery.headers, receivedAtMs: context.receivedAtMs });
    reading = privacy.withoutPersonalIds(asSent);
    const subject = hashSubject(reading.subject, context);
    privacy.search(reading.subject, columnTexts(reading));
    const { screen } = privacy;
    const fingerprint = fingerprintOf(source, record.value, { config: context.config, headers: delivery.headers });
    const bodySha256 = orgDigest(context.digestKey, 'record', fingerprint);
    const isTest = context.isTest || reading.isTest === true;
    const keyOf = (one: Reading, by: SearchOfIds) => idempotencyKey(one, bodySha256, isTest, by, context);
    const former = reading.idempotencyKey === asSent.idempotencyKey ? undefined : keyOf(asSent, hidesNothing);
    // A key that is the digest of the former key stays: the former key is not known any more, so that the stored key cannot be replaced.
    const key = former !== undefined && isDigestOfKey.test(former) ? former : keyOf(reading, screen);
    const event: CanonicalRow = {
      id: context.newId(),
      org_id: context.orgId,
      project_id: context.projectId,
      source_connection_id: context.connectionId,
      type: canonicalType(source, reading, screen),
      source_type: source.type,
      source_event_type: sourceEventType(source, reading, screen),
      source_event_id: idColumn(reading.sourceEventId, screen),
      event_time: isoTime(eventTime(reading, context)),
      received_at: receivedAt,
      idempotency_key: key,
      subject,
      amount_minor: reading.amountMinor === undefined ? null : amount(reading.amountMinor),
      currency: currency(reading.currency),
      order_ref: idColumn(reading.orderRef, screen),
      attribution: attribution(reading.attribution, screen, context),
      properties: privacy.properties(),
      is_test: isTest,
      journal_id: context.journalId,
      schema_version: schemaVersion,
    };
    return { ok: true, event, bodySha256, formerKey: former === key ? undefined : former };
  } catch (error) {
    return { ...failure(error, privacy, reading, source), identity: recordIdentity(source, delivery, record, asSent, context) };
  }
}

/** Former keys were not searched for identifiers in the ids of the platform. */
const hidesNothing: SearchOfIds = { hides: () => false, mask: (text) => text };

const isDigestOfKey = /^(test:)?hmac:[0-9a-f]{64}/;

/** Undefined when not even the contents can be told from others. */
function recordIdentity(
  source: Source,
  delivery: Delivery,
  record: RawRecord,
  asSent: Reading | undefined,
  context: ProcessContext,
): RecordIdentity | undefined {
  let bodySha256: string | undefined;
  try {
    const fingerprint = fingerprintOf(source, record.value, { config: context.config, headers: delivery.headers });
    bodySha256 = orgDigest(context.digestKey, 'record', fingerprint);
    if (!asSent?.idempotencyKey) return { key: bodySha256, bodySha256 };
    const key = idempotencyKey(asSent, bodySha256, context.isTest || asSent.isTest === true, hidesNothing, context);
    return { key: idempotencyKeyDigest(context.digestKey, context.connectionId, key), bodySha256 };
  } catch {
    return bodySha256 === undefined ? undefined : { key: bodySha256, bodySha256 };
  }
}

function failure(
  error: unknown,
  { screen, sample }: Pick<RecordPrivacy, 'screen' | 'sample'>,
  reading: Reading | undefined,
  source?: Source,
): FailedRecord {
  const shown = sample();
  // The message of any other error may quote the payload.
  const known =
    error instanceof RecordError ? error : new RecordError('SCHEMA_DRIFT', 'The record has a shape that the reader does not expect.');
  const safe = (text: string) => text.isWellFormed() && !text.includes('\0') && screen.mask(text) === text;
  const key = reading?.idempotencyKey;
  const name = reading?.sourceEventType;
  return {
    ok: false,
    errorClass: known.errorClass,
    message: safe(known.message) ? cut(known.message, 500) : `${known.errorClass}: details are left out, they repeat personal data.`,
    path: known.path !== undefined && safe(known.path) ? cut(known.path, columnCharsMax) : undefined,
    sourceEventType:
      reading !== undefined && source !== undefined && typeof name === 'string' && name.isWellFormed() && !name.includes('\0')
        ? sourceEventType(source, reading, screen)
        : undefined,
    idempotencyKey: key !== undefined && isReadableKey(key, screen) && safe(key) ? key : undefined,
    sample: shown,
    identity: undefined,
  };
}
