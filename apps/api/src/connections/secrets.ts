import { randomBytes } from 'node:crypto';
import type { Secret, SecretField, Source } from '@tributary/pipeline/source.ts';
import { invalidRequest } from '../platform/requests.ts';
import { signSample } from './sample.ts';

/** A random secret of 256 bits, in the form that the source's scheme asks for. `config` has passed the source's schema. */
export function createSecret(source: Source, config: unknown): string {
  const random = randomBytes(32);
  return source.newSecret?.(config, random) ?? random.toString('base64url');
}

/** The secrets without which the source rejects every delivery. */
export function missingSecrets(source: Source, names: readonly string[]): SecretField[] {
  return source.secrets.filter((field) => field.required && !names.includes(field.name));
}

/** A secret that is shorter can be tried out, or guessed from one signed delivery. Every platform issues longer ones. */
const secretLengthMin = 8;
const tooShort = 'must have at least 8 characters: a shorter secret can be guessed, and then anybody can send events';

/** Throws for a secret that is too short to prove anything. `path` is the field of the request that holds the secret. */
export function requireLong(value: string, path: string[]): void {
  if (value.length < secretLengthMin) throw invalidRequest([{ path, message: tooShort }]);
}

/** The secrets of a request by name; `secret` is the source's first one. Throws Refusal for names the source does not have. */
export function givenSecrets(source: Source, secret: string | undefined, byName: Record<string, string>): Secret[] {
  const primary = source.secrets[0]?.name;
  const unknown = Object.keys(byName).filter((name) => !source.secrets.some((field) => field.name === name));
  if (unknown.length > 0) throw invalidRequest(unknown.map((name) => ({ path: ['secrets', name], message: unknownSecret(source) })));
  if (secret !== undefined) requireLong(secret, ['secret']);
  for (const [name, value] of Object.entries(byName)) requireLong(value, ['secrets', name]);
  if (secret === undefined) return Object.entries(byName).map(([name, value]) => ({ name, value }));
  if (primary === undefined) throw invalidRequest([{ path: ['secret'], message: `${source.label} has no secret` }]);
  if (byName[primary] !== undefined) {
    throw invalidRequest([{ path: ['secret'], message: `is the same as secrets.${primary}: give one of the two` }]);
  }
  return Object.entries({ ...byName, [primary]: secret }).map(([name, value]) => ({ name, value }));
}

export function unknownSecret(source: Source): string {
  return `${source.label} has no secret of this name; it has ${source.secrets.map((field) => field.name).join(', ')}`;
}

/** Throws for a secret in a form that the scheme cannot use: the connection would reject every delivery, and the person would not know why. */
export function requireUsable(source: Source, config: unknown, secrets: readonly Secret[], nowMs: number): void {
  const [sample] = source.samples;
  if (!sample) return;
  try {
    signSample(source, sample, secrets, config, 'https://example.com/', nowMs);
  } catch {
    throw invalidRequest([{ path: ['secret'], message: 'is not in the form that the connection\u2019s scheme asks for' }]);
  }
}
