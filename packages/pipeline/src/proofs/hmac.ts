import { type HmacAlgorithm, hmac, parseUnixSeconds, safeEqualAny, withinTolerance } from '../../signatures.ts';
import type { Delivery, Verdict } from '../../source.ts';
import type { HmacScheme } from './config.ts';
import { keysOf } from './secrets.ts';
import { refused, tooOld } from './verdicts.ts';

const bytesOf: Record<HmacAlgorithm, number> = { sha1: 20, sha256: 32, sha512: 64 };

export interface Signing {
  body: string | Uint8Array;
  timestamp: string;
  id: string;
  url: string;
  method: string;
}

/** The signature of one delivery, without prefix or key. */
export function signature(scheme: HmacScheme, key: Uint8Array, signing: Signing): string {
  const parts = scheme.template.split(/\{([a-z]+)\}/).map((part, index) => (index % 2 === 0 ? part : signing[part as keyof Signing]));
  return hmac(scheme.algorithm, key, parts, scheme.encoding);
}

/** Verifies an HMAC delivery. Every signature given is compared with that of every key; the time is judged only once it is proved genuine. */
export function verifyHmac(delivery: Delivery, keys: readonly Uint8Array[], scheme: HmacScheme, nowMs: number): Verdict {
  const header = delivery.headers[scheme.header];
  if (header === undefined || header === '') return refused(`The header ${scheme.header} is missing.`);
  const given = scheme.combined ? pairs(header, scheme.combined) : { signatures: unprefixed(header, scheme.prefix), timestamps: [] };
  if (!scheme.combined && scheme.timestampHeader) given.timestamps = [delivery.headers[scheme.timestampHeader] ?? ''];

  const signatures = given.signatures.filter((text) => hasShape(text, scheme));
  if (signatures.length === 0) {
    const form = `${scheme.prefix ? `"${scheme.prefix}" and ` : ''}${scheme.algorithm} in ${scheme.encoding}`;
    return refused(`The header ${scheme.header} carries no signature of the expected form (${form}).`);
  }
  const id = scheme.idHeader ? delivery.headers[scheme.idHeader] : '';
  if (id === undefined || (scheme.idHeader && id === '')) return refused(`The header ${scheme.idHeader} is missing.`);

  const timed = scheme.combined !== undefined || scheme.timestampHeader !== undefined;
  const timestamp = given.timestamps[0] ?? '';
  const seconds = timed ? secondsOf(timestamp, scheme.timestampUnit) : undefined;
  if (timed && (seconds === undefined || given.timestamps.length !== 1))
    return refused(`The time of signing is missing or not a number of ${scheme.timestampUnit}.`);

  const signing: Signing = { body: delivery.raw, timestamp, id, url: delivery.url, method: delivery.method.toUpperCase() };
  const expected = keys.map((key) => signature(scheme, key, signing));
  let genuine = false;
  for (const text of signatures) if (safeEqualAny(text, expected)) genuine = true;
  if (!genuine) return refused(`The signature in ${scheme.header} does not match the delivery: check the secret.`);
  if (seconds !== undefined && !withinTolerance(seconds, nowMs, scheme.toleranceSeconds)) return tooOld(scheme.toleranceSeconds);
  return { ok: true };
}

/** The header that {@link verifyHmac} would accept of this delivery, where it holds one signature and nothing else. */
export function signatureForms(secret: string, scheme: HmacScheme, { headers, raw, url, method }: Delivery): string[] {
  if (scheme.combined) return [];
  const [timestamp, id] = [scheme.timestampHeader, scheme.idHeader].map((name) => (name && headers[name]) ?? '') as [string, string];
  const signing = { body: raw, timestamp, id, url, method: method.toUpperCase() };
  const keys = keysOf([{ name: 'secret', value: secret }], scheme.secretEncoding);
  return keys.map((key) => (scheme.prefix ?? '') + signature(scheme, key, signing));
}

function unprefixed(header: string, prefix: string | undefined): string[] {
  if (prefix === undefined) return [header];
  return header.startsWith(prefix) ? [header.slice(prefix.length)] : [];
}

function pairs(header: string, combined: NonNullable<HmacScheme['combined']>): { signatures: string[]; timestamps: string[] } {
  const found: { signatures: string[]; timestamps: string[] } = { signatures: [], timestamps: [] };
  for (const pair of header.split(combined.separator)) {
    const cut = pair.indexOf('=');
    if (cut === -1) continue;
    const key = pair.slice(0, cut).trim();
    const value = pair.slice(cut + 1).trim();
    if (key === combined.timestampKey) found.timestamps.push(value);
    else if (key === combined.signatureKey) found.signatures.push(value);
  }
  return found;
}

function hasShape(text: string, { algorithm, encoding }: HmacScheme): boolean {
  const bytes = bytesOf[algorithm];
  if (encoding === 'hex') return text.length === bytes * 2 && /^[0-9a-f]+$/.test(text);
  return text.length === 4 * Math.ceil(bytes / 3) && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

function secondsOf(text: string, unit: 'seconds' | 'milliseconds'): number | undefined {
  if (unit === 'seconds') return parseUnixSeconds(text);
  return /^\d{1,15}$/.test(text) ? Number(text) / 1000 : undefined;
}
