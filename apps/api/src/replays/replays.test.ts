import { randomUUID } from 'node:crypto';
import type { ReplayPlan } from '@tributary/shared/replays.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReplayer, type Replayer } from '../deliveries/rerun.ts';
import { startJobs } from '../platform/jobs.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { replayTasks } from './jobs.ts';
import { type RunLimits, runPlans } from './run.ts';

const threshold = 8;
let api: TestApi;
let replayer: Replayer;
beforeAll(async () => {
  api = await startTestApi({ REPLAY_APPROVAL_THRESHOLD: String(threshold) });
  replayer = createReplayer({
    db: api.db,
    connections: api.connections,
    threads: api.threads,
    metrics: api.metrics,
    now: Date.now,
    log: api.log,
  });
});
afterAll(() => api?.close());

const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };
const connect = (org: TestOrg, config: object = {}) => api.connect(org, 'webhook', { secret: 'a-good-key' }, { verification, ...config });
type Connection = Awaited<ReturnType<typeof connect>>;

const record = (more: object = {}) => ({ id: randomUUID(), type: 'order_paid', time: '2026-11-01T10:00:00Z', ...more });
const deliver = (connection: Connection, body: object = record(), key = 'a-good-key') =>
  api.sendUntilTaken(connection.url, JSON.stringify(body), { 'x-api-key': key });
async function deliverMany(connection: Connection, count: number) {
  for (let n = 0; n < count; n++) expect((await deliver(connection)).status).toBe(200);
}

const from = '2020-01-01T00:00:00Z';
const to = '2100-01-01T00:00:00Z';
const ask = (user: TestUser, method: string, path: string, body?: object) =>
  call(api.app as never, user, method, `/api/replays${path}`, body);
const preview = (user: TestUser, filter: object = {}) => ask(user, 'POST', '', { filter: { from, to, ...filter }, dryRun: true });
async function plan(user: TestUser, body: { filter?: object; mode?: string; throttlePerSecond?: number } = {}): Promise<ReplayPlan> {
  const answer = await ask(user, 'POST', '', { throttlePerSecond: 1_000, ...body, filter: { from, to, ...body.filter } });
  expect(answer).toMatchObject({ status: 201, body: { status: 'pending_approval' } });
  return answer.body;
}
const step = (user: TestUser, id: string, action: string, body?: object) => ask(user, 'POST', `/${id}/${action}`, body);
const read = async (user: TestUser, id: string): Promise<ReplayPlan> => (await ask(user, 'GET', `/${id}`)).body;
/** A plan with status `running`. */
async function started(user: TestUser, body: Parameters<typeof plan>[1] = {}): Promise<ReplayPlan> {
  const { id } = await plan(user, body);
  expect((await step(user, id, 'approve')).status).toBe(200);
  const answer = await step(user, id, 'run');
  expect(answer).toMatchObject({ status: 200, body: { status: 'running' } });
  return answer.body;
}
const work = (limits: Partial<RunLimits> = {}, by: Replayer = replayer) =>
  runPlans({ db: api.db, replayer: by, log: api.log }, { sliceMs: 30_000, leaseSeconds: 15, ...limits }, new AbortController().signal);

/** The ids of the replayed journal entries, one for each replay, in the order of the replays. */
const replayed = async (connection: Connection) =>
  (
    await api.admin<{ replay_of: string }>(
      'select replay_of from public.event_journal where source_connection_id = $1 and replay_of is not null order by received_at, id',
      [connection.id],
    )
  ).map((row) => row.replay_of);
const deliveries = async (connection: Connection) =>
  (
    await api.admin<{ id: string }>(
      'select id from public.event_journal where source_connection_id = $1 and replay_of is null order by received_at, id',
      [connection.id],
    )
  ).map((row) => row.id);
const countEvents = async (connection: Connection) =>
  (await api.admin('select 1 from public.canonical_events where source_connection_id = $1', [connection.id])).length;

describe('a plan', () => {
  it('counts exactly the deliveries that it then replays, in the order of arrival, each once', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 7);
    const { body } = await preview(org.owner);
    expect(body).toEqual({ dryRun: true, count: 7, estimatedSeconds: 1, needsSecondApproval: false });
    const { id } = await started(org.owner);
    await work();
    const done = await read(org.owner, id);
    expect(done).toMatchObject({
      status: 'completed',
      matchedCount: 7,
      processed: 7,
      accepted: 0,
      duplicates: 7,
      deadLettered: 0,
      failed: 0,
      ratePerSecond: null,
      etaSeconds: null,
      error: null,
    });
    expect(done.finishedAt).not.toBeNull();
    expect(await replayed(connection)).toEqual(await deliveries(connection));
    expect(await countEvents(connection)).toBe(7);
  });

  it('estimates its duration from the throttle', async () => {
    const org = await api.makeOrg();
    await deliverMany(await connect(org), 3);
    const { body } = await ask(org.owner, 'POST', '', { throttlePerSecond: 2, filter: { from, to }, dryRun: true });
    expect(body.estimatedSeconds).toBe(2);
  });

  it('leaves out deliveries that arrive after its approval', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 2);
    const { id } = await plan(org.owner);
    await deliverMany(connection, 1);
    expect((await step(org.owner, id, 'approve')).body.matchedCount).toBe(3);
    const before = await deliveries(connection);
    await deliverMany(connection, 2);
    expect((await step(org.owner, id, 'run')).body.matchedCount).toBe(3);
    await deliverMany(connection, 1);
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 3 });
    expect(await replayed(connection)).toEqual(before);
  });

  it('in mode reprocess rewrites events with the current mapping', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 3);
    const { id } = await started(org.owner, { mode: 'reprocess' });
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', mode: 'reprocess', accepted: 3, duplicates: 0 });
    expect(
      await api.admin(
        'select count(*)::int as n, min(revision) as low, max(revision) as high from public.canonical_events where source_connection_id = $1',
        [connection.id],
      ),
    ).toEqual([{ n: 3, low: 2, high: 2 }]);
  });

  it('counts a delivery that can no longer be run as failed, and continues', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 3);
    const [first] = await deliveries(connection);
    await api.admin('delete from private.journal_payloads where journal_id = $1', [first]);
    const { id } = await started(org.owner);
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', matchedCount: 3, processed: 3, duplicates: 2, failed: 1 });
  });

  it('that matches no delivery is completed at once, and a plan that matches few skips thousands of other deliveries', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await api.admin(
      `insert into public.event_journal (id, org_id, source_connection_id, received_at, byte_size, body_sha256, record_count, outcome)
       select gen_random_uuid(), $1, $2, now() - interval '1 day' + n * interval '1 microsecond', 2, repeat('a', 64), 0, 'accepted' from generate_series(1, 4100) n`,
      [org.id, connection.id],
    );
    await deliver(connection);
    const { id } = await started(org.owner, { filter: { eventTypes: ['order_paid'] } });
    const none = await started(org.owner, { filter: { eventTypes: ['nothing'] } });
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', matchedCount: 1, processed: 1 });
    expect(await read(org.owner, none.id)).toMatchObject({ status: 'completed', matchedCount: 0, processed: 0 });
  });

  it('is run once by a job, however often the run was requested, and its records are counted in a metric', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 5);
    const { id } = await plan(org.owner);
    await step(org.owner, id, 'approve');
    // All requests are sent before a job completes the plan, because a completed plan is not run again.
    const answers = await Promise.all([1, 2, 3].map(() => step(org.owner, id, 'run')));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    const jobs = await startJobs({
      db: api.db,
      tasks: replayTasks({ db: api.db, replayer }),
      concurrency: 2,
      metrics: api.metrics,
      log: api.log,
    });
    try {
      await expect.poll(async () => (await read(org.owner, id)).status, { timeout: 20_000 }).toBe('completed');
    } finally {
      await jobs.stop();
    }
    expect(await replayed(connection)).toEqual(await deliveries(connection));
    expect(await api.metrics.registry.getSingleMetricAsString('replay_records_total')).toMatch(/outcome="duplicate"\} \d/);
  });
});

describe('a filter', () => {
  let org: TestOrg;
  let shop: Connection;
  let other: Connection;
  let hotmart: Connection;
  let otherProject: string;

  beforeAll(async () => {
    org = await api.makeOrg();
    // A configured time that lies in the future is refused; a guessed one would yield to the time of arrival.
    shop = await connect(org, { fields: { time: { path: 'time' } } });
    other = await connect(org);
    hotmart = await api.connect(org, 'hotmart', { hottok: 'a-hottok-of-enough-length' });
    otherProject = await api.makeProject(org);
    await api.admin('update public.source_connections set project_id = $1 where id = $2', [otherProject, hotmart.id]);
    const paid = record();
    await deliver(shop, paid);
    await deliver(shop, paid);
    await deliver(shop, record({ type: 'order_refunded' }));
    await deliver(shop, record({ time: '2099-01-01T00:00:00Z' }));
    await deliver(shop, [record(), record({ time: '2099-01-01T00:00:00Z' })]);
    await deliver(shop, record(), 'a wrong key');
    await deliver(other, record({ type: 'lead_created' }));
    await api.sendUntilTaken(
      hotmart.url,
      JSON.stringify({
        id: randomUUID(),
        creation_date: Date.now(),
        event: 'PURCHASE_APPROVED',
        version: '2.0.0',
        data: {
          product: { id: 1, name: 'Curso' },
          buyer: { email: 'ana@example.com', name: 'Ana' },
          purchase: { transaction: 'HP1', status: 'APPROVED', price: { value: 10, currency_value: 'BRL' } },
        },
      }),
      { 'x-hotmart-hottok': 'a-hottok-of-enough-length' },
    );
    const [entry] = await deliveries(other);
    expect((await call(api.app as never, org.owner, 'POST', `/api/replay/${entry}`, {})).status).toBe(200);
  });

  const cases: [string, () => object, number][] = [
    ['without conditions, which matches all but rejected deliveries and replays', () => ({}), 7],
    ['of connections', () => ({ connectionIds: [shop.id] }), 5],
    ['of connections in capitals', () => ({ connectionIds: [shop.id.toUpperCase()] }), 5],
    ['of several connections', () => ({ connectionIds: [other.id, hotmart.id] }), 2],
    ['of a project', () => ({ projectIds: [otherProject] }), 1],
    ['of a project and a connection of another', () => ({ projectIds: [otherProject], connectionIds: [shop.id] }), 0],
    ['of sources', () => ({ sources: ['hotmart'] }), 1],
    ['of a canonical type', () => ({ eventTypes: ['order.paid'] }), 1],
    ["of a platform's own types", () => ({ eventTypes: ['order_refunded', 'lead_created'] }), 2],
    ['of an outcome', () => ({ outcomes: ['duplicate'] }), 1],
    ['of dead letters, whole and in part', () => ({ outcomes: ['dead_lettered', 'mixed'] }), 2],
    ['that includes replays', () => ({ includeReplays: true, connectionIds: [other.id] }), 2],
    ['that ends before everything', () => ({ to: '2020-01-02T00:00:00Z' }), 0],
    ['that begins after everything', () => ({ from: '2099-01-01T00:00:00Z' }), 0],
  ];
  it.each(cases)('%s', async (_, filter, count) => {
    expect((await preview(org.owner, filter())).body.count).toBe(count);
  });

  it.each(cases)('%s: replays as many deliveries as it counted', async (_, filter, count) => {
    // The plans of a day that one person approved count together: the earlier ones are of another day.
    await api.admin(`update public.replay_plans set approved_at = approved_at - interval '25 hours' where org_id = $1`, [org.id]);
    const { id } = await started(org.owner, { filter: filter() });
    await work();
    const done = await read(org.owner, id);
    expect(done).toMatchObject({ status: 'completed', processed: done.matchedCount, failed: 0 });
    if (!('includeReplays' in filter())) expect(done.processed).toBe(count);
  });

  it('includes the moment of its beginning and excludes the moment of its end', async () => {
    const [first] = await api.admin<{ at: Date }>(
      'select received_at as at from public.event_journal where source_connection_id = $1 and replay_of is null',
      [hotmart.id],
    );
    const at = first?.at.toISOString() ?? '';
    const next = new Date((first?.at.getTime() ?? 0) + 1).toISOString();
    expect((await preview(org.owner, { sources: ['hotmart'], from: at, to: next })).body.count).toBe(1);
    expect((await preview(org.owner, { sources: ['hotmart'], from, to: at })).body.count).toBe(0);
    expect((await preview(org.owner, { sources: ['hotmart'], from: next, to })).body.count).toBe(0);
  });

  it.each([
    ['rejected deliveries', { outcomes: ['rejected'] }],
    ['an empty list', { sources: [] }],
    ['no end', { to: undefined }],
    ['an end before its beginning', { from: to, to: from }],
    ['something unknown', { more: true }],
    ['an invalid id', { connectionIds: ['x'] }],
    ['a time without a date', { from: 'yesterday' }],
  ])('with %s is refused', async (_, filter) => {
    expect(await preview(org.owner, filter)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  it('for rejected deliveries is refused, with the route that verifies them again', async () => {
    expect((await preview(org.owner, { outcomes: ['rejected'] })).body.detail).toContain('/api/dlq/reverify');
  });
});

describe('approval', () => {
  it('of a small plan may be given by its creator, of a large plan only by a second person with a reference', async () => {
    const org = await api.makeOrg();
    const admin = await api.makeMember(org, 'admin');
    const connection = await connect(org);
    await deliverMany(connection, threshold);
    const small = await plan(org.owner);
    expect(small).toMatchObject({ needsSecondApproval: false, approvedBy: null, createdBy: org.owner.id });
    expect((await step(org.owner, small.id, 'approve')).body).toMatchObject({ status: 'approved', approvedBy: org.owner.id });

    await deliverMany(connection, 1);
    expect((await preview(org.owner)).body.needsSecondApproval).toBe(true);
    const large = await plan(org.owner);
    expect(large).toMatchObject({ needsSecondApproval: true, matchedCount: threshold + 1 });
    for (const body of [{}, { reference: 'RFA-1' }])
      expect(await step(org.owner, large.id, 'approve', body)).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('a second person') },
      });
    expect(await step(admin, large.id, 'approve')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('reference') } });
    expect((await step(admin, large.id, 'approve', { reference: ' ' })).status).toBe(400);
    expect(await read(org.owner, large.id)).toMatchObject({ status: 'pending_approval', approvedBy: null });
    const approved = await step(admin, large.id, 'approve', { reference: 'RFA-1234' });
    expect(approved).toMatchObject({ status: 200, body: { status: 'approved', approvedBy: admin.id, reference: 'RFA-1234' } });
    expect((await step(admin, large.id, 'approve', { reference: 'RFA-1234' })).status).toBe(200);
    expect(await step(org.owner, large.id, 'approve', { reference: 'RFA-9' })).toMatchObject({ status: 409 });
    expect((await read(admin, large.id)).reference).toBe('RFA-1234');
  });

  it('needs a second person also when the plan has grown over the threshold since it was created', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, threshold);
    const { id } = await plan(org.owner);
    await deliverMany(connection, 1);
    expect(await step(org.owner, id, 'approve', { reference: 'RFA-1' })).toMatchObject({ status: 409 });
  });

  it('needs a second person as soon as the plans of a day that one person approved alone cover more than the threshold together', async () => {
    const org = await api.makeOrg();
    const admin = await api.makeMember(org, 'admin');
    const connection = await connect(org);
    await deliverMany(connection, threshold / 2);
    const plans = [await plan(org.owner), await plan(org.owner), await plan(org.owner)];
    expect(plans.map((one) => one.needsSecondApproval)).toEqual([false, false, false]);
    const answers = await Promise.all(plans.map((one) => step(org.owner, one.id, 'approve', { reference: 'RFA-1' })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 409]);
    const refused = answers.find((answer) => answer.status === 409);
    expect(refused?.body.detail).toContain(`with the ${threshold} deliveries of the last 24 hours`);

    expect((await preview(org.owner)).body.needsSecondApproval).toBe(true);
    expect((await preview(admin)).body.needsSecondApproval).toBe(false);
    const left = plans[answers.findIndex((answer) => answer.status === 409)]?.id ?? '';
    expect((await step(admin, left, 'approve', { reference: 'RFA-2' })).status).toBe(200);
    await api.admin(`update public.replay_plans set approved_at = now() - interval '25 hours' where org_id = $1`, [org.id]);
    expect((await plan(org.owner)).needsSecondApproval, 'a day later').toBe(false);
  });

  it('of two plans of one person at the same moment: the second waits for the first and counts its deliveries', async () => {
    const org = await api.makeOrg();
    await deliverMany(await connect(org), threshold - 1);
    const plans = [await plan(org.owner), await plan(org.owner)];
    const clients = await Promise.all(plans.map(() => api.db.pools.commands.connect()));
    try {
      // Every function that calls private.require_admin takes the member's row in share mode: both transactions have it before either of them approves.
      for (const client of clients) {
        await client.query('begin');
        await client.query(`select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)`, [
          JSON.stringify(org.owner.claims),
        ]);
        await client.query(`select private.count_events_of_person($1, '{}')`, [org.id]);
      }
      const refusals = await Promise.all(
        clients.map(async (client, n) => {
          const { rows } = await client.query('select private.step_replay($1, $2, $3, $4, $5) as refusal', [
            plans[n]?.id,
            'approve',
            null,
            threshold - 1,
            threshold,
          ]);
          await client.query('commit');
          return rows[0].refusal;
        }),
      );
      expect(refusals.filter((refusal) => refusal !== null)).toEqual([
        expect.stringContaining(`with the ${threshold - 1} deliveries of the last 24 hours`),
      ]);
    } finally {
      for (const client of clients) client.release(true);
    }
  });

  it('of a large plan by its creator is refused by the table itself, and so is a skipped step', async () => {
    const org = await api.makeOrg();
    const { id } = await plan(org.owner);
    await expect(
      api.admin(
        `update public.replay_plans set needs_second_approval = true, status = 'approved', approved_by = created_by, approved_at = now(), reference = 'x' where id = $1`,
        [id],
      ),
    ).rejects.toMatchObject({ constraint: 'replay_plans_second_person' });
    await expect(api.admin(`update public.replay_plans set status = 'running' where id = $1`, [id])).rejects.toMatchObject({
      constraint: 'replay_plans_step',
    });
  });
});

describe('steps', () => {
  const begin: Record<string, (user: TestUser) => Promise<string>> = {
    pending_approval: async (user) => (await plan(user)).id,
    approved: async (user) => {
      const { id } = await plan(user);
      await step(user, id, 'approve');
      return id;
    },
    running: async (user) => (await started(user)).id,
    paused: async (user) => {
      const { id } = await started(user);
      await step(user, id, 'pause');
      return id;
    },
    completed: async (user) => {
      const { id } = await started(user);
      await work();
      return id;
    },
    canceled: async (user) => {
      const { id } = await plan(user);
      await step(user, id, 'cancel');
      return id;
    },
    failed: async (user) => {
      const { id } = await started(user);
      await api.admin(`update public.replay_plans set status = 'failed', error = 'x' where id = $1`, [id]);
      return id;
    },
  };
  const leads: Record<string, Record<string, string>> = {
    pending_approval: { approve: 'approved', cancel: 'canceled' },
    approved: { approve: 'approved', run: 'running', cancel: 'canceled' },
    running: { run: 'running', resume: 'running', pause: 'paused', cancel: 'canceled' },
    paused: { pause: 'paused', resume: 'running', cancel: 'canceled' },
    completed: {},
    canceled: { cancel: 'canceled' },
    failed: { resume: 'running', cancel: 'canceled' },
  };
  const actions = ['approve', 'run', 'pause', 'resume', 'cancel'];

  it.each(Object.keys(begin))(
    'from %s lead to the documented status; every other step is a 409 with a sentence, and changes nothing',
    async (state) => {
      const org = await api.makeOrg();
      await deliverMany(await connect(org), 1);
      for (const action of actions) {
        const id = (await begin[state]?.(org.owner)) ?? '';
        const before = await read(org.owner, id);
        expect(before.status).toBe(state);
        const answer = await step(org.owner, id, action);
        const leadsTo = leads[state]?.[action];
        if (leadsTo) expect(answer, action).toMatchObject({ status: 200, body: { status: leadsTo } });
        else {
          expect(answer, action).toMatchObject({
            status: 409,
            body: { code: 'conflict', detail: expect.stringMatching(/^a plan that is .+ cannot be/) },
          });
          expect(await read(org.owner, id)).toEqual(before);
        }
        await api.admin(`update public.replay_plans set status = 'canceled' where id = $1 and status not in ('completed', 'canceled')`, [
          id,
        ]);
      }
    },
  );

  it('may be taken by owners and admins of the org only; an analyst may read the plan, and people of other orgs get 404', async () => {
    const org = await api.makeOrg();
    const analyst = await api.makeMember(org, 'analyst');
    const stranger = (await api.makeOrg()).owner;
    const connection = await connect(org);
    const { id } = await plan(org.owner);
    expect(await read(analyst, id)).toMatchObject({ id, status: 'pending_approval' });
    expect(await read(analyst, id)).not.toHaveProperty('audit');
    expect((await ask(analyst, 'GET', '')).body.plans).toMatchObject([{ id }]);
    expect((await preview(analyst)).status).toBe(403);
    for (const action of actions) {
      expect((await step(analyst, id, action)).status, action).toBe(403);
      expect((await step(stranger, id, action)).status, action).toBe(404);
      expect((await step(org.owner, randomUUID(), action)).status, action).toBe(404);
    }
    expect((await ask(stranger, 'GET', `/${id}`)).status).toBe(404);
    expect((await ask(stranger, 'GET', '')).body.plans).toEqual([]);
    expect((await ask(stranger, 'GET', `?orgId=${org.id}`)).status).toBe(404);
    expect((await preview(stranger, { connectionIds: [connection.id] })).status).toBe(404);
    expect((await preview(stranger, { projectIds: [org.projectId] })).status).toBe(404);
    expect((await ask(stranger, 'POST', '', { orgId: org.id, filter: { from, to } })).status).toBe(404);
    expect((await preview(stranger)).body.count).toBe(0);
    expect(await read(org.owner, id)).toMatchObject({ status: 'pending_approval' });
  });

  it('are recorded in the audit log, with the person who took them', async () => {
    const org = await api.makeOrg();
    const admin = await api.makeMember(org, 'admin');
    await deliverMany(await connect(org), 1);
    const { id } = await plan(org.owner);
    await step(admin, id, 'approve', { reference: 'RFA-7' });
    await step(org.owner, id, 'run');
    await step(admin, id, 'pause');
    await step(org.owner, id, 'resume');
    await work();
    const { audit } = await read(org.owner, id);
    expect(audit?.map(({ action, actorId }) => [action, actorId])).toEqual([
      ['created', org.owner.id],
      ['approved', admin.id],
      ['running', org.owner.id],
      ['paused', admin.id],
      ['running', org.owner.id],
      ['completed', null],
    ]);
    expect(audit?.[1]?.detail).toMatchObject({ reference: 'RFA-7' });
  });
});

describe('while it runs', () => {
  /** A replayer that runs `before` ahead of its n-th batch. */
  const intercepted = (n: number, before: () => Promise<unknown>): Replayer => {
    let batches = 0;
    return {
      ...replayer,
      async write(items, mode, steps) {
        if (++batches === n) await before();
        return replayer.write(items, mode, steps);
      },
    };
  };

  it('stays within its throttle over time, and reports its rate and its remaining time', async () => {
    const org = await api.makeOrg();
    await deliverMany(await connect(org), 8);
    const { id } = await started(org.owner, { throttlePerSecond: 2 });
    const began = performance.now();
    let seen: ReplayPlan | undefined;
    await work(
      { sliceMs: 2_500 },
      {
        ...replayer,
        write: async (...args) => {
          const outcomes = await replayer.write(...args);
          seen = await read(org.owner, id);
          return outcomes;
        },
      },
    );
    const seconds = (performance.now() - began) / 1000;
    const { processed } = await read(org.owner, id);
    expect(processed).toBeGreaterThan(0);
    expect(processed).toBeLessThanOrEqual(2 * seconds);
    expect(seen?.ratePerSecond ?? 0).toBeLessThanOrEqual(2.2);
    expect(seen?.etaSeconds).toBeGreaterThanOrEqual(Math.floor((8 - (seen?.processed ?? 0)) / 2));
    // Further slices allow no burst.
    const before = performance.now();
    await work({ sliceMs: 300 });
    await work({ sliceMs: 300 });
    expect((await read(org.owner, id)).processed - processed).toBeLessThanOrEqual(((performance.now() - before) / 1000) * 2);
    await step(org.owner, id, 'cancel');
  });

  it('shares its turns with other plans', async () => {
    const [one, two] = [await api.makeOrg(), await api.makeOrg()];
    const plans: { owner: TestUser; id: string }[] = [];
    for (const org of [one, two]) {
      await deliverMany(await connect(org), 6);
      plans.push({ owner: org.owner, id: (await started(org.owner, { throttlePerSecond: 2 })).id });
    }
    await work({ sliceMs: 2_200 });
    const [a, b] = await Promise.all(plans.map(async ({ owner, id }) => (await read(owner, id)).processed));
    expect(a).toBeGreaterThan(0);
    expect(Math.abs((a ?? 0) - (b ?? 0))).toBeLessThanOrEqual(1);
    for (const { owner, id } of plans) await step(owner, id, 'cancel');
  });

  it('stops at the next batch when it is paused, continues where it stopped, and never runs again after it is canceled', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 6);
    // One delivery per batch.
    const { id } = await started(org.owner, { throttlePerSecond: 10 });
    await work(
      {},
      intercepted(3, () => step(org.owner, id, 'pause')),
    );
    expect(await read(org.owner, id)).toMatchObject({ status: 'paused', processed: 2, ratePerSecond: null, etaSeconds: null });
    await work();
    expect(await replayed(connection)).toEqual((await deliveries(connection)).slice(0, 2));
    await step(org.owner, id, 'resume');
    await work(
      {},
      intercepted(3, () => step(org.owner, id, 'cancel')),
    );
    expect(await read(org.owner, id)).toMatchObject({ status: 'canceled', processed: 4 });
    await work();
    expect(await replayed(connection)).toEqual((await deliveries(connection)).slice(0, 4));
  });

  it('is paused by a legal hold, whose reason it shows, and cannot be started or resumed under a hold', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 3);
    const hold = async () =>
      (await call(api.app as never, org.owner, 'POST', '/api/legal-holds', { connectionId: connection.id, reason: 'Case 21' })).body.id;
    const release = (held: string) => call(api.app as never, org.owner, 'POST', `/api/legal-holds/${held}/release`);
    const refused = { status: 409, body: { code: 'legal_hold', detail: expect.stringContaining('Case 21') } };

    const { id } = await plan(org.owner, { throttlePerSecond: 10 });
    let held = await hold();
    expect(await preview(org.owner)).toMatchObject(refused);
    expect(await step(org.owner, id, 'approve')).toMatchObject(refused);
    await release(held);
    await step(org.owner, id, 'approve');
    held = await hold();
    expect(await step(org.owner, id, 'run')).toMatchObject(refused);
    await release(held);
    await step(org.owner, id, 'run');
    await work(
      {},
      intercepted(2, async () => {
        held = await hold();
      }),
    );
    expect(await read(org.owner, id)).toMatchObject({ status: 'paused', processed: 1, error: expect.stringContaining('Case 21') });
    expect(await step(org.owner, id, 'resume')).toMatchObject(refused);
    await release(held);
    expect((await step(org.owner, id, 'resume')).body.error).toBeNull();
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 3, error: null });
    expect(await replayed(connection)).toEqual(await deliveries(connection));
  });

  it('is not stopped by a hold on a connection that is not part of the plan', async () => {
    const org = await api.makeOrg();
    const [mine, held] = [await connect(org), await connect(org)];
    await deliverMany(mine, 2);
    await call(api.app as never, org.owner, 'POST', '/api/legal-holds', { connectionId: held.id, reason: 'Case 22' });
    const { id } = await started(org.owner, { filter: { connectionIds: [mine.id] } });
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 2 });
  });

  it('is continued by another process after a crash, from its checkpoint: every delivery is replayed once and no event is stored twice', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 6);
    const { id } = await started(org.owner, { throttlePerSecond: 10, mode: 'reprocess' });
    let wake = () => {};
    const frozen = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let isFrozen = () => {};
    const reached = new Promise<void>((resolve) => {
      isFrozen = resolve;
    });
    // The process hangs in the middle of its third batch.
    const dying = work(
      {},
      intercepted(3, () => {
        isFrozen();
        return frozen;
      }),
    );
    await reached;
    expect(await read(org.owner, id)).toMatchObject({ status: 'running', processed: 2 });
    await work({ sliceMs: 1_000 });
    expect((await read(org.owner, id)).processed, 'the first lease has not run out').toBe(2);

    await api.admin(`update public.replay_plans set lease_until = now() - interval '1 second' where id = $1`, [id]);
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 6, accepted: 6 });
    // The process was not dead: all its later writes are refused.
    wake();
    await dying;
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 6 });
    expect(await replayed(connection)).toEqual(await deliveries(connection));
    expect(
      await api.admin('select count(*)::int as n, max(revision) as revision from public.canonical_events where source_connection_id = $1', [
        connection.id,
      ]),
    ).toEqual([{ n: 6, revision: 2 }]);
  });

  it('fails after five failures in a row, and a person can resume it', async () => {
    const org = await api.makeOrg();
    const connection = await connect(org);
    await deliverMany(connection, 2);
    const { id } = await started(org.owner);
    const broken: Replayer = { ...replayer, write: () => Promise.reject(new Error('broken')) };
    for (let n = 1; n <= 5; n++) {
      expect((await read(org.owner, id)).status).toBe('running');
      await api.admin('update public.replay_plans set lease_until = null where id = $1', [id]);
      await work({}, broken);
    }
    expect(await read(org.owner, id)).toMatchObject({ status: 'failed', processed: 0, error: expect.stringContaining('log') });
    await step(org.owner, id, 'resume');
    await work();
    expect(await read(org.owner, id)).toMatchObject({ status: 'completed', processed: 2 });
  });

  it('is given back at the end of a slice, which adds the job that continues the plan', async () => {
    const org = await api.makeOrg();
    await deliverMany(await connect(org), 5);
    const { id } = await started(org.owner, { throttlePerSecond: 2 });
    await api.admin(`delete from graphile_worker._private_jobs`);
    await work({ sliceMs: 700 });
    expect(await api.admin('select status, lease_owner from public.replay_plans where id = $1', [id])).toEqual([
      { status: 'running', lease_owner: null },
    ]);
    expect(await api.admin('select task_identifier from graphile_worker.jobs')).toEqual([{ task_identifier: 'replay.run' }]);
    await step(org.owner, id, 'cancel');
  });
});
