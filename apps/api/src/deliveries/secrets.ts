import { open, SealError, seal, secretAad } from '@tributary/pipeline/crypto/seal.ts';
import type { Secret } from '@tributary/pipeline/source.ts';
import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import { findConnection, type StoredConnection } from './store.ts';

/** A secret of a connection. A secret that a rotation has replaced is valid until it expires. */
export interface ExpiringSecret extends Secret {
  expiresAtMs: number | undefined;
}

/** Seals a secret so that it opens only as this secret of this connection. */
export function sealSecret(keys: OrgKeys, orgId: string, connectionId: string, { name, value }: Secret): Buffer {
  return Buffer.from(seal(keys.dataKey.key, value, secretAad(orgId, connectionId, name)));
}

/** Opens the secrets of a connection, newest first. A secret that no data key of the org opens is logged and left out. */
export function openSecrets(stored: Pick<StoredConnection, 'id' | 'org_id' | 'secrets'>, keys: OrgKeys, log: Logger): ExpiringSecret[] {
  const { id: connectionId, org_id: orgId } = stored;
  return stored.secrets.flatMap(({ name, sealed, expires_at }) => {
    const value = openWithAny(keys, Buffer.from(sealed, 'base64'), secretAad(orgId, connectionId, name));
    if (value !== undefined) return [{ name, value, expiresAtMs: expires_at === null ? undefined : Date.parse(expires_at) }];
    log.error({ connectionId, name }, 'a secret of the connection cannot be opened');
    return [];
  });
}

/** The secrets of a connection that are valid now, newest first. Read as `ingest`, past RLS: check first that the caller may see them. */
export async function findSecrets(db: Pick<Db, 'lookUp'>, connectionId: string, keys: OrgKeys, log: Logger): Promise<ExpiringSecret[]> {
  const stored = await findConnection(db, connectionId);
  return stored ? openSecrets(stored, keys, log) : [];
}

/** A secret does not say which version of the data key sealed it: the newest version is tried first. */
function openWithAny(keys: OrgKeys, sealed: Uint8Array, aad: string): string | undefined {
  for (const key of [...keys.data.values()].reverse()) {
    try {
      return new TextDecoder().decode(open(key, sealed, aad));
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
    }
  }
  return undefined;
}
