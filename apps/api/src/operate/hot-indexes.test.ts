import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findExplainable } from '../connections/store.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { reclaim } from '../dlq/claims.ts';
import { countEntries, findEntry, listEntries, summariseEntries } from '../dlq/store.ts';
import { type ClaimedErasure, findNextDeliveries } from '../erasures/store.ts';
import { findAttempts, findEventHead, findRecords } from '../events/store.ts';
import { findEntryHead } from '../journal/store.ts';
import type { Sql } from '../platform/db.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';

// Every index of the tables that each delivery writes is paid for with each delivery. Its comment names the query that needs it: "Read by <name>".

const hotTables = [
  'public.canonical_events',
  'private.event_keys',
  'public.event_journal',
  'private.journal_payloads',
  'public.connection_activity',
  'public.dlq_events',
];

let world: World;
let org: TestOrg;
let connections: string[];
let first: { id: string; journal_id: string; hash: string };
const letter = randomUUID();
const owner = randomUUID();

beforeAll(async () => {
  world = await makeWorld();
  org = await world.makeOrg();
  const other = await world.makeOrg();
  connections = await Promise.all([1, 2, 3, 4].map((n) => world.makeConnection(org, { name: `Till ${n}` })));
  // A second org, so that no index is useless because all rows belong to one org.
  for (const one of [org, other]) await fill(one, one === org ? connections : [await world.makeConnection(other)]);
  await world.admin(
    `update public.dlq_events set id = $2 where id = (select id from public.dlq_events where org_id = $1 order by created_at limit 1)`,
    [org.id, letter],
  );
  await world.db.maintenance((sql) => sql('select private.empty_pending_lists()'));
  await world.admin(`analyze ${hotTables.join(', ')}`);
  [first] = (await world.admin(
    `select id, journal_id, subject ->> 'email' as hash from public.canonical_events where org_id = $1 and type = 'rare' limit 1`,
    [org.id],
  )) as [typeof first];
});
afterAll(() => world?.close());

/** Deliveries of the last 17 days with one event each, few of them of the last connection, and a dead letter for every third. */
async function fill(one: TestOrg, ids: readonly string[]): Promise<void> {
  await world.admin(
    `with made as materialized (
       select n, gen_random_uuid() as id, gen_random_uuid() as journal, ($3::uuid[])[case when n % 399 = 0 then cardinality($3::uuid[]) else 1 + n % greatest(1, cardinality($3::uuid[]) - 1) end] as connection,
         now() - interval '2 minutes' * n as at, n || '-' || $1::uuid as key
       from generate_series(1, 12000) n
     ), journal as (
       insert into public.event_journal (id, org_id, source_connection_id, received_at, byte_size, body_sha256, record_count, outcome, replay_of)
       select journal, $1::uuid, connection, at, 2, repeat('a', 64), 1, 'accepted', case when n % 50 = 0 then gen_random_uuid() end from made
     ), payloads as (
       insert into private.journal_payloads (journal_id, received_at, org_id, key_version, sealed) select journal, at, $1::uuid, 1, '\\x00' from made
     ), keys as (
       insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256)
       select connection, key, id, at, sha256('body') from made
     ), activity as (
       insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted)
       select $1::uuid, connection, date_trunc('minute', at), 1, 1 from made
     ), letters as (
       insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, idempotency_key, status,
         is_quarantine, created_at, record_key, record_digest, next_retry_at, lease_owner)
       select gen_random_uuid(), $1::uuid, $2::uuid, connection, journal, case when n % 900 = 0 then 'CONNECTION_ERROR' else 'PARSE_ERROR' end, 'not JSON', key,
         case when n % 300 = 0 then 'retrying' when n % 30 = 0 then 'pending' when n % 42 = 0 then 'exhausted' else 'resolved' end,
         n % 2 = 0, at, sha256(key::bytea), sha256('body'), case when n % 30 = 0 then at end, case when n % 300 = 0 then $4::uuid end
       from made where n % 3 = 0
     )
     insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id, event_time, received_at,
       ingested_at, idempotency_key, journal_id, schema_version, order_ref, subject)
     select id, $1::uuid, $2::uuid, connection, case when n % 2000 = 0 then 'rare' else 'order.paid' end, 'hotmart', 'PURCHASE_APPROVED',
       case when n % 40 = 0 then 'other-' || key else key end, at, at, at, key, journal, 1, 'HP' || n, jsonb_build_object('hash_version', 1, 'email', md5(key))
     from made`,
    [one.id, one.projectId, ids, owner],
  );
}

/** How often the transaction has searched each index of the hot tables; those of partitions count for the index of the parent. */
const scans = async (sql: Sql): Promise<Map<string, number>> =>
  new Map(
    (
      await sql<{ name: string; scans: number }>(
        `select n.nspname || '.' || c.relname as name, sum(pg_stat_get_xact_numscans(x.indexrelid))::integer as scans
         from pg_index x
         left join pg_inherits p on p.inhrelid = x.indrelid and p.inhparent = any ($1::regclass[])
         left join pg_inherits i on i.inhrelid = x.indexrelid
         join pg_class c on c.oid = coalesce(i.inhparent, x.indexrelid) join pg_namespace n on n.oid = c.relnamespace
         where x.indrelid = any ($1::regclass[]) or p.inhrelid is not null
         group by 1`,
        [hotTables],
      )
    ).map((row) => [row.name, row.scans]),
  );

/** The indexes that a query searched. */
async function searched(sql: Sql, query: (sql: Sql) => Promise<unknown>): Promise<string[]> {
  await sql('set local max_parallel_workers_per_gather = 0');
  const before = await scans(sql);
  await query(sql);
  return [...(await scans(sql))].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name);
}

type Query = (sql: Sql) => Promise<unknown>;
const member = (query: Query) => () => world.db.as(org.owner.claims, (sql) => searched(sql, query));
const worker = (query: Query) => () => world.db.worker((sql) => searched(sql, query));
const search = (filter: () => object) => member((sql) => sql('select public.search_events($1, $2)', [org.id, JSON.stringify(filter())]));
const find = (text: string) => member((sql) => sql('select private.find_by_id($1, $2)', [org.id, text]));
const head = () => ({ org_id: org.id, journal_id: first.journal_id });
const now = Date.now();
const day = 86_400_000;

/** By index: the query that its comment names, and a run of that query. */
const readers: Record<string, [reader: string, run: () => Promise<string[]>]> = {
  'public.canonical_events_pkey': [findEventHead.name, member((sql) => findEventHead(sql, first.id))],
  'public.canonical_events_connection_time_idx': [
    'latestOfConnection',
    // As the Data API runs the query of the page.
    member((sql) =>
      sql('select id, type, event_time from public.canonical_events where source_connection_id = $1 order by event_time desc limit 8', [
        connections[3],
      ]),
    ),
  ],
  'public.canonical_events_journal_idx': [findRecords.name, member((sql) => findRecords(sql, head()))],
  'public.canonical_events_org_order_idx': ['private.find_by_id', find('HP77')],
  'public.canonical_events_org_time_idx': [
    'public.events_histogram',
    member((sql) =>
      sql('select public.events_histogram($1, $2, $3, 3600)', [org.id, new Date(now - day / 4).toISOString(), new Date(now).toISOString()]),
    ),
  ],
  'public.canonical_events_org_type_time_idx': ['public.search_events', search(() => ({ types: ['rare'] }))],
  'public.canonical_events_source_event_idx': ['private.find_by_id', find('other-40-')],
  'public.canonical_events_subject_idx': [
    'private.find_events_of_subject',
    member((sql) => sql('select private.find_events_of_subject($1, $2)', [org.id, first.hash])),
  ],
  'private.unique_event_per_source': ['private.find_by_id', find('77-')],
  'public.event_journal_pkey': [findEntryHead.name, member((sql) => findEntryHead(sql, first.journal_id))],
  'public.event_journal_org_received_idx': [
    findNextDeliveries.name,
    worker((sql) => findNextDeliveries(sql, { org_id: org.id, cursor_at: null, cursor_id: null } as ClaimedErasure, 60, 20)),
  ],
  'public.event_journal_replay_idx': [findAttempts.name, member((sql) => findAttempts(sql, head()))],
  'private.journal_payloads_pkey': [findJournalEntries.name, worker((sql) => findJournalEntries(sql, [first.journal_id]))],
  'public.connection_activity_pkey': ['private.list_orgs_to_measure', worker((sql) => sql('select private.list_orgs_to_measure()'))],
  'public.connection_activity_connection_bucket_idx': [
    findExplainable.name,
    member((sql) => findExplainable(sql, { id: connections[0] ?? '', org_id: org.id })),
  ],
  'public.dlq_events_pkey': [findEntry.name, member((sql) => findEntry(sql, letter))],
  'public.dlq_events_class_idx': [listEntries.name, member((sql) => listEntries(sql, org.id, { classes: ['CONNECTION_ERROR'] }, now, 20))],
  'public.dlq_events_connection_idx': [
    countEntries.name,
    member((sql) => countEntries(sql, org.id, { projectId: org.projectId, connectionIds: [connections[3] ?? ''] }, now)),
  ],
  'public.dlq_events_due_idx': [
    'private.claim_dead_letters',
    worker((sql) => sql('select private.claim_dead_letters($1, 10, 60, 8)', [owner])),
  ],
  'public.dlq_events_journal_idx': [findRecords.name, member((sql) => findRecords(sql, head()))],
  'public.dlq_events_key_idx': ['private.find_by_id', find('dead-77')],
  'public.dlq_events_leased_idx': [reclaim.name, worker((sql) => reclaim(sql, owner))],
  'public.dlq_events_open_idx': [
    summariseEntries.name,
    member((sql) => summariseEntries(sql, org.id, { statuses: ['pending', 'retrying', 'exhausted'] }, now, 20)),
  ],
  'public.dlq_events_org_created_idx': [listEntries.name, member((sql) => listEntries(sql, org.id, {}, now, 20))],
  'public.dlq_events_record_idx': [
    'private.free_record_key',
    worker((sql) => sql(`select private.free_record_key($1, sha256('x'), $2)`, [connections[0], letter])),
  ],
  'public.dlq_events_status_idx': ['private.dlq_depth', worker((sql) => sql('select * from private.dlq_depth()'))],
};

describe('each index of the hot tables', () => {
  it('says in its comment which query reads it, and that query exists', async () => {
    const found = await world.admin<{ name: string; comment: string | null }>(
      `select n.nspname || '.' || c.relname as name, obj_description(c.oid, 'pg_class') as comment
       from pg_index x join pg_class c on c.oid = x.indexrelid join pg_namespace n on n.oid = c.relnamespace where x.indrelid = any ($1::regclass[]) order by 1`,
      [hotTables],
    );
    expect(found.map(({ name }) => name)).toEqual(Object.keys(readers).sort());
    const functions = (
      await world.admin<{ name: string }>(`select p.pronamespace::regnamespace || '.' || p.proname as name from pg_proc p`)
    ).map(({ name }) => name);
    for (const { name, comment } of found) {
      const [, reader = '', file] = /^Read by ([\w.]+)(?: in ([\w./-]+\.ts))?: /.exec(comment ?? '') ?? [];
      expect(reader, `${name}: ${comment}`).toBe(readers[name]?.[0]);
      if (file)
        expect(readFileSync(join(resolve(import.meta.dirname, '../../../..'), file), 'utf8'), name).toMatch(
          new RegExp(`(function|const) ${reader}\\b`),
        );
      else expect(functions, name).toContain(reader);
    }
  });

  it.each(Object.entries(readers).map(([name, [reader, run]]) => [name, reader, run] as const))(
    '%s is used by %s',
    async (name, _, run) => {
      expect(await run()).toContain(name);
    },
  );
});
