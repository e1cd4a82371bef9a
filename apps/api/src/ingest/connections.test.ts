import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db } from '../db.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { type Connection, createConnections } from './connections.ts';
import { prepareRejected } from './prepare.ts';
import { createQuarantine } from './quarantine.ts';

let api: TestApi;
let org: TestOrg;
beforeAll(async () => {
  api = await startTestApi();
  org = await api.makeOrg();
});
afterAll(() => api.close());

const statusOf = async (url: string, hottok: string) =>
  (await api.send(url, '{"not": "a purchase"}', { 'x-hotmart-hottok': hottok })).status;
const withinASecond = { timeout: 1_000, interval: 20 };

test('a connection disabled or deleted anywhere stops in every process within a second', async () => {
  const { id, url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const elsewhere = await createConnections(api.db, api.masterKeys, api.log);
  expect((await elsewhere.get(id))?.isActive).toBe(true);
  expect(await statusOf(url, 'the-token-of-this-connection')).toBe(200);

  await api.db.as(org.owner.claims, (sql) => sql('update public.source_connections set is_active = false where id = $1', [id]));
  await expect.poll(() => statusOf(url, 'the-token-of-this-connection'), withinASecond).toBe(403);
  await expect.poll(async () => (await elsewhere.get(id))?.isActive, withinASecond).toBe(false);

  await api.db.as(org.owner.claims, (sql) => sql('select private.delete_connection($1)', [id]));
  await expect.poll(() => statusOf(url, 'the-token-of-this-connection'), withinASecond).toBe(404);
  await expect.poll(() => elsewhere.get(id), withinASecond).toBeUndefined();
  await elsewhere.close();
});

test('while notifications are lost a change is still seen within a second, and listening comes back by itself', async () => {
  const { id, url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  expect(await statusOf(url, 'the-token-of-this-connection')).toBe(200);
  await api.admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tributary listen connection_changed' and datname = current_database()`,
  );
  await api.admin('update source_connections set is_active = false where id = $1', [id]);
  await expect.poll(() => statusOf(url, 'the-token-of-this-connection'), withinASecond).toBe(403);
  await expect
    .poll(
      () =>
        api.admin(
          `select count(*)::int as n from pg_stat_activity where application_name = 'tributary listen connection_changed' and datname = current_database()`,
        ),
      { timeout: 5_000 },
    )
    .toEqual([{ n: 1 }]);
});

test('a rotated secret works at once, the old one through its grace and not a moment longer', async () => {
  const { id, url } = await api.connect(org, 'hotmart', { hottok: 'the-old-token-0123456789' });
  const rotate = await api.app.request(`/api/connections/${id}/secret`, {
    method: 'POST',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ secret: 'the-new-token-0123456789', graceSeconds: 2 }),
  });
  expect(rotate.status).toBe(200);
  await expect.poll(() => statusOf(url, 'the-new-token-0123456789'), withinASecond).toBe(200);
  expect(await statusOf(url, 'the-old-token-0123456789')).toBe(200);
  await sleep(2_000);
  expect(await statusOf(url, 'the-old-token-0123456789')).toBe(401);
  expect(await statusOf(url, 'the-new-token-0123456789')).toBe(200);
});

test('a connection without its secret accepts nothing', async () => {
  const id = await api.makeConnection(org);
  expect(await statusOf(`/api/webhooks/hotmart/${id}`, '')).toBe(401);
  expect(await statusOf(`/api/webhooks/hotmart/${id}`, 'anything')).toBe(401);
});

/** Makes rejected deliveries of a connection. */
function rejecting(connection: Connection) {
  return (n: number) => {
    const delivery = { method: 'POST', url: 'http://tributary.test/x', headers: {}, raw: Buffer.from(`{"n":${n}}`) };
    return prepareRejected(
      { connection, delivery, secrets: [], receivedAtMs: Date.now(), isTest: false },
      undefined,
      'INVALID_HOTTOK',
      'wrong',
    );
  };
}

test('rejected deliveries are stored up to the cap of the hour, over all processes, and counted beyond it', async () => {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const connection = await api.connections.get(id);
  if (!connection) throw new Error('no connection');
  const processes = [createQuarantine(api.db, 5, api.log), createQuarantine(api.db, 5, api.log)];
  const reject = rejecting(connection);
  for (let i = 0; i < 12; i++) await processes[i % 2]?.add(reject(i));
  await Promise.all(processes.map((quarantine) => quarantine.drain()));
  const [stored] = await api.admin('select count(*)::int as n from dlq_events where source_connection_id = $1 and is_quarantine', [id]);
  const [counted] = await api.admin(
    'select sum(rejected)::int as n, sum(received)::int as received from connection_activity where source_connection_id = $1',
    [id],
  );
  expect(stored).toEqual({ n: 5 });
  expect(counted).toEqual({ n: 12, received: 12 });
});

test('a moment without the database neither stops the quarantine nor forgets to count what it could not store', async () => {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const connection = await api.connections.get(id);
  if (!connection) throw new Error('no connection');
  let down = true;
  const db: Db = {
    ...api.db,
    ingest: (async (text: string, values?: unknown[]) => {
      if (down) throw new Error('Connection terminated unexpectedly');
      return api.db.ingest(text, values);
    }) as Db['ingest'],
  };
  const quarantine = createQuarantine(db, 5, api.log);
  const reject = rejecting(connection);
  await quarantine.add(reject(1));
  down = false;
  await quarantine.add(reject(2));
  // The timer that was set when the first could not be stored finds nothing left to do.
  await sleep(1_200);
  await quarantine.add(reject(3));
  await quarantine.drain();
  const [stored] = await api.admin('select count(*)::int as n from dlq_events where source_connection_id = $1', [id]);
  const [counted] = await api.admin('select sum(rejected)::int as n from connection_activity where source_connection_id = $1', [id]);
  expect([stored, counted]).toEqual([{ n: 2 }, { n: 3 }]);
});
