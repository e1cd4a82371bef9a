import { sources } from '@tributary/pipeline/sources.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';
import type { Connection } from './connection-cache.ts';

/**
 * A connection as it is passed to a thread: without what has functions. Its source goes by its type, and its networks were compared when the
 * delivery arrived.
 */
export interface PackedConnection extends Omit<Connection, 'source' | 'allowedNetworks'> {
  sourceType: string;
}

export function packConnection({ source, allowedNetworks: _, ...connection }: Connection): PackedConnection {
  return { ...connection, sourceType: source.type, keys: packKeys(connection.keys) };
}

export function unpackConnection({ sourceType, ...connection }: PackedConnection): Connection {
  const source = sources.get(sourceType);
  if (!source) throw new Error(`there is no source ${sourceType}`);
  return { ...connection, source, allowedNetworks: undefined };
}

/** A clone of bytes clones the whole buffer that they are a part of. Keys may be parts of Node's pool, so they are copied. */
export function packKeys({ data, dataKey, hashKey, hash, lostHash, digestKey, erasedKeys, hasFormerIds }: OrgKeys): OrgKeys {
  const copy = (key: Uint8Array) => new Uint8Array(key);
  const copyAll = (keys: ReadonlyMap<number, Uint8Array>) => new Map([...keys].map(([version, key]) => [version, copy(key)]));
  return {
    data: copyAll(data),
    dataKey: { ...dataKey, key: copy(dataKey.key) },
    hashKey: hashKey && { ...hashKey, key: copy(hashKey.key) },
    hash: copyAll(hash),
    lostHash,
    digestKey: copy(digestKey),
    erasedKeys,
    hasFormerIds,
  };
}
