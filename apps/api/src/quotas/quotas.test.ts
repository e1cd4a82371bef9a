import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { quotaTasks } from './jobs.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

const setQuota = (org: TestOrg, name: string, value: number) =>
  api.admin(
    'insert into private.quotas (name, org_id, value) values ($1, $2, $3) on conflict (name, org_id) do update set value = excluded.value',
    [name, org.id, value],
  );
const sql = (user: TestUser, text: string, values: unknown[] = []) => api.db.as(user.claims, (run) => run(text, values));
const made = (results: PromiseSettledResult<unknown>[]) => results.filter(({ status }) => status === 'fulfilled').length;

type Maker = (org: TestOrg, n: number) => Promise<unknown>;
const makeProject: Maker = (org, n) =>
  sql(org.owner, 'insert into public.projects (org_id, name, slug) values ($1, $2, $2)', [org.id, `p-${n}`]);
const makeConnection: Maker = (org) => api.makeConnection(org);
const makeInvite: Maker = (org, n) =>
  sql(org.owner, `select private.create_invite($1, $2, 'analyst', $3)`, [org.id, `p${n}@example.com`, randomBytes(32)]);
const makeChannel: Maker = (org) =>
  sql(org.owner, `select private.create_alert_channel($1, $2, 'email', 'On call', 'a@example.com', 'warning', '\\x00')`, [
    randomUUID(),
    org.id,
  ]);
const makePlan: Maker = (org) => sql(org.owner, `select private.create_replay($1, null, 'replay', '{}', 100, 1, false)`, [org.id]);
const makeErasure: Maker = (org) =>
  sql(org.owner, `select private.start_erasure($1, $2, '{email}', null, 1, '\\x00')`, [randomUUID(), org.id]);
const makeOperation: Maker = (org, n) =>
  sql(org.owner, `select private.start_dlq_operation($1, 'redrive', $2, 1)`, [org.id, JSON.stringify({ n })]);
const makeHold: Maker = (org) => sql(org.owner, `insert into public.legal_holds (org_id, reason) values ($1, 'Case 7')`, [org.id]);

/** Everything that a member can make, each by the statement that the API or the Data API runs. */
const makers: readonly [quota: string, make: Maker][] = [
  ['projects', makeProject],
  ['projects_per_day', makeProject],
  ['connections', makeConnection],
  ['connections_per_day', makeConnection],
  ['open_invites', makeInvite],
  ['invites_per_day', makeInvite],
  ['alert_channels', makeChannel],
  ['alert_channels_per_day', makeChannel],
  ['open_replay_plans', makePlan],
  ['replay_plans_per_day', makePlan],
  ['open_erasures', makeErasure],
  ['erasures_per_day', makeErasure],
  ['open_dlq_operations', makeOperation],
  ['dlq_operations_per_day', makeOperation],
  ['open_legal_holds', makeHold],
  ['legal_holds_per_day', makeHold],
  ['exports_per_day', (org) => sql(org.owner, `select private.audit_export($1, '{}', 'csv')`, [org.id])],
  ['changes_per_day', (org, n) => sql(org.owner, 'update public.orgs set name = $2 where id = $1', [org.id, `Org ${n}`])],
];

describe('quotas hold exactly when requests come at the same moment', () => {
  it.each(makers)('%s', async (quota, make) => {
    const org = await api.makeOrg();
    // A new org has one project.
    const existing = quota.startsWith('projects') ? 1 : 0;
    await setQuota(org, quota, 3 + existing);
    const results = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => make(org, n)));
    expect(made(results)).toBe(3);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toMatchObject({ code: 'PT429', message: `the quota "${quota}" is used up: it is ${3 + existing}` });
    }
    // The quota of an org is not used up by another org.
    expect(made(await Promise.allSettled([make(await api.makeOrg(), 1)]))).toBe(1);
  });

  it('orgs of one user, created at the same moment; an operator raises it for a user through one of their orgs', async () => {
    await api.admin(`update private.quotas set value = 3 where name = 'orgs' and org_id is null`);
    const user = await api.makeUser();
    const create = () => Promise.allSettled(Array.from({ length: 8 }, () => api.makeOrg(user)));
    const first = await create();
    expect(made(first)).toBe(3);
    const [org] = first.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (org) await setQuota(org, 'orgs', 5);
    expect(made(await create())).toBe(2);
    // A person who is made owner of an org owns it as well.
    const other = await api.makeOrg();
    await api.admin(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'admin')`, [other.id, user.id]);
    const promote = sql(other.owner, `update public.org_members set role = 'owner' where org_id = $1 and user_id = $2`, [
      other.id,
      user.id,
    ]);
    await expect(promote).rejects.toMatchObject({ code: 'PT429' });
    await api.admin(`update private.quotas set value = 1000 where name = 'orgs' and org_id is null`);
  });

  it('refuses a bulk insert whole, and lets nothing be taken away by a quota that was lowered', async () => {
    const org = await api.makeOrg();
    await setQuota(org, 'projects', 6);
    const bulk = (rows: number, offset = 0) =>
      sql(
        org.owner,
        `insert into public.projects (org_id, name, slug) select $1, 'Shop ' || n, 'shop-' || n from generate_series($2::integer + 1, $2 + $3::integer) n`,
        [org.id, offset, rows],
      );
    await expect(bulk(6)).rejects.toMatchObject({ code: 'PT429' });
    await bulk(5);
    await setQuota(org, 'projects', 2);
    await sql(org.owner, `update public.projects set name = 'Renamed' where org_id = $1`, [org.id]);
    await expect(bulk(1, 50)).rejects.toMatchObject({ code: 'PT429' });
  });
});

it('answers a command beyond a quota with 429 quota_exceeded, which names the quota, its value and how to get more', async () => {
  const org = await api.makeOrg();
  await setQuota(org, 'open_legal_holds', 1);
  const hold = () => call(api.app, org.owner, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 7' });
  expect((await hold()).status).toBe(201);
  const { status, body } = await hold();
  expect([status, body.code]).toEqual([429, 'quota_exceeded']);
  expect(body.detail).toBe(
    'the quota "open_legal_holds" is used up: it is 1. Delete or finish something that counts against it. The operator of this server can raise it.',
  );
});

it('shows an org its quotas and what is used of them, to owners and admins only', async () => {
  const org = await api.makeOrg();
  await api.makeConnection(org);
  await setQuota(org, 'members', 7);
  const list = (user: TestUser | undefined) => call(api.app, user, 'GET', `/api/orgs/${org.id}/quotas`);
  const { status, body } = await list(org.owner);
  expect(status).toBe(200);
  expect(body.quotas).toContainEqual({ name: 'members', value: 7, defaultValue: 200, used: 1 });
  expect(body.quotas).toContainEqual({ name: 'connections', value: 200, defaultValue: 200, used: 1 });
  expect(body.quotas).toContainEqual({ name: 'connections_per_day', value: 200, defaultValue: 200, used: 1 });
  expect((await list(await api.makeMember(org, 'analyst'))).status).toBe(403);
  expect((await list((await api.makeOrg()).owner)).status).toBe(404);
  expect((await list(undefined)).status).toBe(401);
});

it('measures the orgs that have traffic, one after the other, and goes on when one of them fails', async () => {
  const [busy, broken, quiet] = [await api.makeOrg(), await api.makeOrg(), await api.makeOrg()];
  for (const org of [busy, broken]) {
    const connection = await api.makeConnection(org);
    await api.admin(
      `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted) values ($1, $2, date_trunc('minute', now()), 1, 1)`,
      [org.id, connection],
    );
  }
  const measured: string[] = [];
  const db = {
    ...api.db,
    workerStatement: (async (text: string, values?: unknown[]) => {
      const org = String(values?.[0]);
      if (text.includes('measure_org(') && org === broken.id) throw new Error('a test');
      if (text.includes('measure_org(')) measured.push(org);
      return api.db.workerStatement(text, values);
    }) as typeof api.db.workerStatement,
  };
  await quotaTasks(db)['quotas.measure']?.run({}, { log: api.log, signal: new AbortController().signal });
  expect(measured).toContain(busy.id);
  expect(measured).not.toContain(quiet.id);
});

describe('a suspended org', () => {
  const suspend = (org: TestOrg) =>
    api.admin(`update public.orgs set suspended_at = now(), suspended_reason = 'Unpaid' where id = $1`, [org.id]);

  it('refuses the commands of its members with 403 org_suspended, and lets them read', async () => {
    const org = await api.makeOrg();
    const connection = await api.makeConnection(org);
    const channel = randomUUID();
    await sql(org.owner, `select private.create_alert_channel($1, $2, 'email', 'On call', 'a@example.com', 'warning', '\\x00')`, [
      channel,
      org.id,
    ]);
    await suspend(org);
    const commands: [string, string, object?][] = [
      ['POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 7' }],
      ['PATCH', `/api/orgs/${org.id}`, { name: 'Another' }],
      ['PATCH', `/api/connections/${connection}`, { isActive: false }],
      ['DELETE', `/api/connections/${connection}`],
      ['POST', '/api/invites', { orgId: org.id, email: 'a@example.com', role: 'analyst' }],
      ['POST', `/api/alerts/channels/${channel}/test`],
    ];
    for (const [method, path, body] of commands) {
      const answer = await call(api.app, org.owner, method as 'POST', path, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, 'org_suspended']);
    }
    expect((await call(api.app, org.owner, 'GET', `/api/orgs/${org.id}`)).status).toBe(200);
    expect((await call(api.app, org.owner, 'GET', `/api/orgs/${org.id}/keys`)).status).toBe(200);
    for (const statement of [
      `insert into public.projects (org_id, name, slug) values ('${org.id}', 'More', 'more')`,
      `update public.source_connections set name = 'Other' where id = '${connection}'`,
      `update public.alert_rules set enabled = false where org_id = '${org.id}'`,
    ])
      await expect(sql(org.owner, statement)).rejects.toMatchObject({ code: 'PT403' });
    await api.admin('update public.orgs set suspended_at = null, suspended_reason = null where id = $1', [org.id]);
    expect((await call(api.app, org.owner, 'PATCH', `/api/connections/${connection}`, { isActive: false })).status).toBe(200);
  });

  it('is announced to every process at once', async () => {
    const org = await api.makeOrg();
    const told: string[] = [];
    const stop = await api.db.listen(
      'connection_changed',
      (payload) => void told.push(payload),
      () => {},
    );
    await suspend(org);
    await expect.poll(() => told).toContain(`org:${org.id}`);
    await stop();
  });
});

describe('the traffic of an org', () => {
  const intake = async (org: TestOrg) =>
    (await api.admin<{ suspended: boolean; exceeded: string | null }>('select * from private.org_intake($1)', [org.id]))[0];
  const measure = (org: TestOrg, at = new Date()) => api.admin('select private.measure_org($1, $2)', [org.id, at]);

  it('is measured once per delivery, by day, and a used-up quota is announced until the day ends', async () => {
    const org = await api.makeOrg();
    const connection = await api.makeConnection(org);
    const deliver = (minutesAgo: number, bytes: number) =>
      api.admin(
        `insert into public.event_journal (id, org_id, source_connection_id, received_at, byte_size, body_sha256, record_count, outcome)
         values (gen_random_uuid(), $1, $2, $3::timestamptz - make_interval(mins => $4), $5, repeat('a', 64), 1, 'accepted')`,
        [org.id, connection, noon, minutesAgo, bytes],
      );
    const noon = new Date(`${new Date().toISOString().slice(0, 10)}T12:00:00Z`);
    await deliver(30, 400);
    await deliver(20, 500);
    await deliver(24 * 60, 7);
    await setQuota(org, 'bytes_per_day', 1000);
    for (let run = 1; run <= 2; run++) await measure(org, noon);
    const used = () =>
      api.admin(`select used from private.quota_usage where org_id = $1 and quota = 'bytes_per_day' order by day`, [org.id]);
    expect(await used()).toEqual([{ used: '7' }, { used: '900' }]);
    expect(await intake(org)).toEqual({ suspended: false, exceeded: null });

    const told: string[] = [];
    const stop = await api.db.listen(
      'connection_changed',
      (payload) => void told.push(payload),
      () => {},
    );
    const later = new Date(noon.getTime() + 3_600_000);
    await deliver(-10, 100);
    await measure(org, later);
    expect(await intake(org)).toEqual({ suspended: false, exceeded: 'bytes_per_day' });
    await expect.poll(() => told).toEqual([`org:${org.id}`]);
    await measure(org, later);
    expect(await api.admin('select * from private.list_orgs_to_measure()')).toContainEqual({ list_orgs_to_measure: org.id });
    await measure(org, new Date(noon.getTime() + 13 * 3_600_000));
    expect(await intake(org)).toEqual({ suspended: false, exceeded: null });
    await expect.poll(() => told).toEqual([`org:${org.id}`, `org:${org.id}`]);
    await stop();

    await setQuota(org, 'stored_bytes', 1007);
    await measure(org, new Date(noon.getTime() + 13 * 3_600_000));
    expect((await intake(org))?.exceeded).toBe('stored_bytes');
  });

  it('counts accepted, duplicate and dead-lettered records as events, and not what strangers send', async () => {
    const org = await api.makeOrg();
    const connection = await api.makeConnection(org);
    await api.admin(
      `insert into public.activity_days (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected)
       values ($1, $2, date_trunc('day', now(), 'UTC'), 1000, 3, 2, 1, 994)`,
      [org.id, connection],
    );
    await setQuota(org, 'events_per_day', 7);
    await measure(org);
    expect((await intake(org))?.exceeded).toBeNull();
    await setQuota(org, 'events_per_day', 6);
    await measure(org);
    expect((await intake(org))?.exceeded).toBe('events_per_day');
  });
});
