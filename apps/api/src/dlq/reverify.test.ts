import { createHmac, randomUUID } from 'node:crypto';
import { sources } from '@tributary/pipeline/sources.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEntry } from '../deliveries/reopen.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { dlqTasks } from './jobs.ts';

let api: TestApi;
let org: TestOrg;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());
beforeEach(async () => {
  org = await api.makeOrg();
});

interface Hook {
  id: string;
  url: string;
}
const entries = () => api.admin('select * from public.dlq_events where org_id = $1 order by created_at, id', [org.id]);
const events = () => api.admin('select * from public.canonical_events where org_id = $1 order by idempotency_key', [org.id]);
const post = (path: string, body: object) => call(api.app as never, org.owner, 'POST', path, body);
const send = (hook: Hook, body: string, headers: Record<string, string> = {}, query = '') =>
  api.sendUntilTaken(hook.url + query, body, headers);
const refused = async (answer: ReturnType<typeof send>) => expect((await answer).status).toBe(401);

async function correct(hook: Hook, name: string, secret: string): Promise<void> {
  const before = await api.connections.get(hook.id);
  expect((await post(`/api/connections/${hook.id}/secret`, { name, secret })).status).toBe(200);
  // The webhook route uses the cached connection; a re-verification reads the connection from the database.
  await expect.poll(async () => (await api.connections.get(hook.id)) === before).toBe(false);
}
async function reverify(filter: object = {}) {
  const started = await post('/api/dlq/reverify', filter);
  expect(started.status).toBe(202);
  const tasks = dlqTasks({
    db: api.db,
    connections: api.connections,
    threads: api.threads,
    retry: api.config.dlq,
    now: Date.now,
    log: api.log,
  });
  await tasks['dlq.operations']?.run({}, { signal: new AbortController().signal, log: api.log });
  return (await call(api.app as never, org.owner, 'GET', `/api/dlq/operations/${started.body.operation.id}`)).body;
}

/** The opened contents of all journal entries of a connection. */
async function journalOf(hook: Hook) {
  const rows = await api.admin<{ id: string }>('select id from event_journal where source_connection_id = $1 order by received_at, id', [
    hook.id,
  ]);
  const ids = rows.map((row) => row.id);
  const found = await api.db.worker((sql) => findJournalEntries(sql, ids));
  const keys = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
  return ids.flatMap((id) => {
    const entry = found.get(id);
    return entry ? [openEntry(entry, keys)] : [];
  });
}
const reconfigure = (hook: Hook, config: object) =>
  call(api.app as never, org.owner, 'PATCH', `/api/connections/${hook.id}`, { config }).then(({ status }) => expect(status).toBe(200));
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const purchase = (id: string = randomUUID()) =>
  JSON.stringify({
    id,
    creation_date: Date.now(),
    event: 'PURCHASE_APPROVED',
    version: '2.0.0',
    data: {
      product: { id: 1, name: 'Curso' },
      buyer: { email: 'ana@example.com' },
      purchase: { transaction: 'HP1', price: { value: 10, currency_value: 'BRL' } },
    },
  });
const v1 = (hottok: string, transaction: string) =>
  new URLSearchParams({
    hottok,
    prod: '4711',
    prod_name: 'Curso',
    email: 'ana@example.com',
    transaction,
    status: 'approved',
    purchase_date: new Date().toISOString(),
    price: '10.00',
    currency: 'BRL',
  }).toString();
const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('after the secret is corrected', () => {
  it('deliveries with the right hottok in their header become events, and the others get a new message', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'copied-wrongly' });
    await refused(send(hook, purchase('1'), { 'x-hotmart-hottok': 'the-right-one' }));
    await refused(send(hook, purchase('2'), { 'x-hotmart-hottok': 'of-a-stranger' }));
    await refused(send(hook, purchase('3')));
    expect(await reverify()).toMatchObject({ status: 'done', total: 3, done: 3, succeeded: 0, failed: 3 });
    await correct(hook, 'hottok', 'the-right-one');
    expect(await reverify()).toMatchObject({ status: 'done', total: 3, done: 3, succeeded: 1, failed: 2 });
    const [right, strange, bare] = await entries();
    expect(right).toMatchObject({ status: 'resolved', is_quarantine: true });
    expect(strange).toMatchObject({
      status: 'pending',
      error_class: 'INVALID_HOTTOK',
      attempts: 2,
      next_retry_at: null,
      is_quarantine: true,
    });
    expect(bare).toMatchObject({ status: 'pending', last_error_message: expect.stringContaining('carries no hottok') });
    const stored = await events();
    expect(stored).toHaveLength(1);
    // The replay is a new journal entry that names the rejected one; the event has the time of arrival of the rejected delivery.
    const [replay] = await api.admin('select * from event_journal where replay_of = $1', [right?.journal_id]);
    expect(stored[0]).toMatchObject({ journal_id: replay?.id, type: 'order.paid' });
    const [first] = await api.admin('select received_at from event_journal where id = $1', [right?.journal_id]);
    expect(stored[0]?.received_at).toEqual(first?.received_at);
  });

  it('a hottok in the body, which was redacted before it was sealed, is recognised', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'copied-wrongly' });
    await refused(send(hook, v1('the right&one=é', 'HP-1'), form));
    await refused(send(hook, v1('another', 'HP-2'), form));
    const before = await send(hook, v1('copied-wrongly', 'HP-0'), form);
    expect(before.body.status).toBe('accepted');
    await correct(hook, 'hottok', 'the right&one=é');
    await refused(send(hook, v1('copied-wrongly', 'HP-3'), form));
    expect(await reverify()).toMatchObject({ done: 3, succeeded: 1, failed: 2 });
    expect((await events()).map((event) => event.order_ref)).toEqual(['HP-0', 'HP-1']);
    expect((await entries()).map((entry) => entry.status)).toEqual(['resolved', 'pending', 'pending']);
  });

  it('signatures are checked again with the time of arrival as the clock', async () => {
    const hook = await api.connect(org, 'stripe', { signing_secret: 'whsec_wrong' });
    const stripe = sources.get('stripe');
    const sample = stripe?.samples[0];
    if (!stripe || !sample) throw new Error('stripe has a sample');
    const signed = (nowMs: number) => {
      const body = sample.body({ id: randomUUID(), nowMs });
      return [body, stripe.sign(body, [{ name: 'signing_secret', value: 'whsec_right' }], {}, nowMs).headers] as const;
    };
    await refused(send(hook, ...signed(Date.now())));
    await refused(send(hook, ...signed(Date.now() - 3_600_000)));
    await correct(hook, 'signing_secret', 'whsec_right');
    const later = Date.now() + 7_200_000;
    const tasks = dlqTasks({
      db: api.db,
      connections: api.connections,
      threads: api.threads,
      retry: api.config.dlq,
      now: () => later,
      log: api.log,
    });
    await post('/api/dlq/reverify', {});
    await tasks['dlq.operations']?.run({}, { signal: new AbortController().signal, log: api.log });
    const [timely, stale] = await entries();
    expect(timely).toMatchObject({ status: 'resolved' });
    expect(stale).toMatchObject({ status: 'pending', error_class: 'TIMESTAMP_OUT_OF_TOLERANCE' });
    expect(await events()).toHaveLength(1);
  });

  it('a Meta delivery with several records becomes an event for each of them', async () => {
    const hook = await api.connect(org, 'meta', { app_secret: 'wrong-secret', verify_token: 'verify-me-please-1234' });
    const body = JSON.stringify({
      object: 'page',
      entry: [1, 2].map((n) => ({
        id: '1',
        time: Math.floor(Date.now() / 1000),
        changes: [
          { field: 'leadgen', value: { leadgen_id: `${n}`, page_id: '1', form_id: '2', created_time: Math.floor(Date.now() / 1000) } },
        ],
      })),
    });
    const signature = `sha256=${createHmac('sha256', 'the-right-one').update(body).digest('hex')}`;
    await refused(send(hook, body, { 'x-hub-signature-256': signature }));
    await refused(send(hook, `${body} `, { 'x-hub-signature-256': signature }));
    await correct(hook, 'app_secret', 'the-right-one');
    expect(await reverify()).toMatchObject({ done: 2, succeeded: 1, failed: 1 });
    expect(await events()).toHaveLength(2);
  });

  it('an API key in the query, behind a prefix, is recognised by its digest', async () => {
    const verification = { scheme: 'api-key', in: 'query', name: 'token', prefix: 'k:' };
    const hook = await api.connect(org, 'webhook', { secret: 'wrong-secret' }, { verification, fields: { id: 'number' } });
    await refused(send(hook, '{"number":"1"}', {}, '?token=k:a%20right%2Bkey&a=1'));
    await refused(send(hook, '{"number":"2"}', {}, '?token=k:other'));
    await refused(send(hook, '{"number":"3"}', {}, '?token=a%20right%2Bkey'));
    const [sealed] = await api.admin(
      `select count(*)::int as n from private.journal_payloads where org_id = $1 and position('the-right-one' in encode(sealed, 'escape')) > 0`,
      [org.id],
    );
    expect(sealed).toEqual({ n: 0 });
    await correct(hook, 'secret', 'a right+key');
    expect(await reverify()).toMatchObject({ done: 3, succeeded: 1, failed: 2 });
    expect(await events()).toMatchObject([{ idempotency_key: '1' }]);
  });
});

describe('a credential in a header', () => {
  const apiKey = (settings: object) => ({ verification: { scheme: 'api-key', in: 'header', ...settings }, fields: { id: 'number' } });

  it('is recognised once a secret that was pasted without its end is corrected', async () => {
    const right = 'hottok-0123456789-abcdefGHIJKL';
    const hook = await api.connect(org, 'hotmart', { hottok: right.slice(0, -6) });
    await refused(send(hook, purchase('1'), { 'x-hotmart-hottok': right }));
    await refused(send(hook, purchase('2'), { 'x-hotmart-hottok': `${right}-not` }));
    await correct(hook, 'hottok', right);
    expect(await reverify()).toMatchObject({ done: 2, succeeded: 1, failed: 1 });
    const [, strange] = await entries();
    expect(strange).toMatchObject({ status: 'pending', last_error_message: expect.stringContaining('not the one of this connection') });
  });

  it.each([
    ['the prefix was wrong', { name: 'authorization', prefix: 'Bearer ' }, { name: 'authorization', prefix: 'Token ' }],
    ['the prefix was left out', { name: 'authorization' }, { name: 'authorization', prefix: 'token ' }],
    ['the name was wrong', { name: 'x-key' }, { name: 'Authorization', prefix: 'TOKEN ' }],
    ['it was expected in the query', { in: 'query', name: 'token' }, { name: 'authorization', prefix: 'Token ' }],
  ])('is recognised after %s', async (_, wrong, right) => {
    const hook = await api.connect(org, 'webhook', { secret: 'the-api-key' }, apiKey(wrong));
    await refused(send(hook, '{"number":"1"}', { authorization: 'Token the-api-key' }));
    await refused(send(hook, '{"number":"2"}', { authorization: 'Secret the-api-key' }));
    await reconfigure(hook, apiKey(right));
    expect(await reverify()).toMatchObject({ done: 2, succeeded: 1, failed: 1 });
    expect(await events()).toMatchObject([{ idempotency_key: '1' }]);
  });

  it('behind a prefix that is no known scheme is recognised in upper and lower case', async () => {
    const hook = await api.connect(org, 'webhook', { secret: 'the-api-k' }, apiKey({ name: 'x-key', prefix: 'App-Key=' }));
    await refused(send(hook, '{"number":"1"}', { 'x-key': 'app-key=the-api-key' }));
    await refused(send(hook, '{"number":"2"}', { 'x-key': 'App-Key=the-api-key' }));
    await refused(send(hook, '{"number":"3"}', { 'x-key': 'app-key=THE-API-KEY' }));
    await correct(hook, 'secret', 'the-api-key');
    expect(await reverify()).toMatchObject({ done: 3, succeeded: 2, failed: 1 });
  });

  it('of HTTP Basic is recognised after the user name or the password is corrected', async () => {
    const config = (username: string) => ({ verification: { scheme: 'basic', username }, fields: { id: 'number' } });
    const hook = await api.connect(org, 'webhook', { secret: 'pass:wörd' }, config('wrong'));
    await refused(send(hook, '{"number":"1"}', { authorization: basic('shop', 'pass:wörd') }));
    await refused(send(hook, '{"number":"2"}', { authorization: basic('shop', 'pass:wörd-1').replace('Basic', 'basic') }));
    await refused(send(hook, '{"number":"3"}', { authorization: basic('strange', 'pass:wörd') }));
    await reconfigure(hook, config('shop'));
    expect(await reverify()).toMatchObject({ done: 3, succeeded: 1, failed: 2 });
    await correct(hook, 'secret', 'pass:wörd-1');
    expect(await reverify()).toMatchObject({ done: 2, succeeded: 1, failed: 1 });
    expect(await events()).toMatchObject([{ idempotency_key: '1' }, { idempotency_key: '2' }]);
  });

  it('is stored only as its digest, whether the secret was wrong, cut off or right', async () => {
    const hook = await api.connect(org, 'webhook', { secret: 'a-sound-' }, apiKey({ name: 'x-key' }));
    await refused(send(hook, '{"number":"1"}', { 'x-key': 'a-sound-key', 'x-trace': 'abc' }));
    await refused(send(hook, '{"number":"2"}', { 'x-copy': 'a-sound-key' }));
    await reconfigure(hook, { ...apiKey({ name: 'x-key' }), verification: { scheme: 'basic', username: 'u' } });
    await refused(send(hook, '{"number":"3"}', { authorization: basic('other', 'a-sound-key') }));
    const kept = await journalOf(hook);
    expect(kept).toHaveLength(3);
    expect(kept[0]?.head).toMatchObject({
      headers: { 'x-key': '[redacted]', 'x-trace': 'abc' },
      credentials: { 'header:x-key': expect.any(String) },
    });
    expect(kept[2]?.head.headers.authorization).toBe('Basic [redacted]');
    expect(JSON.stringify(kept.map(({ head }) => head))).not.toMatch(/a-sound-key|b3RoZXI6/);
  });
});

describe('a signature', () => {
  it('is stored unchanged, even if it happens to contain the wrong secret', async () => {
    const body = '{"number":"1"}';
    const signature = createHmac('sha256', 'the-right-one').update(body).digest('hex');
    const config = { verification: { scheme: 'hmac', header: 'x-signature', prefix: 'sha256=' }, fields: { id: 'number' } };
    const hook = await api.connect(org, 'webhook', { secret: signature.slice(10, 20) }, config);
    await refused(send(hook, body, { 'x-signature': `sha256=${signature}` }));
    await correct(hook, 'secret', 'the-right-one');
    expect(await reverify()).toMatchObject({ done: 1, succeeded: 1 });
  });

  it('that was stored as if it were an API key is recognised by its digest', async () => {
    const hook = await api.connect(
      org,
      'webhook',
      { secret: 'the-right-one' },
      { verification: { scheme: 'api-key', in: 'header', name: 'x-signature' } },
    );
    const sign = (text: string) => `v0=${createHmac('sha256', 'the-right-one').update(text).digest('hex')}`;
    await refused(send(hook, '{"number":"1"}', { 'x-signature': sign('1700:{"number":"1"}'), 'x-at': '1700' }));
    const seconds = String(Math.floor(Date.now() / 1000));
    await refused(send(hook, '{"number":"2"}', { 'x-signature': sign(`${seconds}:{"number":"2"}`), 'x-at': seconds }));
    await refused(send(hook, '{"number":"3"}', { 'x-signature': sign(`${seconds}:{"number":"2"}`), 'x-at': seconds }));
    const verification = { scheme: 'hmac', header: 'x-signature', prefix: 'v0=', timestampHeader: 'x-at', template: '{timestamp}:{body}' };
    await reconfigure(hook, { verification, fields: { id: 'number' } });
    expect(await reverify()).toMatchObject({ done: 3, succeeded: 1, failed: 2 });
    expect((await entries()).map((entry) => entry.error_class)).toEqual([
      'TIMESTAMP_OUT_OF_TOLERANCE',
      'INVALID_SIGNATURE',
      'INVALID_SIGNATURE',
    ]);
    expect(await events()).toMatchObject([{ idempotency_key: '2' }]);
  });

  it('of Standard Webhooks verifies once a secret that was pasted without its end is corrected', async () => {
    const right = `whsec_${Buffer.from('a synthetic key of 33 bytes, long').toString('base64')}`;
    const hook = await api.connect(
      org,
      'webhook',
      { secret: right.slice(0, -8) },
      { verification: { scheme: 'standard-webhooks' }, fields: { id: 'number' } },
    );
    const body = '{"number":"1"}';
    const [id, seconds] = ['msg_1', String(Math.floor(Date.now() / 1000))];
    const key = Buffer.from(right.slice('whsec_'.length), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
    await refused(send(hook, body, { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` }));
    await correct(hook, 'secret', right);
    expect(await reverify()).toMatchObject({ done: 1, succeeded: 1 });
  });
});

describe('a genuine delivery', () => {
  it('is kept and replayed without its credential, in every form of the credential', async () => {
    const password = 'pass-word-123456';
    const hook = await api.connect(
      org,
      'webhook',
      { secret: password },
      { verification: { scheme: 'basic', username: 'u' }, fields: { id: 'number' } },
    );
    const copies = {
      authorization: basic('u', password),
      'x-copy': `key=${password}`,
      'x-again': basic('another', password),
      'x-trace': 'abc',
    };
    expect((await send(hook, '{"number":"1"}', copies)).status).toBe(200);
    const [kept] = await journalOf(hook);
    expect(Object.keys(kept?.head.headers ?? {})).toContain('x-trace');
    expect(kept?.head.headers).not.toHaveProperty('authorization');
    expect(kept?.head).not.toHaveProperty('credentials');
    expect(JSON.stringify(kept?.head)).not.toMatch(new RegExp(`${password}|${Buffer.from(`u:${password}`).toString('base64')}|YW5vdGhlcj`));
    const [first] = await events();
    const replayed = await post(`/api/replay/${first?.journal_id}`, {});
    expect(replayed).toMatchObject({ status: 200, body: { status: 'duplicate' } });
  });
});

describe('a delivery that was genuine and unreadable', () => {
  it('is not rejected because its credential was not kept, and stays unreadable', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'the-right-one' });
    expect((await send(hook, '{"broken":', { 'x-hotmart-hottok': 'the-right-one' })).status).toBe(400);
    await reverify();
    expect(await entries()).toMatchObject([{ status: 'pending', error_class: 'INVALID_PAYLOAD', attempts: 1, is_quarantine: true }]);
  });
});

describe('a re-verification', () => {
  it('runs only rejected deliveries that match its filter', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'wrong-secret' });
    const other = await api.connect(org, 'hotmart', { hottok: 'wrong-secret' });
    await refused(send(hook, purchase(), { 'x-hotmart-hottok': 'the-right-one' }));
    await refused(send(other, purchase(), { 'x-hotmart-hottok': 'the-right-one' }));
    await correct(hook, 'hottok', 'the-right-one');
    await correct(other, 'hottok', 'the-right-one');
    await api.admin(
      `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message)
       values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 0, 'SCHEMA_DRIFT', 'x')`,
      [org.id, org.projectId, hook.id],
    );
    expect(await reverify({ connectionIds: [hook.id], quarantine: false })).toMatchObject({ total: 1, done: 1, succeeded: 1 });
    expect((await entries()).map((entry) => entry.status)).toEqual(['resolved', 'pending', 'pending']);
  });

  it('of a single delivery is done by retrying it', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'wrong-secret' });
    await refused(send(hook, purchase(), { 'x-hotmart-hottok': 'the-right-one' }));
    await correct(hook, 'hottok', 'the-right-one');
    const [entry] = await entries();
    expect((await post(`/api/dlq/${entry?.id}/retry`, {})).status).toBe(202);
    const tasks = dlqTasks({
      db: api.db,
      connections: api.connections,
      threads: api.threads,
      retry: api.config.dlq,
      now: Date.now,
      log: api.log,
    });
    await tasks['dlq.retry']?.run({}, { signal: new AbortController().signal, log: api.log });
    expect(await entries()).toMatchObject([{ status: 'resolved' }]);
    expect(await events()).toHaveLength(1);
  });
});

describe('a full sample', () => {
  it('shows an owner the delivery without its credentials, and is recorded in the audit log', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'wrong-secret' });
    await refused(send(hook, purchase('1'), { 'x-hotmart-hottok': 'the-right-one', 'x-trace': 'abc', authorization: 'Bearer a-token' }));
    await refused(send(hook, v1('in-the-body', 'HP-9'), form));
    const { status, body, text, headers } = await call(
      api.app as never,
      org.owner,
      'GET',
      '/api/dlq/sample?class=INVALID_HOTTOK&full=true',
    );
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const [formEntry, json] = body.entries;
    expect(json.payload).toMatchObject({
      truncated: false,
      headers: { 'x-trace': 'abc', 'x-hotmart-hottok': '[redacted]', authorization: '[redacted]' },
    });
    expect(JSON.parse(json.payload.body)).toMatchObject({ id: '1', data: { buyer: { email: 'ana@example.com' } } });
    expect(formEntry.payload.body).toContain('hottok=[redacted]');
    expect(text).not.toMatch(/the-right-one|in-the-body|a-token/);
    const audit = await api.admin(`select actor_id, detail from audit_log where org_id = $1 and action = 'dlq.full_sample'`, [org.id]);
    expect(audit).toEqual([{ actor_id: org.owner.id, detail: { ids: [formEntry.id, json.id] } }]);
    const redacted = await call(api.app as never, org.owner, 'GET', '/api/dlq/sample?class=INVALID_HOTTOK');
    expect(redacted.body.entries[0]).not.toHaveProperty('payload');
    expect(redacted.text).not.toContain('ana@example.com');
  });

  it('is cut at 64 KiB, contains at most twenty deliveries, and leaves out those that are no longer kept', async () => {
    const hook = await api.connect(org, 'hotmart', { hottok: 'wrong-secret' });
    await refused(send(hook, JSON.stringify({ filler: 'x'.repeat(100_000) })));
    const large = await call(api.app as never, org.owner, 'GET', '/api/dlq/sample?full=true&limit=20');
    expect(large.body.entries[0].payload).toMatchObject({ truncated: true, byteSize: 100_013 });
    expect(large.body.entries[0].payload.body).toHaveLength(65_536);
    expect((await call(api.app as never, org.owner, 'GET', '/api/dlq/sample?full=true&limit=21')).status).toBe(400);
    await api.admin('delete from private.journal_payloads where org_id = $1', [org.id]);
    const gone = await call(api.app as never, org.owner, 'GET', '/api/dlq/sample?full=true');
    expect(gone.body.entries[0]).not.toHaveProperty('payload');
  });
});
