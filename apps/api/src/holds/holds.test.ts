import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusOf } from '../platform/problem.ts';
import type { Refusal } from '../platform/refusal.ts';
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
    .as(as.claims, (sql) => sql<{ held: string | null }>('select private.legal_hold_reason($1, $2) as held', [org.id, connectionId]))
    .then(([row]) => row?.held);

describe('a legal hold', () => {
  it('on the org covers the org and every connection until it is released', async () => {
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

  it('on one connection does not cover the others, and refuses actions on the whole org', async () => {
    const org = await world.makeOrg();
    const [held, free] = [await world.makeConnection(org), await world.makeConnection(org)];
    expect((await set(org.owner, { connectionId: held, reason: 'Case 13' })).status).toBe(201);
    expect(await isHeld(org, held)).toBe('Case 13');
    expect(await isHeld(org, free)).toBeNull();
    expect(await isHeld(org, null)).toBe('Case 13');
    const ask = (connectionIds?: string[]) => world.db.worker((sql) => requireNotHeld(sql, org.id, connectionIds));
    await ask([free]);
    const refusal: Refusal = await ask([free, held]).catch((error) => error);
    expect(refusal).toMatchObject({ code: 'legal_hold', detail: expect.stringContaining('Case 13') });
    expect(statusOf(refusal)).toBe(409);
    await expect(ask()).rejects.toMatchObject({ code: 'legal_hold' });
  });

  it('refuses actions until every other hold is released too; a released hold stays listed and does not change when it is released again', async () => {
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

  it('can be set on a deleted connection, because its events are still stored', async () => {
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

  it("answers 404 for another org's hold or connection, so that other orgs do not learn of the hold", async () => {
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

  it('requires a reason of 1 to 500 characters, and refuses unknown fields', async () => {
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
