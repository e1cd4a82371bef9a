import type { Secret, Source } from '@tributary/pipeline/source.ts';
import type { Connection } from '../../apps/api/src/deliveries/connection-cache.ts';

/** A connection as the API holds it in memory: open, without limits, with the first version of each key. */
export function openConnection(
  ids: { id: string; orgId: string; projectId: string },
  { source, config, secrets }: { source: Source; config: unknown; secrets: readonly Pick<Secret, 'name' | 'value'>[] },
  keys: { data: Uint8Array; hash: Uint8Array; digest: Uint8Array },
): Connection {
  return {
    ...ids,
    source,
    isActive: true,
    isSuspended: false,
    allowedNetworks: undefined,
    isOrgSuspended: false,
    exceededQuota: undefined,
    priority: 'normal',
    rateLimitPerSecond: undefined,
    orgRateLimitPerSecond: undefined,
    config,
    secrets: secrets.map((secret) => ({ ...secret, expiresAtMs: undefined })),
    keys: {
      data: new Map([[1, keys.data]]),
      dataKey: { version: 1, key: keys.data },
      hashKey: { version: 1, key: keys.hash },
      hash: new Map([[1, keys.hash]]),
      lostHash: [],
      hasFormerIds: false,
      erasedKeys: new Set(),
      digestKey: keys.digest,
    },
  };
}
