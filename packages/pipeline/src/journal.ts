import { isCredentialParameter } from './credentials.ts';
import { text } from './fields.ts';
import type { Body, Credentials, Delivery } from './source.ts';

/** What a journal payload holds besides the body: enough to run the delivery through the pipeline again. */
export interface JournalHead {
  method: string;
  /** With credentials redacted. */
  url: string;
  headers: Record<string, string>;
  /** Sent by our own test sender; platforms' own marks are in the body. */
  isTest?: true | undefined;
  /** Of a replay: when the first delivery of its chain arrived, ISO 8601. Absent: the journal row says when this one did. */
  receivedAt?: string | undefined;
  /** Keyed digests of credentials that were redacted, so that a rejected delivery can be verified again once the secret is fixed. */
  credentials?: Record<string, string> | undefined;
}

/** Headers that are about the connection between two machines, or about a browser's session: not part of the delivery. */
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

/** Headers a platform sends, without those of the transport and without any that carries one of `secrets`. */
export function journalHeaders(headers: Delivery['headers'], secrets: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || dropped.has(name) || value.length > 8_192) continue;
    if (secrets.some((secret) => secret !== '' && value.includes(secret))) continue;
    kept[name] = value;
  }
  return kept;
}

/** Head and raw body as one buffer: 4 bytes big-endian length of the head, the head as JSON, the body's bytes unchanged. */
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

/** What redactCredentials is about to mask in body and query, by place: taken before, and never stored as it is. */
export function presentedCredentials(
  delivery: Pick<Delivery, 'url'>,
  body: Body | undefined,
  credentials: Credentials,
): Record<string, string> {
  const presented: Record<string, string> = {};
  const query = new URL(delivery.url).searchParams;
  for (const [name, value] of query) {
    if (value && isCredentialParameter(name, credentials.query)) presented[`query:${name}`] ??= value;
  }
  const root = body?.kind === 'json' || body?.kind === 'form' ? body.value : undefined;
  for (const path of credentials.body) {
    const value = text(root, path);
    if (value !== undefined) presented[`body:${path}`] = value;
  }
  return presented;
}
