import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { type Connection, createConnections } from './connection-cache.ts';
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

test('a connection that any process disables or deletes stops in every process within a second', async () => {
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

test('a change is seen within a second while notifications are lost, and the listener reconnects by itself', async () => {
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

test('a rotated secret is valid at once, and the old secret exactly until its grace period ends', async () => {
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

test('a connection without its secret accepts no delivery', async () => {
  const id = await api.makeConnection(org);
  expect(await statusOf(`/api/webhooks/hotmart/${id}`, '')).toBe(401);
  expect(await statusOf(`/api/webhooks/hotmart/${id}`, 'anything')).toBe(401);
});

/** Makes rejected deliveries of a connection. */
function rejecting(connection: Connection) {
  return (n: number, bytes = 0, headers: Record<string, string> = { 'x-hotmart-hottok': 'a-wrong-token' }) => {
    const delivery = { method: 'POST', url: 'http://tributary.test/x', headers, raw: Buffer.from(`{"n":${n}}`.padEnd(bytes)) };
    return prepareRejected({ connection, delivery, secrets: [], receivedAtMs: Date.now(), isTest: false }, 'INVALID_HOTTOK', 'wrong');
  };
}

test('rejected deliveries are stored up to the hourly cap, over all processes, and counted beyond it', async () => {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const connection = await api.connections.get(id);
  if (!connection) throw new Error('no connection');
  const processes = [createQuarantine(api.db, 6, api.log, Date.now), createQuarantine(api.db, 6, api.log, Date.now)];
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

test('the quarantine continues after a moment without the database, and counts the deliveries that it could not store', async () => {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const connection = await api.connections.get(id);
  if (!connection) throw new Error('no connection');
  let down = true;
  const db: Db = {
    ...api.db,
    ingestTogether: (run) =>
      api.db.ingestTogether((sql) =>
        run(async (text, values) => {
          // The same transaction has already reserved places in the quarantine: the rollback must free them.
          if (down && text.includes('ingest_batch')) throw new Error('Connection terminated unexpectedly');
          return sql(text, values);
        }),
      ),
  };
  // There are two places, and two deliveries are stored: the delivery that could not be stored did not use up a place.
  const quarantine = createQuarantine(db, 3, api.log, Date.now);
  const reject = rejecting(connection);
  await quarantine.add(reject(1));
  down = false;
  await quarantine.add(reject(2));
  // The timer that was set when the first delivery could not be stored finds nothing to do.
  await sleep(1_200);
  await quarantine.add(reject(3));
  await quarantine.drain();
  const [stored] = await api.admin('select count(*)::int as n from dlq_events where source_connection_id = $1', [id]);
  const [counted] = await api.admin('select sum(rejected)::int as n from connection_activity where source_connection_id = $1', [id]);
  expect([stored, counted]).toEqual([{ n: 2 }, { n: 3 }]);
});

const storedOf = async (id: string) => {
  const [row] = await api.admin<{ n: number }>('select count(*)::int as n from dlq_events where source_connection_id = $1', [id]);
  return row?.n;
};

/** A quarantine, and a connection with deliveries that it rejects. */
async function quarantineOf(perHour: number, now = Date.now) {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const connection = await api.connections.get(id);
  if (!connection) throw new Error('no connection');
  return { id, quarantine: createQuarantine(api.db, perHour, api.log, now), reject: rejecting(connection) };
}

test('a large body takes several places of the quarantine, and a body that would take all of them is only counted', async () => {
  const { id, quarantine, reject } = await quarantineOf(12);
  await quarantine.add(reject(1, 700_000));
  await quarantine.add(reject(2, 500_000));
  await quarantine.add(reject(3));
  expect(await storedOf(id)).toBe(2);
  await quarantine.add(reject(4));
  expect(await storedOf(id)).toBe(2);
  await quarantine.drain();
  const [counted] = await api.admin('select sum(rejected)::int as n from connection_activity where source_connection_id = $1', [id]);
  expect(counted).toEqual({ n: 4 });
});

test('many large rejected deliveries at once wait in memory only up to the bound in bytes', async () => {
  const { id, quarantine, reject } = await quarantineOf(100_000);
  await Promise.all(Array.from({ length: 30 }, (_, n) => quarantine.add(reject(n, 1_048_576))));
  // The first delivery is being written when the others arrive. Of twelve megabytes one connection may use three quarters.
  expect(await storedOf(id)).toBeGreaterThan(5);
  expect(await storedOf(id)).toBeLessThan(13);
  await quarantine.drain();
  const [counted] = await api.admin('select sum(rejected)::int as n from connection_activity where source_connection_id = $1', [id]);
  expect(counted).toEqual({ n: 30 });
});

test('strangers without a credential leave the places of deliveries that carry one, and one connection leaves room for others', async () => {
  const { id, quarantine, reject } = await quarantineOf(40);
  const other = await quarantineOf(40);
  const flood = Array.from({ length: 300 }, (_, n) => quarantine.add(reject(n, 0, {})));
  const genuine = Array.from({ length: 10 }, (_, n) => quarantine.add(reject(n)));
  const elsewhere = quarantine.add(other.reject(1, 0, {}));
  await Promise.all([...flood, ...genuine, elsewhere]);
  const stored = async (of: string) =>
    api.admin(
      `select (p.sample ->> 'byte_size') is not null as described, q.stored, q.without_credential
       from private.quarantine_hours q left join dlq_events p on p.source_connection_id = q.source_connection_id where q.source_connection_id = $1`,
      [of],
    );
  expect((await stored(id))[0]).toEqual({ described: true, stored: 10, without_credential: 10 });
  expect((await stored(other.id))[0]).toEqual({ described: true, stored: 0, without_credential: 1 });
  for (const one of [quarantine, other.quarantine]) await one.drain();
});

test('a full hour ends also after the clock was wrong for a while', async () => {
  let aheadMs = 30 * 86_400_000;
  const { id, quarantine, reject } = await quarantineOf(1, () => Date.now() + aheadMs);
  for (let n = 0; n < 3; n++) await quarantine.add(reject(n));
  expect(await storedOf(id)).toBe(1);
  aheadMs = 0;
  await api.admin('delete from private.quarantine_hours where source_connection_id = $1', [id]);
  await quarantine.add(reject(4));
  expect(await storedOf(id)).toBe(1);
  const anHourLater = performance.now() + 3_600_000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => anHourLater);
  await quarantine.add(reject(5));
  clock.mockRestore();
  expect(await storedOf(id)).toBe(2);
  await quarantine.drain();
});

test('a body that cannot be read gives its rate-limit token back, and is counted', async () => {
  const { id, url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  await api.app.request(`/api/connections/${id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ rateLimitPerSecond: 5 }),
  });
  await expect.poll(async () => (await api.connections.get(id))?.rateLimitPerSecond).toBe(5);
  const statuses: number[] = [];
  for (let n = 0; n < 12; n++) statuses.push((await api.send(url, 'not gzip', { 'content-encoding': 'gzip' })).status);
  for (let n = 0; n < 12; n++) statuses.push((await api.send(url, '{}', { 'content-encoding': 'compress' })).status);
  expect(new Set(statuses)).toEqual(new Set([400, 415]));
  const good = JSON.stringify({ id: '1', creation_date: Date.now(), event: 'SOMETHING_NEW', version: '2.0.0', data: {} });
  // On a busy machine a delivery may be refused for now (503) although it is within its limit.
  let status = 503;
  while (status === 503) ({ status } = await api.send(url, good, { 'x-hotmart-hottok': 'the-token-of-this-connection' }));
  expect(status).toBe(200);
  await api.quarantine.drain();
  const [counted] = await api.admin(
    'select sum(rejected)::int as rejected, sum(received)::int as received from connection_activity where source_connection_id = $1',
    [id],
  );
  expect(counted).toEqual({ rejected: 24, received: 25 });
});

test('a flood of random ids needs few statements on its own pool, and delays no connection that is not in memory', async () => {
  const { id } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  let statements = 0;
  const lookUp: Db['lookUp'] = (text, values) => {
    statements++;
    return api.db.lookUp(text, values);
  };
  const ingest: Db['ingest'] = () => Promise.reject(new Error('the pool of batches is asked'));
  const connections = await createConnections({ ...api.db, lookUp, ingest }, api.masterKeys, api.log);
  const flood = Array.from({ length: 3_000 }, () => connections.get(randomUUID()));
  expect((await connections.get(id))?.id).toBe(id);
  expect(new Set(await Promise.all(flood))).toEqual(new Set([undefined]));
  expect(statements).toBeLessThan(15);
  await connections.close();
});

test('more unknown ids at once than may wait are refused as overloaded and never as unknown', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const lookUp: Db['lookUp'] = async (text, values) => {
    await held;
    return api.db.lookUp(text, values);
  };
  const connections = await createConnections({ ...api.db, lookUp }, api.masterKeys, api.log);
  const answers = Promise.allSettled(Array.from({ length: 6_000 }, () => connections.get(randomUUID())));
  setTimeout(() => release(), 50);
  const refused = (await answers).filter((answer) => answer.status === 'rejected');
  expect(refused.length).toBeGreaterThan(1_000);
  expect(refused.every((answer) => answer.reason instanceof Refusal && answer.reason.code === 'overloaded')).toBe(true);
  await connections.close();
});

test('an id that does not exist is asked for once in ten seconds, and again at once when the connection is made', async () => {
  let statements = 0;
  const lookUp: Db['lookUp'] = (text, values) => {
    statements++;
    return api.db.lookUp(text, values);
  };
  const connections = await createConnections({ ...api.db, lookUp }, api.masterKeys, api.log);
  const id = randomUUID();
  for (let n = 0; n < 20; n++) expect(await connections.get(id)).toBeUndefined();
  expect(statements).toBe(1);
  await api.admin(`insert into source_connections (id, org_id, project_id, name, type) values ($1, $2, $3, 'New', 'hotmart')`, [
    id,
    org.id,
    org.projectId,
  ]);
  await expect.poll(async () => (await connections.get(id))?.id, withinASecond).toBe(id);
  await connections.close();
});
