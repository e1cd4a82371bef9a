import { type HashedSubject, isCanonicalType } from '@tributary/shared/canonical.ts';
import { orgDigest } from './crypto/org-digest.ts';
import { hashIdentifier, type IdentifierKind, identifierKinds, normaliseDocument, normaliseEmail, normalisePhone } from './privacy/pii.ts';
import { containsPersonal, requireStorable } from './privacy/redact.ts';
import { type Collected, collectValue } from './privacy/repeats.ts';
import { cut, isObject } from './reading/fields.ts';
import { type Reading, RecordError, type Source, type Subject } from './source.ts';

/** Characters of the readable text columns, the idempotency key among them. */
export const columnCharsMax = 255;

/** The part of the processing context that the columns depend on. */
interface ColumnContext {
  connectionId: string;
  config: unknown;
  hashKey: { version: number; key: Uint8Array } | undefined;
  digestKey: Uint8Array;
  erasedKeys?: ReadonlySet<string> | undefined;
  receivedAtMs: number;
  nowMs: number;
}

const futureToleranceMs = 5 * 60_000;
const attributionKeysMax = 30;
const attributionCharsMax = 500;
/** Most platforms in use are Brazilian. A connection's config can name another country. */
export const countryByDefault = 'BR';

/**
 * The hashed identifiers, `{}` for a record without identifiers. Adds their plaintext to `collected`. Throws PII_HASH_ERROR without a
 * usable key.
 */
export function hashSubject(subject: Subject | undefined, collected: Collected, context: ColumnContext): HashedSubject {
  if (subject === undefined) return {};
  const { hashKey } = context;
  const hashed: HashedSubject = {};
  for (const kind of identifierKinds) {
    const plain = subject[kind];
    if (plain === undefined || plain.trim() === '') continue;
    collectValue(collected, plain, kind === 'phone' || kind === 'document' ? kind : undefined);
    if (hashKey === undefined || hashKey.key.length < 16) {
      throw new RecordError('PII_HASH_ERROR', 'The org’s hash key is missing or unusable; the record is kept and can be retried.');
    }
    const canonical = subjectForm(kind, plain, countryOf(context.config));
    if (canonical !== undefined) hashed[kind] = hashIdentifier(hashKey.key, kind, canonical);
  }
  return Object.keys(hashed).length === 0 ? {} : { hash_version: hashKey?.version, ...hashed };
}

/**
 * The form of an identifier that is hashed; undefined when the text is not an identifier of the kind. `country` is assumed for phones without
 * a country code.
 */
export function subjectForm(kind: IdentifierKind, plain: string, country: string): string | undefined {
  if (kind === 'email') return normaliseEmail(plain);
  if (kind === 'document') return normaliseDocument(plain);
  if (kind === 'external_id') return cut(plain.trim(), 1000) || undefined;
  return normalisePhone(plain, country);
}

/** The country (two letters) that a connection with this config assumes for telephone numbers without a country code. */
export function countryOf(config: unknown): string {
  return isObject(config) && typeof config.defaultCountry === 'string' ? config.defaultCountry : countryByDefault;
}

/**
 * Milliseconds since the epoch: the source’s time, or the time of arrival where the source gives no time. Throws VALIDATION_FAIL when it is
 * more than five minutes ahead.
 */
export function eventTime(reading: Reading, context: ColumnContext): number {
  const ms = reading.eventTimeMs ?? context.receivedAtMs;
  if (!Number.isFinite(ms) || ms < 0 || ms > 8.64e15) throw new RecordError('VALIDATION_FAIL', 'The event has no plausible time.');
  if (ms > context.nowMs + futureToleranceMs)
    throw new RecordError('VALIDATION_FAIL', 'The event time is more than 5 minutes in the future.');
  return ms;
}

/** Decimal text of an int64. Throws VALIDATION_FAIL when the amount does not fit. */
export function amount(minor: bigint): string {
  if (BigInt.asIntN(64, minor) !== minor) throw new RecordError('VALIDATION_FAIL', 'The amount does not fit into 64 bits.');
  return minor.toString();
}

/** Throws VALIDATION_FAIL when the code is not three capital letters. */
export function currency(code: string | undefined): string | null {
  if (code === undefined) return null;
  if (!/^[A-Z]{3}$/.test(code)) throw new RecordError('VALIDATION_FAIL', 'The currency is not an ISO 4217 code.');
  return code;
}

/** Every text of a reading that is stored in a readable column. */
export function columnTexts(reading: Reading): string[] {
  const texts = [reading.type, reading.sourceEventType, reading.sourceEventId, reading.idempotencyKey, reading.orderRef];
  for (const [key, value] of Object.entries(reading.attribution ?? {})) texts.push(key, value);
  return texts.filter((text) => text !== undefined);
}

/**
 * A type of the vocabulary unchanged; any other type as `<source>.<event>`, and as `<source>.event` where the event's name is personal.
 * The platform's own spelling is checked too: a source may have made the type from an e-mail address, which without `@` and `.` no longer
 * looks like one.
 */
export function canonicalType(source: Source, reading: Reading, collected: Collected): string {
  if (isCanonicalType(reading.type)) return reading.type;
  const prefix = `${source.type}.`;
  const event = reading.type.startsWith(prefix) ? reading.type.slice(prefix.length) : reading.type;
  const name = event
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, 100);
  const isPersonal = containsPersonal(event, collected) || containsPersonal(reading.sourceEventType, collected);
  return name === '' || isPersonal ? `${prefix}event` : `${prefix}${name}`;
}

/** The platform’s own name of the event; the canonical type where the name is empty or repeats something personal. */
export function sourceEventType(source: Source, reading: Reading, collected: Collected): string {
  const name = reading.sourceEventType.trim();
  if (name === '') return canonicalType(source, reading, collected);
  requireStorable(name);
  return containsPersonal(name, collected) ? canonicalType(source, reading, collected) : cut(name, columnCharsMax);
}

/** The text of a readable column of at most 255 characters; null where the text is absent, too long or personal. */
export function textColumn(text: string | undefined, collected: Collected): string | null {
  const trimmed = text?.trim();
  if (trimmed === undefined || trimmed === '') return null;
  requireStorable(trimmed);
  // A shortened id would be a different id.
  return trimmed.length > columnCharsMax || containsPersonal(trimmed, collected) ? null : trimmed;
}

/** A digest within a key, such as the SHA-256 of an e-mail address that a platform or a source has put there: 40 or more hexadecimal digits. */
const digestsInKey = /[0-9a-f]{40,}/gi;

/**
 * The source’s key, or the record’s fingerprint without one. The column is readable and is kept for ever, so nothing in it may confirm a guess:
 * a key that is personal or longer than 255 characters is stored as its digest under the org's digest key, and so is every digest within a key.
 */
export function idempotencyKey(
  reading: Reading,
  fingerprint: string,
  isTest: boolean,
  collected: Collected,
  context: ColumnContext,
): string {
  let key = reading.idempotencyKey?.trim() ?? '';
  if (key === '') key = `hmac:${fingerprint}`;
  else {
    requireStorable(key);
    key = key.replace(digestsInKey, (digest) => keyDigest(digest, context));
    if (key.length > columnCharsMax || containsPersonal(key, collected)) key = `hmac:${keyDigest(key, context)}`;
  }
  if (!isTest) return keyUnlessErased(key, context);
  // A platform's test button reuses its ids. With the fingerprint each different test is stored, and no test takes the key of a live event.
  const suffix = `:${fingerprint.slice(0, 16)}`;
  if (key.length + suffix.length + 5 > columnCharsMax) key = `hmac:${keyDigest(key, context)}`;
  return keyUnlessErased(`test:${key}${suffix}`, context);
}

/** The key, or its digest where an erasure has replaced the stored key: so a record that is sent again stays a duplicate. */
function keyUnlessErased(key: string, context: ColumnContext): string {
  if (context.erasedKeys === undefined || context.erasedKeys.size === 0) return key;
  const digest = keyDigest(key, context);
  return context.erasedKeys.has(digest) ? `hmac:${digest}` : key;
}

/** Whether the key of a record that could not be read may be shown as the source made it. */
export function isReadableKey(key: string, collected: Collected): boolean {
  return key !== '' && key.length <= columnCharsMax && key.search(digestsInKey) === -1 && !containsPersonal(key, collected);
}

function keyDigest(text: string, { digestKey, connectionId }: ColumnContext): string {
  return idempotencyKeyDigest(digestKey, connectionId, text);
}

/** What stands for a key of the connection that may not be stored as it is. */
export function idempotencyKeyDigest(digestKey: Uint8Array, connectionId: string, key: string): string {
  return orgDigest(digestKey, 'key', `${connectionId}|${key}`);
}

/** At most 30 parameters of 500 characters, without those that are personal. */
export function attribution(values: Record<string, string> | undefined, collected: Collected): Record<string, string> {
  const kept: Record<string, string> = {};
  if (values === undefined) return kept;
  let count = 0;
  for (const [key, value] of Object.entries(values)) {
    if (count === attributionKeysMax) break;
    requireStorable(key);
    requireStorable(value);
    if (key === '__proto__' || key.length > 100 || value === '' || containsPersonal(value, collected) || containsPersonal(key, collected))
      continue;
    kept[key] = cut(value, attributionCharsMax);
    count += 1;
  }
  return kept;
}
