import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db } from '../platform/db.ts';
import { startTestApi, type TestApi } from '../test/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const detailed = async (of: TestApi = api) => {
  const response = await of.app.request('/health/detailed', { headers: { authorization: `Bearer ${of.config.operatorToken}` } });
  // biome-ignore lint/suspicious/noExplicitAny: asserted on field by field
  return { status: response.status, body: (await response.json()) as any };
};
const ready = async (of: TestApi = api) => {
  const response = await of.app.request('/ready');
  return [response.status, ((await response.json()) as { status: string }).status];
};
/** Another instance on the same database, with some methods of its `db` replaced. */
const instanceOn = (changes: Partial<Db>) => startTestApi({}, { world: api, db: { ...api.db, ...changes } });

test('/health answers while the process runs, /ready while it can commit', async () => {
  expect((await api.app.request('/health')).status).toBe(200);
  expect(await ready()).toEqual([200, 'ready']);
});

test('/ready fails when the process accepts no deliveries or cannot commit, while /health still passes', async () => {
  await api.flow.setMode('drain', null, 'a test', 'bootstrap');
  expect(await ready()).toEqual([503, 'draining']);
  await api.flow.setMode('paused', null, 'a test', 'bootstrap');
  expect(await ready()).toEqual([503, 'paused']);
  expect((await api.app.request('/health')).status).toBe(200);
  await api.flow.setMode('brownout', 0.5, 'a test', 'bootstrap');
  expect(await ready()).toEqual([200, 'ready']);
  await api.flow.setMode(null, null, 'a test', 'bootstrap');

  const cut = await instanceOn({ commitFailure: async () => 'database_unavailable' });
  expect(await ready(cut)).toEqual([503, 'database_unavailable']);
  const [postgres] = cut.circuits.list();
  const fails = () => postgres?.run(() => Promise.reject(new Error('connect ECONNREFUSED'))).catch(() => {});
  for (let n = 0; n < 3; n++) await fails();
  expect(await ready(cut)).toEqual([503, 'circuit_open']);
  expect((await detailed(cut)).body.circuits).toEqual([
    { name: 'postgres', sink: 'postgres', state: 'open', lastOpenedAt: expect.any(String), lastError: 'connect ECONNREFUSED' },
  ]);
  await cut.close();
});

test('/ready does not depend on the database connections of users and jobs', async () => {
  const busy = await instanceOn({});
  const held = await Promise.all(
    [busy.db.pools.commands, busy.db.pools.jobs].flatMap((pool) => Array.from({ length: pool.options.max }, () => pool.connect())),
  );
  try {
    expect(await ready(busy)).toEqual([200, 'ready']);
  } finally {
    for (const client of held) client.release();
    await busy.close();
  }
});

test('/metrics counts what was received, and no label takes a value from a request', async () => {
  const org = await api.makeOrg();
  const { url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  await api.send(url, '{"id":"1","event":"X","version":"2.0.0","creation_date":1700000000000,"data":{}}', {
    'x-hotmart-hottok': 'the-token-of-this-connection',
  });
  await api.send(url, '{}', { 'x-hotmart-hottok': 'wrong' });
  await api.app.request('/api/a-path-of-an-attacker/with-unbounded-names');
  const text = await (await api.app.request('/metrics')).text();
  expect(text).toContain('ingest_records_total{source="hotmart",outcome="accepted"} 1');
  expect(text).toContain('ingest_records_total{source="hotmart",outcome="rejected"} 1');
  expect(text).toContain('ingest_dlq_total{source="hotmart",reason="INVALID_HOTTOK"} 1');
  expect(text).toContain('ingest_persisted_total{source="hotmart"} 1');
  expect(text).toContain('route="unmatched"');
  expect(text).not.toContain('attacker');
});

test('/health/detailed answers the operator only, with the whole state', async () => {
  expect((await api.app.request('/health/detailed')).status).toBe(401);
  expect((await api.app.request('/health/detailed', { headers: { authorization: 'Bearer not-the-operator-token-0' } })).status).toBe(401);
  const org = await api.makeOrg();
  const { id, url } = await api.connect(org, 'hotmart', { hottok: 'the-token-of-this-connection' });
  const silent = await api.connect(org, 'stripe', { signing_secret: 'whsec_of_a_connection_that_never_sent' });
  const eventTime = Date.now() - 90_000;
  await api.send(url, JSON.stringify({ id: '1', event: 'X', version: '2.0.0', creation_date: eventTime, data: {} }), {
    'x-hotmart-hottok': 'the-token-of-this-connection',
  });
  await api.db.worker((sql) => sql('select private.roll_up_activity()'));
  await api.admin(`select graphile_worker.add_job('test.someday', run_at => now() + interval '1 day')`);
  await api.admin(`select graphile_worker.add_job('test.due')`);
  await api.flow.setMode('brownout', 0.25, 'shown', 'bootstrap');
  const { status, body } = await detailed();
  await api.flow.setMode(null, null, 'shown', 'bootstrap');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'ok',
    instanceId: api.flow.instanceId,
    backpressure: {
      mode: 'brownout',
      operatorMode: 'brownout',
      automaticMode: 'normal',
      brownoutRate: 0.25,
      reason: 'shown',
      changedBy: 'operator',
      thresholds: { throttled: { enter: { fill: 0.5 } } },
    },
    circuits: [{ name: 'postgres', state: 'closed' }],
    buffer: { records: 0, bytes: 0, recordsMax: 5_000, bytesMax: 33_554_432, batchesInFlight: 0, oldestAgeSeconds: 0, flushAgeSeconds: 0 },
    inFlight: 0,
    pendingLists: { emptiedSecondsAgo: expect.any(Number), pages: expect.any(Number) },
    workers: { concurrency: 0, running: 0 },
    pools: [{ name: 'ingest' }, { name: 'lookups' }, { name: 'commands' }, { name: 'jobs' }],
  });
  expect(body.backpressure.transitions[0]).toMatchObject({ to: 'brownout', cause: 'shown', changedBy: 'operator' });
  expect(body.backpressure.transitions.length).toBeLessThanOrEqual(10);
  expect(body.instances.map((one: { id: string }) => one.id)).toContain(api.flow.instanceId);
  const jobs = new Map(body.jobs.map((job: { task: string }) => [job.task, job]));
  expect(jobs.get('test.due')).toMatchObject({ waiting: 1, scheduled: 0, running: 0, failed: 0, oldest_due_seconds: expect.any(Number) });
  expect(jobs.get('test.someday')).toMatchObject({ waiting: 0, scheduled: 1, oldest_due_seconds: null });

  const adapters = Object.values<{ id: string; [figure: string]: unknown }>(body.adapters);
  const adapter = adapters.find((one) => one.id === id);
  expect(body.adapters['Test hotmart']).toBeDefined();
  expect(adapter).toEqual({
    id,
    org: expect.any(String),
    source: 'hotmart',
    is_active: true,
    verdict: 'ok',
    last_event_at: expect.any(String),
    lag_seconds: expect.any(Number),
    ingest_lag_seconds: expect.any(Number),
  });
  for (const lag of [body.sources.hotmart.lag_seconds, adapter?.lag_seconds, adapter?.ingest_lag_seconds]) {
    expect(lag).toBeGreaterThanOrEqual(90);
    expect(lag).toBeLessThan(150);
  }
  expect(body.sources.stripe).toEqual({ lag_seconds: null, active_connections: 1 });
  expect(adapters.find((one) => one.id === silent.id)).toMatchObject({ source: 'stripe', lag_seconds: null, ingest_lag_seconds: null });
});

test('/health/detailed lists at most the 200 connections with the largest lag', async () => {
  const org = await api.makeOrg();
  await api.admin(
    `insert into source_connections (org_id, project_id, name, type, last_event_at)
     select $1, $2, 'Shop ' || n, 'webhook', now() - make_interval(hours => n) from generate_series(1, 300) n`,
    [org.id, org.projectId],
  );
  const instance = await instanceOn({});
  const { adapters, sources } = (await detailed(instance)).body;
  expect(Object.keys(adapters)).toHaveLength(200);
  expect(sources.webhook.active_connections).toBe(300);
  const ofOrg = Object.entries(adapters as Record<string, { source: string }>).filter(([, { source }]) => source === 'webhook');
  expect(ofOrg[0]?.[0]).toBe('Shop 300');
  await instance.close();
});

test('the oldest connection of a name keeps it as its key in /health/detailed, also when other orgs use the name', async () => {
  const [org, other] = [await api.makeOrg(), await api.makeOrg()];
  const make = async (owner: typeof org, name: string, order: number) => {
    const [row] = await api.admin<{ id: string }>(
      `insert into source_connections (org_id, project_id, name, type, created_at, last_event_at)
       values ($1, $2, $3, 'webhook', now() + make_interval(secs => $4), now() - interval '10 years') returning id`,
      [owner.id, owner.projectId, name, order],
    );
    return row?.id;
  };
  const [slug] = await api.admin<{ slug: string }>('select slug from orgs where id = $1', [other.id]);
  const watched = await make(org, 'watched', 1);
  const imitation = await make(org, `${slug?.slug}/watched`, 2);
  const namesake = await make(other, 'watched', 3);
  const instance = await instanceOn({});
  const { adapters } = (await detailed(instance)).body;
  expect(adapters.watched.id).toBe(watched);
  expect(adapters[`${slug?.slug}/watched`].id).toBe(namesake);
  expect(adapters[`${slug?.slug}/watched ${imitation}`].id).toBe(imitation);
  await instance.close();
});

test('/health/detailed still reports the state of the process while the database does not answer', async () => {
  let answers = Promise.resolve();
  let release = () => {};
  const statement = (async (text: string, values?: unknown[]) => {
    await answers;
    return api.db.workerStatement(text, values);
  }) as Db['workerStatement'];
  const hung = await instanceOn({ workerStatement: statement });
  answers = new Promise((resolve) => {
    release = resolve;
  });
  const { status, body } = await detailed(hung);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'database_unavailable',
    backpressure: { mode: 'normal', transitions: null },
    buffer: { records: 0 },
    adapters: null,
    sources: null,
    jobs: null,
    instances: null,
  });
  release();
  await hung.close();
});
