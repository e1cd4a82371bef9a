import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyMigrations, prepareDatabase, withClient } from './database.ts';
import { startTestCluster, type TestCluster, type TestDatabase } from './test-cluster.ts';

// a separate cluster with an empty migration history, because these tests write their own migrations
let directory: string;
let cluster: TestCluster;
let database: TestDatabase;

const write = (file: string, sql: string) => writeFileSync(join(directory, file), sql);
const query = (sql: string) => withClient(database.adminUrl, async (client) => (await client.query(sql)).rows);
const history = () => query('select version, name, statements from supabase_migrations.schema_migrations order by version');

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'migrations-'));
  cluster = await startTestCluster({ migrations: directory });
  database = await cluster.createDatabase();
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('migrations', () => {
  it('are applied once, in order, as the role postgres, and recorded in the history table of Supabase', async () => {
    write('20260101000002_second.sql', 'insert into public.first values (current_user);');
    write('20260101000001_first.sql', 'create table public.first (who text);\n-- a comment\n');
    expect(await applyMigrations(database.adminUrl, directory)).toEqual(['20260101000001_first.sql', '20260101000002_second.sql']);
    expect(await applyMigrations(database.adminUrl, directory)).toEqual([]);
    expect(await query('select who from public.first')).toEqual([{ who: 'postgres' }]);
    expect(await history()).toEqual([
      { version: '20260101000001', name: 'first', statements: ['create table public.first (who text);\n-- a comment\n'] },
      { version: '20260101000002', name: 'second', statements: ['insert into public.first values (current_user);'] },
    ]);
  });

  it('that fail are rolled back completely and named in the error', async () => {
    write('20260101000003_broken.sql', 'create table public.half (id int);\nselect nonsense;\n');
    await expect(applyMigrations(database.adminUrl, directory)).rejects.toThrow(
      /20260101000003_broken\.sql failed, line 2: column "nonsense" does not exist/,
    );
    expect(await query(`select to_regclass('public.half') as half`)).toEqual([{ half: null }]);
    expect(await history()).toHaveLength(2);
    rmSync(join(directory, '20260101000003_broken.sql'));
  });

  it('fail when they do something that a hosted project would refuse', async () => {
    write('20260101000004_superuser.sql', `alter system set max_connections = 5;`);
    await expect(applyMigrations(database.adminUrl, directory)).rejects.toThrow(/permission denied|cannot run inside a transaction block/);
    rmSync(join(directory, '20260101000004_superuser.sql'));
    expect(await query('select rolsuper from pg_roles where rolname = current_user')).toEqual([{ rolsuper: false }]);
  });

  it('that are in the database but not in the code stop the start, so that old code never runs on a newer database', async () => {
    await query(`insert into supabase_migrations.schema_migrations (version) values ('29990101000000')`);
    await expect(applyMigrations(database.adminUrl, directory)).rejects.toThrow('29990101000000');
    await query(`delete from supabase_migrations.schema_migrations where version = '29990101000000'`);
  });

  it('that are older than the baseline stop the start with the command that removes the database', async () => {
    await query(`insert into supabase_migrations.schema_migrations (version) values ('20200101000000')`);
    await expect(applyMigrations(database.adminUrl, directory)).rejects.toThrow(
      /^This database was made before .*run `npm run reset` to begin with an empty one\.$/,
    );
    await query(`delete from supabase_migrations.schema_migrations where version = '20200101000000'`);
  });

  it('with a name that Supabase would skip are refused', async () => {
    write('004_short.sql', 'select 1');
    await expect(applyMigrations(database.adminUrl, directory)).rejects.toThrow('004_short.sql is not named');
    rmSync(join(directory, '004_short.sql'));
  });
});

describe('the database before its first migration', () => {
  it('does not change when it is prepared a second time', async () => {
    const state = () => query(`select rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname !~ '^pg_' order by 1`);
    const before = await state();
    await prepareDatabase(database.superuserUrl, cluster.info.password);
    expect(await state()).toEqual(before);
    expect(before.filter((role) => role.rolsuper).map((role) => role.rolname)).toEqual(['supabase_admin']);
  });

  it('reads the claims of a request in both forms that Supabase has used', async () => {
    const id = '6b9f5a40-7d3c-4a6e-9a4e-0d7f5f1c2b3a';
    const [whole] = await query(
      `select set_config('request.jwt.claims', '{"sub":"${id}","role":"authenticated","email":"a@b.co"}', true), auth.uid(), auth.role(), auth.email()`,
    );
    expect(whole).toMatchObject({ uid: id, role: 'authenticated', email: 'a@b.co' });
    const [single] = await query(`select set_config('request.jwt.claim.sub', '${id}', true), auth.uid()`);
    expect(single).toMatchObject({ uid: id });
    expect(await query('select auth.uid(), auth.role(), auth.jwt()')).toEqual([{ uid: null, role: null, jwt: null }]);
  });

  it('keeps what was committed when the server crashes', async () => {
    await query('create table public.kept (id int); insert into public.kept values (1)');
    await cluster.postgres.restart('immediate');
    expect(await query('select id from public.kept')).toEqual([{ id: 1 }]);
  });
});
