import { arch, cpus, platform, release, totalmem } from 'node:os';
import { withClient } from '@tributary/supabase/local/database.ts';

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    shared: 'load generator, API and Postgres on the same cores',
  };
}

/** The version of Postgres, the settings that decide about durability, and the number of indexes of the tables that an event is written to. */
export async function describePostgres(superuserUrl: string) {
  const query = <Row extends object>(sql: string, values: unknown[] = []) =>
    withClient(superuserUrl, async (client) => (await client.query<Row>(sql, values)).rows);
  const names = [
    'server_version',
    'synchronous_commit',
    'fsync',
    'full_page_writes',
    'wal_sync_method',
    'wal_compression',
    'shared_buffers',
    'max_wal_size',
    'min_wal_size',
  ];
  const settings = await query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings where name = any ($1)`,
    [names],
  );
  const indexes = await query<{ table_name: string; indexes: number }>(
    `select t::text as table_name, (select count(*)::integer from pg_index i where i.indrelid = t) as indexes
     from unnest('{public.canonical_events,private.event_keys,public.event_journal,private.journal_payloads}'::regclass[]) as t`,
  );
  const [commit] = await query<{ setting: string }>(
    `select coalesce((select setconfig::text from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
       where r.rolname in ('tributary_api', 'ingest') and setconfig::text like '%synchronous_commit%' limit 1), 'not overridden') as setting`,
  );
  return {
    ...Object.fromEntries(settings.map((row) => [row.name, row.setting])),
    synchronousCommitOfTheApi: commit?.setting,
    indexes: Object.fromEntries(indexes.map((row) => [row.table_name, row.indexes])),
  };
}
