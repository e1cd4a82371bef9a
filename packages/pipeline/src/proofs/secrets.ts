import { Buffer } from 'node:buffer';
import type { Secret, SecretProblem } from '../source.ts';

/**
 * How a secret's text becomes a key: its UTF-8 bytes, its hexadecimal or base64 decoded, or the base64 after `whsec_` (also `v1,whsec_`) decoded.
 */
export type SecretEncoding = 'utf-8' | 'hex' | 'base64' | 'whsec';

const base64Pattern = /^[A-Za-z0-9+/_-]{2,}={0,2}$/;
/** A shorter key can be found by trying all of them on one signed delivery. */
const keyBytesMin = 8;

/**
 * The secrets of one name as text. Empty and blank secrets are left out, because anybody can sign with an empty key. A secret that was stored
 * with blanks around it counts without them, too.
 */
export function secretsNamed(secrets: readonly Secret[], name: string): string[] {
  const texts = new Set<string>();
  for (const { name: own, value } of secrets) {
    const trimmed = own === name ? trimSecret(value) : '';
    if (trimmed !== '') texts.add(value).add(trimmed);
  }
  return [...texts];
}

/** The text without the blanks, line breaks and invisible characters that were pasted around it. */
export function trimSecret(text: string): string {
  // A pattern that looks for blanks at the end starts at every character (measured: 0.5 µs for a secret).
  if (isVisible(text.charCodeAt(0)) && isVisible(text.charCodeAt(text.length - 1))) return text;
  return text.replace(/^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$/g, '');
}

/** Whether the code is that of a visible character of ASCII; it is not for the end of an empty text. */
const isVisible = (code: number): boolean => code > 0x20 && code < 0x7f;

/** Keys by the secret that they were made of. A connection keeps its secrets, so that a key is decoded, and imported, once. */
const made = new WeakMap<Secret, { value: string; encoding: SecretEncoding; keys: Uint8Array[] }>();

/** The keys that the secrets of one name stand for, as {@link keysOf} makes them of {@link secretsNamed}. */
export function keysNamed(secrets: readonly Secret[], name: string, encoding: SecretEncoding): Uint8Array[] {
  return secrets.flatMap((secret) => {
    if (secret.name !== name) return [];
    let known = made.get(secret);
    if (known?.value !== secret.value || known.encoding !== encoding) {
      known = { value: secret.value, encoding, keys: keysOf(secretsNamed([secret], name), encoding) };
      made.set(secret, known);
    }
    return known.keys;
  });
}

/**
 * The keys that the texts stand for. A text that cannot be decoded is left out: decoding it loosely would give a short or empty key that
 * anybody could sign with.
 */
export function keysOf(texts: readonly string[], encoding: SecretEncoding): Uint8Array[] {
  return texts.flatMap((text) => {
    if (encoding === 'utf-8') return [Buffer.from(text, 'utf8')];
    if (encoding === 'hex') return /^([0-9a-f]{2})+$/i.test(text) ? [Buffer.from(text, 'hex')] : [];
    const encoded = encoding === 'whsec' ? text.replace(/^(?:v1,)?whsec_/, '') : text;
    return base64Pattern.test(encoded) && encoded.replace(/=+$/, '').length % 4 !== 1 ? [Buffer.from(encoded, 'base64')] : [];
  });
}

const problems: Record<Exclude<SecretEncoding, 'utf-8'>, SecretProblem> = {
  hex: {
    code: 'secret_not_hex',
    message: 'must be hexadecimal: pairs of the digits 0 to 9 and a to f, at least 16 of them, as the connection\u2019s settings say',
  },
  base64: {
    code: 'secret_not_base64',
    message: 'must be base64 of at least 8 bytes, as the connection\u2019s settings say',
  },
  whsec: {
    code: 'secret_not_whsec',
    message:
      'must be whsec_ followed by base64, as Standard Webhooks asks for; a sender that uses the text itself as the key needs the setting utf-8',
  },
};

/** Why the scheme cannot use the text as its secret; undefined when it can. */
export function encodingProblem(text: string, encoding: SecretEncoding): SecretProblem | undefined {
  if (encoding === 'utf-8') return undefined;
  const [key] = keysOf([text], encoding);
  return key === undefined || key.length < keyBytesMin ? problems[encoding] : undefined;
}

/** A new secret in the given form, from at least 24 random bytes (Standard Webhooks asks for 24 to 64). */
export function formatSecret(random: Uint8Array, encoding: SecretEncoding): string {
  if (random.length < 24) throw new RangeError('A secret needs at least 24 random bytes');
  const bytes = Buffer.from(random);
  if (encoding === 'utf-8') return bytes.toString('base64url');
  if (encoding === 'hex') return bytes.toString('hex');
  return `${encoding === 'whsec' ? 'whsec_' : ''}${bytes.toString('base64')}`;
}
