import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { secretKey } from './key-objects.ts';

/** Sealed bytes that cannot be opened, or a key that cannot be used. The message never repeats key material. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

const formatVersion = 1;
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Seals with AES-256-GCM: 1 byte format version, 12 bytes random nonce, ciphertext, 16 bytes tag. `aad` binds the bytes to their place, so that
 * a row that was copied elsewhere cannot be opened. One key serves at most 2^32 seals with random nonces (NIST SP 800-38D). Throws SealError
 * for a key that is not 32 bytes.
 */
export function seal(key: Uint8Array, plaintext: Uint8Array | string, aad: string): Uint8Array {
  checkKey(key);
  const plain = typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext;
  // Every byte is written below. A slice of Node's pool takes less time to allocate and to collect than a separate array.
  const sealed = Buffer.allocUnsafe(1 + nonceBytes + plain.length + tagBytes);
  sealed[0] = formatVersion;
  const nonce = sealed.subarray(1, 1 + nonceBytes);
  fillNonce(nonce);
  const cipher = createCipheriv('aes-256-gcm', secretKey(key), nonce);
  cipher.setAAD(Buffer.from(aad));
  sealed.set(cipher.update(plain), 1 + nonceBytes);
  cipher.final();
  sealed.set(cipher.getAuthTag(), 1 + nonceBytes + plain.length);
  return sealed;
}

const nonces = new Uint8Array(1024 * nonceBytes);
let noncesUsed = nonces.length;

/** Writes the next nonce. Random bytes are drawn for a thousand nonces at a time, and each nonce is used once. */
function fillNonce(into: Uint8Array): void {
  if (noncesUsed === nonces.length) {
    randomFillSync(nonces);
    noncesUsed = 0;
  }
  for (let index = 0; index < nonceBytes; index++) into[index] = nonces[noncesUsed++] as number;
}

/** The plaintext of bytes from {@link seal}. Throws SealError when the key, the associated data or a single bit differs. */
export function open(key: Uint8Array, sealed: Uint8Array, aad: string): Uint8Array {
  checkKey(key);
  if (sealed.length < 1 + nonceBytes + tagBytes) throw new SealError('The sealed bytes are too short.');
  if (sealed[0] !== formatVersion) throw new SealError(`Sealed format ${sealed[0]} is not known.`);
  const decipher = createDecipheriv('aes-256-gcm', secretKey(key), sealed.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  try {
    const plain = decipher.update(sealed.subarray(1 + nonceBytes, sealed.length - tagBytes));
    decipher.final();
    return plain;
  } catch {
    throw new SealError('The sealed bytes cannot be opened: they were sealed with another key or for another place, or they are damaged.');
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length !== keyBytes) throw new SealError(`A key has ${key.length} bytes instead of ${keyBytes}.`);
}

/** Associated data of a delivery's raw body. */
export const journalAad = (orgId: string, journalId: string) => `tributary/journal|${orgId}|${journalId}`;
/** Associated data of a connection's secret. */
export const secretAad = (orgId: string, connectionId: string, name: string) => `tributary/secret|${orgId}|${connectionId}|${name}`;
/** Associated data of an org's wrapped key; `kind` is `data` or `hash`. */
export const keyAad = (orgId: string, kind: string, version: number) => `tributary/key|${orgId}|${kind}|${version}`;
/** Associated data of an org's digest key. */
export const digestKeyAad = (orgId: string) => `tributary/digest-key|${orgId}`;
/** Associated data of an alert channel's destination. */
export const alertChannelAad = (orgId: string, channelId: string) => `tributary/alert-channel|${orgId}|${channelId}`;
/** Associated data of the identifiers of a person who is to be erased. */
export const erasureAad = (orgId: string, erasureId: string) => `tributary/erasure|${orgId}|${erasureId}`;
