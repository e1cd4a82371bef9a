import { randomUUID } from 'node:crypto';
import type { DlqEntry } from '@tributary/shared/dlq.ts';
import { errorClasses } from '@tributary/shared/errors.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../platform/ids.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { explain } from './causes.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;
let analyst: TestUser;
let shop: string;
let stripe: string;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());
beforeEach(async () => {
  org = await world.makeOrg();
  analyst = await world.makeMember(org, 'analyst');
  shop = await world.makeConnection(org, { name: 'Shop' });
  stripe = await world.makeConnection(org, { type: 'stripe', name: 'Payments' });
});

async function makeEntry(columns: Record<string, unknown> = {}, of = org): Promise<string> {
  const row = {
    id: newId(Date.now()),
    org_id: of.id,
    project_id: of.projectId,
    source_connection_id: shop,
    journal_id: randomUUID(),
    record_index: 0,
    error_class: 'SCHEMA_DRIFT',
    last_error_message: 'an unknown shape',
    field_path: 'data.purchase.price',
    source_event_type: 'PURCHASE_APPROVED',
    sample: { shown: true },
    ...columns,
  };
  await world.admin(
    `insert into public.dlq_events (${Object.keys(row).join(', ')}) select ${Object.keys(row).join(', ')} from jsonb_populate_record(null::public.dlq_events, $1)`,
    [JSON.stringify(row)],
  );
  return row.id;
}

const get = (path: string, user: TestUser = org.owner) => call(app, user, 'GET', `/api/dlq${path}`);
const post = (path: string, body: object = {}, user: TestUser = org.owner) => call(app, user, 'POST', `/api/dlq${path}`, body);
const ids = (answer: { body: { entries: DlqEntry[] } }) => answer.body.entries.map((entry) => entry.id);

describe('the list', () => {
  it('is newest first, in pages that neither repeat nor skip entries of one instant', async () => {
    const at = '2026-01-02T03:04:05.123456Z';
    const made = [];
    for (let n = 0; n < 5; n++) made.push(await makeEntry({ created_at: at }));
    made.push(await makeEntry({ created_at: '2026-01-02T03:04:05.123455Z' }));
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await get(`?limit=2${cursor}`);
      expect(page.status).toBe(200);
      seen.push(...ids(page));
      if (page.body.nextCursor === null) break;
      cursor = `&cursor=${page.body.nextCursor}`;
    }
    expect(seen).toEqual([...made.slice(0, 5).sort().reverse(), made[5]]);
  });

  it('shows every field of an entry that a person needs', async () => {
    const id = await makeEntry({ attempts: 3, status: 'exhausted' });
    expect((await get(`/${id}`, analyst)).body).toMatchObject({
      id,
      orgId: org.id,
      projectId: org.projectId,
      connectionId: shop,
      connectionName: 'Shop',
      sourceType: 'hotmart',
      recordIndex: 0,
      errorClass: 'SCHEMA_DRIFT',
      message: 'an unknown shape',
      fieldPath: 'data.purchase.price',
      status: 'exhausted',
      attempts: 3,
      isQuarantine: false,
      sample: { shown: true },
      resolvedAt: null,
    });
  });

  it('applies every condition of the filter', async () => {
    const old = await makeEntry({ created_at: new Date(Date.now() - 9 * 86_400_000) });
    const drift = await makeEntry();
    const other = await makeEntry({
      source_connection_id: stripe,
      error_class: 'INVALID_SIGNATURE',
      is_quarantine: true,
      status: 'exhausted',
      field_path: null,
      source_event_type: null,
    });
    const expectIds = async (query: string, expected: string[]) => expect(ids(await get(query)), query).toEqual(expected);
    await expectIds('', [other, drift, old]);
    await expectIds('?class=SCHEMA_DRIFT', [drift, old]);
    await expectIds('?classes=INVALID_SIGNATURE,MISSING_FIELD', [other]);
    await expectIds('?sources=stripe', [other]);
    await expectIds(`?connectionIds=${shop},${stripe}&quarantine=false`, [drift, old]);
    await expectIds('?quarantine=true', [other]);
    await expectIds('?statuses=exhausted,resolved', [other]);
    await expectIds('?sourceEventTypes=PURCHASE_APPROVED&olderThanDays=7', [old]);
    await expectIds('?fieldPath=data.purchase.price', [drift, old]);
    await expectIds(`?from=${new Date(Date.now() - 86_400_000).toISOString()}`, [other, drift]);
    await expectIds(`?to=${new Date(Date.now() - 86_400_000).toISOString()}`, [old]);
    await expectIds(`?ids=${drift}`, [drift]);
    await expectIds(`?projectId=${randomUUID()}`, []);
  });

  it.each([
    '?class=NO_SUCH_CLASS',
    '?statuses=gone',
    '?connectionIds=1',
    '?ids=',
    '?from=yesterday',
    '?olderThanDays=-1',
    '?quarantine=maybe',
    '?limit=0',
    '?limit=201',
    '?cursor=!!!',
    `?cursor=${Buffer.from('1.2').toString('base64url')}`,
    '?unknown=1',
    '?orgId=mine',
  ])('refuses %s', async (query) => {
    expect(await get(query)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('requires orgId only from members of several orgs', async () => {
    const second = await world.makeOrg(org.owner);
    expect((await get('')).status).toBe(400);
    expect((await get(`?orgId=${second.id}`)).body).toEqual({ entries: [], next: null, nextCursor: null });
  });
});

describe('the summary', () => {
  it('counts the open entries by class and connection, and by hour of the last day', async () => {
    const hoursAgo = (n: number) => new Date(Date.now() - n * 3_600_000).toISOString();
    await makeEntry({ created_at: hoursAgo(30) });
    await makeEntry({ created_at: hoursAgo(23.5) });
    await makeEntry({ created_at: hoursAgo(0.1), status: 'exhausted' });
    await makeEntry({ status: 'resolved' });
    await makeEntry({ source_connection_id: stripe, error_class: 'PII_HASH_ERROR' });
    const { body } = await get('/summary', analyst);
    expect(body.total).toBe(4);
    const [drift, pii] = body.groups;
    expect(drift).toMatchObject({
      errorClass: 'SCHEMA_DRIFT',
      connectionName: 'Shop',
      sourceType: 'hotmart',
      count: 3,
      pending: 2,
      exhausted: 1,
    });
    expect(drift.retryable).toBe('after_fix');
    expect(drift.trend).toEqual([1, ...Array(22).fill(0), 1]);
    expect(Date.parse(drift.lastSeenAt) - Date.parse(drift.firstSeenAt)).toBeGreaterThan(29 * 3_600_000);
    expect(pii).toMatchObject({ errorClass: 'PII_HASH_ERROR', connectionName: 'Payments', count: 1, retryable: 'yes' });
    expect((await get('/summary?statuses=resolved')).body).toMatchObject({ total: 1 });
  });
});

describe('the analysis', () => {
  it('clusters by class, field, event and connection, with the cause and the fix', async () => {
    await makeEntry();
    const newest = await makeEntry();
    await makeEntry({ error_class: 'INVALID_HOTTOK', field_path: null, source_event_type: null, is_quarantine: true });
    const { body } = await get('/analyze', analyst);
    expect(body.clusters).toHaveLength(2);
    expect(body.clusters[0]).toMatchObject({
      errorClass: 'SCHEMA_DRIFT',
      fieldPath: 'data.purchase.price',
      sourceEventType: 'PURCHASE_APPROVED',
      sourceType: 'hotmart',
      connectionId: shop,
      connectionName: 'Shop',
      count: 2,
      exampleId: newest,
    });
    expect(body.clusters[0].cause).toContain('data.purchase.price');
    expect(body.clusters[1].cause).toMatch(/hottok that Hotmart sends is not the one stored/);
    expect(body.clusters[1].fix).toMatch(/Copy the hottok .* re-verify/);
  });

  it.each(['en', 'pt-BR'] as const)('has an explanation for every class in %s', (language) => {
    const explanations = Object.keys(errorClasses).map((errorClass) =>
      explain({ errorClass, sourceType: 'stripe', fieldPath: 'data.object', sourceEventType: 'invoice.paid' }, language),
    );
    expect(new Set(explanations.map(({ cause }) => cause)).size).toBe(explanations.length);
    for (const { cause, fix } of explanations) {
      expect(cause).not.toMatch(/undefined|error class|classe de erro/);
      expect(fix).not.toContain('undefined');
    }
  });
});

describe('retrying one entry', () => {
  it('makes an exhausted entry due at once and is audited', async () => {
    const id = await makeEntry({ status: 'exhausted', attempts: 8 });
    expect(await post(`/${id}/retry`)).toMatchObject({ status: 202, body: { id, status: 'pending' } });
    const [row] = await world.admin('select status, next_retry_at <= now() as due from public.dlq_events where id = $1', [id]);
    expect(row).toEqual({ status: 'pending', due: true });
    const [audit] = await world.admin(`select actor_id, action from public.audit_log where target_id = $1`, [id]);
    expect(audit).toEqual({ actor_id: org.owner.id, action: 'dlq_events.update' });
  });

  it('changes neither an entry that is being retried nor a resolved one', async () => {
    const busy = await makeEntry({ status: 'retrying', lease_owner: randomUUID(), next_retry_at: new Date(Date.now() + 60_000) });
    expect(await post(`/${busy}/retry`)).toMatchObject({ status: 202, body: { status: 'retrying' } });
    const resolved = await makeEntry({ status: 'resolved' });
    expect(await post(`/${resolved}/retry`)).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });
});

describe('permissions', () => {
  it('let an analyst read, but neither retry, nor start or cancel operations, nor see full deliveries', async () => {
    const id = await makeEntry();
    expect((await post('/redrive', { dryRun: true })).body).toMatchObject({ dryRun: true, count: 1 });
    const operation = (await post('/redrive')).body.operation;
    for (const [method, path] of [
      ['POST', `/${id}/retry`],
      ['POST', '/redrive'],
      ['POST', '/discard'],
      ['POST', '/purge'],
      ['POST', '/reverify'],
      ['POST', `/operations/${operation.id}/cancel`],
      ['GET', '/sample?full=true'],
    ] as const) {
      expect(await call(app, analyst, method, `/api/dlq${path}`, method === 'POST' ? {} : undefined), path).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
    }
    for (const path of ['', `/${id}`, '/summary', '/sample', '/analyze', '/operations', `/operations/${operation.id}`]) {
      expect((await get(path, analyst)).status, path).toBe(200);
    }
    expect(await world.admin(`select 1 from public.audit_log where action = 'dlq.full_sample' and org_id = $1`, [org.id])).toEqual([]);
  });

  it('hide another org\u2019s entries and operations', async () => {
    const id = await makeEntry();
    const operation = (await post('/discard')).body.operation;
    const stranger = (await world.makeOrg()).owner;
    for (const [method, path, body] of [
      ['GET', `/${id}`],
      ['POST', `/${id}/retry`, {}],
      ['GET', `/operations/${operation.id}`],
      ['POST', `/operations/${operation.id}/cancel`, {}],
      ['GET', `?orgId=${org.id}`],
      ['GET', `/summary?orgId=${org.id}`],
      ['GET', `/sample?full=true&orgId=${org.id}`],
      ['POST', '/purge', { orgId: org.id }],
    ] as const) {
      expect((await call(app, stranger, method, `/api/dlq${path}`, body)).status, path).toBe(404);
    }
    expect((await get(`?ids=${id}&connectionIds=${shop}`, stranger)).body.entries).toEqual([]);
    expect((await post('/redrive', { ids: [id], connectionIds: [shop], dryRun: true }, stranger)).body).toEqual({ dryRun: true, count: 0 });
  });

  it('answer 401 without a token', async () => {
    expect((await call(app, undefined, 'GET', '/api/dlq/summary')).status).toBe(401);
  });

  it('answer 404 for a malformed id', async () => {
    expect((await get('/not-an-id')).status).toBe(404);
    expect((await post('/not-an-id/retry')).status).toBe(404);
  });
});

describe('commands on many entries', () => {
  it('count and change nothing in a dry run', async () => {
    await makeEntry();
    await makeEntry({ status: 'resolved' });
    const before = await world.admin('select * from public.dlq_events where org_id = $1 order by id', [org.id]);
    for (const [kind, count] of [
      ['redrive', 1],
      ['discard', 1],
      ['purge', 2],
      ['reverify', 0],
    ]) {
      expect((await post(`/${kind}`, { dryRun: true })).body, String(kind)).toMatchObject({ dryRun: true, count });
    }
    expect(await world.admin('select * from public.dlq_events where org_id = $1 order by id', [org.id])).toEqual(before);
    expect((await get('/operations')).body).toEqual({ operations: [], next: null });
  });

  it('start one operation for the same filter, also when requested at the same moment, and are audited once', async () => {
    await makeEntry();
    const [first, ...others] = await Promise.all([
      post('/redrive', { classes: ['SCHEMA_DRIFT', 'MISSING_FIELD'] }),
      post('/redrive', { classes: ['MISSING_FIELD', 'SCHEMA_DRIFT'] }),
      post('/redrive', { statuses: ['exhausted', 'pending'], classes: ['SCHEMA_DRIFT', 'MISSING_FIELD'] }),
      post('/redrive', { classes: ['SCHEMA_DRIFT', 'MISSING_FIELD'], orgId: org.id }),
    ]);
    expect(first).toMatchObject({
      status: 202,
      body: { operation: { kind: 'redrive', status: 'queued', total: 1, createdBy: org.owner.id } },
    });
    for (const other of others) expect(other.body.operation.id).toBe(first?.body.operation.id);
    expect((await post('/redrive', { classes: ['SCHEMA_DRIFT'] })).body.operation.id).not.toBe(first?.body.operation.id);
    const audited = await world.admin(`select 1 from public.audit_log where action = 'dlq_operations.insert' and target_id = $1`, [
      first?.body.operation.id,
    ]);
    expect(audited).toHaveLength(1);
  });

  it('can be started again after the operation was canceled', async () => {
    await makeEntry();
    const { operation } = (await post('/purge')).body;
    const canceled = await post(`/operations/${operation.id}/cancel`);
    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled', finishedAt: expect.any(String) } });
    expect((await post(`/operations/${operation.id}/cancel`)).body).toEqual(canceled.body);
    expect((await post('/purge')).body.operation.id).not.toBe(operation.id);
  });

  it.each([
    ['/redrive', { classes: ['NOPE'] }],
    ['/redrive', { statuses: [] }],
    ['/redrive', { statuses: ['resolved'] }],
    ['/discard', { statuses: ['discarded'] }],
    ['/purge', { statuses: ['retrying'] }],
    ['/purge', { olderThan: 7 }],
    ['/purge', { olderThanDays: '7' }],
    ['/purge', { ids: 'all' }],
    ['/purge', { dryRun: 'yes' }],
    ['/reverify', []],
  ])('%s refuses %j', async (path, body) => {
    expect(await post(path, body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('are refused while the org or an affected connection is under a legal hold', async () => {
    await makeEntry();
    const hold = (connection: string | null) =>
      world.admin(`insert into public.legal_holds (org_id, source_connection_id, reason) values ($1, $2, 'case 7') returning id`, [
        org.id,
        connection,
      ]);
    await hold(stripe);
    expect((await post('/purge', { dryRun: true })).body).toEqual({ dryRun: true, count: 1 });
    await hold(shop);
    expect((await post('/purge')).body).toMatchObject({ code: 'legal_hold', detail: expect.stringContaining('case 7') });
    expect((await post('/purge', { sources: ['stripe'] })).status).toBe(202);
    expect((await post('/discard', { dryRun: true })).body).toMatchObject({ code: 'legal_hold' });
  });
});
