import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Writer } from '../deliveries/writer.ts';
import type { Db } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { type PendingLists, readPendingLists } from './store.ts';

/** Registers the metrics that are read from the running services, or from the database, whenever `/metrics` is scraped. */
export function registerGauges(metrics: Metrics, { db, writer, log }: { db: Db; writer: Writer; log: Logger }): void {
  const { gauge } = metrics;
  gauge('ingest_buffer_events', 'Records waiting for their commit', () => writer.state().records);
  gauge('ingest_buffer_bytes', 'Bytes waiting for their commit', () => writer.state().bytes);
  gauge('ingest_buffer_events_max', 'Records that may wait for their commit', () => writer.state().recordsMax);
  gauge('ingest_buffer_bytes_max', 'Bytes that may wait for their commit', () => writer.state().bytesMax);
  gauge('ingest_buffer_large_events', 'Records of large deliveries waiting for their commit', () => writer.state().large.records);
  gauge('ingest_buffer_large_bytes', 'Bytes of large deliveries waiting for their commit', () => writer.state().large.bytes);
  gauge('ingest_flush_oldest_age_seconds', 'Age of the batch that is being written longest', () => writer.state().flushAgeMs / 1000, {
    together: 'max',
  });
  gauge('ingest_buffer_oldest_age_seconds', 'Age of the oldest delivery that waits for a batch', () => writer.state().oldestAgeMs / 1000, {
    together: 'max',
  });

  const pools = Object.values(db.pools);
  gauge('ingest_db_pool_in_use', 'Database connections in use', () =>
    pools.reduce((sum, pool) => sum + pool.totalCount - pool.idleCount, 0),
  );
  gauge('ingest_db_pool_waiting', 'Waiting for a database connection', () => pools.reduce((sum, pool) => sum + pool.waitingCount, 0));

  const dlqDepth = cachedReading(() => db.worker((sql) => sql<DlqDepth>('select * from private.dlq_depth()')), log);
  gauge(
    'dlq_depth',
    'Open dead letters over all orgs, by status, counted up to 100000',
    async () => (await dlqDepth())?.map(({ status, entries }) => ({ labels: { status }, value: Number(entries) })),
    { labelNames: ['status'], together: 'once' },
  );
  const conversions = cachedReading(() => db.worker((sql) => sql<{ orgs: string }>('select private.count_id_conversions() as orgs')), log);
  gauge(
    'id_conversions_open',
    'Orgs whose stored ids are not replaced by digests yet',
    async () => {
      const [row] = (await conversions()) ?? [];
      return row && Number(row.orgs);
    },
    { together: 'once' },
  );
  const pendingLists = cachedReading(() => readPendingLists(db), log);
  const ofPendingLists = async (figure: keyof PendingLists) => (await pendingLists())?.[figure];
  gauge(
    'ingest_pending_list_age_seconds',
    'How long ago the pending lists of the GIN indexes were last emptied',
    () => ofPendingLists('age_seconds'),
    { together: 'once' },
  );
  gauge(
    'ingest_pending_list_pages',
    'Pages of 8 kB that were in the pending lists of the GIN indexes when they were last emptied',
    () => ofPendingLists('pages'),
    { together: 'once' },
  );
  const openIncidents = cachedReading(
    () => db.worker((sql) => sql<{ kind: string; level: string; incidents: string }>('select * from private.count_open_incidents()')),
    log,
  );
  gauge(
    'alert_incidents_open',
    'Incidents of all orgs that are not resolved, by rule and level',
    async () => (await openIncidents())?.map(({ kind, level, incidents }) => ({ labels: { rule: kind, level }, value: Number(incidents) })),
    { labelNames: ['rule', 'level'], together: 'once' },
  );
  gauge(
    'dlq_oldest_age_seconds',
    'Age of the oldest dead letter outside the quarantine that waits for a retry or a fix',
    async () => {
      const depth = await dlqDepth();
      return depth && Math.max(0, ...depth.filter((row) => row.status !== 'exhausted').map((row) => row.oldest_age_seconds ?? 0));
    },
    { together: 'once' },
  );
}

interface DlqDepth {
  status: string;
  entries: string;
  oldest_age_seconds: number | null;
}

const refreshMs = 15_000;
/** A scrape waits at most this long for the database, and then shows the last value. */
const waitMs = 500;
/** An older value is not shown: no value is better than an outdated one. */
const staleMs = 60_000;

/**
 * Asks the database at most every 15 seconds, however often `/metrics` is scraped, with one query at a time. The returned function never
 * rejects: when the database does not answer there is no reading.
 */
export function cachedReading<T>(ask: () => Promise<T>, log: Logger): () => Promise<T | undefined> {
  let last: { at: number; value: T } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      const value = await ask();
      last = { at: performance.now(), value };
    } catch (error) {
      log.warn({ err: error }, 'a metric could not be read from the database');
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (!asking && performance.now() - askedAt >= refreshMs) {
      askedAt = performance.now();
      asking = refresh();
    }
    await Promise.race([asking, sleep(waitMs, undefined, { ref: false })]);
    return last && performance.now() - last.at < staleMs ? last.value : undefined;
  };
}
