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
  idempotencyKey,
  idempotencyKeyDigest,
  isReadableKey,
  sourceEventType,
  textColumn,
} from './columns.ts';
import { orgDigest } from './crypto/org-digest.ts';
import { containsPersonal, finish, type PersonalPaths, prune } from './privacy/redact.ts';
import { type Collected, newCollected, occurring } from './privacy/repeats.ts';
import { sampleOf, shapeOf } from './privacy/sample.ts';
import { cut } from './reading/fields.ts';
import { fingerprintOf } from './reading/fingerprint.ts';
import { compilePaths } from './reading/paths.ts';
import { recordsOf } from './reading/records.ts';
import { type Body, type Delivery, type Json, type JsonObject, type RawRecord, type Reading, RecordError, type Source } from './source.ts';

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
  /** Of the idempotency key that its event would have had; the same as `bodySha256` where the key could not be read. */
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
  let records: RawRecord[];
  try {
    records = [...recordsOf(source, delivery, body, context.config)];
  } catch (error) {
    return [failure(error, newCollected(), undefined, shapeOf(body.kind === 'empty' ? null : body.value))];
  }
  const shared = source.personalOf ? undefined : pathsOf(source, context.config);
  return records.map((record, index) =>
    isWanted === undefined || isWanted(index)
      ? processRecord(source, delivery, record, shared ?? pathsOf(source, context.config, record.value), context)
      : undefined,
  );
}

function processRecord(
  source: Source,
  delivery: Delivery,
  record: RawRecord,
  paths: SourcePaths,
  context: ProcessContext,
): ProcessedRecord {
  let collected = newCollected();
  let reading: Reading | undefined;
  try {
    const pruned = prune(record.value, paths.personal);
    collected = pruned.collected;
    if (record.envelope !== undefined) collectAll(collected, prune(record.envelope, paths.personal, true).collected);
    reading = source.read(record, { config: context.config, headers: delivery.headers, receivedAtMs: context.receivedAtMs });
    const subject = hashSubject(reading.subject, collected, context);
    const fingerprint = fingerprintOf(source, record.value, { config: context.config, headers: delivery.headers });
    const bodySha256 = orgDigest(context.digestKey, 'record', fingerprint.toString('hex'));
    // In most records no collected value occurs in the readable columns, and one pass over all of them finds that out.
    const hits = occurring(columnTexts(reading), collected);
    const isTest = context.isTest || reading.isTest === true;
    const event: CanonicalRow = {
      id: context.newId(),
      org_id: context.orgId,
      project_id: context.projectId,
      source_connection_id: context.connectionId,
      type: canonicalType(source, reading, hits),
      source_type: source.type,
      source_event_type: sourceEventType(source, reading, hits),
      source_event_id: textColumn(reading.sourceEventId, hits),
      event_time: new Date(eventTime(reading, context)).toISOString(),
      received_at: new Date(context.receivedAtMs).toISOString(),
      idempotency_key: idempotencyKey(reading, bodySha256, isTest, hits, context),
      subject,
      amount_minor: reading.amountMinor === undefined ? null : amount(reading.amountMinor),
      currency: currency(reading.currency),
      order_ref: textColumn(reading.orderRef, hits),
      attribution: attribution(reading.attribution, hits),
      properties: finish(pruned),
      is_test: isTest,
      journal_id: context.journalId,
      schema_version: schemaVersion,
    };
    return { ok: true, event, bodySha256 };
  } catch (error) {
    const failed = failure(error, collected, reading, sampleOf(record.value, paths.personal, collected), source);
    return { ...failed, identity: recordIdentity(source, delivery, record, reading, collected, context) };
  }
}

/** Undefined when not even the contents can be told from others. */
function recordIdentity(
  source: Source,
  delivery: Delivery,
  record: RawRecord,
  reading: Reading | undefined,
  collected: Collected,
  context: ProcessContext,
): RecordIdentity | undefined {
  let bodySha256: string | undefined;
  try {
    const fingerprint = fingerprintOf(source, record.value, { config: context.config, headers: delivery.headers });
    bodySha256 = orgDigest(context.digestKey, 'record', fingerprint.toString('hex'));
    if (!reading?.idempotencyKey) return { key: bodySha256, bodySha256 };
    const isTest = context.isTest || reading.isTest === true;
    const key = idempotencyKey(reading, bodySha256, isTest, collected, context);
    return { key: idempotencyKeyDigest(context.digestKey, context.connectionId, key), bodySha256 };
  } catch {
    return bodySha256 === undefined ? undefined : { key: bodySha256, bodySha256 };
  }
}

function failure(error: unknown, collected: Collected, reading: Reading | undefined, sample: Json, source?: Source): FailedRecord {
  // The message of any other error may quote the payload.
  const known =
    error instanceof RecordError ? error : new RecordError('SCHEMA_DRIFT', 'The record has a shape that the reader does not expect.');
  const safe = (text: string) => text.isWellFormed() && !text.includes('\0') && !containsPersonal(text, collected);
  const key = reading?.idempotencyKey;
  return {
    ok: false,
    errorClass: known.errorClass,
    message: safe(known.message) ? cut(known.message, 500) : `${known.errorClass}: details are left out, they repeat personal data.`,
    path: known.path !== undefined && safe(known.path) ? cut(known.path, columnCharsMax) : undefined,
    sourceEventType:
      reading !== undefined && source !== undefined && typeof reading.sourceEventType === 'string' && safe(reading.sourceEventType)
        ? sourceEventType(source, reading, collected)
        : undefined,
    idempotencyKey: key !== undefined && isReadableKey(key, collected) && safe(key) ? key : undefined,
    sample,
    identity: undefined,
  };
}

function collectAll(into: Collected, more: Collected): void {
  for (const [text, alone] of more.texts) into.texts.set(text, alone);
  for (const digits of more.digits) into.digits.add(digits);
  into.overflow ||= more.overflow;
}

interface SourcePaths {
  personal: PersonalPaths;
}

/** Compiled once for each set of personal data: the cached connection holds one config object, and records share a few sets. */
const compiled = new WeakMap<object, { credentials: string; paths: SourcePaths }>();

function pathsOf(source: Source, config: unknown, record?: JsonObject): SourcePaths {
  const personal = (record && source.personalOf?.(record)) ?? source.personalFor?.(config) ?? source.personal;
  const credentials = (source.credentialsFor?.(config) ?? source.credentials).body;
  const cached = compiled.get(personal);
  if (cached?.credentials === credentials.join('\n')) return cached.paths;
  const paths: SourcePaths = {
    personal: {
      remove: compilePaths([...personal.remove, ...credentials]),
      keep: compilePaths(personal.keep),
      only: personal.only && (compilePaths(personal.only) ?? 'none'),
    },
  };
  compiled.set(personal, { credentials: credentials.join('\n'), paths });
  return paths;
}
