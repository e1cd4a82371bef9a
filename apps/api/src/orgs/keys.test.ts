import { createHash } from 'node:crypto';
import { recordFingerprint } from '@tributary/pipeline/reading/fingerprint.ts';
import type { JsonObject } from '@tributary/pipeline/source.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
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

const keysOf = (user: TestUser | undefined, org: TestOrg) => call(app, user, 'GET', `/api/orgs/${org.id}/keys`);
const rotate = (user: TestUser | undefined, org: TestOrg, body?: object) =>
  call(app, user, 'POST', `/api/orgs/${org.id}/keys/rotate`, body);
const load = (org: TestOrg) => loadOrgKeys(world.db, world.masterKeys, org.id, world.log);

it('shows every member the versions of the keys, and no key', async () => {
  const org = await world.makeOrg();
  expect((await keysOf(org.owner, org)).body).toEqual({ keys: [], next: null });
  await load(org);
  const analyst = await world.makeMember(org, 'analyst');
  const { status, body, text } = await keysOf(analyst, org);
  expect(status).toBe(200);
  expect(body.keys).toEqual([
    { kind: 'data', version: 1, createdAt: expect.any(String), retiredAt: null, current: true },
    { kind: 'hash', version: 1, createdAt: expect.any(String), retiredAt: null, current: true },
  ]);
  expect(text).not.toMatch(/wrapped|master/i);
});

it('makes a new data key that seals from now on; the older data keys still open, and the hash key does not change', async () => {
  const org = await world.makeOrg();
  const before = await load(org);
  const admin = await world.makeMember(org, 'admin');
  const { status, body } = await rotate(admin, org);
  expect(status).toBe(201);
  expect(body.keys.map((key: { kind: string; version: number; current: boolean }) => [key.kind, key.version, key.current])).toEqual([
    ['data', 2, true],
    ['data', 1, false],
    ['hash', 1, true],
  ]);
  const after = await load(org);
  expect(after.dataKey.version).toBe(2);
  expect(after.dataKey.key).not.toEqual(before.dataKey.key);
  expect(after.data.get(1)).toEqual(before.dataKey.key);
  expect(after.hashKey).toEqual(before.hashKey);
  const [trail] = await world.db.as(org.owner.claims, (sql) =>
    sql<{ actor_id: string; detail: { version: number } }>(
      `select actor_id, detail from public.audit_log where org_id = $1 and action = 'org_keys.insert' order by id desc limit 1`,
      [org.id],
    ),
  );
  expect(trail).toMatchObject({ actor_id: admin.id, detail: { kind: 'data', version: 2 } });
});

it('makes a new hash key that hashes from now on; the older hash keys are kept, and the data key does not change', async () => {
  const org = await world.makeOrg();
  const before = await load(org);
  const { status, body } = await rotate(org.owner, org, { kind: 'hash' });
  expect(status).toBe(201);
  expect(body.keys.map((key: { kind: string; version: number; current: boolean }) => [key.kind, key.version, key.current])).toEqual([
    ['data', 1, true],
    ['hash', 2, true],
    ['hash', 1, false],
  ]);
  const after = await load(org);
  expect(after.dataKey).toEqual(before.dataKey);
  expect(after.hashKey?.version).toBe(2);
  expect(after.hashKey?.key).not.toEqual(before.hashKey?.key);
  expect(after.hash.get(1)).toEqual(before.hashKey?.key);
  const [trail] = await world.admin<{ detail: object }>(
    `select detail from public.audit_log where org_id = $1 and action = 'org_keys.insert' order by id desc limit 1`,
    [org.id],
  );
  expect(trail).toMatchObject({ detail: { kind: 'hash', version: 2 } });
  for (const wrong of [{ kind: 'master' }, { kind: null }, { version: 9 }]) expect((await rotate(org.owner, org, wrong)).status).toBe(400);
});

it('replaces a lost hash key when a person asks for it, never automatically', async () => {
  const org = await world.makeOrg();
  await load(org);
  await world.admin(`update private.org_keys set wrapped = '\\x00' where org_id = $1 and kind = 'hash'`, [org.id]);
  expect((await load(org)).hashKey).toBeUndefined();
  expect((await rotate(org.owner, org, { kind: 'hash' })).status).toBe(201);
  expect((await load(org)).hashKey?.version).toBe(2);
});

it('keeps the digest key through every rotation, so that a repeated delivery stays a duplicate and no stored digest can be guessed', async () => {
  const org = await world.makeOrg();
  const { url } = await world.connect(
    org,
    'webhook',
    { secret: 'a-good-key' },
    { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' } },
  );
  // Neither record has an id: the key of each is made of its contents.
  const body = JSON.stringify([
    { type: 'signed.up', mail: 'ana@example.com' },
    { type: 'signed.up', mail: 'bob@example.com' },
  ]);
  const send = () => world.sendUntilTaken(url, body, { 'x-api-key': 'a-good-key' });
  const first = await send();
  expect(first).toMatchObject({ status: 200, body: { status: 'accepted' } });
  const [before, elsewhere] = [await load(org), await load(await world.makeOrg())];
  expect(before.digestKey).toHaveLength(32);
  expect(elsewhere.digestKey).not.toEqual(before.digestKey);

  for (const kind of ['data', 'hash', 'data']) expect((await rotate(org.owner, org, { kind })).status).toBe(201);
  const after = await load(org);
  expect(after.dataKey.version).toBe(3);
  expect(after.digestKey).toEqual(before.digestKey);
  await expect.poll(async () => (await world.connections.get(new URL(url).pathname.split('/').at(-1) ?? ''))?.keys.dataKey.version).toBe(3);
  const ids = (answer: typeof first) => answer.body.records?.map((record) => record.eventId);
  const again = await send();
  expect([again.body.status, ids(again)]).toEqual(['duplicate', ids(first)]);

  const rows = await world.admin(
    `select j.body_sha256, k.idempotency_key, encode(k.body_sha256, 'hex') as record_sha256 from public.event_journal j
     join public.source_connections c on c.id = j.source_connection_id join private.event_keys k on k.source_connection_id = c.id
     where j.org_id = $1`,
    [org.id],
  );
  expect(rows).toHaveLength(4);
  const stored = JSON.stringify(rows);
  for (const text of [body, ...(JSON.parse(body) as object[]).map((record) => JSON.stringify(record))])
    for (const form of ['hex', 'base64'] as const) expect(stored).not.toContain(createHash('sha256').update(text).digest(form));
  for (const record of JSON.parse(body) as JsonObject[]) expect(stored).not.toContain(recordFingerprint(record));
});

it('gives an org that already has keys one digest key, also when several processes need it at once, and replaces no lost one', async () => {
  const org = await world.makeOrg();
  const { digestKey: first } = await load(org);
  await world.admin('delete from private.org_digest_keys where org_id = $1', [org.id]);
  const keys = await Promise.all(Array.from({ length: 6 }, () => load(org)));
  expect(new Set(keys.map(({ digestKey }) => Buffer.from(digestKey).toString('hex'))).size).toBe(1);
  expect(keys[0]?.digestKey).not.toEqual(first);
  await world.admin(`update private.org_digest_keys set sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20)) where org_id = $1`, [
    org.id,
  ]);
  await expect(load(org)).rejects.toThrow('cannot be opened');
});

it('makes one key of each version when several people request a key at once', async () => {
  const org = await world.makeOrg();
  await load(org);
  const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => rotate(org.owner, org, { kind: n % 2 ? 'data' : 'hash' })));
  const made = answers.filter((answer) => answer.status === 201).length;
  expect(made).toBeGreaterThan(0);
  expect(answers.every((answer) => answer.status === 201 || answer.status === 409)).toBe(true);
  const keys = await load(org);
  expect(keys.data.size + keys.hash.size).toBe(2 + made);
});

it('refuses an analyst, a member of another org, an anonymous caller, and an org that has no keys yet', async () => {
  const org = await world.makeOrg();
  expect((await rotate(org.owner, org)).status).toBe(409);
  await load(org);
  const analyst = await world.makeMember(org, 'analyst');
  const other = await world.makeOrg();
  for (const kind of ['data', 'hash']) expect((await rotate(analyst, org, { kind })).status).toBe(403);
  for (const ask of [keysOf, rotate]) {
    expect((await ask(other.owner, org)).status).toBe(404);
    expect((await ask(undefined, org)).status).toBe(401);
  }
  // The database functions also refuse when they are called without the API.
  for (const user of [analyst, other.owner]) {
    const add = world.db.as(user.claims, (sql) => sql(`select private.add_org_key($1, 'hash', 2, $2, 1)`, [org.id, Buffer.alloc(60)]));
    await expect(add).rejects.toMatchObject({ code: '42501' });
  }
  expect(await world.db.as(other.owner.claims, (sql) => sql('select * from private.list_org_keys($1)', [org.id]))).toEqual([]);
  expect((await load(org)).data.size).toBe(1);
});

it('shows the retention of each table', async () => {
  const org = await world.makeOrg();
  const rows = await world.db.as(org.owner.claims, (sql) =>
    sql<{ table_name: string; keep_days: number }>('select table_name, keep_days from public.data_retention()'),
  );
  expect(rows).toContainEqual({ table_name: 'private.journal_payloads', keep_days: 90 });
  expect(rows).toContainEqual({ table_name: 'public.canonical_events', keep_days: 400 });
});
