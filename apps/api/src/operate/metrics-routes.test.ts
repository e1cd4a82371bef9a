import { expect, it } from 'vitest';
import { startTestApi } from '../test/api.ts';
import { makeWorld } from '../test/make.ts';
import { createMetricsApp } from './metrics-routes.ts';

const get = async (app: { request: (path: string, init: RequestInit) => Response | Promise<Response> }, token?: string) =>
  (await app.request('/metrics', token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status;

it('serves the metrics without a token by default, with a token only to who sends it, and with a port not on the public port', async () => {
  const world = await makeWorld();
  try {
    const open = await startTestApi({}, { world });
    expect(await get(open.app)).toBe(200);
    const guarded = await startTestApi({ METRICS_TOKEN: 'a-token-of-the-metrics' }, { world });
    expect(await get(guarded.app)).toBe(401);
    expect(await get(guarded.app, 'wrong-token-of-the-metrics')).toBe(401);
    expect(await get(guarded.app, 'a-token-of-the-metrics')).toBe(200);
    const apart = await startTestApi({ METRICS_PORT: '9464' }, { world });
    expect(await get(apart.app)).toBe(404);
    expect(await get(createMetricsApp({ metrics: apart.metrics, token: undefined }))).toBe(200);
    expect(await get(createMetricsApp({ metrics: apart.metrics, token: 'a-token-of-the-metrics' }))).toBe(401);
  } finally {
    await world.close();
  }
});
