import { randomBytes } from 'node:crypto';
import { trimSecret } from '@tributary/pipeline/proofs/secrets.ts';
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

/**
 * The secret as it is stored. Throws where it is too short to prove anything, or in a form that deliveries could not be verified with. `path` is the
 * field of the request that holds the secret.
 */
export function readSecret(source: Source, config: unknown, secret: Secret, path: string[]): Secret {
  const read = source.readSecret?.(secret, config) ?? { value: trimSecret(secret.value) };
  if ('problem' in read) throw invalidRequest([{ path, ...read.problem }]);
  if (read.value.length < secretLengthMin) throw invalidRequest([{ path, message: tooShort }]);
  return { ...secret, value: read.value };
}

const unusableStored =
  'read the stored secret in a form that it does not have: first set a secret that has this form, while it is read as utf-8';

/** Throws where new settings make the current secrets unusable: the connection would reject every delivery from then on. */
export function requireFit(source: Source, config: unknown, current: readonly Secret[]): void {
  for (const secret of current) {
    const read = source.readSecret?.(secret, config);
    if (read && 'problem' in read) throw invalidRequest([{ path: ['config'], code: read.problem.code, message: unusableStored }]);
  }
}

/** The secrets of a request by name; `secret` is the source's first one. Throws Refusal for names the source does not have. */
export function givenSecrets(source: Source, config: unknown, secret: string | undefined, byName: Record<string, string>): Secret[] {
  const primary = source.secrets[0]?.name;
  const unknown = Object.keys(byName).filter((name) => !source.secrets.some((field) => field.name === name));
  if (unknown.length > 0) throw invalidRequest(unknown.map((name) => ({ path: ['secrets', name], message: unknownSecret(source) })));
  const named = Object.entries(byName).map(([name, value]) => readSecret(source, config, { name, value }, ['secrets', name]));
  if (secret === undefined) return named;
  if (primary === undefined) throw invalidRequest([{ path: ['secret'], message: `${source.label} has no secret` }]);
  if (byName[primary] !== undefined) {
    throw invalidRequest([{ path: ['secret'], message: `is the same as secrets.${primary}: give one of the two` }]);
  }
  return [...named, readSecret(source, config, { name: primary, value: secret }, ['secret'])];
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
