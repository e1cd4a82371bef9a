import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReplayer, type Replayer } from '../deliveries/rerun.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { runPlans } from './run.ts';

const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };
const range = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };

let api: TestApi;
let replayer: Replayer;
let org: TestOrg;
let hook: { id: string; url: string };

beforeAll(async () => {
  api = await startTestApi();
  const { db, connections, threads, metrics, log } = api;
  replayer = createReplayer({ db, connections, threads, metrics, now: Date.now, log });
});
afterAll(() => api?.close());
beforeEach(async () => {
  org = await api.makeOrg();
  hook = await api.connect(org, 'webhook', { secret: 'a-good-key' }, { verification, fields: { id: 'number' } });
});

const deliver = (body: unknown) => api.sendUntilTaken(hook.url, JSON.stringify(body), { 'x-api-key': 'a-good-key' });
const ask = (method: string, path: string, body?: object) => call(api.app as never, org.owner, method, path, body);
async function configure(config: object): Promise<void> {
  const before = await api.connections.get(hook.id);
  expect((await ask('PATCH', `/api/connections/${hook.id}`, { config: { verification, ...config } })).status).toBe(200);
  await expect.poll(async () => (await api.connections.get(hook.id)) === before).toBe(false);
}
async function start(mode: 'replay' | 'reprocess'): Promise<ReplayPlan> {
  const { body } = await ask('POST', '/api/replays', { throttlePerSecond: 1_000, mode, filter: range });
  expect((await ask('POST', `/api/replays/${body.id}/approve`)).status).toBe(200);
  expect((await ask('POST', `/api/replays/${body.id}/run`)).status).toBe(200);
  return body;
}
const work = (by: Replayer = replayer, sliceMs = 30_000) =>
  runPlans({ db: api.db, replayer: by, log: api.log }, { sliceMs, leaseSeconds: 1 }, new AbortController().signal);
const letters = () => api.admin('select * from public.dlq_events where org_id = $1 order by created_at, id', [org.id]);
const events = () => api.admin('select * from public.canonical_events where org_id = $1 order by idempotency_key', [org.id]);

describe('a plan over deliveries that became dead letters', () => {
  it.each(['replay', 'reprocess'] as const)('(%s) updates the open entries when the records fail again, and adds none', async (mode) => {
    for (let n = 0; n < 12; n++) await deliver([{ order: `A-${n}` }, { number: `good-${n}` }]);
    const before = await letters();
    await configure({ fields: { id: 'reference' } });
    const { id } = await start(mode);
    await work();
    expect((await ask('GET', `/api/replays/${id}`)).body).toMatchObject({ status: 'completed', processed: 12 });
    const after = await letters();
    // The records that are stored under another key fail too, and were no dead letters before.
    const known = new Set(before.map((letter) => letter.id));
    const same = after.filter((letter) => known.has(letter.id));
    expect(same).toHaveLength(12);
    expect(same.every((letter) => letter.field_path === 'reference' && letter.occurrences === 1 && letter.status === 'pending')).toBe(true);
    expect(after).toHaveLength(24);
    await work();
    expect(await letters()).toHaveLength(24);
  });

  it('settles the entries of all records that succeed, with every count that is made of them', async () => {
    for (let n = 0; n < 12; n++) await deliver({ order: `B-${n % 10}` });
    expect(await letters()).toHaveLength(10);
    await api.admin(`update public.dlq_events set status = 'exhausted' where org_id = $1 and record_index = 0 and occurrences = 2`, [
      org.id,
    ]);
    await configure({ fields: { id: 'order' } });
    const { id } = await start('replay');
    await work();
    expect((await ask('GET', `/api/replays/${id}`)).body).toMatchObject({
      status: 'completed',
      accepted: 10,
      duplicates: 2,
      deadLettered: 0,
    });
    expect((await letters()).map((letter) => letter.status)).toEqual(Array.from({ length: 10 }, () => 'resolved'));
    expect((await ask('GET', '/api/dlq/summary')).body.total).toBe(0);
    expect(await events()).toHaveLength(10);
  });

  it('settles each entry once when the process dies between the write of a batch and its commit', async () => {
    for (let n = 0; n < 6; n++) await deliver({ order: `C-${n}` });
    await configure({ fields: { id: 'order' } });
    const { id } = await start('replay');
    let died = false;
    const dying: Replayer = {
      ...replayer,
      write: (items, mode, steps) =>
        replayer.write(items, mode, {
          ...steps,
          async after(sql, outcomes) {
            await steps?.after?.(sql, outcomes);
            if (!died) {
              died = true;
              throw new Error('the process dies here');
            }
          },
        }),
    };
    await work(dying, 200);
    expect(died).toBe(true);
    expect((await letters()).every((letter) => letter.status === 'pending')).toBe(true);
    await expect
      .poll(
        async () => {
          await work();
          return (await ask('GET', `/api/replays/${id}`)).body.status;
        },
        { timeout: 10_000, interval: 300 },
      )
      .toBe('completed');
    expect((await letters()).map((letter) => letter.status)).toEqual(Array.from({ length: 6 }, () => 'resolved'));
    expect(await events()).toHaveLength(6);
  });
});

describe('a reprocessing', () => {
  it('keeps when an event was first stored, and says when the event was rewritten', async () => {
    await deliver({ number: 'D-1', type: 'first' });
    await api.admin(
      `with moved as (update public.canonical_events set ingested_at = ingested_at - interval '3 days', received_at = received_at - interval '3 days' where org_id = $1)
       select 1`,
      [org.id],
    );
    const [before] = await events();
    expect(before).toMatchObject({ rewritten_at: null, revision: 1 });
    await start('reprocess');
    await work();
    const [after] = await events();
    expect(after).toMatchObject({ id: before?.id, ingested_at: before?.ingested_at, revision: 2 });
    expect(after?.rewritten_at > before?.ingested_at).toBe(true);
  });
});
