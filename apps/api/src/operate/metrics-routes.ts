import { Hono } from 'hono';
import { hasToken } from '../platform/auth.ts';
import type { Metrics } from '../platform/metrics.ts';
import { answerProblem, toRefusal } from '../platform/problem.ts';
import { Refusal } from '../platform/refusal.ts';

/**
 * `/metrics` for Prometheus. With a token (METRICS_TOKEN) only requests that send the token are answered. With a port (METRICS_PORT) these routes are
 * served on this port, and the public port does not have them.
 */
export function metricsRoutes({ metrics, token }: { metrics: Metrics; token: string | undefined }): Hono {
  const routes = new Hono();
  routes.get('/metrics', async (c) => {
    if (token !== undefined && !hasToken(c.req.header('authorization'), token))
      throw new Refusal('unauthorized', 'the token of the metrics is missing or wrong');
    return c.body(await metrics.text(), 200, { 'content-type': metrics.registry.contentType });
  });
  return routes;
}

/** The routes as an app, for a port that serves nothing else. */
export function createMetricsApp(deps: Parameters<typeof metricsRoutes>[0]): Hono {
  const app = metricsRoutes(deps);
  app.onError((error, c) => answerProblem(c, toRefusal(error), 'metrics'));
  return app;
}
