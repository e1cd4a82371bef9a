import { Hono } from 'hono';
import type { Db } from './db.ts';
import type { Metrics } from './metrics.ts';

/** `/health`: the process lives. `/ready`: it can commit. `/metrics`: for Prometheus. */
export function healthRoutes(deps: { db: Db; metrics: Metrics; isStopping(): boolean }): Hono {
  const routes = new Hono();
  // One probe at a time, its answer good for a second: an orchestrator's probes never add load to a database in trouble.
  let probe: { at: number; result: Promise<boolean> } | undefined;

  routes.get('/health', (c) => c.json({ status: 'ok' }));

  routes.get('/ready', async (c) => {
    if (deps.isStopping()) return c.json({ status: 'stopping' }, 503);
    if (!probe || performance.now() - probe.at > 1_000) probe = { at: performance.now(), result: deps.db.canCommit() };
    return (await probe.result) ? c.json({ status: 'ready' }) : c.json({ status: 'database_unavailable' }, 503, { 'retry-after': '5' });
  });

  routes.get('/metrics', async (c) =>
    c.body(await deps.metrics.registry.metrics(), 200, { 'content-type': deps.metrics.registry.contentType }),
  );
  return routes;
}
