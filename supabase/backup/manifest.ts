import type pg from 'pg';

/** What a database holds: how many rows each table has, and a digest of them. */
export interface Manifest {
  /** When the rows were read, ISO 8601. */
  takenAt: string;
  /** The newest migration. Only code with the same migrations runs on these tables. */
  migration: string;
  tables: Record<string, { rows: number; digest: string }>;
}

/**
 * Reads every row of every table of ours and of Supabase Auth's users. The digest does not depend on the order of the rows or on the partitions that
 * hold them, so that a restored copy has the same one. The client should be in a snapshot, or the tables are of different moments.
 */
export async function measure(client: pg.ClientBase): Promise<Manifest> {
  // The digests are made of the rows as text, whose form depends on these settings.
  await client.query(`set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
    set local extra_float_digits = 1; set local bytea_output = 'hex'; set local search_path = ''`);
  const { rows: tables } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and (n.nspname in ('public', 'private') or c.oid = 'auth.users'::regclass)
    order by 1`);
  const manifest: Manifest = { takenAt: '', migration: '', tables: {} };
  const { rows: moments } = await client.query<{ at: Date; migration: string }>(
    'select now() as at, (select max(version) from supabase_migrations.schema_migrations) as migration',
  );
  manifest.takenAt = moments[0]?.at.toISOString() ?? '';
  manifest.migration = moments[0]?.migration ?? '';
  for (const { name } of tables) {
    const { rows } = await client.query<{ rows: number; digest: string }>(
      `select count(*)::double precision as rows,
         coalesce(bit_xor(hashtextextended(t::text, 1)), 0) || ':' || coalesce(sum(hashtextextended(t::text, 2)::numeric), 0) as digest from ${name} t`,
    );
    if (rows[0]) manifest.tables[name] = rows[0];
  }
  return manifest;
}

/** The tables in which the two differ, each as a sentence. */
export function differences(wanted: Manifest, found: Manifest): string[] {
  const names = [...new Set([...Object.keys(wanted.tables), ...Object.keys(found.tables)])].sort();
  const sentences = names.flatMap((name) => {
    const [before, after] = [wanted.tables[name], found.tables[name]];
    if (!before) return [`${name} is not in the backup, and the restored database has it.`];
    if (!after) return [`${name} is missing.`];
    if (before.rows !== after.rows) return [`${name} has ${after.rows} rows instead of ${before.rows}.`];
    return before.digest === after.digest ? [] : [`${name} has the right number of rows with other contents.`];
  });
  if (wanted.migration !== found.migration)
    sentences.push(`The newest migration is ${found.migration || 'none'} instead of ${wanted.migration}.`);
  return sentences;
}
