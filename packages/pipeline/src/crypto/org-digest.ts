import { hmacSha256Hex } from './keyed-hash.ts';

/**
 * The digest of a text that may be stored for ever and read by people: hexadecimal HMAC-SHA256 under the digest key of the org. A plain SHA-256
 * would let everybody who reads it confirm a guess of the text, also after the person in the text was erased. The key never changes, so that
 * a repeated delivery has the same digests after every rotation of the other keys. `of` keeps digests of different things apart.
 */
export function orgDigest(digestKey: Uint8Array, of: 'delivery' | 'record' | 'key' | 'person' | 'id', text: string): string {
  return hmacSha256Hex(digestKey, `${of}|${text}`);
}
