import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

const as = (method: string, path: string, body?: object, user = org.owner) => call(api.app as never, user, method, `/api/dlq${path}`, body);
const work = async (task: 'dlq.operations' | 'dlq.retry') => {
  const { db, connections, threads, log } = api;
  const tasks = dlqTasks({ db, connections, threads, now: Date.now, retry: api.config.dlq, log });
  await tasks[task]?.run({}, { signal: new AbortController().signal, log });
};
async function send(records: object[], key = apiKey) {
  await api.sendUntilTaken(hook.url, JSON.stringify(records), { 'x-api-key': key });
}
const mapTo = (field: string) =>
  api.admin(`update public.source_connections set config_json = jsonb_set(config_json, '{fields,id}', to_jsonb($2::text)) where id = $1`, [
    hook.id,
    field,
  ]);
const rowsBefore = () =>
  api.admin(
    `select (select count(*)::int from public.canonical_events where org_id = $1) as events,
       (select count(*)::int from public.event_journal where org_id = $1) as journal,
       (select json_agg(json_build_array(id, status, attempts, updated_at) order by id) from public.dlq_events where org_id = $1) as letters`,
    [org.id],
  );
const firstId = async () => (await as('GET', '?limit=1')).body.entries[0].id as string;

describe('the preview of a redrive', () => {
  it('says how many of the tried entries would fail again and why, and writes nothing', async () => {
    await send([{ order: 'a' }, { order: 'b' }, { order: 'c' }]);
    const before = await rowsBefore();
    const { body } = await as('POST', '/redrive', { dryRun: true });
    expect(body).toMatchObject({ dryRun: true, count: 3, trial: { tried: 3, succeeded: 0 } });
    expect(body.trial.failures).toMatchObject([{ reason: 'MISSING_FIELD', count: 3 }]);
    expect(body.trial.failures[0].message).toContain('number');
    expect(await rowsBefore()).toEqual(before);
  });

  it('runs the entries with the mapping as it is now', async () => {
    await send([{ order: 'a' }, { order: 'b' }]);
    await mapTo('order');
    const before = await rowsBefore();
    expect((await as('POST', '/redrive', { dryRun: true })).body.trial).toEqual({ tried: 2, succeeded: 2, failures: [] });
    expect(await rowsBefore()).toEqual(before);
  });

  it('knows that a key is stored with another body, as the redrive itself would find', async () => {
    await send([{ number: 'n-1', total: 1 }]);
    await send([{ number: 'n-1', total: 2 }]);
    const { body } = await as('POST', '/redrive', { dryRun: true });
    expect(body).toMatchObject({ count: 1, trial: { tried: 1, succeeded: 0, failures: [{ reason: 'DUPLICATE_EVENT', count: 1 }] } });
  });

  it('tries the oldest and the newest twenty entries at most, of the caller\u2019s org only', async () => {
    await send(Array.from({ length: 45 }, (_, n) => ({ order: `o-${n}` })));
    const { body } = await as('POST', '/redrive', { dryRun: true });
    expect(body).toMatchObject({ count: 45, trial: { tried: 20, succeeded: 0 } });
    const stranger = await api.makeOrg();
    expect((await as('POST', '/redrive', { dryRun: true }, stranger.owner)).body).toEqual({ dryRun: true, count: 0 });
    const analyst = await api.makeMember(org, 'analyst');
    expect((await as('POST', '/redrive', { dryRun: true }, analyst)).status).toBe(403);
  });

  it('says that a delivery which is no longer kept cannot be run', async () => {
    await api.admin(
      `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message)
       values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'MISSING_FIELD', 'x')`,
      [org.id, org.projectId, hook.id],
    );
    expect((await as('POST', '/redrive', { dryRun: true })).body.trial).toMatchObject({ succeeded: 0, failures: [{ reason: 'GONE' }] });
  });

  it('is not made for a discard or a purge, which do not run entries', async () => {
    await send([{ order: 'a' }]);
    expect((await as('POST', '/discard', { dryRun: true })).body).toEqual({ dryRun: true, count: 1 });
    expect((await as('POST', '/purge', { dryRun: true })).body).toEqual({ dryRun: true, count: 1 });
  });
});

describe('the preview and the result of a re-verification', () => {
  it('a delivery that is still not genuine fails in both', async () => {
    await send([{ number: 1 }], 'another-key-of-tests');
    const { body } = await as('POST', '/reverify', { dryRun: true });
    expect(body).toMatchObject({ count: 1, trial: { tried: 1, succeeded: 0, failures: [{ reason: 'INVALID_SIGNATURE', count: 1 }] } });
    const { operation } = (await as('POST', '/reverify')).body;
    await work('dlq.operations');
    expect((await as('GET', `/operations/${operation.id}`)).body).toMatchObject({
      status: 'done',
      succeeded: 0,
      failed: 1,
      failures: [{ reason: 'INVALID_SIGNATURE', count: 1 }],
    });
  });

  it('a genuine delivery of which no record becomes an event is no success', async () => {
    await send([{ order: 'a' }], 'the-key-they-really-have');
    await call(api.app as never, org.owner, 'POST', `/api/connections/${hook.id}/secret`, { secret: 'the-key-they-really-have' });
    expect((await as('POST', '/reverify', { dryRun: true })).body.trial).toMatchObject({
      succeeded: 0,
      failures: [{ reason: 'MISSING_FIELD' }],
    });
    const { operation } = (await as('POST', '/reverify')).body;
    await work('dlq.operations');
    expect((await as('GET', `/operations/${operation.id}`)).body).toMatchObject({
      succeeded: 0,
      failed: 1,
      failures: [{ reason: 'MISSING_FIELD', count: 1 }],
    });
  });
});

describe('the attempts of an entry', () => {
  it('are kept with their time, what and who started them, and the reason of their failure', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    expect((await as('GET', `/${id}`)).body.history).toEqual([]);
    await as('POST', `/${id}/retry`);
    await work('dlq.retry');
    const { operation } = (await as('POST', '/redrive')).body;
    await work('dlq.operations');
    const { history } = (await as('GET', `/${id}`)).body;
    expect(history).toMatchObject([
      { by: 'operation', operationId: operation.id, personId: org.owner.id, result: 'failed', errorClass: 'MISSING_FIELD' },
      { by: 'person', operationId: null, personId: org.owner.id, result: 'failed', errorClass: 'MISSING_FIELD' },
    ]);
    expect(history[0].message).toContain('number');
    await mapTo('order');
    await as('POST', `/${id}/retry`);
    await work('dlq.retry');
    expect((await as('GET', `/${id}`)).body).toMatchObject({
      status: 'resolved',
      history: [{ by: 'person', result: 'resolved', message: null }, {}, {}],
    });
  });

  it('are the last ten, however often the entry is tried', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    for (let n = 0; n < 12; n++) {
      await as('POST', `/${id}/retry`);
      await work('dlq.retry');
    }
    const { history, attempts } = (await as('GET', `/${id}`)).body;
    expect(attempts).toBe(12);
    expect(history).toHaveLength(10);
    expect(history.map(({ at }: { at: string }) => at)).toEqual(
      history
        .map(({ at }: { at: string }) => at)
        .toSorted()
        .toReversed(),
    );
  });

  it('an attempt that a crash interrupted is one, and a claim that was given back is none', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    const claim = `status = 'retrying', lease_owner = gen_random_uuid(), next_retry_at = now() - interval '1 second'`;
    await api.admin(`update public.dlq_events set ${claim}, attempts = attempts + 1 where id = $1`, [id]);
    await api.admin(`update public.dlq_events set status = 'pending', next_retry_at = null, attempts = attempts - 1 where id = $1`, [id]);
    expect((await as('GET', `/${id}`)).body.history).toEqual([]);
    await api.admin(`update public.dlq_events set ${claim}, attempts = attempts + 1 where id = $1`, [id]);
    await work('dlq.retry');
    expect((await as('GET', `/${id}`)).body.history).toMatchObject([{ result: 'failed' }, { by: 'schedule', result: 'interrupted' }]);
  });
});

describe('an erasure of the delivery', () => {
  it('is an entry of the history, and removes the messages of earlier attempts', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    await as('POST', `/${id}/retry`);
    await work('dlq.retry');
    await api.db.worker((sql) =>
      sql('select private.erase_deliveries($1, array(select journal_id from public.dlq_events where id = $2))', [org.id, id]),
    );
    expect((await as('GET', `/${id}`)).body.history).toMatchObject([
      { by: 'system', result: 'discarded' },
      { by: 'person', result: 'failed', message: null },
    ]);
  });
});

describe('discarding one entry', () => {
  it('gives it up at once, says by whom, and a retry brings it back', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    expect((await as('POST', `/${id}/discard`)).body).toEqual({ id, status: 'discarded' });
    expect((await as('POST', `/${id}/discard`)).body).toEqual({ id, status: 'discarded' });
    expect((await as('GET', `/${id}`)).body).toMatchObject({
      status: 'discarded',
      history: [{ result: 'discarded', by: 'person', personId: org.owner.id }],
    });
    expect(await api.admin(`select count(*)::int as n from audit_log where target_id = $1`, [id])).toEqual([{ n: 1 }]);
    await mapTo('order');
    await as('POST', `/${id}/retry`);
    await work('dlq.retry');
    expect((await as('GET', `/${id}`)).body.status).toBe('resolved');
    expect((await as('POST', `/${id}/discard`)).body.code).toBe('conflict');
  });

  it('an analyst and a stranger may not, and a bulk discard names its operation', async () => {
    await send([{ order: 'a' }]);
    const id = await firstId();
    expect((await as('POST', `/${id}/discard`, undefined, await api.makeMember(org, 'analyst'))).status).toBe(403);
    expect((await as('POST', `/${id}/discard`, undefined, (await api.makeOrg()).owner)).status).toBe(404);
    const { operation } = (await as('POST', '/discard')).body;
    await work('dlq.operations');
    expect((await as('GET', `/${id}`)).body.history).toMatchObject([{ result: 'discarded', by: 'operation', operationId: operation.id }]);
  });
});
