import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { Writer } from '../deliveries/writer.ts';
import type { Flow } from '../flow/flow.ts';
import { type RecogniseOperator, requireOperator } from '../platform/auth.ts';
import type { Circuits } from '../platform/breaker.ts';
import type { Db } from '../platform/db.ts';
import type { Jobs } from '../platform/jobs.ts';
import { memoizeFor } from '../platform/memoize-for.ts';
import { listAdapterLag, listJobDepths, readPendingLists } from './store.ts';

export interface HealthDeps {
  db: Db;
  writer: Writer;
  flow: Flow;
  circuits: Circuits;
  jobs: Pick<Jobs, 'state'>;
  log: Logger;
  recogniseOperator: RecogniseOperator;
  isStopping(): boolean;
  isReplaced?(): boolean;
}

/** The counts in `/health/detailed` are asked of the database at most this often. */
const freshForMs = 2_000;
/** `/health/detailed` waits at most this long for the database. */
const databaseWithinMs = 2_000;
const connectionsMax = 200;
const transitionsMax = 10;

/**
 * `/health` says that the process runs, `/ready` that it takes and commits deliveries, and `/health/detailed` tells operators everything
 * about it.
 */
export function healthRoutes(deps: HealthDeps): Hono {
  const { db, flow, circuits, writer } = deps;
  const routes = new Hono();
  // One query at a time, whose answer is used for a second: the probes of an orchestrator must not add load to a database in trouble.
  const commitFailure = memoizeFor(() => db.commitFailure(), 1_000);
  const measure = memoizeFor(() => Promise.all([listAdapterLag(db, connectionsMax), listJobDepths(db), readPendingLists(db)]), freshForMs);
  // The mode and its history are never cached: the operator must see a change at once.
  const askDatabase = async () => {
    const all = Promise.all([measure(), flow.getState(), flow.listTransitions(transitionsMax)]);
    const [[lags, jobs, pendingLists], state, transitions] = await within(all, databaseWithinMs);
    return { lags, jobs, pendingLists, state, transitions };
  };

  routes.get('/health', (c) => c.json({ status: 'ok' }));

  routes.get('/ready', async (c) => {
    const refuse = (status: string) => c.json({ status }, 503, { 'retry-after': '5' });
    // A process that was replaced answers on its open connections for a moment; who asks there shall go on sending to this host.
    if (deps.isStopping() && !deps.isReplaced?.()) return refuse('stopping');
    const mode = flow.mode();
    if (mode === 'drain' || mode === 'paused') return refuse(mode === 'drain' ? 'draining' : 'paused');
    if (circuits.list().some((breaker) => breaker.sink === 'postgres' && breaker.state() === 'open')) return refuse('circuit_open');
    const failure = await commitFailure();
    return failure ? refuse(failure) : c.json({ status: 'ready' });
  });

  routes.get('/health/detailed', requireOperator(deps.recogniseOperator), async (c) => {
    const { records, bytes, recordsMax, bytesMax, large, oldestAgeMs, flushAgeMs, batchesInFlight } = writer.state();
    // When the database does not answer, the process still reports the part that it can report without the database.
    const stored = await askDatabase().catch((error: unknown) => {
      deps.log.warn({ err: error }, 'the detailed health could not be read from the database');
      return undefined;
    });
    return c.json({
      status: deps.isStopping() ? 'stopping' : stored ? 'ok' : 'database_unavailable',
      instanceId: flow.instanceId,
      uptimeSeconds: Math.round(process.uptime()),
      rssBytes: process.memoryUsage.rss(),
      backpressure: {
        mode: flow.mode(),
        ...(stored ? { ...stored.state, mode: flow.mode(), instances: undefined } : {}),
        thresholds: flow.thresholds,
        transitions: stored?.transitions ?? null,
      },
      circuits: circuits.list().map((breaker) => ({
        name: breaker.name,
        sink: breaker.sink,
        state: breaker.state(),
        lastOpenedAt: breaker.opened()?.at.toISOString() ?? null,
        lastError: breaker.opened()?.error ?? null,
      })),
      buffer: {
        records,
        bytes,
        recordsMax,
        bytesMax,
        large,
        oldestAgeSeconds: oldestAgeMs / 1000,
        flushAgeSeconds: flushAgeMs / 1000,
        batchesInFlight,
      },
      inFlight: flow.gate.inFlight(),
      workers: deps.jobs.state(),
      jobs: stored?.jobs ?? null,
      pendingLists: stored?.pendingLists ? { emptiedSecondsAgo: stored.pendingLists.age_seconds, pages: stored.pendingLists.pages } : null,
      adapters: stored?.lags.adapters ?? null,
      sources: stored?.lags.sources ?? null,
      instances: stored?.state.instances ?? null,
      pools: Object.entries(db.pools).map(([name, pool]) => ({
        name,
        open: pool.totalCount,
        idle: pool.idleCount,
        waiting: pool.waitingCount,
      })),
    });
  });

  return routes;
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
