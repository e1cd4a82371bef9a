import { Hono } from 'hono';
import { requireOperator } from './auth.ts';
import type { Db } from './db.ts';
import type { Writer } from './ingest/writer.ts';
import type { Metrics } from './metrics.ts';

export interface HealthDeps {
  db: Db;
  writer: Writer;
  metrics: Metrics;
  operatorToken: string;
  isStopping(): boolean;
}

/** `/health`: the process lives. `/ready`: it can commit. `/health/detailed`: what it holds, for the operator. `/metrics`: for Prometheus. */
export function healthRoutes(deps: HealthDeps): Hono {
  const routes = new Hono();
  // One probe at a time, its answer good for a second: an orchestrator's probes never add load to a database in trouble.
  let probe: { at: number; result: Promise<boolean> } | undefined;

  routes.get('/health', (c) => c.json({ status: 'ok' }));

  routes.get('/ready', async (c) => {
    if (deps.isStopping()) return c.json({ status: 'stopping' }, 503);
    if (!probe || performance.now() - probe.at > 1_000) probe = { at: performance.now(), result: deps.db.canCommit() };
    return (await probe.result) ? c.json({ status: 'ready' }) : c.json({ status: 'database_unavailable' }, 503, { 'retry-after': '5' });
  });

  routes.get('/health/detailed', requireOperator(deps.operatorToken), (c) => {
    const { records, bytes, oldestAgeMs, batchesInFlight } = deps.writer.state();
    const pools = Object.entries(deps.db.pools).map(([name, pool]) => ({
      name,
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
    return c.json({
      status: deps.isStopping() ? 'stopping' : 'ok',
      uptimeSeconds: Math.round(process.uptime()),
      rssBytes: process.memoryUsage.rss(),
      buffer: { records, bytes, oldestAgeSeconds: oldestAgeMs / 1000, batchesInFlight },
      pools,
    });
  });

  routes.get('/metrics', async (c) =>
    c.body(await deps.metrics.registry.metrics(), 200, { 'content-type': deps.metrics.registry.contentType }),
  );
  return routes;
}
