import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import type { Secret, Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { type ExpiringSecret, openSecrets } from './secrets.ts';
import { findConnection, type StoredConnection } from './store.ts';

/** What a webhook request needs to know about its connection, kept in memory. */
export interface Connection {
  id: string;
  orgId: string;
  projectId: string;
  source: Source;
  isActive: boolean;
  priority: 'normal' | 'low';
  /** Deliveries a second over all instances, as set by people of the org. */
  rateLimitPerSecond: number | undefined;
  orgRateLimitPerSecond: number | undefined;
  /** Parsed by the source's schema; undefined when it does not parse: the connection then rejects everything. */
  config: unknown;
  secrets: readonly ExpiringSecret[];
  keys: OrgKeys;
}

export interface Connections {
  /**
   * Undefined when the connection is unknown, deleted, or of a type that this version does not know. Throws when the database cannot be
   * asked. With `fresh`, the connection is read from the database and not from the cache.
   */
  get(id: string, options?: { fresh?: boolean }): Promise<Connection | undefined>;
  close(): Promise<void>;
}

/** The age at which an entry is read again while notifications may be missed: a disabled connection must stop within a second even then. */
const maxAgeWithoutListenerMs = 500;
const maxAgeMs = 60_000;

/**
 * Keeps connections in memory. Triggers notify every process of changes (LISTEN/NOTIFY). While the listener is down, changes may be missed,
 * so entries live half a second; whenever the listener goes up or down, all entries are dropped.
 */
export async function createConnections(db: Db, masterKeys: MasterKeys, log: Logger): Promise<Connections> {
  interface Entry {
    connection: Connection | undefined;
    loadedAt: number;
  }
  const entries = new LRUCache<string, Entry>({ max: 20_000 });
  const loading = new Map<string, Promise<Connection | undefined>>();
  let listening = false;
  // Counted, because a change during a load makes the loaded connection stale before it arrives.
  let changes = 0;

  const stop = await db.listen(
    'connection_changed',
    (payload) => {
      changes++;
      if (!payload.startsWith('org:')) entries.delete(payload);
      else {
        const orgId = payload.slice(4);
        for (const [id, entry] of entries.entries()) if (entry.connection?.orgId === orgId) entries.delete(id);
      }
    },
    (state) => {
      changes++;
      listening = state;
      entries.clear();
    },
  );

  async function load(id: string): Promise<Connection | undefined> {
    const changesBefore = changes;
    const stored = await findConnection(db, id);
    const source = stored && sources.get(stored.type);
    const connection = stored && source && openConnection(stored, source, await loadOrgKeys(db, masterKeys, stored.org_id, log), log);
    if (changes === changesBefore) entries.set(id, { connection, loadedAt: performance.now() });
    return connection;
  }

  return {
    async get(id, { fresh = false } = {}) {
      if (fresh) return load(id);
      const entry = entries.get(id);
      if (entry && performance.now() - entry.loadedAt < (listening ? maxAgeMs : maxAgeWithoutListenerMs)) return entry.connection;
      let pending = loading.get(id);
      if (!pending) {
        pending = load(id).finally(() => loading.delete(id));
        loading.set(id, pending);
      }
      return pending;
    },
    close: stop,
  };
}

function openConnection(stored: StoredConnection, source: Source, keys: OrgKeys, log: Logger): Connection {
  const config = source.config.safeParse(stored.config);
  return {
    id: stored.id,
    orgId: stored.org_id,
    projectId: stored.project_id,
    source,
    isActive: stored.is_active,
    priority: stored.priority,
    rateLimitPerSecond: stored.rate_limit_per_second ?? undefined,
    orgRateLimitPerSecond: stored.org_rate_limit_per_second ?? undefined,
    config: config.success ? config.data : undefined,
    secrets: openSecrets(stored, keys, log),
    keys,
  };
}

/** The secrets that are valid now: the current ones, and replaced ones within their grace period. */
export function validSecrets(connection: Connection, nowMs: number): readonly Secret[] {
  return connection.secrets.filter((secret) => secret.expiresAtMs === undefined || secret.expiresAtMs > nowMs);
}
