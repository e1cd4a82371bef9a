import { createHmac } from 'node:crypto';
import { secretKey } from '../crypto/key-objects.ts';
import type { Delivery, Signed, Verdict } from '../source.ts';
import {
  anyDigestEqual,
  describeMismatch,
  findDigests,
  type HmacAlgorithm,
  type HmacEncoding,
  parseDigest,
  spellingsOf,
} from './digests.ts';
import { type Placed, placeName, valuesAt } from './places.ts';
import { parseSigningTime, type TimeUnit, timeProblem, writeSigningTime } from './signing-time.ts';
import { refused, signedAt } from './verdicts.ts';

/** How a platform signs with a shared secret: where the signature is, how it is written, and what is signed. */
export interface HmacScheme {
  signature: Placed;
  /** Further places of a signature, for a sender that changes from one to the other. One genuine signature is enough. */
  otherPlaces?: readonly Placed[] | undefined;
  algorithm: HmacAlgorithm;
  encoding: HmacEncoding;
  /** Text before the signature, for example `sha256=`. */
  prefix?: string | undefined;
  /** Further texts before a signature, of which each counts as much as `prefix`. */
  otherPrefixes?: readonly string[] | undefined;
  /** Set where one header carries time and signatures together, for example `t=1700000000,v1=…`. Other keys are ignored. */
  combined?:
    | {
        timestampKey: string;
        signatureKey: string;
        otherSignatureKeys?: readonly string[] | undefined;
        separator: string;
        repeatedTime: 'refused' | 'last';
      }
    | undefined;
  /** Header in lower case. */
  timestampHeader?: string | undefined;
  timestampUnit?: TimeUnit | undefined;
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

/** More signatures than a sender writes while it changes its key. Each of them costs a comparison with every key. */
const signaturesMax = 16;

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
  if (keys.length === 0) return refused('This connection has no secret to verify with: set it.');
  const given = readPlaces(delivery, scheme);
  if ('problem' in given) return refused(given.problem);
  const { signatures, times } = given;
  const id = scheme.idHeader ? delivery.headers[scheme.idHeader] : '';
  if (id === undefined || (scheme.idHeader && id === ''))
    return refused(`The header ${scheme.idHeader}, whose id is signed, is missing or empty.`);

  const time = signingTime(delivery, scheme, times);
  if ('problem' in time) return refused(time.problem);
  const signing = { body: delivery.raw, timestamp: time.text, id, url: delivery.url, method: delivery.method.toUpperCase() };
  const expected = keys.map((key) => hmacOf(scheme, key, signing));
  if (!anyDigestEqual(signatures, expected)) {
    const also = scheme.template.includes('{url}') ? ' The URL is signed too: the sender must call it as this connection shows it.' : '';
    return refused(
      `The signature in the ${given.names} does not match the delivery: check the secret, how it is read, and what is signed.${also}`,
    );
  }
  return time.seconds === undefined ? { ok: true } : signedAt(time.seconds, nowMs, toleranceSeconds);
}

/** Signs a body by the scheme. `url` is needed where the template signs it; throws when it is missing. */
export function signHmac(
  body: string,
  key: string | Uint8Array,
  scheme: HmacScheme,
  { nowMs, id = '', url }: { nowMs: number; id?: string; url?: string | undefined },
): Signed {
  if (scheme.template.includes('{url}') && url === undefined) throw new Error('The URL is signed too, so it is needed to sign');
  const timestamp = writeSigningTime(nowMs, scheme.timestampUnit ?? 'seconds');
  const signature = hmacOf(scheme, key, { body, timestamp, id, url: url ?? '', method: 'POST' }).toString(scheme.encoding);
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
  const prefixes = [scheme.prefix ?? '', ...(scheme.otherPrefixes ?? [])];
  return keys.flatMap((key) =>
    spellingsOf(hmacOf(scheme, key, signing), scheme.encoding).flatMap((text) => prefixes.map((prefix) => prefix + text)),
  );
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
function hmacOf({ algorithm, template }: HmacScheme, key: string | Uint8Array, signing: Signing): Buffer {
  const mac = createHmac(algorithm, typeof key === 'string' ? key : secretKey(key));
  for (const [index, part] of partsOf(template).entries()) {
    if (index % 2 === 1) mac.update(signing[part as keyof Signing]);
    else if (part !== '') mac.update(part);
  }
  return mac.digest();
}

/** The signatures and times at the scheme's places, or why there is no signature that can be compared. */
function readPlaces(
  delivery: Delivery,
  scheme: HmacScheme,
): { signatures: Buffer[]; times: string[]; names: string } | { problem: string } {
  const places = [scheme.signature, ...(scheme.otherPlaces ?? [])];
  const given = places
    .map((place) => ({ name: placeName(place), values: valuesAt(delivery, place) }))
    .filter(({ values }) => values.length > 0);
  const named = (which: readonly { name: string }[]) => which.map(({ name }) => name).join(' and the ');
  const repeated = given.find(({ values }) => values.length > 1);
  if (given.length === 0)
    return { problem: `The ${places.map(placeName).join(' or the ')} is missing: the delivery is not signed, or it is signed elsewhere.` };
  if (repeated) return { problem: `The ${repeated.name} is given more than once.` };
  const texts = given.map(({ values }) => (values[0] ?? '').trim());
  if (texts.every((text) => text === '')) return { problem: `The ${named(given)} is empty.` };
  const read = texts.map((text) =>
    scheme.combined ? readPairs(text, scheme) : { signatures: findDigests(text, spellingOf(scheme)), times: [] },
  );
  const signatures = read.flatMap((one) => one.signatures);
  if (signatures.length > signaturesMax) return { problem: `The ${named(given)} carries more than ${signaturesMax} signatures.` };
  if (signatures.length === 0) return { problem: `The ${named(given)} ${mismatch(texts.join(' '), scheme)}.` };
  return { signatures, times: read.flatMap((one) => one.times), names: named(given) };
}

function mismatch(text: string, scheme: HmacScheme): string {
  if (!scheme.combined) return describeMismatch(text, spellingOf(scheme));
  const keys = signatureKeysOf(scheme.combined).map((key) => `${key}=`);
  return describeMismatch(text.replaceAll(scheme.combined.separator, ' '), { ...spellingOf(scheme), prefixes: keys });
}

const spellingOf = ({ algorithm, encoding, prefix, otherPrefixes = [] }: HmacScheme) => ({
  algorithm,
  encoding,
  prefixes: prefix === undefined ? otherPrefixes : [prefix, ...otherPrefixes],
});

const signatureKeysOf = ({ signatureKey, otherSignatureKeys = [] }: NonNullable<HmacScheme['combined']>) => [
  signatureKey,
  ...otherSignatureKeys,
];

function readPairs(header: string, scheme: HmacScheme): { signatures: Buffer[]; times: string[] } {
  const { combined } = scheme;
  const read: { signatures: Buffer[]; times: string[] } = { signatures: [], times: [] };
  if (!combined) return read;
  const keys = signatureKeysOf(combined);
  for (const pair of header.split(combined.separator)) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const key = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    if (key === combined.timestampKey) read.times.push(value);
    else if (keys.includes(key)) read.signatures.push(...(parseDigest(value, scheme) ? [parseDigest(value, scheme) as Buffer] : []));
  }
  return read;
}

/** The signed time, as text and in seconds. Both are empty where the scheme signs none. */
function signingTime(
  { headers }: Delivery,
  { combined, timestampHeader, timestampUnit: unit = 'seconds' }: HmacScheme,
  times: readonly string[],
): { text: string; seconds: number | undefined } | { problem: string } {
  if (!combined && !timestampHeader) return { text: '', seconds: undefined };
  const name = combined ? `time of signing (${combined.timestampKey})` : `header ${timestampHeader}, the time of signing,`;
  if (combined && times.length > 1 && combined.repeatedTime !== 'last') return { problem: `The ${name} is given more than once.` };
  const text = combined ? times.at(-1) : headers[timestampHeader ?? ''];
  if (text === undefined || text === '') return { problem: `The ${name} is missing or empty.` };
  const seconds = parseSigningTime(text, unit);
  return seconds === undefined ? { problem: `The ${name} ${timeProblem(text, unit)}.` } : { text, seconds };
}
