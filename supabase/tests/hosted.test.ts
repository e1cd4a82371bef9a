import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrationsDirectory, withClient } from '../local/database.ts';
import { startTestCluster, type TestCluster, type TestDatabase } from '../local/test-cluster.ts';
import { supabaseCli } from '../tools/database.ts';
import { isolationChecks, pointerChecks, runChecks } from './checks.ts';
import { createWorld } from './world.ts';

// A cluster in the state of a hosted project before its first migration, without any object of ours. The migrations are pushed by the
// platform's role `postgres`, which creates roles and databases and bypasses row level security, but is not a superuser.

let cluster: TestCluster;
let database: TestDatabase;
let workdir: string;
const push = () => supabaseCli(['db', 'push', '--remote', database.adminUrl, '--yes'], { workdir });

beforeAll(async () => {
  workdir = mkdtempSync(join(tmpdir(), 'tributary-push-'));
  const nothing = join(workdir, 'nothing');
  mkdirSync(nothing);
  cluster = await startTestCluster({ migrations: nothing });
  database = await cluster.createDatabase();
  cpSync(migrationsDirectory, join(workdir, 'supabase', 'migrations'), { recursive: true });
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(workdir, { recursive: true, force: true });
});

describe('`supabase db push` to a hosted project', () => {
  it('starts from a database without our roles and schemas', async () => {
    const found = await withClient(database.adminUrl, (client) =>
      client.query(`
        select current_user as who, rolsuper, rolcreaterole, rolbypassrls,
          (select count(*)::int from pg_roles where rolname in ('ingest', 'maintenance', 'tributary_api')) as roles,
          (select count(*)::int from pg_namespace where nspname = 'private') as schemas
        from pg_roles where rolname = current_user`),
    );
    expect(found.rows).toEqual([{ who: 'postgres', rolsuper: false, rolcreaterole: true, rolbypassrls: true, roles: 0, schemas: 0 }]);
  });

  it('applies every migration unchanged', async () => {
    const { code, stdout, stderr } = await push();
    expect(code, stdout + stderr).toBe(0);
    const { rows } = await withClient(database.adminUrl, (client) =>
      client.query<{ version: string }>('select version from supabase_migrations.schema_migrations order by 1'),
    );
    expect(rows.map((row) => row.version)).toEqual(readdirSync(migrationsDirectory).map((file) => file.slice(0, 14)));
  });

  it('applies no migration when it is run again', async () => {
    const { code, stdout, stderr } = await push();
    expect(code, stdout + stderr).toBe(0);
    expect(stdout + stderr).toMatch(/up to date/i);
  });

  it('gives the same isolation as the local stack: the whole matrix and every cross-tenant pointer', async () => {
    const failures = await withClient(database.superuserUrl, async (client) => {
      await client.query('begin');
      await createWorld(client);
      return runChecks(client, [...isolationChecks(), ...pointerChecks()]);
    });
    expect(failures).toEqual([]);
  });

  it("lets the pushing role set the API's password, with which the API logs in and works", async () => {
    await withClient(database.adminUrl, (client) => client.query(`alter role tributary_api password '${cluster.info.password}'`));
    const made = await withClient(database.apiUrl, async (client) => {
      await client.query(`begin; select set_config('role', 'maintenance', true)`);
      const { rows } = await client.query(`select private.ensure_partitions('2031-05-17') > 0 as made`);
      await client.query('commit');
      return rows;
    });
    expect(made).toEqual([{ made: true }]);
  });
});
