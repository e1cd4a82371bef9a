import { Buffer } from 'node:buffer';
import type { Secret } from '../source.ts';

/** How a secret's text becomes a key: its UTF-8 bytes, its base64 decoded, or the base64 after `whsec_` decoded. */
export type SecretEncoding = 'utf-8' | 'base64' | 'whsec';

const base64Pattern = /^[A-Za-z0-9+/]{2,}={0,2}$/;

/** The secrets of one name as text. Empty and blank secrets are left out, because anybody can sign with an empty key. */
export function secretsNamed(secrets: readonly Secret[], name: string): string[] {
  return secrets.filter((secret) => secret.name === name && secret.value.trim() !== '').map((secret) => secret.value);
}

/**
 * The keys that the texts stand for. A text that cannot be decoded is left out: decoding it loosely would give a short or empty key that
 * anybody could sign with.
 */
export function keysOf(texts: readonly string[], encoding: SecretEncoding): Uint8Array[] {
  return texts.flatMap((text) => {
    if (encoding === 'utf-8') return [Buffer.from(text, 'utf8')];
    const encoded = encoding === 'whsec' && text.startsWith('whsec_') ? text.slice('whsec_'.length) : text;
    return base64Pattern.test(encoded) ? [Buffer.from(encoded, 'base64')] : [];
  });
}

/** A new secret in the given form, from at least 24 random bytes (Standard Webhooks asks for 24 to 64). */
export function formatSecret(random: Uint8Array, encoding: SecretEncoding): string {
  if (random.length < 24) throw new RangeError('A secret needs at least 24 random bytes');
  const bytes = Buffer.from(random);
  if (encoding === 'utf-8') return bytes.toString('base64url');
  return `${encoding === 'whsec' ? 'whsec_' : ''}${bytes.toString('base64')}`;
}
