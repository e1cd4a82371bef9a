import { randomBytes } from 'node:crypto';
import { open, SealError, seal, secretAad } from '@tributary/pipeline/seal.ts';
import type { Secret, SecretField, Source } from '@tributary/pipeline/source.ts';
import { webhook } from '@tributary/pipeline/sources/webhook/index.ts';
import type { OrgKeys } from '../keys.ts';

/** 256 bits, in the form the source's scheme asks for. `config` has passed the source's schema. */
export function createSecret(source: Source, config: unknown): string {
  const random = randomBytes(32);
  return source.type === webhook.type ? webhook.newSecret(webhook.config.parse(config), random) : random.toString('base64url');
}

export function sealSecret(keys: OrgKeys, orgId: string, connectionId: string, secret: Secret): Buffer {
  return Buffer.from(seal(keys.dataKey.key, secret.value, secretAad(orgId, connectionId, secret.name)));
}

/** Undefined when no data key of the org opens it. */
export function openSecret(keys: OrgKeys, orgId: string, connectionId: string, name: string, sealed: Uint8Array): Secret | undefined {
  for (const key of keys.data.values()) {
    try {
      return { name, value: Buffer.from(open(key, sealed, secretAad(orgId, connectionId, name))).toString('utf8') };
    } catch (error) {
      // Sealed under another version of the key: try the next.
      if (!(error instanceof SealError)) throw error;
    }
  }
  return undefined;
}

/** The secrets without which the source rejects every delivery. */
export function missingSecrets(source: Source, names: readonly string[]): SecretField[] {
  return source.secrets.filter((field) => field.required && !names.includes(field.name));
}
