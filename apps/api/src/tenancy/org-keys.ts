import { randomBytes } from 'node:crypto';
import { type MasterKeys, unwrapKey, wrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { keyAad } from '@tributary/pipeline/crypto/seal.ts';
import type { Logger } from 'pino';
import type { Db, Sql } from '../platform/db.ts';

interface OrgKey {
  version: number;
  key: Uint8Array;
}

export interface OrgKeys {
  /** Data keys by version: each of them may be needed to open stored data; `dataKey` is the one to seal with. */
  data: ReadonlyMap<number, Uint8Array>;
  dataKey: OrgKey;
  /** Undefined when the org has no usable hash key: records of the org then become dead letters of class PII_HASH_ERROR. */
  hashKey: OrgKey | undefined;
  /** Hash keys by version: the hashes of stored events may have been made with any of them. */
  hash: ReadonlyMap<number, Uint8Array>;
  /** Versions of the hash key that exist but cannot be unwrapped: people hashed with them cannot be searched for. */
  lostHash: readonly number[];
}

interface StoredKey {
  kind: 'data' | 'hash';
  version: number;
  wrapped: string;
  master_version: number;
  retired: boolean;
}

/**
 * The org's keys, unwrapped. An org without any keys gets its first pair.
 * A lost hash key is never replaced silently, because new hashes would not match the old ones.
 * Throws when there is no usable data key: nothing could be stored safely, so no delivery of the org may be acknowledged.
 */
export async function loadOrgKeys(db: Pick<Db, 'lookUp'>, masterKeys: MasterKeys, orgId: string, log: Logger): Promise<OrgKeys> {
  let stored = await findOrgKeys(db.lookUp, orgId);
  if (stored.length === 0) {
    const [data, hash] = (['data', 'hash'] as const).map((kind) => wrapKey(masterKeys, randomBytes(32), keyAad(orgId, kind, 1)));
    if (!data || !hash) throw new Error('unreachable');
    await db.lookUp('select private.create_org_keys($1, $2, $3, $4)', [orgId, data.wrapped, hash.wrapped, data.version]);
    stored = await findOrgKeys(db.lookUp, orgId);
  }
  const unwrapped = stored.flatMap((row) => {
    try {
      const key = unwrapKey(masterKeys, row.master_version, Buffer.from(row.wrapped, 'base64'), keyAad(orgId, row.kind, row.version));
      return [{ ...row, key }];
    } catch (error) {
      log.error(
        { err: error, orgId, kind: row.kind, version: row.version },
        'an org key cannot be unwrapped with the configured MASTER_KEY',
      );
      return [];
    }
  });
  const current = (kind: 'data' | 'hash') =>
    unwrapped.filter((row) => row.kind === kind && !row.retired).sort((a, b) => b.version - a.version)[0];
  const dataKey = current('data');
  if (!dataKey) throw new Error(`org ${orgId} has no usable data key`);
  const byVersion = (kind: 'data' | 'hash') => new Map(unwrapped.filter((row) => row.kind === kind).map((row) => [row.version, row.key]));
  const hash = byVersion('hash');
  const lostHash = stored.filter((row) => row.kind === 'hash' && !hash.has(row.version)).map((row) => row.version);
  return { data: byVersion('data'), dataKey, hashKey: current('hash'), hash, lostHash };
}

async function findOrgKeys(sql: Sql, orgId: string): Promise<StoredKey[]> {
  const [row] = await sql<{ keys: StoredKey[] }>('select private.find_org_keys($1) as keys', [orgId]);
  return row?.keys ?? [];
}
