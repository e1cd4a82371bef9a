import { createHash } from 'node:crypto';
import { AuditPage, AuditRecord, AuditVerdict } from '@tributary/shared/audit.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
  org = await world.makeOrg();
  for (const name of ['One', 'Two', 'Three']) await call(app, org.owner, 'PATCH', `/api/orgs/${org.id}`, { name });
});
afterAll(() => world?.close());

const get = (user: TestUser | undefined, path: string) => call(app, user, 'GET', `/api/audit${path}`);

describe('the audit log', () => {
  it('is read in pages in the order of its chain, and its hashes can be recomputed', async () => {
    let previous = createHash('sha256').update(`tributary audit log of ${org.id}`).digest();
    let entries = 0;
    for (let cursor = ''; ; ) {
      const { body } = await get(org.owner, `?orgId=${org.id}&limit=2${cursor}`);
      const page = AuditPage.parse(body);
      for (const { seq, canonical, hash } of page.entries) {
        expect(seq).toBe(++entries);
        previous = createHash('sha256').update(previous).update(canonical).digest();
        expect(hash).toBe(previous.toString('hex'));
      }
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(entries).toBeGreaterThan(4);
    const verdict = AuditVerdict.parse((await get(org.owner, `/verify?orgId=${org.id}`)).body);
    expect(verdict).toMatchObject({ verifiedTo: entries, hash: previous.toString('hex'), isEnd: true, problem: null });
  });

  it('is verified after an entry that the caller has kept, and differs from a forged one', async () => {
    const { verifiedTo, hash } = (await get(org.owner, `/verify?orgId=${org.id}`)).body;
    await call(app, org.owner, 'PATCH', `/api/orgs/${org.id}`, { name: 'Later' });
    expect((await get(org.owner, `/verify?orgId=${org.id}&after=${verifiedTo}&hash=${hash}`)).body).toMatchObject({
      verifiedTo: verifiedTo + 1,
      entries: 1,
      problem: null,
    });
    const forged = hash.replaceAll(/[0-9]/g, 'f');
    expect((await get(org.owner, `/verify?orgId=${org.id}&after=${verifiedTo}&hash=${forged}`)).body).toMatchObject({ problem: 'changed' });
    expect((await get(org.owner, `/verify?orgId=${org.id}&after=1`)).status).toBe(400);
  });

  it('is shown to owners and admins only', async () => {
    const [admin, analyst, other] = [
      await world.makeMember(org, 'admin'),
      await world.makeMember(org, 'analyst'),
      (await world.makeOrg()).owner,
    ];
    for (const path of ['', '/verify'])
      for (const [user, status] of [
        [admin, 200],
        [analyst, 403],
        [other, 404],
        [undefined, 401],
      ] as const)
        expect((await get(user, `${path}?orgId=${org.id}`)).status).toBe(status);
  });
});

describe('an export', () => {
  const ask = (user: TestUser | undefined, format: string) => call(app, user, 'POST', '/api/audit/export', { orgId: org.id, format });

  it('is a file of every entry, whose NDJSON can be verified line by line, and is recorded itself', async () => {
    const { status, body } = await ask(org.owner, 'ndjson');
    expect(status).toBe(201);
    const file = await (await app.request(body.url)).text();
    let previous = createHash('sha256').update(`tributary audit log of ${org.id}`).digest();
    const records = file
      .trim()
      .split('\n')
      .map((line) => AuditRecord.parse(JSON.parse(line)));
    for (const { canonical, hash } of records) {
      previous = createHash('sha256').update(previous).update(canonical).digest();
      expect(hash).toBe(previous.toString('hex'));
    }
    expect(records.at(-1)).toMatchObject({ action: 'audit_log.export', actorId: org.owner.id, detail: { format: 'ndjson' } });
    const csv = await (await app.request((await ask(org.owner, 'csv')).body.url)).text();
    expect(csv.split('\r\n')).toHaveLength(records.length + 3);
    expect(csv).toContain(records[0]?.hash);
  });

  it('is for owners and admins, and ends when they lose the role', async () => {
    const [admin, analyst, other] = [
      await world.makeMember(org, 'admin'),
      await world.makeMember(org, 'analyst'),
      (await world.makeOrg()).owner,
    ];
    expect([(await ask(analyst, 'csv')).status, (await ask(other, 'csv')).status, (await ask(undefined, 'csv')).status]).toEqual([
      403, 404, 401,
    ]);
    const { url } = (await ask(admin, 'csv')).body;
    await world.admin(`update public.org_members set role = 'analyst' where user_id = $1`, [admin.id]);
    expect((await app.request(url)).status).toBe(403);
    expect((await app.request(url.replace('/audit/', '/events/'))).status).toBe(404);
  });
});

describe('looking for a person', () => {
  const lookUps = () =>
    world.admin(`select actor_id, action from public.audit_log where org_id = $1 and action like 'people.%' order by id`, [org.id]);

  it('by a typed value is recorded, without the value and without its hash', async () => {
    const analyst = await world.makeMember(org, 'analyst');
    const email = 'ana.silva@people.example';
    const { body } = await call(app, analyst, 'POST', '/api/events/subject-hash', { orgId: org.id, value: email });
    expect((await call(app, org.owner, 'POST', '/api/erasures', { orgId: org.id, email, dryRun: true })).status).toBe(200);
    expect(await lookUps()).toEqual([
      { actor_id: analyst.id, action: 'people.look_up' },
      { actor_id: org.owner.id, action: 'people.count' },
    ]);
    const log = JSON.stringify(await world.admin('select * from public.audit_log where org_id = $1', [org.id]));
    for (const value of [email, ...body.hashes.map(({ hash }: { hash: string }) => hash)]) expect(log).not.toContain(value);
  });
});
