import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';

type TestApi = Awaited<ReturnType<typeof startTestApi>>;
let api: TestApi;
let org: TestOrg;
let url: string;
const key = 'key-of-the-connection-with-large-deliveries';

beforeAll(async () => {
  api = await startTestApi();
  org = await api.makeOrg();
  url = await connect();
});
afterAll(() => api?.close());

async function connect(): Promise<string> {
  const response = await api.app.request('/api/connections', {
    method: 'POST',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      projectId: org.projectId,
      type: 'webhook',
      name: 'Large',
      config: { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' } },
      secrets: { secret: key },
    }),
  });
  return new URL(((await response.json()) as { webhookUrl: string }).webhookUrl).pathname;
}

const records = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: randomUUID(), type: 'order_paid', total: n, email: `p${n}@example.com` }));
const send = (body: string, headers = {}) => api.send(url, body, { 'x-api-key': key, ...headers });

it('answers a delivery of many records, which a thread reads, as a small one: an outcome for each record, in order', async () => {
  const sent = records(3_000);
  const { status, body } = await send(JSON.stringify(sent));
  expect(status).toBe(200);
  expect(body.records).toHaveLength(3_000);
  const stored = await api.admin<{ id: string; total: number }>(
    "select id, (properties ->> 'total')::integer as total from canonical_events",
  );
  const idOf = new Map(stored.map(({ id, total }) => [total, id]));
  expect(body.records?.map(({ eventId }) => eventId)).toEqual(sent.map(({ total }) => idOf.get(total)));
  const again = await send(JSON.stringify(sent));
  expect(new Set(again.body.records?.map(({ status: outcome }) => outcome))).toEqual(new Set(['duplicate']));
});

it('keeps a large delivery with a wrong credential in the quarantine', async () => {
  const before = await api.admin<{ count: string }>('select count(*) from dlq_events where is_quarantine');
  const { status } = await api.send(url, JSON.stringify(records(2_000)), { 'x-api-key': 'wrong' });
  expect(status).toBe(401);
  const after = await api.admin<{ count: string }>('select count(*) from dlq_events where is_quarantine');
  expect(Number(after[0]?.count) - Number(before[0]?.count)).toBe(1);
});

it('refuses a genuine delivery with too many values as a body that cannot be read', async () => {
  const { status, body } = await send(`[${'{},'.repeat(250_000)}{}]`);
  expect([status, body.code]).toEqual([400, 'invalid_payload']);
});
