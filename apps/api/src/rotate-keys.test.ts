import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDataKeys, RotationError, rewrapOrgKeys } from './rotate-keys.ts';
import { loadOrgKeys } from './tenancy/org-keys.ts';
import { makeMasterKeys, makeWorld, type World } from './test/make.ts';

let world: World;

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

const old = makeMasterKeys(1);
const next = makeMasterKeys(2);
const both = { current: 2, keys: new Map([...next.keys, ...old.keys]) };

async function makeOrgs(count: number) {
  const orgs: string[] = [];
  for (let i = 0; i < count; i++) orgs.push((await world.makeOrg()).id);
  return orgs;
}
const load = (orgId: string, masterKeys: typeof old) => loadOrgKeys(world.db, masterKeys, orgId, world.log);
const stored = () =>
  world.admin<{ wrapped: Buffer; master_version: number }>(
    'select wrapped, master_version from private.org_keys order by org_id, kind, version',
  );

describe('a rotation of the master key', () => {
  it('wraps every org key with the new master key without changing it, so that the old master key is no longer needed', async () => {
    // More keys than a batch holds: two for each org.
    const orgs = await makeOrgs(110);
    const before = await Promise.all(orgs.map((id) => load(id, old)));
    expect(await rewrapOrgKeys(world.db, both)).toEqual({ rewrapped: 220, unopened: [] });
    expect((await stored()).every((row) => row.master_version === 2)).toBe(true);
    const after = await Promise.all(orgs.map((id) => load(id, next)));
    for (const [index, keys] of after.entries()) {
      expect(keys.data.size).toBe(1);
      expect(keys.data).toEqual(before[index]?.data);
      expect(keys.hashKey?.key).toEqual(before[index]?.hashKey?.key);
    }
    await expect(load(orgs[0] ?? '', old)).rejects.toThrow('no usable data key');
  });

  it('does nothing when it is run again', async () => {
    const before = await stored();
    expect(await rewrapOrgKeys(world.db, both)).toEqual({ rewrapped: 0, unopened: [] });
    expect(await stored()).toEqual(before);
  });

  it('finishes an interrupted run', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await load(orgId, old);
    expect(await rewrapOrgKeys(world.db, both)).toMatchObject({ rewrapped: 2 });
  });

  it('refuses to begin, and changes nothing, when MASTER_KEY lacks a version in use', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await load(orgId, old);
    const before = await stored();
    await expect(rewrapOrgKeys(world.db, next)).rejects.toThrow(RotationError);
    await expect(rewrapOrgKeys(world.db, next)).rejects.toThrow('v1 (2 keys)');
    expect(await stored()).toEqual(before);
    await rewrapOrgKeys(world.db, both);
  });

  it('changes nothing when a key does not open with the version it names', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await load(orgId, old);
    const before = await stored();
    const wrong = { current: 2, keys: new Map([...next.keys, ...makeMasterKeys(1).keys]) };
    const keysOf = ['data', 'hash'].map((kind) => ({ org_id: orgId, kind, version: 1 }));
    expect(await rewrapOrgKeys(world.db, wrong)).toEqual({ rewrapped: 0, unopened: keysOf });
    expect(await stored()).toEqual(before);
    await rewrapOrgKeys(world.db, both);
  });

  it('leaves a damaged key as it is, names it, and wraps all others', async () => {
    const orgs = await makeOrgs(3);
    for (const id of orgs) await load(id, old);
    const [, damaged = ''] = orgs.toSorted();
    const bytes = await world.admin<{ wrapped: Buffer }>(`select wrapped from private.org_keys where org_id = $1 and kind = 'hash'`, [
      damaged,
    ]);
    const setHash = (wrapped: Buffer | undefined) =>
      world.admin(`update private.org_keys set wrapped = $2 where org_id = $1 and kind = 'hash'`, [damaged, wrapped]);
    await setHash(Buffer.from('damaged beyond recognition'));
    expect(await rewrapOrgKeys(world.db, both)).toEqual({ rewrapped: 5, unopened: [{ org_id: damaged, kind: 'hash', version: 1 }] });
    await setHash(bytes[0]?.wrapped);
    expect(await rewrapOrgKeys(world.db, both)).toEqual({ rewrapped: 1, unopened: [] });
  });
});

describe('new data keys', () => {
  it('give every org a further version, keep the older versions usable, and do not change the hash key', async () => {
    const [orgId = ''] = await makeOrgs(1);
    const before = await load(orgId, next);
    const [row] = await world.admin<{ n: string }>(`select count(distinct org_id) as n from private.org_keys`);
    expect(await addDataKeys(world.db, next)).toBe(Number(row?.n));
    const after = await load(orgId, next);
    expect(after.dataKey.version).toBe(2);
    expect(after.dataKey.key).not.toEqual(before.dataKey.key);
    expect(after.data.get(1)).toEqual(before.dataKey.key);
    expect(after.hashKey).toEqual(before.hashKey);
    expect(after.digestKey).toEqual(before.digestKey);
  });

  it('can never be hash keys, because the role may not insert them', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await expect(
      world.db.maintenance((sql) =>
        sql(`insert into private.org_keys (org_id, kind, version, wrapped, master_version) values ($1, 'hash', 1, '\\x00', 1)`, [orgId]),
      ),
    ).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the command', () => {
  const text = (masterKeys: typeof old) =>
    [...masterKeys.keys].map(([version, key]) => `v${version}:${Buffer.from(key).toString('base64')}`).join(',');

  /** Runs it as an operator does, with the API's environment. */
  function run(masterKey: string, ...args: string[]) {
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: world.databaseUrl,
      MASTER_KEY: masterKey,
      SUPABASE_URL: 'http://127.0.0.1:1',
      SUPABASE_PUBLISHABLE_KEY: 'key',
      SUPABASE_JWT_SECRET: 'x'.repeat(32),
      OPERATOR_TOKEN: 'x'.repeat(32),
    };
    return new Promise<{ code: number; output: string }>((resolve) => {
      execFile(process.execPath, [join(import.meta.dirname, 'rotate-keys.ts'), ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
      );
    });
  }

  it('prints what it did and which master key can be removed, and never prints a key', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await load(orgId, old);
    const { code, output } = await run(text(both), '--data');
    expect(code, output).toBe(0);
    expect(output).toContain('Wrapped 2 org keys with master key v2');
    expect(output).toContain('v1 can be removed');
    expect(output).toMatch(/Gave \d+ orgs a new data key/);
    for (const key of both.keys.values()) expect(output).not.toContain(Buffer.from(key).toString('base64'));
    expect((await load(orgId, next)).dataKey.version).toBe(2);
  });

  it('says in one sentence why it cannot start', async () => {
    const [orgId = ''] = await makeOrgs(1);
    await load(orgId, old);
    const missing = await run(text(next));
    expect([missing.code, missing.output]).toEqual([1, expect.stringContaining('MASTER_KEY lacks v1 (2 keys)')]);
    const unset = await run('');
    expect([unset.code, unset.output]).toEqual([2, expect.stringContaining('MASTER_KEY')]);
    expect((await run(text(both), '--dat')).code).toBe(2);
  });
});
