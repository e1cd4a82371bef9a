import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowState, FlowTransition } from '@tributary/shared/flow.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createDb, type Db } from '../platform/db.ts';
import { startJobs } from '../platform/jobs.ts';
import { createMetrics } from '../platform/metrics.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import { defaultTimes, type FlowTimes } from './flow.ts';
import type { Thresholds } from './levels.ts';

const hottok = 'the-token-of-this-connection';
const body = () => JSON.stringify({ id: randomUUID(), event: 'X', version: '2.0.0', creation_date: Date.now(), data: {} });
const withinASecond = { timeout: 1_000, interval: 10 };

let world: World;
let org: TestOrg;
const started: TestApi[] = [];

/** Starts one more instance on the same database, with its own database connections. */
async function startInstance(options: { db?: Db; thresholds?: Thresholds; flowTimes?: FlowTimes } = {}): Promise<TestApi> {
  const api = await startTestApi({}, { world, ...options });
  started.push(api);
  return api;
}
const send = (api: TestApi, url: string) => api.send(url, body(), { 'x-hotmart-hottok': hottok });
async function admin<T>(api: TestApi, method: string, path: string, command?: object): Promise<{ status: number; body: T }> {
  const response = await api.app.request(`/api/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${api.config.operatorToken}`, ...(command ? { 'content-type': 'application/json' } : {}) },
    ...(command ? { body: JSON.stringify(command) } : {}),
  });
  return { status: response.status, body: (await response.json()) as T };
}
const command = (api: TestApi, path: string, more?: object) => admin<FlowState & { flushed?: boolean }>(api, 'POST', path, more);
const state = async (api: TestApi) => (await admin<FlowState>(api, 'GET', 'flow')).body;
const transitions = async (api: TestApi) =>
  (await admin<{ transitions: FlowTransition[] }>(api, 'GET', 'transitions?limit=100')).body.transitions;

/** A database whose batch writes wait between `pause` and `resume`. */
function pausableDb(): { db: Db; pause(): void; resume(): void } {
  let gate = Promise.resolve();
  let resume = () => {};
  const ingest = (async (text: string, values?: unknown[]) => {
    if (text.includes('ingest_batch')) await gate;
    return world.db.ingest(text, values);
  }) as Db['ingest'];
  // A test that fails between `pause` and `resume` must not make the next tests fail: an instance closes only after all its records are
  // written.
  onTestFinished(() => resume());
  return {
    db: { ...world.db, ingest },
    pause() {
      gate = new Promise((resolve) => {
        resume = resolve;
      });
    },
    resume: () => resume(),
  };
}

beforeAll(async () => {
  world = await makeWorld();
  org = await world.makeOrg();
});
beforeEach(async () => {
  await Promise.all(started.splice(0).map((api) => api.close()));
  await world.admin('delete from private.instances');
  await world.admin('delete from private.flow_transitions');
  await world.admin(`update private.flow_state set operator_mode = null, brownout_rate = null, automatic_mode = 'normal'`);
});
afterAll(async () => {
  await Promise.all(started.splice(0).map((api) => api.close()));
  await world?.close();
});

describe('the operator', () => {
  test('is obeyed by every instance within a second, and each change of mode is recorded with its cause', async () => {
    const [here, there] = [await startInstance(), await startInstance()];
    const { url } = await here.connect(org, 'hotmart', { hottok });
    expect([(await send(here, url)).status, (await send(there, url)).status]).toEqual([200, 200]);

    const drained = await command(here, 'drain', { reason: 'a new disk' });
    expect(drained).toMatchObject({
      status: 200,
      body: { mode: 'drain', operatorMode: 'drain', reason: 'a new disk', changedBy: 'operator' },
    });
    expect(await send(here, url)).toMatchObject({ status: 503, body: { code: 'draining' } });
    await expect.poll(async () => (await send(there, url)).body.code, withinASecond).toBe('draining');

    await command(there, 'pause');
    expect(await send(there, url)).toMatchObject({ status: 503, body: { code: 'paused' } });
    await expect.poll(async () => (await send(here, url)).body.code, withinASecond).toBe('paused');

    await command(here, 'resume', { reason: 'the disk is in' });
    expect((await send(here, url)).status).toBe(200);
    await expect.poll(async () => (await send(there, url)).status, withinASecond).toBe(200);

    expect(
      (await transitions(there)).map(({ from, to, cause, changedBy, instanceId }) => [from, to, cause, changedBy, instanceId]),
    ).toEqual([
      ['paused', 'normal', 'the disk is in', 'operator', here.flow.instanceId],
      ['drain', 'paused', 'pause, by the operator', 'operator', there.flow.instanceId],
      ['normal', 'drain', 'a new disk', 'operator', here.flow.instanceId],
    ]);
    expect(await (await here.app.request('/metrics')).text()).toContain('ingest_shed_total{reason="drain"}');
  });

  test('changes the mode once when a command is repeated', async () => {
    const api = await startInstance();
    await Promise.all([command(api, 'drain'), command(api, 'drain'), command(api, 'drain')]);
    expect(await transitions(api)).toHaveLength(1);
    await command(api, 'resume');
    await command(api, 'resume');
    expect(await transitions(api)).toHaveLength(2);
  });

  test('is still obeyed after every instance was restarted, from the first delivery on', async () => {
    const before = await startInstance();
    const { url } = await before.connect(org, 'hotmart', { hottok });
    await command(before, 'brownout?rate=0.000001', { reason: 'sale' });
    await before.close();
    started.length = 0;
    const after = await startInstance();
    await world.admin(`update source_connections set priority = 'low' where id = $1`, [url.split('/').at(-1)]);
    expect(await send(after, url)).toMatchObject({ status: 429, body: { code: 'brownout' } });
    expect(await state(after)).toMatchObject({ mode: 'brownout', brownoutRate: 0.000001, reason: 'sale' });
    expect(after.flow.mode()).toBe('brownout');
  });

  test('keeps the requested share of the deliveries of low-priority connections, and every other delivery', async () => {
    const api = await startInstance();
    const normal = await api.connect(org, 'hotmart', { hottok });
    const low = await api.connect(org, 'hotmart', { hottok });
    const patched = await api.app.request(`/api/connections/${low.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
      body: '{"priority":"low"}',
    });
    expect(await patched.json()).toMatchObject({ priority: 'low', rateLimitPerSecond: null });
    await expect.poll(async () => (await api.connections.get(low.id))?.priority, withinASecond).toBe('low');
    await command(api, 'brownout?rate=0.1');
    const statusesOf = async (url: string) => {
      const statuses: number[] = [];
      for (let n = 0; n < 60; n++) statuses.push((await send(api, url)).status);
      return statuses;
    };
    expect(new Set(await statusesOf(normal.url))).toEqual(new Set([200]));
    const shed = (await statusesOf(low.url)).filter((status) => status === 429).length;
    // A tenth is kept: of 60 deliveries, fewer than 35 are shed once in ten billion runs.
    expect(shed).toBeGreaterThan(35);
    // Every delivery that was answered 200 is stored.
    const [stored] = await world.admin('select count(*)::int as n from private.event_keys where source_connection_id = any ($1::uuid[])', [
      [normal.id, low.id],
    ]);
    expect(stored).toEqual({ n: 120 - shed });
    const text = await (await api.app.request('/metrics')).text();
    expect(text).toContain(`ingest_shed_total{reason="brownout"} ${shed}`);
    expect(text).toContain('ingest_backpressure_state 2');
  });

  test('drains: requests in flight are finished and acknowledged before the state says drained', async () => {
    const paused = pausableDb();
    const [busy, idle] = [await startInstance({ db: paused.db }), await startInstance()];
    const { url } = await busy.connect(org, 'hotmart', { hottok });
    await send(busy, url);
    paused.pause();
    const inFlight = [send(busy, url), send(busy, url)];
    await expect.poll(() => busy.writer.state().records).toBe(2);
    expect((await command(idle, 'drain')).body.drained).toBe(false);
    // The test does not probe by sending: a delivery that arrives before the order would be accepted and wait for the database like the
    // others.
    await expect.poll(() => busy.flow.mode(), withinASecond).toBe('drain');
    expect((await send(busy, url)).body.code).toBe('draining');
    await sleep(1_100);
    expect(await state(idle)).toMatchObject({ drained: false });
    expect((await state(idle)).instances.find((one) => one.id === busy.flow.instanceId)).toMatchObject({ inFlight: 2, bufferRecords: 2 });
    paused.resume();
    expect((await Promise.all(inFlight)).map((answer) => answer.body.status)).toEqual(['accepted', 'accepted']);
    await expect.poll(async () => (await state(idle)).drained, { timeout: 3_000 }).toBe(true);
    expect(world.logged()).toContain('drained: this instance holds no request and no record any more');
  });

  test('flushes: every instance writes its buffered records before the command is answered', async () => {
    const [waiting, asked] = [await startTestApi({ WRITE_BATCH_AGE_MS: '20000' }, { world }), await startInstance()];
    started.push(waiting);
    const { url } = await waiting.connect(org, 'hotmart', { hottok });
    const written = send(waiting, url);
    await expect.poll(() => waiting.writer.state().records).toBe(1);
    expect((await command(asked, 'flush')).body).toMatchObject({ flushed: true });
    expect((await written).body.status).toBe('accepted');
  });

  test('answers within ten seconds that a flush is not done when the database does not write', async () => {
    expect(defaultTimes.flushWithinMs).toBe(10_000);
    const paused = pausableDb();
    const api = await startInstance({ db: paused.db, flowTimes: { ...defaultTimes, flushWithinMs: 700 } });
    const { url } = await api.connect(org, 'hotmart', { hottok });
    await send(api, url);
    paused.pause();
    const written = send(api, url);
    await expect.poll(() => api.writer.state().records).toBe(1);
    const asked = performance.now();
    expect((await command(api, 'flush')).body).toMatchObject({ flushed: false });
    expect(performance.now() - asked).toBeGreaterThan(650);
    paused.resume();
    expect((await written).status).toBe(200);
  });

  test('pauses background jobs as well: no job starts, the running job is asked to stop, and jobs continue afterwards', async () => {
    const api = await startInstance();
    const seen: string[] = [];
    const jobs = await startJobs({
      db: world.db,
      tasks: {
        'test.slow': {
          async run(_payload, { signal }) {
            seen.push('started');
            while (!signal.aborted) await sleep(10);
            seen.push('stopped');
          },
        },
        'test.quick': { run: async () => void seen.push('quick') },
      },
      concurrency: 2,
      isPaused: () => api.flow.mode() === 'paused',
      metrics: createMetrics(),
      log: world.log,
    });
    const add = (task: string) => world.admin('select graphile_worker.add_job($1)', [task]);
    await add('test.slow');
    await expect.poll(() => seen, { timeout: 5_000 }).toEqual(['started']);
    await command(api, 'pause');
    await expect.poll(() => seen, withinASecond).toEqual(['started', 'stopped']);
    await add('test.quick');
    await sleep(1_500);
    expect(seen).not.toContain('quick');
    await command(api, 'resume');
    await expect.poll(() => seen, { timeout: 5_000 }).toContain('quick');
    await jobs.stop();
  });

  test('must send the operator token, and gets 400 for an invalid command', async () => {
    const api = await startInstance();
    for (const path of ['drain', 'pause', 'resume', 'flush', 'brownout?rate=0.1']) {
      for (const authorization of [undefined, `Bearer ${org.owner.token}`, 'Bearer not-the-operator-token-at-all']) {
        const answer = await api.app.request(`/api/admin/${path}`, {
          method: 'POST',
          ...(authorization ? { headers: { authorization } } : {}),
        });
        expect(answer.status, path).toBe(401);
      }
    }
    for (const path of ['brownout?rate=0', 'brownout?rate=1.1', 'brownout?rate=x', 'brownout?rate=-1', 'brownout?percent=10'])
      expect((await command(api, path)).status, path).toBe(400);
    for (const wrong of [{ reason: '' }, { reason: 7 }, { reason: 'x'.repeat(501) }, { mode: 'paused' }, []])
      expect((await command(api, 'drain', wrong)).status).toBe(400);
    expect((await admin(api, 'GET', 'transitions?limit=0')).status).toBe(400);
    expect((await command(api, 'drain', { reason: 'x'.repeat(500) })).status).toBe(200);
    expect(api.flow.mode()).toBe('drain');
  });
});

describe('the automatic mode', () => {
  // A level is entered and left at once, so that a test need not wait.
  const eager: Thresholds = {
    throttled: { enter: { fill: 0.5, ageMs: 300 }, leave: { fill: 0.25, ageMs: 100 } },
    brownout: { enter: { fill: 0.8, ageMs: 60_000 }, leave: { fill: 0.5, ageMs: 30_000 } },
    enterAfterMs: 0,
    leaveAfterMs: 200,
  };

  test('of the instance under pressure is obeyed by the others, is recorded once with its cause, and ends with the pressure', async () => {
    const paused = pausableDb();
    const [pressed, other] = [await startInstance({ db: paused.db, thresholds: eager }), await startInstance()];
    const { url } = await pressed.connect(org, 'hotmart', { hottok });
    await send(pressed, url);
    paused.pause();
    const waiting = send(pressed, url);
    await expect.poll(() => pressed.flow.mode(), { timeout: 3_000, interval: 10 }).toBe('throttled');
    await expect.poll(() => other.flow.mode(), withinASecond).toBe('throttled');
    paused.resume();
    expect((await waiting).status).toBe(200);
    await expect.poll(() => other.flow.mode(), { timeout: 4_000 }).toBe('normal');
    expect(
      (await transitions(other)).map(({ from, to, cause, changedBy, instanceId }) => [from, to, cause, changedBy, instanceId]),
    ).toEqual([
      ['throttled', 'normal', expect.any(String), 'automatic', expect.any(String)],
      ['normal', 'throttled', expect.stringMatching(/^the oldest delivery has waited for 0\.\d s$/), 'automatic', pressed.flow.instanceId],
    ]);
  });

  test('of a dead instance no longer counts after five seconds, and its row is removed', async () => {
    const api = await startInstance();
    await world.admin(
      `insert into private.instances (id, automatic_mode, cause, obeyed_mode, buffer_records, buffer_bytes, oldest_age_seconds, in_flight, flushed_turn)
       values ($1, 'brownout', 'killed', 'brownout', 9, 9, 9, 9, 0)`,
      [randomUUID()],
    );
    await expect.poll(() => api.flow.mode(), { timeout: 2_000 }).toBe('brownout');
    const lastSeen = (seconds: number) =>
      world.admin(`update private.instances set seen_at = now() - $1 * interval '1 second' where cause = 'killed'`, [seconds]);
    await lastSeen(3);
    expect((await state(api)).automaticMode).toBe('brownout');
    await lastSeen(5.1);
    await expect.poll(() => api.flow.mode(), { timeout: 2_000 }).toBe('normal');
    expect((await state(api)).instances.map((one) => one.id)).toEqual([api.flow.instanceId]);
    await lastSeen(61);
    await expect.poll(() => world.admin('select id from private.instances'), { timeout: 3_000 }).toEqual([{ id: api.flow.instanceId }]);
  });

  test('is overridden by the operator\u2019s mode, and is not recorded as a transition meanwhile', async () => {
    const paused = pausableDb();
    const api = await startInstance({ db: paused.db, thresholds: eager });
    const { url } = await api.connect(org, 'hotmart', { hottok });
    await send(api, url);
    paused.pause();
    const waiting = send(api, url);
    await command(api, 'drain', { reason: 'first' });
    await expect.poll(async () => (await state(api)).automaticMode, { timeout: 3_000 }).toBe('throttled');
    expect(await state(api)).toMatchObject({ mode: 'drain', reason: 'first' });
    await command(api, 'resume', { reason: 'second' });
    expect(await state(api)).toMatchObject({ mode: 'throttled', operatorMode: null });
    expect((await transitions(api)).map(({ from, to }) => `${from} → ${to}`)).toEqual(['drain → throttled', 'normal → drain']);
    paused.resume();
    await waiting;
  });

  test('keeps the operator\u2019s last mode, or else follows its own level, while the database is unreachable', async () => {
    let isDown = false;
    const refuse = (statement: Db['workerStatement']) =>
      (async (text: string, values?: unknown[]) => {
        if (isDown) throw new Error('connect ECONNREFUSED');
        return statement(text, values);
      }) as Db['workerStatement'];
    expect(defaultTimes.levelValidForMs).toBe(5_000);
    const paused = pausableDb();
    const api = await startInstance({
      db: { ...paused.db, workerStatement: refuse(world.db.workerStatement) },
      thresholds: eager,
      // Longer than a heartbeat, so that the level counts from one to the next.
      flowTimes: { ...defaultTimes, levelValidForMs: 1_200 },
    });
    const { url } = await api.connect(org, 'hotmart', { hottok });
    await send(api, url);
    await command(api, 'drain');
    isDown = true;
    await sleep(1_600);
    expect(await send(api, url)).toMatchObject({ status: 503, body: { code: 'draining' } });
    isDown = false;
    await command(api, 'resume');
    isDown = true;
    paused.pause();
    const waiting = send(api, url);
    await expect.poll(() => api.flow.mode(), { timeout: 3_000 }).toBe('throttled');
    paused.resume();
    await waiting;
    await expect.poll(() => api.flow.mode(), { timeout: 3_000 }).toBe('normal');
  });
});

describe('limits that people set', () => {
  const patch = (api: TestApi, token: string, path: string, change: object) =>
    api.app.request(path, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });

  test('are obeyed by every instance within a second, by connection and by org, and audited', async () => {
    const api = await startInstance();
    const limitedOrg = await world.makeOrg();
    const [first, second] = [await api.connect(limitedOrg, 'hotmart', { hottok }), await api.connect(limitedOrg, 'hotmart', { hottok })];
    const other = await api.connect(org, 'hotmart', { hottok });
    expect((await send(api, first.url)).status).toBe(200);

    expect(
      await (await patch(api, limitedOrg.owner.token, `/api/connections/${first.id}`, { rateLimitPerSecond: 1 })).json(),
    ).toMatchObject({
      rateLimitPerSecond: 1,
    });
    await expect.poll(async () => (await api.connections.get(first.id))?.rateLimitPerSecond, withinASecond).toBe(1);
    const refused = await Promise.all(Array.from({ length: 10 }, () => send(api, first.url)));
    expect(refused.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(8);
    expect(refused.find(({ status }) => status === 429)?.body.code).toBe('rate_limited');
    expect((await send(api, second.url)).status).toBe(200);

    const changed = await patch(api, limitedOrg.owner.token, `/api/orgs/${limitedOrg.id}`, { rateLimitPerSecond: 2 });
    expect(await changed.json()).toMatchObject({ id: limitedOrg.id, rateLimitPerSecond: 2, role: 'owner' });
    await expect.poll(async () => (await api.connections.get(second.id))?.orgRateLimitPerSecond, withinASecond).toBe(2);
    await sleep(1_100);
    const both = await Promise.all(Array.from({ length: 20 }, (_, n) => send(api, n % 2 ? first.url : second.url)));
    expect(both.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(4);
    expect((await send(api, other.url)).status).toBe(200);

    await patch(api, limitedOrg.owner.token, `/api/orgs/${limitedOrg.id}`, { rateLimitPerSecond: null });
    await patch(api, limitedOrg.owner.token, `/api/connections/${first.id}`, { rateLimitPerSecond: null });
    await expect.poll(async () => (await api.connections.get(first.id))?.orgRateLimitPerSecond, withinASecond).toBeUndefined();
    await expect.poll(async () => (await api.connections.get(first.id))?.rateLimitPerSecond, withinASecond).toBeUndefined();
    expect(new Set((await Promise.all(Array.from({ length: 10 }, () => send(api, first.url)))).map(({ status }) => status))).toEqual(
      new Set([200]),
    );

    const audited = await world.admin<{ action: string; change: object }>(
      `select action, detail -> 'rate_limit_per_second' as change from audit_log where org_id = $1 and detail ? 'rate_limit_per_second' and action like '%.update'
       order by id`,
      [limitedOrg.id],
    );
    expect(audited).toEqual([
      { action: 'source_connections.update', change: { from: null, to: 1 } },
      { action: 'orgs.update', change: { from: null, to: 2 } },
      { action: 'orgs.update', change: { from: 2, to: null } },
      { action: 'source_connections.update', change: { from: 1, to: null } },
    ]);
  });

  test('are not used up by a sender who knows the URL but not the secret', async () => {
    const api = await startInstance();
    const { id, url } = await api.connect(org, 'hotmart', { hottok });
    await patch(api, org.owner.token, `/api/connections/${id}`, { rateLimitPerSecond: 1 });
    await expect.poll(async () => (await api.connections.get(id))?.rateLimitPerSecond, withinASecond).toBe(1);
    for (let n = 0; n < 5; n++) expect((await api.send(url, body(), { 'x-hotmart-hottok': 'wrong' })).status).toBe(401);
    expect((await send(api, url)).status).toBe(200);
  });

  test('can be set by owners and admins of the org only, and only to valid values', async () => {
    const api = await startInstance();
    const { id } = await api.connect(org, 'hotmart', { hottok });
    const analyst = await world.makeMember(org, 'analyst');
    const strange = await world.makeOrg();
    for (const path of [`/api/orgs/${org.id}`, `/api/connections/${id}`]) {
      expect((await patch(api, analyst.token, path, { rateLimitPerSecond: 5 })).status).toBe(403);
      expect((await patch(api, strange.owner.token, path, { rateLimitPerSecond: 5 })).status).toBe(404);
      for (const rateLimitPerSecond of [0, -1, 1.5, 100_001, '5', {}])
        expect((await patch(api, org.owner.token, path, { rateLimitPerSecond })).status, `${path} ${rateLimitPerSecond}`).toBe(400);
      expect((await patch(api, org.owner.token, path, {})).status).toBe(400);
    }
    expect((await patch(api, org.owner.token, `/api/connections/${id}`, { priority: 'high' })).status).toBe(400);
    expect((await patch(api, org.owner.token, `/api/orgs/${org.id}`, { slug: 'mine' })).status).toBe(400);
  });

  test('are the only limits on a burst in normal mode', async () => {
    const api = await startInstance();
    const { url } = await api.connect(org, 'hotmart', { hottok });
    // 250 requests fit into one turn of the event loop, also on a slow machine. A turn that lasts too long refuses further requests.
    const statuses = await Promise.all(Array.from({ length: 250 }, () => send(api, url).then(({ status }) => status)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(api.flow.mode()).toBe('normal');
  });
});

test('an instance with its own database connections follows the fleet like any other', async () => {
  const db = createDb({ url: world.databaseUrl, tls: 'off', ingestConnections: 3, jobConnections: 2 }, world.log);
  const [api, separate] = [await startInstance(), await startInstance({ db })];
  await command(api, 'drain');
  await expect.poll(() => separate.flow.mode(), withinASecond).toBe('drain');
  expect((await state(separate)).instances).toHaveLength(2);
  await separate.close();
  started.pop();
  await expect.poll(async () => (await state(api)).instances.length, withinASecond).toBe(1);
  await db.close();
});

test('the heartbeat adds up what the live instances are asked for of each limit, and answers for the limits of the instance that asks', async () => {
  const beat = async (id: string, demands?: Record<string, number>) => {
    const report = { id, automatic_mode: 'normal', cause: '', obeyed_mode: 'normal', buffer_records: 0, buffer_bytes: 0 };
    const [row] = await world.db.workerStatement<{ orders: { demands: Record<string, number> } }>(
      'select private.heartbeat($1) as orders',
      [JSON.stringify({ ...report, oldest_age_seconds: 0, in_flight: 0, flushed_turn: 0, ...(demands && { demands }) })],
    );
    return row?.orders.demands;
  };
  const [one, other, former] = [randomUUID(), randomUUID(), randomUUID()];
  expect(await beat(one, { a: 30, b: 1 })).toEqual({ a: 30, b: 1 });
  expect(await beat(other, { a: 10.5, c: 5 })).toEqual({ a: 40.5, c: 5 });
  // An instance of the former version reports no demands.
  expect(await beat(former)).toEqual({});
  expect(await beat(one, { a: 30 })).toEqual({ a: 40.5 });
  await world.db.workerStatement('select private.leave_fleet($1)', [other]);
  expect(await beat(one, { a: 30 })).toEqual({ a: 30 });
});
