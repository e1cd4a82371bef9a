import { randomUUID } from 'node:crypto';
import type { DlqOperation } from '@tributary/shared/dlq.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startJobs } from '../platform/jobs.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { dlqTasks } from './jobs.ts';

const apiKey = 'api-key-for-tests';
const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };

let api: TestApi;
let org: TestOrg;
let hook: { id: string; url: string };

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());
beforeEach(async () => {
  org = await api.makeOrg();
  hook = await api.connect(org, 'webhook', { secret: apiKey }, { verification, fields: { id: 'number' } });
});

const signal = new AbortController().signal;
const tasks = (connections = api.connections) =>
  dlqTasks({ db: api.db, connections, threads: api.threads, now: Date.now, retry: api.config.dlq, log: api.log });
const work = (on = tasks(), until: AbortSignal = signal) => on['dlq.operations']?.run({}, { signal: until, log: api.log });
/** A signal that reports `aborted` after it was read `reads` times, as if the process were told to stop at that moment. */
const abortedAfter = (reads: number) => {
  let count = 0;
  return {
    get aborted() {
      return ++count > reads;
    },
  } as AbortSignal;
};
const post = (path: string, body: object = {}) => call(api.app as never, org.owner, 'POST', `/api/dlq${path}`, body);
const start = async (kind: string, filter: object = {}): Promise<DlqOperation> => (await post(`/${kind}`, filter)).body.operation;
const read = async ({ id }: DlqOperation): Promise<DlqOperation> =>
  (await call(api.app as never, org.owner, 'GET', `/api/dlq/operations/${id}`)).body;
const states = async () =>
  Object.fromEntries(
    (await api.admin('select status, count(*)::int as n from public.dlq_events where org_id = $1 group by 1', [org.id])).map((row) => [
      row.status,
      row.n,
    ]),
  );
const eventCount = async () =>
  (await api.admin('select count(*)::int as n from public.canonical_events where org_id = $1', [org.id]))[0]?.n;

async function sendDead(records: object[]): Promise<void> {
  const { body } = await api.sendUntilTaken(hook.url, JSON.stringify(records), { 'x-api-key': apiKey });
  expect(body.status).toBe('dead_lettered');
}

/**
 * Makes dead letters that a redrive turns into events: the records have an `order`, and the mapping asked for a `number` when they arrived.
 */
async function makeDead(count: number, fixed = true): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => ({ order: `o-${n}` }));
  await sendDead(records);
  if (!fixed) return;
  await api.admin(`update public.source_connections set config_json = jsonb_set(config_json, '{fields}', '{"id":"order"}') where id = $1`, [
    hook.id,
  ]);
}
/** Makes dead letters without a delivery, for commands that do not read the delivery. */
const makeRows = (count: number, columns = '', values = '') =>
  api.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message${columns})
     select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'OLDER_REVISION', 'x'${values} from generate_series(1, ${count})`,
    [org.id, org.projectId, hook.id],
  );

describe('a redrive', () => {
  it('runs every matching entry again and reports its progress', async () => {
    await makeDead(250);
    const operation = await start('redrive', { classes: ['MISSING_FIELD'] });
    expect(operation).toMatchObject({ status: 'queued', total: 250, done: 0 });
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', total: 250, done: 250, succeeded: 250, failed: 0, error: null });
    expect(await eventCount()).toBe(250);
    expect(await states()).toEqual({ resolved: 250 });
    expect(
      await api.admin(`select action, detail -> 'status' ->> 'to' as "to" from audit_log where target_id = $1 order by id`, [operation.id]),
    ).toEqual([
      { action: 'dlq_operations.insert', to: null },
      { action: 'dlq_operations.update', to: 'done' },
    ]);
  });

  it('counts entries that still fail, tries each once, and leaves entries that do not match', async () => {
    await makeDead(3, false);
    await makeRows(1, ', status', `, 'discarded'`);
    await makeRows(1, ', status, attempts', `, 'exhausted', 8`);
    const operation = await start('redrive');
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', total: 4, done: 4, succeeded: 0, failed: 4 });
    // The delivery of the exhausted entry is not kept.
    expect(await states()).toEqual({ pending: 3, discarded: 1, exhausted: 1 });
    const [row] = await api.admin(`select max(attempts)::int as attempts from dlq_events where org_id = $1 and status = 'pending'`, [
      org.id,
    ]);
    expect(row).toEqual({ attempts: 1 });
  });

  it('continues after its process was killed, without losing or repeating an entry', async () => {
    await makeDead(250);
    const operation = await start('redrive');
    // Two chunks are claimed; the process dies in the middle of the second.
    let loads = 0;
    const dying = {
      ...api.connections,
      get: async (...args: Parameters<typeof api.connections.get>) => {
        if (++loads > 1) throw Object.assign(new Error('connection terminated'), { errno: -1 });
        return api.connections.get(...args);
      },
    };
    await expect(work(tasks(dying))).rejects.toThrow('terminated');
    expect(await states()).toEqual({ resolved: 100, retrying: 100, pending: 50 });
    expect(await read(operation)).toMatchObject({ status: 'running', done: 100 });
    // No other process continues the operation before the lease has run out.
    await work();
    expect(await read(operation)).toMatchObject({ status: 'running', done: 100 });
    await api.admin(`update public.dlq_operations set lease_until = now() where id = $1`, [operation.id]);
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', done: 250, succeeded: 250 });
    expect(await eventCount()).toBe(250);
  });

  it('a process that lost its lease writes nothing more', async () => {
    await makeDead(20);
    const operation = await start('redrive');
    const slow = {
      ...api.connections,
      get: async (...args: Parameters<typeof api.connections.get>) => {
        await api.admin(`update public.dlq_operations set lease_owner = gen_random_uuid(), lease_until = now() where id = $1`, [
          operation.id,
        ]);
        return api.connections.get(...args);
      },
    };
    await work(tasks(slow), abortedAfter(3));
    expect(await eventCount()).toBe(0);
    expect(await states()).toEqual({ retrying: 20 });
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', done: 20, succeeded: 20 });
    expect(await eventCount()).toBe(20);
  });

  it('stores every event once when several processes run it at the same time', async () => {
    await makeDead(400);
    const both = [await start('redrive', { classes: ['MISSING_FIELD'] }), await start('redrive', {})];
    await Promise.all([work(), work(), work()]);
    await work();
    const done = await Promise.all(both.map(read));
    expect(done.map((one) => one.status)).toEqual(['done', 'done']);
    expect(done.reduce((sum, one) => sum + one.done, 0)).toBe(400);
    expect(await eventCount()).toBe(400);
    expect(await states()).toEqual({ resolved: 400 });
  });

  it('that is canceled in the middle keeps the events that it stored and gives the other entries back', async () => {
    await makeDead(250);
    const operation = await start('redrive');
    let loads = 0;
    const canceling = {
      ...api.connections,
      get: async (...args: Parameters<typeof api.connections.get>) => {
        if (++loads === 2) expect((await post(`/operations/${operation.id}/cancel`)).body.status).toBe('canceled');
        return api.connections.get(...args);
      },
    };
    await work(tasks(canceling));
    expect(await read(operation)).toMatchObject({ status: 'canceled', done: 100, succeeded: 100, finishedAt: expect.any(String) });
    expect(await states()).toEqual({ resolved: 100, pending: 150 });
    const [row] = await api.admin(
      `select max(attempts)::int as attempts, count(next_retry_at)::int as due from dlq_events where org_id = $1 and status = 'pending'`,
      [org.id],
    );
    expect(row).toEqual({ attempts: 0, due: 0 });
    await work();
    expect(await eventCount()).toBe(100);
  });

  it('does not touch entries of other orgs, or entries that came after its start', async () => {
    const mine = org;
    await makeDead(2);
    const operation = await start('redrive');
    await makeRows(1, ', created_at', `, now() + interval '1 minute'`);
    org = await api.makeOrg();
    const theirs = await api.connect(org, 'webhook', { secret: apiKey }, { verification });
    hook = theirs;
    await makeRows(2);
    const before = await states();
    await work();
    expect(await states()).toEqual(before);
    org = mine;
    expect(await read(operation)).toMatchObject({ status: 'done', done: 2, succeeded: 2 });
    expect(await states()).toEqual({ resolved: 2, pending: 1 });
  });

  it('runs by itself soon after it was started', async () => {
    await makeDead(5);
    const jobs = await startJobs({ db: api.db, tasks: tasks(), concurrency: 2, metrics: api.metrics, log: api.log });
    try {
      const operation = await start('redrive');
      await expect.poll(async () => (await read(operation)).status, { timeout: 15_000 }).toBe('done');
    } finally {
      await jobs.stop();
    }
  });
});

describe('discard and purge', () => {
  it('a discard gives up open entries and keeps them readable', async () => {
    await makeRows(3);
    await makeRows(1, ', status, resolved_at', `, 'resolved', now()`);
    const operation = await start('discard', { classes: ['OLDER_REVISION'] });
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', total: 3, done: 3, succeeded: 3 });
    expect(await states()).toEqual({ discarded: 3, resolved: 1 });
  });

  it('a purge deletes the old ones of a class, in chunks', async () => {
    await makeRows(1_200, ', created_at', `, now() - interval '8 days'`);
    await makeRows(2);
    const operation = await start('purge', { olderThanDays: 7, classes: ['OLDER_REVISION'] });
    expect(operation.total).toBe(1_200);
    await work();
    expect(await read(operation)).toMatchObject({ status: 'done', done: 1_200, succeeded: 1_200 });
    expect(await states()).toEqual({ pending: 2 });
    expect(await start('purge', { olderThanDays: 7, classes: ['OLDER_REVISION'] })).toMatchObject({ total: 0 });
  });

  it('a purge keeps entries that are being retried', async () => {
    await makeRows(1, ', status, lease_owner, next_retry_at', `, 'retrying', gen_random_uuid(), now() + interval '1 minute'`);
    await makeRows(1);
    const operation = await start('purge');
    await work();
    expect(await read(operation)).toMatchObject({ done: 1 });
    expect(await states()).toEqual({ retrying: 1 });
  });

  it('a purge stops when a legal hold is set after its start, and shows the reason', async () => {
    await makeRows(3);
    const operation = await start('purge');
    await api.admin(`insert into public.legal_holds (org_id, source_connection_id, reason) values ($1, $2, 'case 9')`, [org.id, hook.id]);
    await work();
    expect(await read(operation)).toMatchObject({ status: 'failed', done: 0, error: expect.stringContaining('case 9') });
    expect(await states()).toEqual({ pending: 3 });
  });

  it('an operation whose filter this version cannot read fails with a message', async () => {
    await makeRows(1);
    const operation = await start('purge');
    await api.admin(`update public.dlq_operations set filter = '{"everything":true}' where id = $1`, [operation.id]);
    await work();
    expect(await read({ ...operation })).toMatchObject({ status: 'failed', error: expect.stringContaining('an internal error') });
    expect(await states()).toEqual({ pending: 1 });
  });
});

describe('ten thousand entries', () => {
  it('are redriven at hundreds a second', async () => {
    const record = () => ({ order: randomUUID(), email: 'ana@example.com', amount: 12.5 });
    const queue = Array.from({ length: 2_000 }, () => [record()]).values();
    const send = async () => {
      for (const records of queue) await sendDead(records);
    };
    await Promise.all(Array.from({ length: 50 }, send));
    // Large deliveries: a chunk of their records must not run the whole delivery.
    for (let n = 0; n < 2; n++) await sendDead(Array.from({ length: 4_000 }, record));
    await api.admin(
      `update public.source_connections set config_json = jsonb_set(config_json, '{fields}', '{"id":"order"}') where id = $1`,
      [hook.id],
    );
    const operation = await start('redrive');
    expect(operation.total).toBe(10_000);
    const started = performance.now();
    for (let turns = 0; turns < 10 && (await read(operation)).status !== 'done'; turns++) await work();
    console.log(`10,000 entries in ${Math.round(performance.now() - started)} ms`);
    expect(await read(operation)).toMatchObject({ status: 'done', done: 10_000, succeeded: 10_000 });
    expect(await eventCount()).toBe(10_000);
  }, 120_000);
});
