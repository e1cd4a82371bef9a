import { createHash, randomUUID } from 'node:crypto';
import { CreatedInvite, Invite } from '@tributary/shared/api.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicUrl, startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;
let analyst: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
  org = await world.makeOrg();
  analyst = await world.makeMember(org, 'analyst');
  stranger = (await world.makeOrg()).owner;
});
afterAll(() => world.close());

const invite = (email: string, role = 'analyst', user: TestUser = org.owner) =>
  call(app, user, 'POST', '/api/invites', { orgId: org.id, email, role });
const accept = (token: string, user: TestUser) => call(app, user, 'POST', '/api/invites/accept', { token });
const roleOf = async (user: TestUser) =>
  (await world.admin<{ role: string }>('select role from public.org_members where org_id = $1 and user_id = $2', [org.id, user.id]))[0]
    ?.role;

describe('inviting', () => {
  it('answers 201 with a token of 256 bits, shown once and kept only as its SHA-256', async () => {
    const answer = await invite(' Ana@Example.COM ');
    expect(answer.status).toBe(201);
    const { id, token, acceptUrl, expiresAt } = CreatedInvite.parse(answer.body);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(acceptUrl).toBe(`${publicUrl}/invite#token=${token}`);
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect(answer.headers.get('cache-control')).toBe('no-store');

    const [stored] = await world.admin<{ token_sha256: Buffer }>('select token_sha256 from private.invite_tokens where invite_id = $1', [
      id,
    ]);
    expect(stored?.token_sha256).toEqual(createHash('sha256').update(token).digest());
    const list = await call(app, org.owner, 'GET', `/api/invites?orgId=${org.id}`);
    expect(list.body.map((row: unknown) => Invite.parse(row))).toContainEqual(
      expect.objectContaining({ id, email: 'ana@example.com', acceptedAt: null }),
    );
    const audited = JSON.stringify(await world.admin('select * from public.audit_log'));
    for (const place of [list.text, audited, world.logged()]) expect(place).not.toContain(token);
  });

  it('refuses a role above admin, an invalid address and an invalid org id', async () => {
    expect((await invite('a@example.com', 'owner')).body.errors).toMatchObject([{ path: 'role' }]);
    expect((await invite('nobody')).body.errors).toMatchObject([{ path: 'email' }]);
    expect((await call(app, org.owner, 'POST', '/api/invites', { orgId: 'x', email: 'a@example.com', role: 'admin' })).status).toBe(400);
  });

  it('answers 403 to an analyst, and 404 for another org', async () => {
    expect((await invite('a@example.com', 'analyst', analyst)).status).toBe(403);
    expect((await invite('a@example.com', 'analyst', stranger)).status).toBe(404);
    expect((await call(app, analyst, 'GET', `/api/invites?orgId=${org.id}`)).status).toBe(403);
    expect((await call(app, stranger, 'GET', `/api/invites?orgId=${org.id}`)).status).toBe(404);
    expect((await call(app, org.owner, 'GET', '/api/invites')).status).toBe(400);
  });
});

describe('accepting', () => {
  it('makes the invited person a member with the role of the invite', async () => {
    const user = await world.makeUser();
    const { token } = (await invite(user.email.toUpperCase(), 'admin')).body;
    const answer = await accept(token, user);
    expect([answer.status, answer.body]).toEqual([200, { orgId: org.id }]);
    expect(await roleOf(user)).toBe('admin');
  });

  it('answers 404 with the reason to the holder of a used, expired, withdrawn or other person’s link, and never names the org', async () => {
    const user = await world.makeUser();
    const used = (await invite(user.email)).body;
    expect((await accept(used.token, user)).status).toBe(200);
    const late = await world.makeUser();
    const expired = (await invite(late.email)).body;
    await world.admin(`update public.org_invites set expires_at = now() - interval '1 second' where id = $1`, [expired.id]);
    const withdrawn = (await invite(late.email)).body;
    expect((await call(app, org.owner, 'DELETE', `/api/invites/${withdrawn.id}`)).status).toBe(204);
    const others = (await invite('somebody.else@example.com')).body;

    const mine = (await invite('nobody.yet@example.com')).body;
    for (const [token, who, reason] of [
      [randomUUID(), late, 'invite_unknown'],
      [used.token, user, 'invite_joined'],
      [used.token, late, 'invite_used'],
      [expired.token, late, 'invite_expired'],
      [withdrawn.token, late, 'invite_unknown'],
      [others.token, late, 'invite_other_address'],
      [mine.token, org.owner, 'invite_own'],
    ] as const) {
      const { status, body, text } = await accept(token, who);
      expect([status, body.code, body.errors[0].code]).toEqual([404, 'not_found', reason]);
      expect(text).not.toContain(org.id);
    }
    expect(await roleOf(late)).toBeUndefined();
  });

  it('does not change the role of a member who is invited again', async () => {
    const admin = await world.makeMember(org, 'admin');
    const { token } = (await invite(admin.email, 'analyst')).body;
    expect((await accept(token, admin)).status).toBe(200);
    expect(await roleOf(admin)).toBe('admin');
  });
});

describe('an admin who lost the role', () => {
  it.each([
    ['demoted', (id: string) => world.admin(`update public.org_members set role = 'analyst' where user_id = $1`, [id])],
    ['removed', (id: string) => world.admin('delete from public.org_members where user_id = $1', [id])],
  ] as const)('does not become admin again by an invite that they made before they were %s', async (_way, lose) => {
    const [admin, friend] = [await world.makeMember(org, 'admin'), await world.makeUser()];
    const forFriend = (await invite(friend.email, 'admin', admin)).body;
    const forMyself = (await invite(admin.email, 'admin', admin)).body;
    await lose(admin.id);
    expect((await accept(forFriend.token, friend)).status).toBe(404);
    expect((await accept(forMyself.token, admin)).status).toBe(404);
    expect(await roleOf(friend)).toBeUndefined();
    expect(await roleOf(admin)).not.toBe('admin');
    const { body } = await call(app, org.owner, 'GET', `/api/invites?orgId=${org.id}`);
    expect(JSON.stringify(body)).not.toContain(forFriend.id);
  });
});

describe('withdrawing', () => {
  it('answers 404 to analysts and to other orgs, who may not see the invite', async () => {
    const { id } = (await invite('kept@example.com')).body;
    expect((await call(app, analyst, 'DELETE', `/api/invites/${id}`)).status).toBe(404);
    expect((await call(app, stranger, 'DELETE', `/api/invites/${id}`)).status).toBe(404);
    expect((await call(app, org.owner, 'DELETE', `/api/invites/${randomUUID()}`)).status).toBe(404);
    expect(await world.admin('select from public.org_invites where id = $1', [id])).toHaveLength(1);
  });
});
