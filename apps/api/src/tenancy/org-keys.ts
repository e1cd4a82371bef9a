import { randomBytes } from 'node:crypto';
import { type MasterKeys, unwrapKey, wrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { digestKeyAad, keyAad, open, seal } from '@tributary/pipeline/crypto/seal.ts';
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
  /** Makes the digests that are kept for ever (crypto/org-digest.ts). It is the same for the whole life of the org. */
  digestKey: Uint8Array;
  /** Digests of the idempotency keys that named erased persons (columns.ts of the pipeline). */
  erasedKeys: ReadonlySet<string>;
  /** Records of the org may be stored under the keys that they had before ids became digests (private.id_conversions). */
  hasFormerIds: boolean;
}

interface StoredKey {
  kind: 'data' | 'hash';
  version: number;
  wrapped: string;
  master_version: number;
  retired: boolean;
}

interface StoredKeys {
  keys: StoredKey[];
  digest: StoredDigestKey | null;
  erased: string[];
  former: boolean;
}

interface StoredDigestKey {
  key_version: number;
  sealed: string;
}

/**
 * The org's keys, unwrapped. An org without any keys gets its first pair, and an org without a digest key gets that key.
 * A lost hash or digest key is never replaced silently, because new hashes and digests would not match the old ones.
 * Throws when there is no usable data or digest key: nothing could be stored safely and only once, so no delivery of the org may be
 * acknowledged.
 */
export async function loadOrgKeys(db: Pick<Db, 'lookUp'>, masterKeys: MasterKeys, orgId: string, log: Logger): Promise<OrgKeys> {
  let found = await findOrgKeys(db.lookUp, orgId);
  if (found.keys.length === 0) {
    const [data, hash] = (['data', 'hash'] as const).map((kind) => wrapKey(masterKeys, randomBytes(32), keyAad(orgId, kind, 1)));
    if (!data || !hash) throw new Error('unreachable');
    await db.lookUp('select private.create_org_keys($1, $2, $3, $4)', [orgId, data.wrapped, hash.wrapped, data.version]);
    found = await findOrgKeys(db.lookUp, orgId);
  }
  const { keys: stored } = found;
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
  const data = byVersion('data');
  const digest = found.digest ?? (await createDigestKey(db.lookUp, orgId, dataKey));
  const digestKey = openDigestKey(orgId, digest, data);
  return {
    data,
    dataKey,
    hashKey: current('hash'),
    hash,
    lostHash,
    digestKey,
    erasedKeys: new Set(found.erased),
    hasFormerIds: found.former,
  };
}

/** Two processes that create the key at the same time end with the same key. */
async function createDigestKey(sql: Sql, orgId: string, dataKey: OrgKey): Promise<StoredDigestKey> {
  const sealed = Buffer.from(seal(dataKey.key, randomBytes(32), digestKeyAad(orgId)));
  const [row] = await sql<{ digest: StoredDigestKey }>('select private.create_digest_key($1, $2, $3) as digest', [
    orgId,
    dataKey.version,
    sealed,
  ]);
  if (!row) throw new Error('unreachable');
  return row.digest;
}

function openDigestKey(orgId: string, { key_version, sealed }: StoredDigestKey, data: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const key = data.get(key_version);
  if (!key) throw new Error(`org ${orgId} has no usable digest key: its data key v${key_version} is missing`);
  return open(key, Buffer.from(sealed, 'base64'), digestKeyAad(orgId));
}

async function findOrgKeys(sql: Sql, orgId: string): Promise<StoredKeys> {
  const [row] = await sql<StoredKeys>(
    'select private.find_org_keys($1) as keys, private.find_digest_key($1) as digest, private.find_erased_keys($1) as erased, private.has_former_ids($1) as former',
    [orgId],
  );
  return row ?? { keys: [], digest: null, erased: [], former: false };
}
