import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { claimDue, settle } from './claims.ts';
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
const runDue = () =>
  dlqTasks({ db: api.db, connections: api.connections, threads: api.threads, retry: api.config.dlq, now: Date.now, log: api.log })[
    'dlq.retry'
  ]?.run({}, { signal, log: api.log });
const send = (body: unknown) => api.sendUntilTaken(hook.url, JSON.stringify(body), { 'x-api-key': apiKey });
const firstOf = async (body: unknown) => (await send(body)).body.records?.[0];
/** Sends a record without the field that the connection takes for its id. */
const sendDead = async (body: unknown): Promise<string> => {
  const record = await firstOf(body);
  expect(record).toMatchObject({ status: 'dead_lettered' });
  return record?.dlqId ?? '';
};
async function configure(config: object): Promise<void> {
  const before = await api.connections.get(hook.id);
  const response = await api.app.request(`/api/connections/${hook.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ config: { verification, ...config } }),
  });
  expect(response.status).toBe(200);
  await expect.poll(async () => (await api.connections.get(hook.id)) === before).toBe(false);
}
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
/** An event of the future is refused after its key is read. */
const inTime = { fields: { id: 'number', time: { path: 'at', unit: 'iso' } } };
const entries = () => api.admin('select * from public.dlq_events where org_id = $1 order by created_at, id', [org.id]);
const events = () => api.admin('select * from public.canonical_events where org_id = $1', [org.id]);
const journal = () =>
  api.admin('select * from public.event_journal where org_id = $1 and replay_of is null order by received_at, id', [org.id]);
const ask = (method: string, path: string, body?: object) => call(api.app as never, org.owner, method, path, body);
const replay = async (journalId: unknown, mode = 'replay') => {
  const answer = await ask('POST', `/api/replay/${journalId}`, { mode });
  expect(answer.status).toBe(200);
  return answer.body.records;
};
/** Claims the due entries as a worker does that is in the middle of an attempt. */
const owner = '00000000-0000-4000-8000-000000000001';
const claimAll = async () => {
  await api.admin(`update public.dlq_events set status = 'pending', next_retry_at = now() where org_id = $1`, [org.id]);
  return (await api.db.worker((sql) => claimDue(sql, owner, 100, 8))).filter((entry) => entry.org_id === org.id);
};

describe('a record that is sent again and fails again', () => {
  it('raises the count of its open entry, and is answered with the id of this entry', async () => {
    const id = await sendDead({ order: 'A-1' });
    expect(await sendDead({ order: 'A-1' })).toBe(id);
    expect(await sendDead({ order: 'A-2' })).not.toBe(id);
    const [first, other] = await entries();
    expect([first, other]).toMatchObject([{ id, occurrences: 2, status: 'pending', error_class: 'MISSING_FIELD' }, { occurrences: 1 }]);
    expect(first?.last_seen_at > first?.created_at).toBe(true);
    // The entry belongs to the newest delivery of its record.
    expect(first?.journal_id).toBe((await journal())[1]?.id);
  });

  it('is one entry when the record comes twice in one delivery, and in many deliveries at once', async () => {
    const { body } = await send([{ order: 'B-1' }, { order: 'B-1' }, { number: 'good' }]);
    const ids = body.records?.map((record) => record.dlqId);
    expect(ids?.[0]).toBe(ids?.[1]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendDead({ order: 'B-1' })));
    expect(new Set(answers)).toEqual(new Set([ids?.[0]]));
    expect(await entries()).toMatchObject([{ occurrences: 22 }]);
  });

  it('is recognised by its idempotency key, and the entry takes the newest contents and cause', async () => {
    await configure(inTime);
    const id = await sendDead({ number: 'C-1', at: inDays(30), try: 1 });
    expect(await entries()).toMatchObject([{ error_class: 'VALIDATION_FAIL' }]);
    await api.admin(`update private.org_keys set retired_at = now() where org_id = $1 and kind = 'hash'`, [org.id]);
    await expect.poll(async () => (await firstOf({ number: 'C-0', at: inDays(0), email: 'ana@example.com' }))?.code).toBe('PII_HASH_ERROR');
    expect(await sendDead({ number: 'C-1', at: inDays(0), email: 'ana@example.com', try: 2 })).toBe(id);
    const entry = (await entries()).find((one) => one.id === id);
    expect(entry).toMatchObject({
      occurrences: 2,
      idempotency_key: 'C-1',
      error_class: 'PII_HASH_ERROR',
      journal_id: (await journal()).at(-1)?.id,
    });
    expect(entry?.next_retry_at).toBeInstanceOf(Date);
  });

  it('is one entry for the same other body of a stored event, and another entry for a third body', async () => {
    await send({ number: 'D-1', a: 1 });
    const id = await sendDead({ number: 'D-1', a: 2 });
    expect(await sendDead({ number: 'D-1', a: 2 })).toBe(id);
    expect(await sendDead({ number: 'D-1', a: 3 })).not.toBe(id);
    expect(await entries()).toMatchObject([
      { error_class: 'DUPLICATE_EVENT', occurrences: 2 },
      { error_class: 'DUPLICATE_EVENT', occurrences: 1 },
    ]);
  });

  it('gets a new entry after the first was discarded, and the discarded one can be opened again beside it', async () => {
    const id = await sendDead({ order: 'E-1' });
    await api.db.as(org.owner.claims, (sql) => sql(`update public.dlq_events set status = 'discarded' where id = $1`, [id]));
    const second = await sendDead({ order: 'E-1' });
    expect(second).not.toBe(id);
    await api.db.as(org.owner.claims, (sql) =>
      sql(`update public.dlq_events set status = 'pending', next_retry_at = null where id = $1`, [id]),
    );
    expect(await sendDead({ order: 'E-1' })).toBe(second);
    expect(await entries()).toMatchObject([
      { id, status: 'pending', occurrences: 1 },
      { id: second, status: 'pending', occurrences: 2 },
    ]);
  });

  it('keeps rejected deliveries apart: each is an entry', async () => {
    for (const _ of [1, 2]) expect((await api.send(hook.url, '{"order":"F-1"}', { 'x-api-key': 'wrong' })).status).toBe(401);
    await expect.poll(async () => (await entries()).length).toBe(2);
    expect(await entries()).toMatchObject([
      { is_quarantine: true, occurrences: 1 },
      { is_quarantine: true, occurrences: 1 },
    ]);
  });

  it('is retried again after its entry was exhausted, when time can heal the failure', async () => {
    await api.admin(`update private.org_keys set retired_at = now() where org_id = $1 and kind = 'hash'`, [org.id]);
    await expect.poll(async () => (await firstOf({ number: 'G-0', email: 'ana@example.com' }))?.code).toBe('PII_HASH_ERROR');
    const id = await sendDead({ number: 'G-1', email: 'ana@example.com' });
    await api.admin(`update public.dlq_events set status = 'exhausted', attempts = 8 where id = $1`, [id]);
    expect(await sendDead({ number: 'G-1', email: 'ana@example.com' })).toBe(id);
    const entry = (await entries()).find((one) => one.id === id);
    expect(entry).toMatchObject({ status: 'pending', attempts: 0, occurrences: 2 });
    expect(entry?.next_retry_at).toBeInstanceOf(Date);
  });

  it('is shown with its count by the API, and added up in the summary', async () => {
    const id = await sendDead({ order: 'H-1' });
    await sendDead({ order: 'H-1' });
    await sendDead({ order: 'H-2' });
    const entry = (await ask('GET', `/api/dlq/${id}`)).body;
    expect(entry).toMatchObject({ occurrences: 2 });
    expect(Date.parse(entry.lastSeenAt)).toBeGreaterThan(Date.parse(entry.createdAt));
    const summary = (await ask('GET', '/api/dlq/summary')).body;
    expect(summary.groups).toMatchObject([{ count: 2, occurrences: 3 }]);
    expect(Date.parse(summary.groups[0].lastSeenAt)).toBeGreaterThan(Date.parse(entry.lastSeenAt) - 1);
  });
});

describe('an entry that is being retried', () => {
  it('keeps its attempt when the same contents come again, and counts them', async () => {
    const id = await sendDead({ order: 'I-1' });
    const claimed = await claimAll();
    expect(await sendDead({ order: 'I-1' })).toBe(id);
    expect(await entries()).toMatchObject([{ status: 'retrying', lease_owner: owner, occurrences: 2 }]);
    const result = { outcome: 'failed', errorClass: 'VALIDATION_FAIL', message: 'still wrong' } as const;
    const settled = await api.db.worker((sql) => settle(sql, owner, [{ entries: claimed, result }], api.config.dlq));
    expect(settled).toMatchObject([{ id, status: 'pending' }]);
    expect(await entries()).toMatchObject([{ error_class: 'VALIDATION_FAIL', occurrences: 2 }]);
  });

  it('loses its attempt to other contents of the same key, which are tried next', async () => {
    await configure(inTime);
    const id = await sendDead({ number: 'J-1', at: inDays(30) });
    const claimed = await claimAll();
    await sendDead({ number: 'J-1', at: inDays(31) });
    const result = { outcome: 'failed', errorClass: 'VALIDATION_FAIL', message: 'of the old contents' } as const;
    expect(await api.db.worker((sql) => settle(sql, owner, [{ entries: claimed, result }], api.config.dlq))).toBeUndefined();
    await configure({ fields: { id: 'number' } });
    await runDue();
    expect(await entries()).toMatchObject([{ id, status: 'resolved' }]);
    expect(await events()).toMatchObject([{ idempotency_key: 'J-1', journal_id: (await journal())[1]?.id }]);
  });

  it('is settled by a replay that succeeds, and the attempt then writes nothing', async () => {
    const id = await sendDead({ order: 'K-1' });
    const claimed = await claimAll();
    await configure({ fields: { id: 'order' } });
    expect(await replay((await journal())[0]?.id)).toMatchObject([{ status: 'accepted' }]);
    expect(await entries()).toMatchObject([{ id, status: 'resolved', lease_owner: null }]);
    const result = { outcome: 'failed', errorClass: 'VALIDATION_FAIL', message: 'too late' } as const;
    expect(await api.db.worker((sql) => settle(sql, owner, [{ entries: claimed, result }], api.config.dlq))).toBeUndefined();
    expect(await entries()).toMatchObject([{ id, status: 'resolved', error_class: 'MISSING_FIELD' }]);
  });
});

describe('a replay', () => {
  it('that fails for a record writes the new failure into the open entry', async () => {
    const id = await sendDead({ order: 'L-1' });
    await sendDead({ order: 'L-1' });
    await configure({ fields: { id: 'other' } });
    for (const { id: journalId } of await journal()) {
      expect(await replay(journalId)).toMatchObject([{ status: 'dead_lettered', dlqId: id }]);
    }
    expect(await entries()).toMatchObject([{ id, occurrences: 2, status: 'pending', field_path: 'other', attempts: 0 }]);
  });

  it.each(['replay', 'reprocess'])('(%s) that succeeds settles the entry, in every figure', async (mode) => {
    const id = await sendDead({ order: 'M-1' });
    await api.admin(`update public.dlq_events set status = 'exhausted' where id = $1`, [id]);
    await configure({ fields: { id: 'order' } });
    expect(await replay((await journal())[0]?.id, mode)).toMatchObject([{ status: 'accepted' }]);
    const [entry] = await entries();
    expect(entry).toMatchObject({ status: 'resolved' });
    expect(entry?.resolved_at).toBeInstanceOf(Date);
    expect((await ask('GET', '/api/dlq/summary')).body).toMatchObject({ total: 0 });
    expect((await ask('POST', '/api/dlq/redrive', { dryRun: true })).body).toEqual({ dryRun: true, count: 0 });
  });

  it('of an older delivery settles no entry that holds other contents of its key', async () => {
    await configure(inTime);
    await sendDead({ number: 'N-1', at: inDays(30) });
    const id = await sendDead({ number: 'N-1', at: inDays(31) });
    await configure({ fields: { id: 'number' } });
    expect(await replay((await journal())[0]?.id)).toMatchObject([{ status: 'accepted' }]);
    expect(await entries()).toMatchObject([{ id, status: 'pending', occurrences: 2 }]);
    expect(await replay((await journal())[1]?.id)).toMatchObject([{ status: 'dead_lettered', dlqId: id, code: 'DUPLICATE_EVENT' }]);
    expect(await entries()).toMatchObject([{ id, status: 'pending', error_class: 'DUPLICATE_EVENT', occurrences: 2 }]);
  });

  it('settles the entry of a delivery that had failed as a whole and can be split now', async () => {
    await configure({ fields: { id: 'number' }, records: { path: 'items' } });
    const id = await sendDead({ rows: [{ number: 'O-1' }, { number: 'O-2' }, { other: 1 }] });
    expect(await sendDead({ rows: [{ number: 'O-1' }, { number: 'O-2' }, { other: 1 }] })).toBe(id);
    await configure({ fields: { id: 'number' }, records: { path: 'rows' } });
    await replay((await journal())[0]?.id);
    expect((await entries()).map(({ status, occurrences }) => [status, occurrences])).toEqual([
      ['resolved', 2],
      ['pending', 1],
    ]);
  });

  it('finds entries that are older than the keys of records by their place in the delivery', async () => {
    await send([{ number: 'good', order: 'good' }, { order: 'P-1' }, { order: 'P-2' }]);
    await api.admin('update public.dlq_events set record_key = null, record_digest = null, last_seen_at = null where org_id = $1', [
      org.id,
    ]);
    const [delivery] = await journal();
    await replay(delivery?.id);
    expect((await entries()).map(({ status }) => status)).toEqual(['pending', 'pending']);
    await configure({ fields: { id: 'order' } });
    await replay(delivery?.id);
    expect((await entries()).map(({ status }) => status)).toEqual(['resolved', 'resolved']);
  });

  it('that meets a retry, a repeat and another replay at the same moment leaves one entry or none', async () => {
    for (let round = 0; round < 5; round++) {
      await configure({ fields: { id: 'number' } });
      await sendDead({ order: `Q-${round}` });
      const delivery = (await journal()).at(-1)?.id;
      const isFixed = round % 2 === 0;
      if (isFixed) await configure({ fields: { id: 'order' } });
      await api.admin(`update public.dlq_events set status = 'pending', next_retry_at = now() where org_id = $1 and status <> 'resolved'`, [
        org.id,
      ]);
      await Promise.all([replay(delivery), runDue(), send({ order: `Q-${round}` }), replay(delivery), send({ order: `Q-${round}` })]);
      const open = (await entries()).filter(({ status }) => status !== 'resolved');
      expect(open).toHaveLength(isFixed ? 0 : 1);
      await api.admin(`update public.dlq_events set status = 'discarded' where org_id = $1 and status <> 'resolved'`, [org.id]);
    }
  });
});
