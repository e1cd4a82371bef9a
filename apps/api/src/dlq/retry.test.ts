import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startJobs } from '../platform/jobs.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { backoffSeconds } from './claims.ts';
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
const tasks = () =>
  dlqTasks({ db: api.db, connections: api.connections, threads: api.threads, retry: api.config.dlq, now: Date.now, log: api.log });
const runDue = (on = tasks()) => on['dlq.retry']?.run({}, { signal, log: api.log });
const send = (body: unknown) => api.sendUntilTaken(hook.url, JSON.stringify(body), { 'x-api-key': apiKey });
/** Sends a delivery whose only record becomes a dead letter. Returns the id of the dead letter. */
async function sendDead(body: unknown): Promise<string> {
  const answer = await send(body);
  expect(answer).toMatchObject({ status: 200, body: { status: 'dead_lettered' } });
  return answer.body.records?.[0]?.dlqId ?? '';
}
/** Asks for a retry as a person does through the Data API, under RLS. */
const askRetry = (where = 'true', values: unknown[] = []) =>
  api.db.as(org.owner.claims, (sql) =>
    sql(`update public.dlq_events set status = 'pending', next_retry_at = now() where ${where}`, values),
  );
/** Makes a change of the connection, and resolves when the cache of this process has dropped the connection. */
async function changeAndAwaitCache(change: () => Promise<unknown>): Promise<void> {
  const before = await api.connections.get(hook.id);
  await change();
  await expect.poll(async () => (await api.connections.get(hook.id)) === before).toBe(false);
}
const configure = (config: object) => changeAndAwaitCache(() => patch(config));
async function patch(config: object): Promise<void> {
  const response = await api.app.request(`/api/connections/${hook.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ config: { verification, ...config } }),
  });
  expect(response.status).toBe(200);
}
const entryOf = async (id: string) => (await api.admin('select * from public.dlq_events where id = $1', [id]))[0];
const entries = () => api.admin('select * from public.dlq_events where org_id = $1 order by created_at, id', [org.id]);
const events = () => api.admin('select * from public.canonical_events where org_id = $1 order by order_ref, idempotency_key', [org.id]);
const hashKey = (state: 'lost' | 'there') =>
  changeAndAwaitCache(() =>
    api.admin(`update private.org_keys set retired_at = ${state === 'lost' ? 'now()' : 'null'} where org_id = $1 and kind = 'hash'`, [
      org.id,
    ]),
  );
/** Dead letters that become events as soon as the hash key is back. */
async function sendWithoutKey(count: number, more: object = {}): Promise<void> {
  await hashKey('lost');
  await Promise.all(Array.from({ length: count }, (_, n) => sendDead({ number: `n${n}`, email: 'ana@example.com', ...more })));
  await hashKey('there');
}

describe('a dead letter that is run again', () => {
  it('becomes its event after the mapping is corrected, and keeps its journal row', async () => {
    const id = await sendDead({ order: 'A-1', type: 'order.paid' });
    expect(await entryOf(id)).toMatchObject({ error_class: 'MISSING_FIELD', field_path: 'number', next_retry_at: null });
    await configure({ fields: { id: 'order' } });
    await askRetry('id = $1', [id]);
    await runDue();
    const entry = await entryOf(id);
    expect(entry).toMatchObject({ status: 'resolved', attempts: 1, next_retry_at: null, lease_owner: null, idempotency_key: 'A-1' });
    expect(entry?.resolved_at).toBeInstanceOf(Date);
    expect(await events()).toMatchObject([{ type: 'order.paid', idempotency_key: 'A-1', journal_id: entry?.journal_id }]);
    const activity = await api.admin(
      'select received, accepted, dead_lettered, is_replay from connection_activity where org_id = $1 order by id',
      [org.id],
    );
    expect(activity).toEqual([
      { received: 1, accepted: 0, dead_lettered: 1, is_replay: false },
      { received: 1, accepted: 1, dead_lettered: 0, is_replay: true },
    ]);
  });

  it('runs only its own record of a delivery with several records', async () => {
    const answer = await send([{ number: 'B-1' }, { order: 'B-2' }, { number: 'B-3' }, { order: 'B-4' }]);
    expect(answer.body.records?.map((record) => record.status)).toEqual(['accepted', 'dead_lettered', 'accepted', 'dead_lettered']);
    await configure({ fields: { id: 'order' } });
    await askRetry('record_index = 3');
    await runDue();
    expect((await events()).map((event) => event.idempotency_key)).toEqual(['B-1', 'B-3', 'B-4']);
    expect((await entries()).map((entry) => entry.status)).toEqual(['pending', 'resolved']);
  });

  it('runs the whole delivery, as a new journal row, when the delivery now has another number of records', async () => {
    await configure({ fields: { id: 'number' }, records: { path: 'items' } });
    const id = await sendDead({ rows: [{ number: 'C-1' }, { number: 'C-2' }, { other: 1 }] });
    await configure({ fields: { id: 'number' }, records: { path: 'rows' } });
    await askRetry();
    await runDue();
    const before = await entryOf(id);
    expect(before).toMatchObject({ status: 'resolved' });
    const [replay] = await api.admin('select id, outcome, record_count from event_journal where replay_of = $1', [before?.journal_id]);
    expect(replay).toMatchObject({ outcome: 'mixed', record_count: 3 });
    expect(await events()).toMatchObject([
      { idempotency_key: 'C-1', journal_id: replay?.id },
      { idempotency_key: 'C-2', journal_id: replay?.id },
    ]);
    expect((await entries()).filter((entry) => entry.id !== id)).toMatchObject([
      { journal_id: replay?.id, record_index: 2, error_class: 'MISSING_FIELD', status: 'pending' },
    ]);
  });

  it('is resolved without a second event when the same body is stored already, and a conflict when another body is', async () => {
    const same = await sendDead({ order: 'D-1', value: 1 });
    const other = await sendDead({ order: 'D-2', value: 1 });
    await configure({ fields: { id: 'order' } });
    expect((await send({ order: 'D-1', value: 1 })).body.status).toBe('accepted');
    await send({ order: 'D-2', value: 2 });
    await askRetry();
    await runDue();
    expect(await entryOf(same)).toMatchObject({ status: 'resolved' });
    expect(await entryOf(other)).toMatchObject({ status: 'pending', error_class: 'DUPLICATE_EVENT', next_retry_at: null, attempts: 1 });
    const [first] = await api.admin(`select id from canonical_events where org_id = $1 and idempotency_key = 'D-2'`, [org.id]);
    expect((await call(api.app as never, org.owner, 'GET', `/api/dlq/${other}`)).body).toMatchObject({ storedEventId: first?.id });
    expect((await call(api.app as never, org.owner, 'GET', `/api/dlq/${same}`)).body).toMatchObject({ storedEventId: null });
    expect(await events()).toHaveLength(2);
    const [activity] = await api.admin(
      'select sum(received)::int as received, sum(duplicates)::int as duplicates, sum(dead_lettered)::int as dead from connection_activity where org_id = $1 and is_replay',
      [org.id],
    );
    expect(activity).toEqual({ received: 2, duplicates: 1, dead: 1 });
  });

  it('becomes one event together with another dead letter of the same key in the same batch', async () => {
    await sendDead({ order: 'E-1', value: 1 });
    await sendDead({ order: 'E-1', value: 1 });
    await sendDead({ order: 'E-1', value: 2 });
    await configure({ fields: { id: 'order' } });
    await askRetry();
    await runDue();
    expect(await events()).toHaveLength(1);
    const states = (await entries()).map((entry) => `${entry.status} ${entry.error_class}`).sort();
    expect(states.filter((state) => state.startsWith('resolved')).length).toBeGreaterThanOrEqual(1);
    expect(states).toContain('pending DUPLICATE_EVENT');
  });

  it('is exhausted, with the reason, when its delivery or connection no longer exists', async () => {
    const dropped = await sendDead({ order: 'F-1' });
    await api.admin('delete from private.journal_payloads where org_id = $1', [org.id]);
    const orphan = await sendDead({ order: 'F-2' });
    await askRetry('id = $1', [dropped]);
    await runDue();
    expect(await entryOf(dropped)).toMatchObject({
      status: 'exhausted',
      last_error_message: 'The delivery is no longer kept: its retention has ended, or it was erased.',
    });
    await api.db.as(org.owner.claims, (sql) => sql('select private.delete_connection($1)', [hook.id]));
    await askRetry('id = $1', [orphan]);
    await runDue();
    expect(await entryOf(orphan)).toMatchObject({
      status: 'exhausted',
      last_error_message: 'The connection was deleted: nothing can read its deliveries any more.',
    });
  });

  it('that the database refuses does not stop the others of its batch', async () => {
    const constraint = `poison_${randomUUID().slice(0, 8)}`;
    await api.admin(`alter table public.canonical_events add constraint ${constraint} check (idempotency_key <> 'G-bad') not valid`);
    try {
      for (const order of ['G-1', 'G-bad', 'G-2']) await sendDead({ order });
      await configure({ fields: { id: 'order' } });
      await askRetry();
      await runDue();
      expect((await events()).map((event) => event.idempotency_key)).toEqual(['G-1', 'G-2']);
      const refused = (await entries()).filter((entry) => entry.status !== 'resolved');
      expect(refused).toMatchObject([{ error_class: 'CONSTRAINT_VIOLATION', status: 'pending', next_retry_at: null, attempts: 1 }]);
      expect(refused[0]?.last_error_message).toContain(constraint);
    } finally {
      await api.admin(`alter table public.canonical_events drop constraint ${constraint}`);
    }
  });

  it('of a whole delivery stores the other records when the database refuses one', async () => {
    const constraint = `poison_${randomUUID().slice(0, 8)}`;
    await configure({ fields: { id: 'number' }, records: { path: 'items' } });
    const id = await sendDead({ rows: [{ number: 'H-1' }, { number: 'H-bad' }, { number: 'H-2' }] });
    await configure({ fields: { id: 'number' }, records: { path: 'rows' } });
    await api.admin(`alter table public.canonical_events add constraint ${constraint} check (idempotency_key <> 'H-bad') not valid`);
    try {
      await askRetry('id = $1', [id]);
      await runDue();
      expect(await entryOf(id)).toMatchObject({ status: 'resolved' });
      expect((await events()).map((event) => event.idempotency_key)).toEqual(['H-1', 'H-2']);
      expect((await entries()).filter((entry) => entry.error_class === 'CONSTRAINT_VIOLATION')).toMatchObject([
        { record_index: 1, status: 'pending' },
      ]);
    } finally {
      await api.admin(`alter table public.canonical_events drop constraint ${constraint}`);
    }
  });
});

describe('when entries are tried again', () => {
  it('an entry that may succeed later is retried with growing pauses, until no attempt is left', async () => {
    await sendWithoutKey(1);
    await hashKey('lost');
    const [made] = await entries();
    expect(made).toMatchObject({ error_class: 'PII_HASH_ERROR', status: 'pending' });
    for (let attempt = 1; attempt <= api.config.dlq.attemptsMax; attempt++) {
      await api.admin('update public.dlq_events set next_retry_at = now() where id = $1', [made?.id]);
      await runDue();
      const entry = await entryOf(made?.id);
      expect(entry).toMatchObject({ attempts: attempt, status: attempt < api.config.dlq.attemptsMax ? 'pending' : 'exhausted' });
      const pauseMs = entry?.next_retry_at && entry.next_retry_at.getTime() - entry.updated_at.getTime();
      if (attempt === api.config.dlq.attemptsMax) expect(pauseMs).toBeNull();
      else expect(pauseMs).toBeGreaterThan(29_000);
    }
    await runDue();
    expect(await entryOf(made?.id)).toMatchObject({ attempts: 8, status: 'exhausted' });
    // A person can still retry it, one attempt each time.
    await askRetry();
    await runDue();
    expect(await entryOf(made?.id)).toMatchObject({ attempts: 9, status: 'exhausted' });
    await hashKey('there');
    await askRetry();
    await runDue();
    expect(await entryOf(made?.id)).toMatchObject({ attempts: 10, status: 'resolved' });
  });

  it('an entry that no retry can correct is tried once when a person asks, and then waits for a person', async () => {
    await configure({ fields: { time: { path: 'at' } } });
    const future = new Date(Date.now() + 3_600_000).toISOString();
    await sendDead({ at: future });
    await askRetry();
    await runDue();
    const [entry] = await entries();
    expect(entry).toMatchObject({ status: 'pending', next_retry_at: null, attempts: 1, error_class: 'VALIDATION_FAIL' });
    await runDue();
    expect(await entryOf(entry?.id)).toEqual(entry);
  });

  it('the pause is between the base and a ceiling that doubles', () => {
    const retry = { attemptsMax: 8, retryBaseSeconds: 30, retryMaxSeconds: 3600 };
    const ceilings = Array.from({ length: 8 }, (_, index) => backoffSeconds(index + 1, retry, 1));
    expect(ceilings).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600]);
    expect(backoffSeconds(8, retry, 0)).toBe(30);
    expect(backoffSeconds(1e9, retry, 0.5)).toBe(1815);
    const spread = new Set(Array.from({ length: 50 }, () => Math.round(backoffSeconds(7, retry))));
    expect(spread.size).toBeGreaterThan(10);
  });

  it('an entry that a person discards while it runs stays discarded, and its result is not written', async () => {
    const id = await sendDead({ order: 'I-1' });
    await configure({ fields: { id: 'order' } });
    await askRetry();
    const get = api.connections.get.bind(api.connections);
    const slow = {
      ...api.connections,
      get: async (...args: Parameters<typeof get>) => {
        await api.db.as(org.owner.claims, (sql) => sql(`update public.dlq_events set status = 'discarded' where id = $1`, [id]));
        return get(...args);
      },
    };
    await runDue(dlqTasks({ db: api.db, connections: slow, threads: api.threads, retry: api.config.dlq, now: Date.now, log: api.log }));
    expect(await entryOf(id)).toMatchObject({ status: 'discarded', next_retry_at: null });
    expect(await events()).toEqual([]);
  });
});

describe('several workers and crashes', () => {
  it('three instances run 300 entries once each', async () => {
    await sendWithoutKey(300);
    await askRetry();
    await Promise.all([runDue(), runDue(), runDue()]);
    await runDue();
    expect(await events()).toHaveLength(300);
    const [states] = await api.admin(
      `select count(*) filter (where status = 'resolved')::int as resolved, max(attempts)::int as attempts from public.dlq_events where org_id = $1`,
      [org.id],
    );
    expect(states).toEqual({ resolved: 300, attempts: 1 });
  });

  it('an entry of a process that died is run again when the lease has ended, and not before', async () => {
    const id = await sendDead({ order: 'J-1' });
    await configure({ fields: { id: 'order' } });
    await api.admin(
      `update public.dlq_events set status = 'retrying', lease_owner = gen_random_uuid(), attempts = 1, next_retry_at = now() + interval '40 seconds' where id = $1`,
      [id],
    );
    await runDue();
    expect(await entryOf(id)).toMatchObject({ status: 'retrying', attempts: 1 });
    await api.admin(`update public.dlq_events set next_retry_at = now() where id = $1`, [id]);
    await runDue();
    expect(await entryOf(id)).toMatchObject({ status: 'resolved', attempts: 2 });
    expect(await events()).toHaveLength(1);
  });

  it('an entry whose every attempt was cut off is exhausted', async () => {
    const id = await sendDead({ order: 'K-1' });
    await api.admin(
      `update public.dlq_events set status = 'retrying', lease_owner = gen_random_uuid(), attempts = 8, next_retry_at = now() where id = $1`,
      [id],
    );
    await runDue();
    expect(await entryOf(id)).toMatchObject({
      status: 'exhausted',
      attempts: 8,
      last_error_message: 'The last attempt was cut off before it ended.',
    });
  });

  it('a worker that stops gives back the entries that it did not run', async () => {
    await sendWithoutKey(3);
    await askRetry();
    let asked = 0;
    const stopping = {
      get aborted() {
        return ++asked > 1;
      },
    } as AbortSignal;
    await tasks()['dlq.retry']?.run({}, { signal: stopping, log: api.log });
    expect(await entries()).toMatchObject(Array(3).fill({ status: 'pending', attempts: 0 }));
    await runDue();
    expect(await events()).toHaveLength(3);
  });

  it('an org with a thousand due entries does not delay the entries of another org', async () => {
    const other = await api.makeOrg();
    const crowd = await api.makeConnection(other, { type: 'webhook' });
    await api.admin(
      `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, next_retry_at)
       select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'SCHEMA_DRIFT', 'x', now() - interval '1 hour' from generate_series(1, 1000)`,
      [other.id, other.projectId, crowd],
    );
    const id = await sendDead({ order: 'L-1' });
    await askRetry('id = $1', [id]);
    const claimed = await api.db.worker((sql) => sql('select org_id from private.claim_dead_letters($1, 100, 60, 8)', [randomUUID()]));
    expect(claimed.filter((row) => row.org_id === org.id)).toHaveLength(1);
    expect(claimed.length).toBeGreaterThan(10);
    await api.admin('delete from public.dlq_events where org_id = $1', [other.id]);
  });

  describe('the scheduled job', () => {
    let jobs: Awaited<ReturnType<typeof startJobs>> | undefined;
    afterEach(() => jobs?.stop());

    it('retries an entry that was made due by an update in plain SQL', async () => {
      const id = await sendDead({ order: 'M-1' });
      await configure({ fields: { id: 'order' } });
      jobs = await startJobs({ db: api.db, tasks: tasks(), concurrency: 2, metrics: api.metrics, log: api.log });
      await askRetry('id = $1', [id]);
      const asked = performance.now();
      await expect.poll(async () => (await entryOf(id))?.status, { timeout: 10_000, interval: 50 }).toBe('resolved');
      console.log(`retried ${Math.round(performance.now() - asked)} ms after the update`);
    });
  });
});
