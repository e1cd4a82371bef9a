import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;
let app: TestApi['app'];
beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());

const path = '/api/legal-holds';
const set = (user: TestUser, body: object) => call(app, user, 'POST', path, body);
const release = (user: TestUser, id: string) => call(app, user, 'POST', `${path}/${id}/release`);
const isHeld = (org: TestOrg, connectionId: string | null, as = org.owner) =>
  world.db
    .as(as.claims, (sql) => sql<{ held: string | null }>('select private.held($1, $2) as held', [org.id, connectionId]))
    .then(([row]) => row?.held);

describe('a legal hold', () => {
  it('on the org covers every connection and the org as a whole, until it is released', async () => {
    const org = await world.makeOrg();
    const connection = await world.makeConnection(org);
    const { status, body } = await set(org.owner, { reason: '  Case 12 ' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ orgId: org.id, connectionId: null, reason: 'Case 12', createdBy: org.owner.id, releasedAt: null });
    expect(await isHeld(org, connection)).toBe('Case 12');
    expect(await isHeld(org, null)).toBe('Case 12');
    expect((await release(org.owner, body.id)).body).toMatchObject({ id: body.id, releasedBy: org.owner.id });
    expect(await isHeld(org, connection)).toBeNull();
    expect(await isHeld(org, null)).toBeNull();
  });

  it('on one connection leaves its neighbours free, and refuses what would touch all of them', async () => {
    const org = await world.makeOrg();
    const [held, free] = [await world.makeConnection(org), await world.makeConnection(org)];
    expect((await set(org.owner, { connectionId: held, reason: 'Case 13' })).status).toBe(201);
    expect(await isHeld(org, held)).toBe('Case 13');
    expect(await isHeld(org, free)).toBeNull();
    expect(await isHeld(org, null)).toBe('Case 13');
    const ask = (connectionIds?: string[]) => world.db.worker((sql) => requireNotHeld(sql, org.id, connectionIds));
    await ask([free]);
    await expect(ask([free, held])).rejects.toMatchObject({ code: 'legal_hold', status: 409, detail: expect.stringContaining('Case 13') });
    await expect(ask()).rejects.toMatchObject({ code: 'legal_hold' });
  });

  it('stands as long as one of several does; a released one stays listed, as it was released first', async () => {
    const org = await world.makeOrg();
    const admin = await world.makeMember(org, 'admin');
    const first = (await set(org.owner, { reason: 'First' })).body;
    const second = (await set(admin, { reason: 'Second' })).body;
    const released = (await release(admin, first.id)).body;
    expect(await isHeld(org, null)).toBe('Second');
    expect((await release(org.owner, first.id)).body).toEqual(released);
    const { body } = await call(app, org.owner, 'GET', path);
    expect(body.holds.map((hold: { id: string }) => hold.id)).toEqual([second.id, first.id]);
  });

  it('of a deleted connection can be set: its events are still there', async () => {
    const org = await world.makeOrg();
    const connection = await world.makeConnection(org);
    await call(app, org.owner, 'DELETE', `/api/connections/${connection}`);
    expect((await set(org.owner, { connectionId: connection, reason: 'Case 14' })).status).toBe(201);
  });

  it('is set and released by owners and admins only, seen by analysts, and audited', async () => {
    const org = await world.makeOrg();
    const [admin, analyst] = [await world.makeMember(org, 'admin'), await world.makeMember(org, 'analyst')];
    expect(await set(analyst, { reason: 'Mine' })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const { id } = (await set(admin, { reason: 'Case 15' })).body;
    expect(await release(analyst, id)).toMatchObject({ status: 403 });
    expect((await call(app, analyst, 'GET', path)).body.holds).toMatchObject([{ id, releasedAt: null }]);
    await release(org.owner, id);
    expect(
      await world.admin(`select actor_id, action from public.audit_log where org_id = $1 and target_id = $2 order by id`, [org.id, id]),
    ).toEqual([
      { actor_id: admin.id, action: 'legal_holds.insert' },
      { actor_id: org.owner.id, action: 'legal_holds.update' },
    ]);
  });

  it("of another org is a 404, and so is another org's connection; nobody learns that it is held", async () => {
    const [mine, theirs] = [await world.makeOrg(), await world.makeOrg()];
    const theirConnection = await world.makeConnection(theirs);
    const { id } = (await set(theirs.owner, { connectionId: theirConnection, reason: 'Theirs' })).body;
    expect((await set(mine.owner, { orgId: theirs.id, reason: 'Mine' })).status).toBe(404);
    expect((await set(mine.owner, { connectionId: theirConnection, reason: 'Mine' })).status).toBe(404);
    expect((await release(mine.owner, id)).status).toBe(404);
    expect((await release(mine.owner, 'no-id')).status).toBe(404);
    expect((await call(app, mine.owner, 'GET', `${path}?orgId=${theirs.id}`)).status).toBe(404);
    expect((await call(app, mine.owner, 'GET', path)).body.holds).toEqual([]);
    expect(await isHeld(theirs, theirConnection, mine.owner)).toBeNull();
  });

  it('needs a reason of a sensible length, and nothing it does not know', async () => {
    const { owner } = await world.makeOrg();
    for (const body of [
      {},
      { reason: ' ' },
      { reason: 'x'.repeat(501) },
      { reason: 7 },
      { reason: 'x', connectionId: 'no' },
      { reason: 'x', more: 1 },
    ])
      expect(await set(owner, body), JSON.stringify(body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await call(app, undefined, 'POST', path, { reason: 'x' })).toMatchObject({ status: 401 });
  });
});
