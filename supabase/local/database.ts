import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getAuthSchemaSql } from '@supabase/lite';
import pg from 'pg';
import { StackError } from './errors.ts';

export const migrationsDirectory = join(import.meta.dirname, '..', 'migrations');

const readSql = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

export async function withClient<T>(connectionString: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  // when the server goes away, the query in progress fails as well, and its caller handles the error
  client.on('error', () => {});
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/**
 * Brings the database behind `superuserUrl` to the state a hosted Supabase project has before its first migration: roles, schemas, auth tables and
 * functions, default privileges. A second call changes nothing.
 */
export async function prepareDatabase(superuserUrl: string, postgresPassword: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query(readSql('hosted-roles.sql'));
    await setPassword(client, 'postgres', postgresPassword);
    await client.query(getAuthSchemaSql());
    await client.query(readSql('hosted-database.sql'));
  });
}

async function setPassword(client: pg.Client, role: string, password: string): Promise<void> {
  // the server's own format() quotes both; a password cannot be a bound parameter of ALTER ROLE
  const { rows } = await client.query<{ sql: string }>(`select format('alter role %I with login password %L', $1::text, $2::text) as sql`, [
    role,
    password,
  ]);
  await client.query(rows[0]?.sql ?? '');
}

/** Sets the password of the API's login role, which a migration creates without one. */
export async function setApiPassword(superuserUrl: string, password: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const { rowCount } = await client.query(`select from pg_roles where rolname = 'tributary_api'`);
    if (rowCount) await setPassword(client, 'tributary_api', password);
  });
}

type Migration = { file: string; version: string; name: string; sql: string };

function readMigrations(directory: string): Migration[] {
  const migrations = readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const match = /^(\d{14})_(.+)\.sql$/.exec(file);
      if (!match?.[1] || !match[2])
        throw new StackError(`supabase/migrations/${file} is not named <14-digit time>_<name>.sql, so Supabase would skip it.`);
      return { file, version: match[1], name: match[2], sql: readFileSync(join(directory, file), 'utf8') };
    });
  const repeated = migrations.find((migration, index) => migrations[index - 1]?.version === migration.version);
  if (repeated) throw new StackError(`Two migrations have the version ${repeated.version}; rename supabase/migrations/${repeated.file}.`);
  return migrations;
}

/** A hash of all migrations and of everything else that makes a database; it identifies a migrated template. */
export function migrationsHash(directory = migrationsDirectory): string {
  const hash = createHash('sha256').update(readSql('hosted-roles.sql')).update(readSql('hosted-database.sql')).update(getAuthSchemaSql());
  for (const { file, sql } of readMigrations(directory)) hash.update(file).update('\0').update(sql).update('\0');
  return hash.digest('hex');
}

function explain(migration: Migration, error: unknown): StackError {
  const { message, position, detail, hint, where } = error as pg.DatabaseError;
  const line = position ? `, line ${migration.sql.slice(0, Number(position) - 1).split('\n').length}` : '';
  const more = [detail, hint, where].filter(Boolean).map((text) => `\n  ${text}`);
  return new StackError(`Migration supabase/migrations/${migration.file} failed${line}: ${message}${more.join('')}`);
}

/**
 * Applies the migrations that the database does not have, each file in one transaction together with its row in Supabase's own history table, so that
 * `supabase db push` sees the same history. Returns the names of the applied files. `adminUrl` logs in as the role `postgres`, as on the platform.
 */
export async function applyMigrations(adminUrl: string, directory = migrationsDirectory): Promise<string[]> {
  const migrations = readMigrations(directory);
  return withClient(adminUrl, async (client) => {
    await client.query(`
      create schema if not exists supabase_migrations;
      create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
      alter table supabase_migrations.schema_migrations add column if not exists statements text[];
      alter table supabase_migrations.schema_migrations add column if not exists name text;
    `);
    const { rows } = await client.query<{ version: string }>('select version from supabase_migrations.schema_migrations');
    const known = new Set(rows.map((row) => row.version));
    const unknown = [...known].filter((version) => !migrations.some((migration) => migration.version === version));
    if (unknown.some((version) => version < (migrations[0]?.version ?? '')))
      throw new StackError(
        'This database was made before the migrations were squashed into one baseline and cannot be upgraded; run `npm run reset` to begin with an empty one.',
      );
    if (unknown.length > 0)
      throw new StackError(
        `The database has migrations that supabase/migrations does not (${unknown.join(', ')}); check out the newer code, or run \`npm run reset\`.`,
      );
    const pending = migrations.filter((migration) => !known.has(migration.version));
    for (const migration of pending) {
      try {
        await client.query('begin');
        await client.query(migration.sql);
        await client.query('insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)', [
          migration.version,
          migration.name,
          [migration.sql],
        ]);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback').catch(() => {});
        throw explain(migration, error);
      }
      // a migration may leave changed settings behind (search_path, role)
      await client.query('reset all; reset role');
    }
    return pending.map((migration) => migration.file);
  });
}
