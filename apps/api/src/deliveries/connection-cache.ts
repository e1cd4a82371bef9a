import type { MasterKeys } from '@tributary/pipeline/crypto/master-keys.ts';
import type { Secret, Source } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { createNetworks, type Networks } from '../platform/client-address.ts';
import type { Db } from '../platform/db.ts';
import { loadOrgKeys, type OrgKeys } from '../tenancy/org-keys.ts';
import { createLookups } from './connection-lookups.ts';
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
  /** Whether people of the org have suspended the connection. */
  isSuspended: boolean;
  /** The networks that may send; undefined: every address may. */
  allowedNetworks: Networks | undefined;
  isOrgSuspended: boolean;
  /** The name of the quota that the org has exceeded. */
  exceededQuota: string | undefined;
  /** Records a second over all instances, as set by people of the org. */
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
   * asked, and Refusal `overloaded` when too many unknown ids are looked up at the same time. With `fresh`, the connection is read from the
   * database and not from the cache.
   */
  get(id: string, options?: { fresh?: boolean }): Promise<Connection | undefined>;
  /** The connection if it is in memory and young enough to admit a delivery. */
  known(id: string): Connection | undefined;
  /** The connection if it is in memory, however old it is: for counting, never for admitting a delivery. */
  peek(id: string): Connection | undefined;
  close(): Promise<void>;
}

/** The age at which an entry is read again while notifications may be missed: a disabled connection must stop within a second even then. */
const maxAgeWithoutListenerMs = 500;
const maxAgeMs = 60_000;
const knownMax = 20_000;
/** Ids that do not exist are remembered apart, so that a flood of them removes no connection from memory. */
const unknownMax = 20_000;
const unknownForMs = 10_000;

/**
 * Keeps connections in memory, and for a short time the ids that do not exist. Triggers notify every process of changes (LISTEN/NOTIFY), also
 * of a new connection. While the listener is down, changes may be missed, so entries live half a second; whenever the listener goes up or
 * down, all entries are dropped. The database is asked on a pool of its own: strangers who try ids never wait for, nor delay, a batch.
 */
export async function createConnections(db: Db, masterKeys: MasterKeys, log: Logger): Promise<Connections> {
  interface Entry {
    connection: Connection;
    loadedAt: number;
  }
  const entries = new LRUCache<string, Entry>({ max: knownMax });
  const unknown = new LRUCache<string, { loadedAt: number }>({ max: unknownMax });
  const loading = new Map<string, Promise<Connection | undefined>>();
  const lookups = createLookups(db);
  let listening = false;
  // Counted, because a change during a load makes the loaded connection stale before it arrives.
  let changes = 0;

  const stop = await db.listen(
    'connection_changed',
    (payload) => {
      changes++;
      unknown.delete(payload);
      if (!payload.startsWith('org:')) entries.delete(payload);
      else {
        const orgId = payload.slice(4);
        for (const [id, entry] of entries.entries()) if (entry.connection.orgId === orgId) entries.delete(id);
      }
    },
    (state) => {
      changes++;
      listening = state;
      entries.clear();
      unknown.clear();
    },
  );

  async function load(id: string): Promise<Connection | undefined> {
    const changesBefore = changes;
    const stored = await findConnection(db, id);
    const source = stored && sources.get(stored.type);
    const connection = stored && source && openConnection(stored, source, await loadOrgKeys(db, masterKeys, stored.org_id, log), log);
    if (changes === changesBefore) remember(id, connection);
    return connection;
  }

  async function find(id: string): Promise<Connection | undefined> {
    const changesBefore = changes;
    if (await lookups.exists(id)) return load(id);
    if (changes === changesBefore) remember(id, undefined);
    return undefined;
  }

  function remember(id: string, connection: Connection | undefined): void {
    const loadedAt = performance.now();
    if (connection) entries.set(id, { connection, loadedAt });
    else unknown.set(id, { loadedAt });
  }

  const isYoung = (entry: { loadedAt: number } | undefined, forMs: number): boolean =>
    entry !== undefined && performance.now() - entry.loadedAt < (listening ? forMs : maxAgeWithoutListenerMs);

  function known(id: string): Connection | undefined {
    const entry = entries.get(id);
    return isYoung(entry, maxAgeMs) ? entry?.connection : undefined;
  }

  return {
    known,
    async get(id, { fresh = false } = {}) {
      if (fresh) return load(id);
      const young = known(id);
      if (young) return young;
      const entry = entries.peek(id);
      if (!entry && isYoung(unknown.get(id), unknownForMs)) return undefined;
      let pending = loading.get(id);
      if (!pending) {
        pending = (entry ? load(id) : find(id)).finally(() => loading.delete(id));
        loading.set(id, pending);
      }
      return pending;
    },
    peek: (id) => entries.peek(id)?.connection,
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
    isSuspended: stored.is_suspended,
    allowedNetworks: stored.allowed_ips ? createNetworks(stored.allowed_ips) : undefined,
    isOrgSuspended: stored.org_suspended,
    exceededQuota: stored.over_quota ?? undefined,
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
