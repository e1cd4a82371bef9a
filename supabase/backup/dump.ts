import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrationsDirectory, withClient } from '../local/database.ts';
import { StackError } from '../local/errors.ts';
import { type Manifest, measure } from './manifest.ts';
import { requirePrograms, runProgram } from './programs.ts';

/** What a project has that is ours. Roles, extensions and the tables of Supabase Auth exist in every Supabase project before our migrations. */
const schemas = ['public', 'private', 'graphile_worker', 'supabase_migrations'];
/** Sign-ins are left out: after a restore people sign in again. */
const authDataLeftOut = ['schema_migrations', 'sessions', 'refresh_tokens', 'mfa_amr_claims'];

const [ours, auth, manifestFile] = ['tributary.dump', 'auth.dump', 'manifest.json'];

/**
 * Writes a backup into a new directory: our schemas, the users of Supabase Auth, and a manifest of what each table held at that moment. All three are of
 * one snapshot, while deliveries go on. `url` logs in as `postgres`, the owner of the tables.
 */
export async function backUp(url: string, directory: string): Promise<Manifest> {
  await requirePrograms(['pg_dump']);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (readdirSync(directory).length > 0)
    throw new StackError(`${directory} is not empty: a backup is written into a directory of its own.`);
  return withClient(url, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
    const common = [`--dbname=${url}`, `--snapshot=${rows[0]?.snapshot}`, '--format=custom', '--compress=6'];
    await runProgram('pg_dump', [...common, `--file=${join(directory, ours)}`, ...schemas.map((schema) => `--schema=${schema}`)]);
    const leftOut = authDataLeftOut.map((table) => `--exclude-table=auth.${table}`);
    await runProgram('pg_dump', [...common, `--file=${join(directory, auth)}`, '--data-only', '--schema=auth', ...leftOut]);
    const manifest = await measure(client);
    // Written last: a directory without a manifest is an interrupted backup.
    writeFileSync(join(directory, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    return manifest;
  });
}

export function readManifest(directory: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(directory, manifestFile), 'utf8')) as Manifest;
  } catch (error) {
    throw new StackError(`${directory} is not a complete backup: its ${manifestFile} cannot be read (${(error as Error).message}).`);
  }
}

/**
 * Restores a backup into an empty Supabase project, or into a Postgres that has what a Supabase project has before its first migration. `url` logs in as
 * `postgres`. Throws StackError, and changes nothing, when there are tables already.
 */
export async function restore(directory: string, url: string): Promise<void> {
  readManifest(directory);
  await requirePrograms(['pg_restore']);
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and n.nspname in ('public', 'private', 'graphile_worker') limit 1`,
    );
    if (rows[0])
      throw new StackError(`The database is not empty: it has the table ${rows[0].name}. A backup is restored into an empty one.`);
    // Roles and default privileges are not part of a dump; the first migration makes them. Its schema comes from the dump.
    await client.query(readFileSync(join(migrationsDirectory, readdirSync(migrationsDirectory).sort()[0] ?? ''), 'utf8'));
    await client.query('reset all; reset role; drop schema private');
  });
  const common = [`--dbname=${url}`, '--exit-on-error', '--single-transaction'];
  await runProgram('pg_restore', [...common, '--data-only', join(directory, auth)]);
  // These two schemas exist already.
  const list = await runProgram('pg_restore', ['--list', join(directory, ours)]);
  const wanted = list.split('\n').filter((line) => !/ (?:SCHEMA - |COMMENT - SCHEMA )(?:public|supabase_migrations) /.test(line));
  // Not in the directory of the backup, which may be read-only.
  const lists = mkdtempSync(join(tmpdir(), 'tributary-restore-'));
  try {
    writeFileSync(join(lists, 'list'), wanted.join('\n'));
    await runProgram('pg_restore', [...common, `--use-list=${join(lists, 'list')}`, join(directory, ours)]);
  } finally {
    rmSync(lists, { recursive: true, force: true });
  }
}
