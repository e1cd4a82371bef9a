import { createHmac } from 'node:crypto';
import { anySafeEqual } from '../crypto/constant-time.ts';
import type { Delivery, Signed, Verdict } from '../source.ts';
import { type Placed, placeName, valuesAt } from './places.ts';
import { parseUnixSeconds, refused, signedAt } from './verdicts.ts';

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha512';
export type HmacEncoding = 'hex' | 'base64';

const digestBytes: Record<HmacAlgorithm, number> = { sha1: 20, sha256: 32, sha512: 64 };

/** How a platform signs with a shared secret: where the signature is, how it is written, and what is signed. */
export interface HmacScheme {
  signature: Placed;
  algorithm: HmacAlgorithm;
  /** Hexadecimal is expected in lower case. */
  encoding: HmacEncoding;
  /** Text before the signature, for example `sha256=`. */
  prefix?: string | undefined;
  /** Set where one header carries time and signatures together, for example `t=1700000000,v1=…`. Other keys are ignored. */
  combined?: { timestampKey: string; signatureKey: string; separator: string; repeatedTime: 'refused' | 'last' } | undefined;
  /** Header in lower case. */
  timestampHeader?: string | undefined;
  timestampUnit?: 'seconds' | 'milliseconds' | undefined;
  /** Header in lower case. */
  idHeader?: string | undefined;
  /** What is signed: text with {body}, {timestamp}, {id}, {url} and {method}. */
  template: string;
}

/** What the template of a scheme refers to. */
interface Signing {
  body: string | Uint8Array;
  timestamp: string;
  id: string;
  url: string;
  method: string;
}

/**
 * Verifies a signature on the raw bytes. Every signature that was given is compared with that of every key; the time of signing is checked
 * only when a signature is genuine. `toleranceSeconds` is needed where the scheme signs a time.
 */
export function verifyHmac(
  delivery: Delivery,
  keys: readonly (string | Uint8Array)[],
  scheme: HmacScheme,
  { nowMs, toleranceSeconds = 0 }: { nowMs: number; toleranceSeconds?: number },
): Verdict {
  if (keys.length === 0) return refused('This connection has no secret to verify with.');
  const place = placeName(scheme.signature);
  const [given, ...more] = valuesAt(delivery, scheme.signature);
  if (given === undefined || given === '' || more.length > 0) return refused(`The ${place} is missing or given more than once.`);
  const read = scheme.combined ? readPairs(given, scheme.combined) : { signatures: withoutPrefix(given, scheme.prefix), timestamps: [] };
  if (!scheme.combined && scheme.timestampHeader) read.timestamps = [delivery.headers[scheme.timestampHeader] ?? ''];

  const signatures = read.signatures.filter((text) => hasShape(text, scheme));
  if (signatures.length === 0) {
    const form = `${scheme.prefix ? `"${scheme.prefix}" and ` : ''}${scheme.algorithm} in ${scheme.encoding}`;
    return refused(`The ${place} carries no signature of the expected form (${form}).`);
  }
  const id = scheme.idHeader ? delivery.headers[scheme.idHeader] : '';
  if (id === undefined || (scheme.idHeader && id === '')) return refused(`The header ${scheme.idHeader} is missing.`);

  const isTimed = scheme.combined !== undefined || scheme.timestampHeader !== undefined;
  const unit = scheme.timestampUnit ?? 'seconds';
  const timestamp = read.timestamps.at(-1) ?? '';
  const seconds = isTimed ? secondsOf(timestamp, unit) : undefined;
  const isAmbiguous = read.timestamps.length > 1 && scheme.combined?.repeatedTime !== 'last';
  if (isTimed && (seconds === undefined || isAmbiguous)) return refused(`The time of signing is missing or not a number of ${unit}.`);

  const signing = { body: delivery.raw, timestamp, id, url: delivery.url, method: delivery.method.toUpperCase() };
  const expected = keys.map((key) => hmacOf(scheme, key, signing));
  if (!anySafeEqual(signatures, expected)) return refused(`The signature in the ${place} does not match the delivery: check the secret.`);
  return seconds === undefined ? { ok: true } : signedAt(seconds, nowMs, toleranceSeconds);
}

/** Signs a body by the scheme. `url` is needed where the template signs it; throws when it is missing. */
export function signHmac(
  body: string,
  key: string | Uint8Array,
  scheme: HmacScheme,
  { nowMs, id = '', url }: { nowMs: number; id?: string; url?: string | undefined },
): Signed {
  if (scheme.template.includes('{url}') && url === undefined) throw new Error('The URL is signed too, so it is needed to sign');
  const timestamp = String(scheme.timestampUnit === 'milliseconds' ? Math.floor(nowMs) : Math.floor(nowMs / 1000));
  const signature = hmacOf(scheme, key, { body, timestamp, id, url: url ?? '', method: 'POST' });
  const { combined } = scheme;
  const value = combined
    ? `${combined.timestampKey}=${timestamp}${combined.separator}${combined.signatureKey}=${signature}`
    : `${scheme.prefix ?? ''}${signature}`;
  const headers: Record<string, string> = {};
  if (scheme.signature.in === 'header') headers[scheme.signature.name] = value;
  if (scheme.timestampHeader) headers[scheme.timestampHeader] = timestamp;
  if (scheme.idHeader) headers[scheme.idHeader] = id;
  return scheme.signature.in === 'query' ? { headers, query: { [scheme.signature.name]: value } } : { headers };
}

/** The values that {@link verifyHmac} would accept of this delivery where the scheme's place holds one signature and nothing else. */
export function acceptedSignatures(delivery: Delivery, keys: readonly Uint8Array[], scheme: HmacScheme): string[] {
  if (scheme.combined) return [];
  const { headers, raw, url, method } = delivery;
  const [timestamp, id] = [scheme.timestampHeader, scheme.idHeader].map((name) => (name && headers[name]) ?? '') as [string, string];
  const signing = { body: raw, timestamp, id, url, method: method.toUpperCase() };
  return keys.map((key) => (scheme.prefix ?? '') + hmacOf(scheme, key, signing));
}

const templates = new Map<string, readonly string[]>();

/** The parts of a template: literal text and names of placeholders, alternating. */
function partsOf(template: string): readonly string[] {
  let parts = templates.get(template);
  if (parts === undefined) {
    parts = template.split(/\{([a-z]+)\}/);
    // The cache keeps at most 1,000 templates. People write them, so only a few dozen are in use.
    if (templates.size < 1_000) templates.set(template, parts);
  }
  return parts;
}

/** The raw body is hashed in place and never copied into one text with the rest. */
function hmacOf({ algorithm, encoding, template }: HmacScheme, key: string | Uint8Array, signing: Signing): string {
  const mac = createHmac(algorithm, key);
  for (const [index, part] of partsOf(template).entries()) {
    if (index % 2 === 1) mac.update(signing[part as keyof Signing]);
    else if (part !== '') mac.update(part);
  }
  return mac.digest(encoding);
}

function withoutPrefix(text: string, prefix: string | undefined): string[] {
  if (prefix === undefined) return [text];
  return text.startsWith(prefix) ? [text.slice(prefix.length)] : [];
}

function readPairs(header: string, combined: NonNullable<HmacScheme['combined']>): { signatures: string[]; timestamps: string[] } {
  const read: { signatures: string[]; timestamps: string[] } = { signatures: [], timestamps: [] };
  for (const pair of header.split(combined.separator)) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const key = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    if (key === combined.timestampKey) read.timestamps.push(value);
    else if (key === combined.signatureKey) read.signatures.push(value);
  }
  return read;
}

function hasShape(text: string, { algorithm, encoding }: HmacScheme): boolean {
  const bytes = digestBytes[algorithm];
  if (encoding === 'hex') return text.length === bytes * 2 && /^[0-9a-f]+$/.test(text);
  return text.length === 4 * Math.ceil(bytes / 3) && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function secondsOf(text: string, unit: 'seconds' | 'milliseconds'): number | undefined {
  if (unit === 'seconds') return parseUnixSeconds(text);
  return /^\d{1,15}$/.test(text) ? Number(text) / 1000 : undefined;
}
