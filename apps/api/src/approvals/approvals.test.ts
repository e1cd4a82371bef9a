import { type Approval, ApprovalRequested, OrgSecurity } from '@tributary/shared/approvals.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import { makeToken, type TestOrg, type TestUser } from '../test/make.ts';
import { approvalTasks } from './jobs.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;
let admin: TestUser;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());

const path = '/api/approvals';
const decide = (user: TestUser | undefined, id: string, decision = 'approve') => call(app, user, 'POST', `${path}/${id}/${decision}`);
const secure = (user: TestUser | string, settings: object) => call(app, user, 'PATCH', `/api/orgs/${org.id}/security`, settings);
const open = async (user = org.owner) => (await call(app, user, 'GET', `${path}?orgId=${org.id}`)).body.approvals as Approval[];

async function makeOrg(...secondPerson: string[]): Promise<void> {
  org = await world.makeOrg();
  admin = await world.makeMember(org, 'admin');
  await loadOrgKeys(world.db, world.masterKeys, org.id, world.log);
  expect(await secure(org.owner, { secondPerson })).toMatchObject({ status: 200, body: { secondPerson } });
}

async function deadLetters(count: number): Promise<void> {
  const connection = await world.makeConnection(org);
  await world.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message)
     select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'SCHEMA_DRIFT', 'x' from generate_series(1, $4)`,
    [org.id, org.projectId, connection, count],
  );
}

describe('an act that needs a second person', () => {
  it('waits: the answer is 202 with the request, and nothing is done until a colleague approves it', async () => {
    await makeOrg('rotate_key');
    const asked = await call(app, admin, 'POST', `/api/orgs/${org.id}/keys/rotate`, { kind: 'hash' });
    expect(asked.status).toBe(202);
    const { approvalId } = ApprovalRequested.parse(asked.body);
    const keys = async () => (await loadOrgKeys(world.db, world.masterKeys, org.id, world.log)).hash.size;
    expect(await keys()).toBe(1);
    expect(await open()).toMatchObject([{ id: approvalId, kind: 'rotate_key', summary: 'Make a new hash key.', requestedBy: admin.id }]);

    expect(await decide(admin, approvalId)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('another person') } });
    const approved = await decide(org.owner, approvalId);
    expect(approved).toMatchObject({ status: 200, body: { status: 'approved', decidedBy: org.owner.id } });
    expect(await keys()).toBe(2);
    expect(await decide(org.owner, approvalId)).toMatchObject({ status: 409 });
    expect(await keys()).toBe(2);
    expect(await open()).toEqual([]);
    const trail = await world.admin(
      `select actor_id, action from public.audit_log where org_id = $1 and action like 'approvals.%' order by id`,
      [org.id],
    );
    expect(trail).toEqual([
      { actor_id: admin.id, action: 'approvals.insert' },
      { actor_id: org.owner.id, action: 'approvals.update' },
    ]);
  });

  it('is done once when two people approve it at the same moment', async () => {
    await makeOrg('rotate_key');
    const third = await world.makeMember(org, 'admin');
    const { approvalId } = (await call(app, admin, 'POST', `/api/orgs/${org.id}/keys/rotate`, { kind: 'data' })).body;
    const answers = await Promise.all([decide(org.owner, approvalId), decide(third, approvalId), decide(org.owner, approvalId)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    expect((await loadOrgKeys(world.db, world.masterKeys, org.id, world.log)).data.size).toBe(2);
  });

  it('releases a legal hold only then', async () => {
    await makeOrg('release_hold');
    const { id } = (await call(app, admin, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 12' })).body;
    const asked = await call(app, admin, 'POST', `/api/legal-holds/${id}/release`);
    expect(asked.status).toBe(202);
    const hold = async () => (await call(app, admin, 'GET', `/api/legal-holds?orgId=${org.id}`)).body.holds[0];
    expect(await hold()).toMatchObject({ releasedAt: null });
    expect((await open())[0]?.summary).toBe('Release the legal hold “Case 12”.');
    await decide(org.owner, asked.body.approvalId);
    expect(await hold()).toMatchObject({ releasedBy: org.owner.id });
  });

  it('erases a person whose identifiers are sealed meanwhile, and forgets them when the request is rejected or expires', async () => {
    await makeOrg('erase_person');
    const erase = (email: string) => call(app, admin, 'POST', '/api/erasures', { orgId: org.id, email, reference: 'R-1' });
    const sealed = async () =>
      (
        await world.admin('select 1 from private.approval_secrets s join public.approvals a on a.id = s.approval_id where a.org_id = $1', [
          org.id,
        ])
      ).length;
    const [first, second, third] = [await erase('a@people.example'), await erase('b@people.example'), await erase('c@people.example')];
    expect([first.status, second.status, await sealed()]).toEqual([202, 202, 3]);
    expect(JSON.stringify(await open())).not.toContain('people.example');
    await decide(org.owner, second.body.approvalId, 'reject');
    await world.admin('update public.approvals set expires_at = now() where id = $1', [third.body.approvalId]);
    expect(await decide(org.owner, third.body.approvalId)).toMatchObject({ status: 409 });
    const log = { info: () => {} } as never;
    await approvalTasks(world.db)['approvals.expire']?.run({}, { log, signal: new AbortController().signal });
    expect(await sealed()).toBe(1);
    const listed = async () => (await call(app, admin, 'GET', `/api/erasures?orgId=${org.id}`)).body.erasures;
    expect(await listed()).toEqual([]);
    expect((await decide(org.owner, first.body.approvalId)).status).toBe(200);
    expect(await listed()).toMatchObject([{ reference: 'R-1', kinds: ['email'], createdBy: org.owner.id }]);
    expect(await sealed()).toBe(0);
  });

  it('is not done, and stays open, when it cannot be done at the moment of its approval', async () => {
    await makeOrg('erase_person');
    const { approvalId } = (await call(app, admin, 'POST', '/api/erasures', { orgId: org.id, email: 'a@people.example' })).body;
    const hold = (await call(app, admin, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 9' })).body;
    expect(await decide(org.owner, approvalId)).toMatchObject({ status: 409, body: { code: 'legal_hold' } });
    expect(await open()).toMatchObject([{ id: approvalId, status: 'pending' }]);
    await call(app, admin, 'POST', `/api/legal-holds/${hold.id}/release`);
    expect((await decide(org.owner, approvalId)).status).toBe(200);
  });

  it('purges exactly the entries that matched when it was requested', async () => {
    await makeOrg('purge');
    await secure(org.owner, { purgeCount: 2 });
    await deadLetters(3);
    const purge = () => call(app, admin, 'POST', '/api/dlq/purge', { orgId: org.id, classes: ['SCHEMA_DRIFT'] });
    const asked = await purge();
    expect(asked.status).toBe(202);
    expect((await open())[0]?.summary).toBe('Delete 3 dead letters for good.');
    expect((await decide(org.owner, asked.body.approvalId)).status).toBe(200);
    const operations = (await call(app, admin, 'GET', `/api/dlq/operations?orgId=${org.id}`)).body.operations;
    expect(operations).toMatchObject([{ kind: 'purge', total: 3, filter: { to: expect.any(String) } }]);
  });
});

describe('deleting an org', () => {
  it('needs a second owner, and begins its grace period when one approves it', async () => {
    await makeOrg('delete_org');
    const second = await world.makeMember(org, 'owner');
    const { name } = (await call(app, org.owner, 'GET', `/api/orgs/${org.id}`)).body;
    const asked = await call(app, org.owner, 'POST', `/api/orgs/${org.id}/deletion`, { name, irreversible: true });
    expect(asked).toMatchObject({ status: 202, body: { kind: 'delete_org' } });
    const status = async () => (await call(app, admin, 'GET', `/api/orgs/${org.id}/deletion`)).body.status;
    expect(await status()).toBe('none');
    expect((await decide(admin, asked.body.approvalId)).status).toBe(409);
    expect(await status()).toBe('none');
    expect((await decide(second, asked.body.approvalId)).status).toBe(200);
    expect(await status()).toBe('scheduled');
  });
});

describe('a request', () => {
  it('is withdrawn by the person who made it, and ends when that person loses the role', async () => {
    await makeOrg('rotate_key');
    const ask = (kind: string) => call(app, admin, 'POST', `/api/orgs/${org.id}/keys/rotate`, { kind });
    const [data, hash] = [(await ask('data')).body.approvalId, (await ask('hash')).body.approvalId];
    expect(await decide(org.owner, data, 'withdraw')).toMatchObject({ status: 409 });
    expect(await decide(admin, data, 'withdraw')).toMatchObject({ status: 200, body: { status: 'withdrawn' } });
    await world.admin(`update public.org_members set role = 'analyst' where user_id = $1`, [admin.id]);
    expect(await decide(org.owner, hash)).toMatchObject({ status: 409 });
    const { body } = await call(app, org.owner, 'GET', `${path}?orgId=${org.id}&status=all&limit=1`);
    expect(body.approvals).toMatchObject([{ id: hash, status: 'ended' }]);
    expect(body.next).toEqual(expect.any(String));
  });

  it('is unknown to analysts and other orgs', async () => {
    await makeOrg('rotate_key');
    const { approvalId } = (await call(app, admin, 'POST', `/api/orgs/${org.id}/keys/rotate`, { kind: 'data' })).body;
    const [analyst, other] = [await world.makeMember(org, 'analyst'), (await world.makeOrg()).owner];
    for (const user of [analyst, other])
      for (const decision of ['approve', 'reject', 'withdraw']) expect((await decide(user, approvalId, decision)).status).toBe(404);
    expect((await call(app, analyst, 'GET', `${path}?orgId=${org.id}`)).status).toBe(403);
    expect((await call(app, other, 'GET', `${path}?orgId=${org.id}`)).status).toBe(404);
    expect((await call(app, undefined, 'GET', path)).status).toBe(401);
  });
});

describe('the security settings', () => {
  it('are read by members and changed by owners, and weakened only with a second owner', async () => {
    await makeOrg('purge', 'rotate_key');
    const analyst = await world.makeMember(org, 'analyst');
    const read = await call(app, analyst, 'GET', `/api/orgs/${org.id}/security`);
    expect(OrgSecurity.parse(read.body)).toEqual({ requiresSecondFactor: false, secondPerson: ['purge', 'rotate_key'], purgeCount: 100 });
    expect((await secure(admin, { secondPerson: [] })).status).toBe(403);
    expect((await secure(org.owner, { secondPerson: ['fly'] })).status).toBe(400);
    const asked = await secure(org.owner, { secondPerson: [] });
    expect(asked).toMatchObject({ status: 202, body: { kind: 'change_security' } });
    expect(await decide(admin, asked.body.approvalId)).toMatchObject({ status: 409 });
    const second = await world.makeMember(org, 'owner');
    expect((await decide(second, asked.body.approvalId)).status).toBe(200);
    expect((await call(app, admin, 'GET', `/api/orgs/${org.id}/security`)).body.secondPerson).toEqual([]);
  });

  it('need two people who can approve each other', async () => {
    org = await world.makeOrg();
    expect(await secure(org.owner, { secondPerson: ['purge'] })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('can require a second factor: commands of the API then answer 403 mfa_required without one, and reads do not', async () => {
    org = await world.makeOrg();
    expect(await secure(org.owner, { requiresSecondFactor: true })).toMatchObject({ status: 403, body: { code: 'mfa_required' } });
    const strong = await makeToken(org.owner, { aal: 'aal2' });
    expect((await secure(strong, { requiresSecondFactor: true })).status).toBe(200);
    const connection = await world.makeConnection({ ...org, owner: { ...org.owner, claims: { ...org.owner.claims, aal: 'aal2' } } });
    const commands: [string, string, object?][] = [
      ['POST', '/api/invites', { orgId: org.id, email: 'x@example.com', role: 'admin' }],
      ['PATCH', `/api/orgs/${org.id}`, { name: 'X' }],
      ['PATCH', `/api/connections/${connection}`, { name: 'X' }],
      ['POST', `/api/connections/${connection}/test`, {}],
      ['DELETE', `/api/connections/${connection}`],
      ['POST', '/api/legal-holds', { orgId: org.id, reason: 'X' }],
      ['POST', '/api/erasures', { orgId: org.id, email: 'x@example.com' }],
      ['POST', '/api/replays', { orgId: org.id, filter: { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' } }],
      ['POST', '/api/dlq/purge', { orgId: org.id }],
      ['PATCH', `/api/orgs/${org.id}/security`, { requiresSecondFactor: false }],
    ];
    for (const [method, url, body] of commands)
      expect(await call(app, org.owner, method, url, body), `${method} ${url}`).toMatchObject({
        status: 403,
        body: { code: 'mfa_required' },
      });
    for (const url of [`/api/orgs/${org.id}`, `/api/connections?orgId=${org.id}`, `/api/legal-holds?orgId=${org.id}`])
      expect((await call(app, org.owner, 'GET', url)).status, url).toBe(200);
    expect((await call(app, strong, 'POST', '/api/invites', { orgId: org.id, email: 'x@example.com', role: 'admin' })).status).toBe(201);
  });
});
