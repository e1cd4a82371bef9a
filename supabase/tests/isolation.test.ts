import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { attempt, type Check, columnChecks, isolationChecks, pointerChecks, runChecks } from './checks.ts';
import { matrix } from './matrix.ts';
import { actors, createWorld } from './world.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.superuserUrl });
  await client.connect();
  await client.query('begin');
  await createWorld(client);
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const tables = async (condition: string) =>
  (
    await client.query<{ name: string }>(`
      select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'private') and c.relkind in ('r', 'p', 'v', 'm', 'f') and ${condition} order by 1`)
  ).rows.map((row) => row.name);

describe('every actor × every table × every command', () => {
  const checks = isolationChecks();

  it('the matrix has a row for every table and view', async () => {
    expect(Object.keys(matrix).sort()).toEqual(await tables('not c.relispartition'));
  });

  it('each table has rows of both orgs, so that "no row" means hidden and not absent', async () => {
    for (const [table, { rows }] of Object.entries(matrix))
      for (const org of ['A', 'B'] as const)
        expect(await attempt(client, 'owner of the tables', `select 1 from ${table} where ${rows(org)}`), `${table} of ${org}`).toBe(
          'done',
        );
  });

  it.each(Object.keys(matrix))(
    '%s: each command is allowed or refused as the matrix says, by the expected grant or policy',
    async (table) => {
      expect(
        await runChecks(
          client,
          checks.filter((check) => check.table === table),
        ),
      ).toEqual([]);
    },
  );

  it('only the granted columns are writable', async () => {
    const columns = await columnChecks(client);
    expect(columns.length).toBeGreaterThan(300);
    expect(await runChecks(client, columns)).toEqual([]);
  });

  it('no actor reaches a partition directly, with any command', async () => {
    const partitions = await tables('c.relispartition');
    expect(partitions.length).toBeGreaterThan(20);
    const attempts = partitions.flatMap((table) =>
      actors.flatMap((actor) =>
        [`select 1 from ${table}`, `insert into ${table} default values`, `delete from ${table}`, `truncate ${table}`].map(
          (sql): Check => ({ table, actor, title: `${actor}: ${sql}`, sql, expected: 'no grant' }),
        ),
      ),
    );
    expect(await runChecks(client, attempts)).toEqual([]);
  });

  it('no actor may truncate a table', async () => {
    const attempts = Object.keys(matrix).flatMap((table) =>
      actors.map(
        (actor): Check => ({ table, actor, title: `${actor}: truncate ${table}`, sql: `truncate ${table} cascade`, expected: 'no grant' }),
      ),
    );
    expect(await runChecks(client, attempts)).toEqual([]);
  });
});

describe('rows that point at another org', () => {
  it.each(pointerChecks().map((check) => [check.title, check] as const))(
    'are refused by the composite foreign key: %s',
    async (_, check) => {
      expect(await runChecks(client, [check])).toEqual([]);
    },
  );
});

describe('the login of the API', () => {
  it('becomes authenticated, ingest or maintenance and no other role', async () => {
    const api = new pg.Client({ connectionString: database.apiUrl });
    await api.connect();
    try {
      for (const role of ['authenticated', 'ingest', 'maintenance'])
        expect((await api.query<{ role: string }>(`select set_config('role', $1, false) as role`, [role])).rows).toEqual([{ role }]);
      await api.query('reset role');
      for (const role of ['postgres', 'service_role', 'anon', 'authenticator', 'supabase_admin'])
        await expect(api.query(`select set_config('role', $1, false)`, [role])).rejects.toMatchObject({ code: '42501' });
    } finally {
      await api.end();
    }
  });
});
