import { type HashedSubject, isCanonicalType } from '@tributary/shared/canonical.ts';
import { orgDigest } from './crypto/org-digest.ts';
import { requireStorable } from './privacy/keep.ts';
import { hashIdentifier, type IdentifierKind, identifierKinds, normaliseDocument, normaliseEmail, normalisePhone } from './privacy/pii.ts';
import type { Screen } from './privacy/screen.ts';
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

/** The hashed identifiers, `{}` for a record without identifiers. Throws PII_HASH_ERROR without a usable key. */
export function hashSubject(subject: Subject | undefined, context: ColumnContext): HashedSubject {
  if (subject === undefined) return {};
  const hashed: HashedSubject = {};
  for (const kind of identifierKinds) {
    const plain = subject[kind];
    if (plain === undefined || plain.trim() === '') continue;
    const hash = identifierHash(kind, plain, context);
    if (hash !== undefined) hashed[kind] = hash;
  }
  return Object.keys(hashed).length === 0 ? {} : { hash_version: context.hashKey?.version, ...hashed };
}

/** The hash of an identifier under the org's key; undefined when the text is not one of the kind. Throws PII_HASH_ERROR without a usable key. */
function identifierHash(kind: IdentifierKind, plain: string, { hashKey, config }: ColumnContext): string | undefined {
  if (hashKey === undefined || hashKey.key.length < 16) {
    throw new RecordError('PII_HASH_ERROR', 'The org’s hash key is missing or unusable; the record is kept and can be retried.');
  }
  const canonical = subjectForm(kind, plain, countryOf(config));
  return canonical === undefined ? undefined : hashIdentifier(hashKey.key, kind, canonical);
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
 * A type of the vocabulary unchanged; any other type as `<source>.<event>`, without the identifiers in the event's name, and as `<source>.event`
 * where nothing of the name is left. The platform's own spelling decides: a source may have made the type from an e-mail address, which without
 * `@` and `.` no longer looks like one.
 */
export function canonicalType(source: Source, reading: Reading, screen: Screen): string {
  if (isCanonicalType(reading.type)) return reading.type;
  const prefix = `${source.type}.`;
  const spelled = screen.mask(reading.sourceEventType);
  const type = spelled === reading.sourceEventType ? reading.type : (spelled ?? '');
  const name = (screen.mask(type.startsWith(prefix) ? type.slice(prefix.length) : type) ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_')
    .replace(/^_+/, '')
    .slice(0, 100);
  return name === '' ? `${prefix}event` : `${prefix}${name}`;
}

/** The platform’s own name of the event, with identifiers masked; the canonical type where nothing is left of the name. */
export function sourceEventType(source: Source, reading: Reading, screen: Screen): string {
  const name = reading.sourceEventType.trim();
  if (name !== '') requireStorable(name);
  const masked = name === '' ? undefined : screen.mask(name);
  return masked === undefined ? canonicalType(source, reading, screen) : cut(masked, columnCharsMax);
}

/** An id in a readable column of at most 255 characters: its digest where it contains an identifier, null where it is absent or too long. */
export function idColumn(id: string | undefined, screen: Screen): string | null {
  const trimmed = id?.trim();
  if (trimmed === undefined || trimmed === '') return null;
  requireStorable(trimmed);
  // A shortened id would be a different id.
  if (trimmed.length > columnCharsMax) return null;
  return hidesId(trimmed, screen) ? screen.digest(trimmed) : trimmed;
}

/** The part of a screen by which ids and keys are searched. */
export type SearchOfIds = Pick<Screen, 'hides' | 'mask'>;

/** Two words of letters, which no id of a platform has, and most names do. */
const twoWords = /\p{L}{2,}\s+\p{L}{2,}/u;

/** Whether a text in the place of an id may be about a person: it contains an identifier, or it is a text, with words or a telephone number. */
function hidesId(id: string, screen: SearchOfIds): boolean {
  return screen.hides(id) || (/\s/.test(id) && (twoWords.test(id) || screen.mask(id) !== id));
}

/** Whether a key is personal, by itself or because it contains an id of the record that is. */
function hidesKey(key: string, { sourceEventId, orderRef }: Reading, screen: SearchOfIds): boolean {
  const contains = (id: string | undefined) =>
    id !== undefined && id.trim() !== '' && key.includes(id.trim()) && hidesId(id.trim(), screen);
  return screen.hides(key) || contains(sourceEventId) || contains(orderRef);
}

/** A digest within a key, such as the SHA-256 of an e-mail address that a platform or a source has put there: 40 or more hexadecimal digits. */
const digestsInKey = /[0-9a-f]{40,}/gi;
const digestCharsMin = 40;

/**
 * The source’s key, or the record’s fingerprint without one. The column is readable and is kept for ever, so nothing in it may confirm a guess:
 * a key that is personal or longer than 255 characters is stored as its digest under the org's digest key, and so is every digest within a key.
 */
export function idempotencyKey(
  reading: Reading,
  fingerprint: string,
  isTest: boolean,
  screen: SearchOfIds,
  context: ColumnContext,
): string {
  let key = reading.idempotencyKey?.trim() ?? '';
  if (key === '') key = `hmac:${fingerprint}`;
  else {
    requireStorable(key);
    if (key.length >= digestCharsMin) key = key.replace(digestsInKey, (digest) => keyDigest(digest, context));
    if (key.length > columnCharsMax || hidesKey(key, reading, screen)) key = `hmac:${keyDigest(key, context)}`;
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
export function isReadableKey(key: string, screen: Screen): boolean {
  return key !== '' && key.length <= columnCharsMax && key.search(digestsInKey) === -1 && !screen.hides(key);
}

function keyDigest(text: string, { digestKey, connectionId }: ColumnContext): string {
  return idempotencyKeyDigest(digestKey, connectionId, text);
}

/** What stands for a key of the connection that may not be stored as it is. */
export function idempotencyKeyDigest(digestKey: Uint8Array, connectionId: string, key: string): string {
  return orgDigest(digestKey, 'key', `${connectionId}|${key}`);
}

/**
 * At most 30 parameters of 500 characters. A parameter that is an identifier is stored as its hash, by which it joins the subjects of events
 * (`email:<hash>`); identifiers and full names within a parameter are masked. A parameter whose name contains an identifier is left out.
 */
export function attribution(values: Record<string, string> | undefined, screen: Screen, context: ColumnContext): Record<string, string> {
  const kept: Record<string, string> = {};
  if (values === undefined) return kept;
  let count = 0;
  for (const [key, value] of Object.entries(values)) {
    if (count === attributionKeysMax) break;
    requireStorable(key);
    requireStorable(value);
    if (key === '__proto__' || key.length > 100 || value === '' || screen.hides(key)) continue;
    const stored = parameter(value, screen, context);
    if (stored === undefined) continue;
    kept[key] = cut(stored, attributionCharsMax);
    count += 1;
  }
  return kept;
}

function parameter(value: string, screen: Screen, context: ColumnContext): string | undefined {
  const masked = screen.mask(value);
  if (masked === value || masked === undefined) return masked;
  const identifier = screen.identifier(value);
  const hash = identifier && identifierHash(identifier.kind, identifier.plain, context);
  return hash === undefined ? masked : `${identifier?.kind}:${hash}`;
}
