import type { Secret } from '../../source.ts';

export type SecretEncoding = 'utf-8' | 'base64' | 'whsec';

const base64Pattern = /^[A-Za-z0-9+/]{2,}={0,2}$/;

/** The connection's secrets as text; empty ones are none. */
export function secretTexts(secrets: readonly Secret[]): string[] {
  return secrets.filter((secret) => secret.name === 'secret' && secret.value !== '').map((secret) => secret.value);
}

/**
 * The secrets as keys. One that cannot be decoded is left out: decoding it loosely would give a short or empty key that anybody
 * could sign with.
 */
export function keysOf(secrets: readonly Secret[], encoding: SecretEncoding): Uint8Array[] {
  return secretTexts(secrets).flatMap((text) => {
    if (encoding === 'utf-8') return [Buffer.from(text, 'utf8')];
    const encoded = encoding === 'whsec' && text.startsWith('whsec_') ? text.slice('whsec_'.length) : text;
    return base64Pattern.test(encoded) ? [Buffer.from(encoded, 'base64')] : [];
  });
}

/** A new secret in the form that the scheme expects, from at least 24 random bytes (Standard Webhooks asks for 24 to 64). */
export function formatSecret(random: Uint8Array, encoding: SecretEncoding): string {
  if (random.length < 24) throw new RangeError('A secret needs at least 24 random bytes');
  const bytes = Buffer.from(random);
  if (encoding === 'utf-8') return bytes.toString('base64url');
  return `${encoding === 'whsec' ? 'whsec_' : ''}${bytes.toString('base64')}`;
}
