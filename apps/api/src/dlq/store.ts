import type { DlqFilter, DlqStatus } from '@tributary/shared/dlq.ts';
import type { Sql } from '../db.ts';
import { filterValues, matchesFilter } from './filter.ts';

// Every statement here runs as the caller, under RLS.

export interface EntryRow {
  id: string;
  org_id: string;
  project_id: string;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  config_json: unknown;
  journal_id: string;
  record_index: number | null;
  error_class: string;
  last_error_message: string;
  field_path: string | null;
  source_event_type: string | null;
  idempotency_key: string | null;
  status: DlqStatus;
  attempts: number;
  next_retry_at: string | null;
  is_quarantine: boolean;
  sample: unknown;
  created_at: string;
  updated_at: string;
  resolved_at: string | null;
  /** created_at with its microseconds, for cursors. */
  created_us: string;
  /** Whether the caller is owner or admin of its org. */
  may_write: boolean;
}

const columns = `d.id, d.org_id, d.project_id, d.source_connection_id, c.name as connection_name, c.type as source_type, c.config_json,
  d.journal_id, d.record_index, d.error_class, d.last_error_message, d.field_path, d.source_event_type, d.idempotency_key, d.status,
  d.attempts, d.next_retry_at, d.is_quarantine, d.sample, d.created_at, d.updated_at, d.resolved_at,
  (extract(epoch from d.created_at) * 1000000)::bigint as created_us,
  d.org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write`;
const withConnection = `public.dlq_events d join public.source_connections c on c.id = d.source_connection_id`;

export async function findEntry(sql: Sql, id: string): Promise<EntryRow | undefined> {
  const [row] = await sql<EntryRow>(`select ${columns} from ${withConnection} where d.id = $1`, [id]);
  return row;
}

export interface Cursor {
  createdUs: string;
  id: string;
}

/** Newest first, after the cursor. */
export function listEntries(sql: Sql, orgId: string, filter: DlqFilter, limit: number, after?: Cursor): Promise<EntryRow[]> {
  return sql<EntryRow>(
    `select ${columns} from ${withConnection}
     where ${matchesFilter}
       and ($13::bigint is null or (d.created_at, d.id) < (timestamptz 'epoch' + $13 * interval '1 microsecond', $14::uuid))
     order by d.created_at desc, d.id desc limit $15`,
    [...filterValues(orgId, filter, Date.now()), after?.createdUs ?? null, after?.id ?? null, limit],
  );
}

export async function countEntries(sql: Sql, orgId: string, filter: DlqFilter): Promise<number> {
  const [row] = await sql<{ count: number }>(
    `select count(*)::integer as count from public.dlq_events d where ${matchesFilter}`,
    filterValues(orgId, filter, Date.now()),
  );
  return row?.count ?? 0;
}

export interface GroupRow {
  error_class: string;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  count: number;
  pending: number;
  exhausted: number;
  first_seen_at: string;
  last_seen_at: string;
  trend: number[];
}

/** Largest first. One pass over the open entries, by the index alone (measured: 0.5 s at a million of them, 2 cores). */
export function summariseEntries(sql: Sql, orgId: string, filter: DlqFilter): Promise<GroupRow[]> {
  return sql<GroupRow>(
    `with hours as (
       select d.error_class, d.source_connection_id,
         -- 0: before the last 24 hours; 1 to 24: the hour of it.
         greatest(0, 24 - floor(extract(epoch from now() - d.created_at) / 3600)::integer) as hour,
         count(*) as n, count(*) filter (where d.status = 'exhausted') as exhausted,
         count(*) filter (where d.status in ('pending', 'retrying')) as pending, min(d.created_at) as first_at, max(d.created_at) as last_at
       from public.dlq_events d where ${matchesFilter}
       group by 1, 2, 3
     ), groups as (
       select error_class, source_connection_id, sum(n)::integer as count, sum(pending)::integer as pending, sum(exhausted)::integer as exhausted,
         min(first_at) as first_seen_at, max(last_at) as last_seen_at, jsonb_object_agg(hour, n) as by_hour
       from hours group by 1, 2
     )
     select g.error_class, g.source_connection_id, c.name as connection_name, c.type as source_type, g.count, g.pending, g.exhausted,
       g.first_seen_at, g.last_seen_at, array(select coalesce((g.by_hour ->> h::text)::integer, 0) from generate_series(1, 24) h order by h) as trend
     from groups g join public.source_connections c on c.id = g.source_connection_id
     order by g.count desc, g.error_class, c.id`,
    filterValues(orgId, filter, Date.now()),
  );
}

export interface ClusterRow {
  error_class: string;
  field_path: string | null;
  source_event_type: string | null;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  count: number;
  first_seen_at: string;
  last_seen_at: string;
  example_id: string;
}

/** The largest clusters of entries that fail alike. The example is the newest. */
export function clusterEntries(sql: Sql, orgId: string, filter: DlqFilter, limit: number): Promise<ClusterRow[]> {
  return sql<ClusterRow>(
    `with clusters as (
       select d.error_class, d.field_path, d.source_event_type, d.source_connection_id, count(*)::integer as count,
         min(d.created_at) as first_seen_at, max(d.created_at) as last_seen_at, max(d.id::text)::uuid as example_id
       from public.dlq_events d where ${matchesFilter}
       group by 1, 2, 3, 4 order by count(*) desc, 1, 2, 3, 4 limit $13
     )
     select k.*, c.name as connection_name, c.type as source_type
     from clusters k join public.source_connections c on c.id = k.source_connection_id
     order by k.count desc, k.error_class, k.field_path, k.source_event_type, c.id`,
    [...filterValues(orgId, filter, Date.now()), limit],
  );
}

/** Due at once. What is being retried already is left to it. Returns its status; undefined: no such entry, or not the caller's to decide. */
export async function retryEntry(sql: Sql, id: string): Promise<DlqStatus | undefined> {
  const [row] = await sql<{ status: DlqStatus }>(
    `update public.dlq_events set status = 'pending', next_retry_at = now() where id = $1 and status <> 'retrying' returning status`,
    [id],
  );
  return row?.status;
}

export async function auditFullSample(sql: Sql, orgId: string, ids: readonly string[]): Promise<void> {
  await sql('select private.audit_full_sample($1, $2)', [orgId, ids]);
}
