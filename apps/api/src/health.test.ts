import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from './test/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

test('/health answers while the process lives, /ready while it can commit', async () => {
  expect((await api.app.request('/health')).status).toBe(200);
  expect((await api.app.request('/ready')).status).toBe(200);
});

test('/health/detailed tells the operator what is held, and nobody else', async () => {
  expect((await api.app.request('/health/detailed')).status).toBe(401);
  expect((await api.app.request('/health/detailed', { headers: { authorization: 'Bearer not-the-operator-token-0' } })).status).toBe(401);
  const response = await api.app.request('/health/detailed', { headers: { authorization: `Bearer ${api.config.operatorToken}` } });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    status: 'ok',
    buffer: { records: 0, bytes: 0, batchesInFlight: 0 },
    pools: [{ name: 'ingest' }, { name: 'commands' }, { name: 'jobs' }],
  });
});

test('/metrics counts what was received without a label from the outside', async () => {
  const org = await api.makeOrg();
  const { url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  await api.send(url, '{"id":"1","event":"X","version":"2.0.0","creation_date":1700000000000,"data":{}}', {
    'x-hotmart-hottok': 'the-token-of-this-connection',
  });
  await api.send(url, '{}', { 'x-hotmart-hottok': 'wrong' });
  await api.app.request('/api/a-path-of-an-attacker/with-unbounded-names');
  const text = await (await api.app.request('/metrics')).text();
  expect(text).toContain('ingest_records_total{source="hotmart",outcome="accepted"} 1');
  expect(text).toContain('ingest_records_total{source="hotmart",outcome="rejected"} 1');
  expect(text).toContain('ingest_dlq_total{source="hotmart",reason="INVALID_HOTTOK"} 1');
  expect(text).toContain('ingest_persisted_total{source="hotmart"} 1');
  expect(text).toContain('route="unmatched"');
  expect(text).not.toContain('attacker');
});
