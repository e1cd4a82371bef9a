import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { orgTasks } from './jobs.ts';

let world: TestApi;
let app: TestApi['app'];
beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());

const nameOf = async (org: TestOrg): Promise<string> => (await call(app, org.owner, 'GET', `/api/orgs/${org.id}`)).body.name;
const remove = async (org: TestOrg, user: TestUser = org.owner, body: object = {}) =>
  call(app, user, 'POST', `/api/orgs/${org.id}/deletion`, { name: await nameOf(org), irreversible: true, ...body });
const read = (org: TestOrg, user = org.owner) => call(app, user, 'GET', `/api/orgs/${org.id}/deletion`);

const deleteOrgs = () => orgTasks(world.db)['orgs.delete']?.run({}, { signal: new AbortController().signal, log: world.log });

describe('the deletion of an org', () => {
  it('needs an owner, the name and the statement, is scheduled once, and can be cancelled by any owner', async () => {
    const org = await world.makeOrg();
    const [admin, analyst, second] = [
      await world.makeMember(org, 'admin'),
      await world.makeMember(org, 'analyst'),
      await world.makeMember(org, 'owner'),
    ];
    for (const user of [admin, analyst]) expect(await remove(org, user)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await remove(org, (await world.makeOrg()).owner)).status).toBe(404);
    expect(await remove(org, org.owner, { name: 'another' })).toMatchObject({ status: 400, body: { errors: [{ path: 'name' }] } });
    expect(await remove(org, org.owner, { irreversible: false })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'irreversible' }] },
    });
    expect((await read(org)).body).toMatchObject({ status: 'none', startsAt: null });

    const { status, body } = await remove(org);
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'scheduled', requestedBy: org.owner.id, waitsFor: null, rowsDeleted: 0 });
    expect(Date.parse(body.startsAt) - Date.parse(body.requestedAt)).toBe(7 * 86_400_000);
    expect((await remove(org)).body).toEqual(body);
    expect((await read(org, analyst)).body).toEqual(body);
    expect((await call(app, admin, 'DELETE', `/api/orgs/${org.id}/deletion`)).status).toBe(403);
    expect(await call(app, second, 'DELETE', `/api/orgs/${org.id}/deletion`)).toMatchObject({ status: 200, body: { status: 'none' } });
  });

  it('is refused while a legal hold exists, with the reason', async () => {
    const org = await world.makeOrg();
    await call(app, org.owner, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 30' });
    expect(await remove(org)).toMatchObject({ status: 409, body: { code: 'legal_hold', detail: expect.stringContaining('Case 30') } });
  });

  it('is carried out by the job after the grace period: the org, its keys and its members are gone, and other orgs stay', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    await world.makeConnection(org);
    await remove(org);
    await deleteOrgs();
    expect((await read(org)).body.status).toBe('scheduled');
    await world.admin(`update public.org_deletions set starts_at = now() where org_id = $1`, [org.id]);
    await deleteOrgs();
    expect((await read(org)).status).toBe(404);
    expect((await call(app, other.owner, 'GET', `/api/orgs/${other.id}`)).status).toBe(200);
    expect(await world.admin('select status, requested_by from public.org_deletions where org_id = $1', [org.id])).toEqual([
      { status: 'done', requested_by: null },
    ]);
  });

  it('cannot be cancelled once it has begun', async () => {
    const org = await world.makeOrg();
    await remove(org);
    await world.admin(`update public.org_deletions set starts_at = now(), status = 'running', started_at = now() where org_id = $1`, [
      org.id,
    ]);
    expect(await call(app, org.owner, 'DELETE', `/api/orgs/${org.id}/deletion`)).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });
});

describe('the retention of an org', () => {
  it('is read by members and chosen by owners and admins, within the maximum of the platform', async () => {
    const org = await world.makeOrg();
    const [admin, analyst] = [await world.makeMember(org, 'admin'), await world.makeMember(org, 'analyst')];
    const path = `/api/orgs/${org.id}/retention`;
    expect((await call(app, analyst, 'GET', path)).body.rules).toContainEqual({
      kind: 'deliveries',
      keepDays: 90,
      maximumDays: 90,
      chosenDays: null,
      appliesFrom: null,
    });
    expect((await call(app, analyst, 'PATCH', path, { events: 30 })).status).toBe(403);
    expect((await call(app, (await world.makeOrg()).owner, 'PATCH', path, { events: 30 })).status).toBe(404);
    expect(await call(app, admin, 'PATCH', path, { deliveries: 91 })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'deliveries' }] },
    });
    expect((await call(app, admin, 'PATCH', path, {})).status).toBe(400);
    const { body } = await call(app, admin, 'PATCH', path, { events: 30, dead_letters: 7 });
    expect(body.rules.map((rule: { keepDays: number }) => rule.keepDays)).toEqual([30, 90, 7, 1830]);
    expect(Date.parse(body.rules[0].appliesFrom)).toBeGreaterThan(Date.now() + 86_000_000);
    const again = await call(app, admin, 'PATCH', path, { events: null });
    expect(again.body.rules[0]).toEqual({ kind: 'events', keepDays: 400, maximumDays: 400, chosenDays: null, appliesFrom: null });
  });
});
