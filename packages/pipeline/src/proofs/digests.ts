import { Buffer } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export type HmacEncoding = 'hex' | 'base64';

const digestBytes: Record<HmacAlgorithm, number> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

/** How a signature is written: the hash function, the encoding, and the texts of which one stands before it. */
export interface Spelling {
  algorithm: HmacAlgorithm;
  /** Hexadecimal in either case; base64 also without padding and in the alphabet of URLs. */
  encoding: HmacEncoding;
  /** Without one, the signature stands alone. */
  prefixes: readonly string[];
}

/** The digest that a text writes; undefined when the text is not a digest of this algorithm in this encoding. */
export function parseDigest(text: string, { algorithm, encoding }: Omit<Spelling, 'prefixes'>): Buffer | undefined {
  const bytes = digestBytes[algorithm];
  if (encoding === 'hex') return text.length === bytes * 2 && /^[0-9a-f]+$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
  const characters = Math.ceil((bytes * 4) / 3);
  const bare = text.length === 4 * Math.ceil(bytes / 3) ? text.replace(/={1,2}$/, '') : text;
  return bare.length === characters && /^[A-Za-z0-9+/_-]+$/.test(bare) ? Buffer.from(bare, 'base64') : undefined;
}

/**
 * The signatures in a text that holds nothing else: one, or several with blanks, commas or semicolons between them, as senders write them while
 * they change their key. A digest contains no separator, so the list can be read in one way only.
 */
export function findDigests(text: string, spelling: Spelling): Buffer[] {
  const prefixes = spelling.prefixes.length > 0 ? spelling.prefixes : [''];
  return prefixes.flatMap((prefix) => {
    // Nearly every delivery carries one signature and nothing else.
    const alone = text.startsWith(prefix) ? parseDigest(text.slice(prefix.length), spelling) : undefined;
    if (alone) return [alone];
    const escaped = prefix.replace(/[^\w]/g, '\\$&');
    const matches = text.matchAll(new RegExp(`(?<=^|[\\s,;])${escaped}"?([A-Za-z0-9+/_=-]+)"?(?=$|[\\s,;])`, 'g'));
    return [...matches].flatMap(([, digest = '']) => parseDigest(digest, spelling) ?? []);
  });
}

/** Every way in which {@link parseDigest} reads this digest that senders use. */
export function spellingsOf(digest: Buffer, encoding: HmacEncoding): string[] {
  const written =
    encoding === 'hex'
      ? [digest.toString('hex'), digest.toString('hex').toUpperCase()]
      : [digest.toString('base64'), digest.toString('base64').replace(/=+$/, ''), digest.toString('base64url')];
  return [...new Set(written)];
}

/** Whether any of `given` is one of `expected`. Every pair is compared, in a time that does not depend on where they differ. */
export function anyDigestEqual(given: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean {
  let found = false;
  for (const digest of given)
    for (const candidate of expected) if (digest.length === candidate.length && timingSafeEqual(digest, candidate)) found = true;
  return found;
}

/** What a text without a usable signature carries instead, for the reason that people read. */
export function describeMismatch(text: string, spelling: Spelling): string {
  const { algorithm, encoding, prefixes } = spelling;
  const wanted = `${algorithm} in ${encoding === 'hex' ? 'hexadecimal' : 'base64'}`;
  const other = (Object.keys(digestBytes) as HmacAlgorithm[])
    .flatMap((one) => (['hex', 'base64'] as const).map((form) => ({ algorithm: one, encoding: form })))
    .find((one) => findDigests(text, { ...one, prefixes }).length > 0);
  if (other !== undefined) {
    const found = `${other.algorithm} in ${other.encoding === 'hex' ? 'hexadecimal' : 'base64'}`;
    return `carries a signature that looks like ${found}, and the settings expect ${wanted}: change algorithm or encoding`;
  }
  if (prefixes.length > 0 && !prefixes.some((prefix) => text.includes(prefix)))
    return `has no ${prefixes.map((prefix) => `"${prefix}"`).join(' or ')} before a signature, as the settings expect: check the prefix`;
  return `carries no signature of the expected form (${wanted}${prefixes.length > 0 ? ` after ${prefixes.map((one) => `"${one}"`).join(' or ')}` : ''})`;
}
