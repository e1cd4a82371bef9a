import { type CanonicalEvent, type HashedSubject, isCanonicalType, schemaVersion } from '@tributary/shared/canonical.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { isObject } from './fields.ts';
import { recordFingerprint, sha256 } from './fingerprint.ts';
import { compilePaths, type PathState } from './paths.ts';
import { hashIdentifier, type IdentifierKind, normaliseDocument, normaliseEmail, normalisePhone } from './pii.ts';
import { containsPersonal, finish, type PersonalPaths, prune, requireStorable } from './redact.ts';
import { type Collected, collectValue, newCollected, occurring } from './repeats.ts';
import { sampleOf, shapeOf } from './sample.ts';
import { type Body, type Delivery, type Json, type RawRecord, type Reading, RecordError, type Source, type Subject } from './source.ts';

/** A row of `canonical_events`, all but the time of its commit. */
export type CanonicalRow = Omit<CanonicalEvent, 'ingested_at'>;

export interface ProcessContext {
  orgId: string;
  projectId: string;
  connectionId: string;
  journalId: string;
  /** The connection's config, parsed by `source.config`. `defaultCountry` in it decides about telephone numbers without a country code. */
  config: unknown;
  /** The org's hash key; undefined when it is missing or does not open. */
  hashKey: { version: number; key: Uint8Array } | undefined;
  receivedAtMs: number;
  nowMs: number;
  /** Sent by our own test sender. */
  isTest: boolean;
  /** A new UUID v7. */
  newId: () => string;
}

export type ProcessedRecord =
  | { ok: true; event: CanonicalRow /** The record's fingerprint: equal for a repeated delivery. */; bodySha256: Uint8Array }
  | {
      ok: false;
      errorClass: ErrorClass;
      /** Says what is wrong without repeating the payload. */
      message: string;
      /** Path of the field concerned. */
      path: string | undefined;
      sourceEventType: string | undefined;
      idempotencyKey: string | undefined;
      /** What may be shown of the record: small, redacted, with the types of what was removed. */
      sample: Json;
    };

const futureToleranceMs = 5 * 60_000;
const keyCharsMax = 255;
const attributionKeysMax = 30;
const attributionCharsMax = 500;
/** Most of the platforms in use are Brazilian; a connection's config says otherwise. */
const countryByDefault = 'BR';

/**
 * Step two: a genuine delivery to canonical rows, one outcome per record, in order. What fails fails alone; nothing is thrown.
 * Personal data is hashed with the org's key or gone, amounts are integer minor units, the event's time is the source's.
 */
export function processDelivery(source: Source, delivery: Delivery, body: Body, context: ProcessContext): ProcessedRecord[] {
  let records: RawRecord[];
  try {
    records = source.split(body, context.config);
  } catch (error) {
    return [failure(error, newCollected(), undefined, shapeOf(body.kind === 'empty' ? null : body.value))];
  }
  const paths = pathsOf(source, context.config);
  return records.map((record) => processRecord(source, delivery, record, paths, context));
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
    const bodySha256 = recordFingerprint(record.value, paths.fingerprintOmits);
    // Mostly nothing of it occurs in the readable columns, and one look over all of them says so.
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
      source_event_id: column(reading.sourceEventId, hits),
      event_time: new Date(eventTime(reading, context)).toISOString(),
      received_at: new Date(context.receivedAtMs).toISOString(),
      idempotency_key: idempotencyKey(reading, bodySha256, isTest, hits, context),
      subject,
      amount_minor: reading.amountMinor === undefined ? null : amount(reading.amountMinor),
      currency: currency(reading.currency),
      order_ref: column(reading.orderRef, hits),
      attribution: attribution(reading.attribution, hits),
      properties: finish(pruned),
      is_test: isTest,
      journal_id: context.journalId,
      schema_version: schemaVersion,
    };
    return { ok: true, event, bodySha256 };
  } catch (error) {
    return failure(error, collected, reading, sampleOf(record.value, paths.personal, collected), source);
  }
}

function failure(error: unknown, collected: Collected, reading: Reading | undefined, sample: Json, source?: Source): ProcessedRecord {
  // A message from anywhere else may quote the payload.
  const known =
    error instanceof RecordError ? error : new RecordError('SCHEMA_DRIFT', 'The record has a shape that the reader does not expect.');
  const safe = (text: string) => text.isWellFormed() && !text.includes('\0') && !containsPersonal(text, collected);
  const key = reading?.idempotencyKey;
  return {
    ok: false,
    errorClass: known.errorClass,
    message: safe(known.message) ? known.message.slice(0, 500) : `${known.errorClass}: details are left out, they repeat personal data.`,
    path: known.path !== undefined && safe(known.path) ? known.path.slice(0, keyCharsMax) : undefined,
    sourceEventType:
      reading === undefined || source === undefined || !safe(reading.sourceEventType)
        ? undefined
        : sourceEventType(source, reading, collected),
    idempotencyKey: key !== undefined && key !== '' && key.length <= keyCharsMax && safe(key) ? key : undefined,
    sample,
  };
}

function hashSubject(subject: Subject | undefined, collected: Collected, context: ProcessContext): HashedSubject {
  if (subject === undefined) return {};
  const { hashKey } = context;
  const hashed: HashedSubject = {};
  for (const kind of ['email', 'phone', 'document', 'external_id'] as const) {
    const plain = subject[kind];
    if (plain === undefined || plain.trim() === '') continue;
    collectValue(collected, plain, kind === 'phone' || kind === 'document' ? kind : undefined);
    if (hashKey === undefined || hashKey.key.length < 16) {
      throw new RecordError('PII_HASH_ERROR', 'The org’s hash key is missing or unusable; the record is kept and can be retried.');
    }
    const canonical = normalise(kind, plain, context.config);
    if (canonical !== undefined) hashed[kind] = hashIdentifier(hashKey.key, kind, canonical);
  }
  return Object.keys(hashed).length === 0 ? {} : { hash_version: hashKey?.version, ...hashed };
}

function normalise(kind: IdentifierKind, plain: string, config: unknown): string | undefined {
  if (kind === 'email') return normaliseEmail(plain);
  if (kind === 'document') return normaliseDocument(plain);
  if (kind === 'external_id') return plain.trim().slice(0, 1000);
  const country = isObject(config) && typeof config.defaultCountry === 'string' ? config.defaultCountry : countryByDefault;
  return normalisePhone(plain, country);
}

function eventTime(reading: Reading, context: ProcessContext): number {
  const ms = reading.eventTimeMs ?? context.receivedAtMs;
  if (!Number.isFinite(ms) || ms < 0 || ms > 8.64e15) throw new RecordError('VALIDATION_FAIL', 'The event has no plausible time.');
  if (ms > context.nowMs + futureToleranceMs)
    throw new RecordError('VALIDATION_FAIL', 'The event time is more than 5 minutes in the future.');
  return ms;
}

function amount(minor: bigint): string {
  if (BigInt.asIntN(64, minor) !== minor) throw new RecordError('VALIDATION_FAIL', 'The amount does not fit into 64 bits.');
  return minor.toString();
}

function currency(code: string | undefined): string | null {
  if (code === undefined) return null;
  if (!/^[A-Z]{3}$/.test(code)) throw new RecordError('VALIDATION_FAIL', 'The currency is not an ISO 4217 code.');
  return code;
}

function columnTexts(reading: Reading): string[] {
  const texts = [reading.type, reading.sourceEventType, reading.sourceEventId, reading.idempotencyKey, reading.orderRef];
  for (const [key, value] of Object.entries(reading.attribution ?? {})) texts.push(key, value);
  return texts.filter((text) => text !== undefined);
}

/** A type of the vocabulary as it is; anything else in the form `<source>.<event>`. */
function canonicalType(source: Source, reading: Reading, collected: Collected): string {
  if (isCanonicalType(reading.type)) return reading.type;
  const prefix = `${source.type}.`;
  const event = reading.type.startsWith(prefix) ? reading.type.slice(prefix.length) : reading.type;
  const name = event
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, 100);
  return name === '' || containsPersonal(event, collected) ? `${prefix}event` : `${prefix}${name}`;
}

function sourceEventType(source: Source, reading: Reading, collected: Collected): string {
  const name = reading.sourceEventType.trim();
  if (name === '') return canonicalType(source, reading, collected);
  requireStorable(name);
  return containsPersonal(name, collected) ? canonicalType(source, reading, collected) : name.slice(0, keyCharsMax);
}

/** A readable column of at most 255 characters; null where it is absent or personal. */
function column(text: string | undefined, collected: Collected): string | null {
  const trimmed = text?.trim();
  if (trimmed === undefined || trimmed === '') return null;
  requireStorable(trimmed);
  // A cut id would be another id.
  return trimmed.length > keyCharsMax || containsPersonal(trimmed, collected) ? null : trimmed;
}

function idempotencyKey(reading: Reading, fingerprint: Buffer, isTest: boolean, collected: Collected, context: ProcessContext): string {
  let key = reading.idempotencyKey?.trim() ?? '';
  if (key === '') key = `sha256:${fingerprint.toString('hex')}`;
  else {
    requireStorable(key);
    // The column is readable: a digest keeps it unique without repeating what it is made of.
    if (key.length > keyCharsMax || containsPersonal(key, collected)) key = digestKey(context.connectionId, key);
  }
  if (!isTest) return key;
  // A platform's test button reuses its ids: each different test is shown, and none takes a key from live data.
  const suffix = `:${fingerprint.toString('hex').slice(0, 16)}`;
  if (key.length + suffix.length + 5 > keyCharsMax) key = digestKey(context.connectionId, key);
  return `test:${key}${suffix}`;
}

function digestKey(connectionId: string, key: string): string {
  return `sha256:${sha256(`${connectionId}|${key}`).toString('hex')}`;
}

function attribution(values: Record<string, string> | undefined, collected: Collected): Record<string, string> {
  const kept: Record<string, string> = {};
  if (values === undefined) return kept;
  let count = 0;
  for (const [key, value] of Object.entries(values)) {
    if (count === attributionKeysMax) break;
    requireStorable(key);
    requireStorable(value);
    if (key === '__proto__' || key.length > 100 || value === '' || containsPersonal(value, collected) || containsPersonal(key, collected))
      continue;
    // Cut between characters, never inside one.
    kept[key] = value.slice(0, attributionCharsMax).toWellFormed();
    count += 1;
  }
  return kept;
}

function collectAll(into: Collected, more: Collected): void {
  for (const [text, alone] of more.texts) into.texts.set(text, alone);
  for (const digits of more.digits) into.digits.add(digits);
  into.overflow ||= more.overflow;
}

interface SourcePaths {
  personal: PersonalPaths;
  fingerprintOmits: PathState | undefined;
}

/** Compiled once per source and set of personal data: a connection's config keeps its object for as long as it stands. */
const compiled = new WeakMap<object, { credentials: string; paths: SourcePaths }>();

function pathsOf(source: Source, config: unknown): SourcePaths {
  const personal = source.personalFor?.(config) ?? source.personal;
  const credentials = (source.credentialsFor?.(config) ?? source.credentials).body;
  const cached = compiled.get(personal);
  if (cached?.credentials === credentials.join('\n')) return cached.paths;
  const paths: SourcePaths = {
    personal: { remove: compilePaths([...personal.remove, ...credentials]), keep: compilePaths(personal.keep) },
    fingerprintOmits: compilePaths([...source.volatile, ...credentials]),
  };
  compiled.set(personal, { credentials: credentials.join('\n'), paths });
  return paths;
}
