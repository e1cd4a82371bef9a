import { formsOf } from './crypto/renderings.ts';
import { headerCredential, isCredentialParameter, maskHeader } from './privacy/credentials.ts';
import { findBodyField } from './reading/body-field.ts';
import type { Credentials, Delivery } from './source.ts';

/** What a journal payload holds besides the body: enough to run the delivery through the pipeline again. */
export interface JournalHead {
  method: string;
  /** The URL with credentials redacted. */
  url: string;
  headers: Record<string, string>;
  /** Set when our own test sender sent the delivery. The test marks of platforms are in the body. */
  isTest?: true | undefined;
  /** Set when the body was refused before it was read whole, so that nothing of it is kept. */
  unread?: true | undefined;
  /** For a replay: when the first delivery of its chain arrived, ISO 8601. Without it the time of the journal row counts. */
  receivedAt?: string | undefined;
  /**
   * Keyed digests of credentials that were redacted, by place, so that a rejected delivery can be verified again once the secret is fixed.
   */
  credentials?: Record<string, string> | undefined;
}

/** Headers of the transport or of a browser's session, which are not part of the delivery. */
const dropped = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'content-length',
  'content-encoding',
  'cookie',
  'proxy-authorization',
  'expect',
  'host',
]);

/**
 * The headers that a platform sends, without those of the transport, in two groups: `presented` carry a credential, because the source names
 * them or because they repeat one of `secrets`; `kept` are all others.
 */
export function splitHeaders(
  headers: Delivery['headers'],
  credentials: Credentials,
  secrets: readonly string[],
): Record<'kept' | 'presented', Record<string, string>> {
  const kept: Record<string, string> = {};
  const presented: Record<string, string> = {};
  const spellings = spellingsOf(secrets);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || value.length > 8_192) continue;
    if (credentials.headers?.includes(name)) presented[name] = value;
    else if (dropped.has(name)) continue;
    else if (repeatsAny(value, spellings)) presented[name] = value;
    else kept[name] = value;
  }
  return { kept, presented };
}

/** The headers that carry a credential, as they are stored with a rejected delivery. */
export function maskedHeaders(presented: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(presented).map(([name, value]) => [name, maskHeader(value)]));
}

/** The secrets in UTF-8 and ISO-8859-1, with the blanks around them and without. */
function spellingsOf(secrets: readonly string[]): ReadonlySet<string> {
  const spellings = new Set<string>();
  for (const secret of secrets)
    for (const text of [secret, secret.trim()]) for (const spelling of formsOf(text)) if (spelling !== '') spellings.add(spelling);
  return spellings;
}

/** Whether a header contains one of the spellings, in plain text or in HTTP Basic's base64. */
function repeatsAny(header: string, spellings: ReadonlySet<string>): boolean {
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header)?.[1];
  // Node gives a header with one character for each byte.
  const bytes = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('latin1');
  for (const spelling of spellings) if (repeats(header, spelling) || (bytes !== undefined && repeats(bytes, spelling))) return true;
  return false;
}

/** A short secret occurs in many texts by chance (two digits are in every other signature), so it counts only as a separate word. */
function repeats(text: string, secret: string): boolean {
  return text.includes(secret) && (secret.length >= 8 || text === secret || text.split(/[\s,;:="']+/).includes(secret));
}

/** Head and raw body as one buffer: the length of the head in 4 bytes big-endian, the head as JSON, the body's bytes unchanged. */
export function packDelivery(head: JournalHead, raw: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const packed = Buffer.allocUnsafe(4 + json.length + raw.byteLength);
  packed.writeUInt32BE(json.length, 0);
  json.copy(packed, 4);
  packed.set(raw, 4 + json.length);
  return packed;
}

/** The inverse of {@link packDelivery}. Throws when the buffer was not packed by it. */
export function unpackDelivery(packed: Buffer): { head: JournalHead; raw: Buffer } {
  const length = packed.length >= 4 ? packed.readUInt32BE(0) : packed.length;
  if (4 + length > packed.length) throw new Error('not a packed delivery');
  return { head: JSON.parse(packed.toString('utf8', 4, 4 + length)) as JournalHead, raw: packed.subarray(4 + length) };
}

/**
 * The credentials, by place, that redactCredentials and maskedHeaders mask in the body, the query and the split-off headers. They are read
 * before the masking and are never stored in plain text.
 */
export function presentedCredentials(
  delivery: Pick<Delivery, 'url' | 'headers' | 'raw'>,
  headers: Readonly<Record<string, string>>,
  credentials: Credentials,
): Record<string, string> {
  const presented: Record<string, string> = {};
  const query = new URL(delivery.url).searchParams;
  for (const [name, value] of query) {
    if (value && isCredentialParameter(name, credentials.query)) presented[`query:${name}`] ??= value;
  }
  for (const name of credentials.body) {
    const value = findBodyField(delivery, name).text;
    if (value !== undefined) presented[`body:${name}`] = value;
  }
  for (const [name, value] of Object.entries(headers)) presented[`header:${name}`] = headerCredential(value);
  return presented;
}
