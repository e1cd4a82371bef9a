import type { DlqAttempt, DlqFilter, DlqStatus } from '@tributary/shared/dlq.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';
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
  stored_event_id: string | null;
  status: DlqStatus;
  attempts: number;
  occurrences: number;
  next_retry_at: string | null;
  is_quarantine: boolean;
  sample: unknown;
  created_at: string;
  last_seen_at: string;
  updated_at: string;
  resolved_at: string | null;
  /** Whether the caller is an owner or admin of the entry's org. */
  may_write: boolean;
}

/** An attempt as private.remember_attempt writes it. */
export interface AttemptRow {
  at: string;
  by: DlqAttempt['by'];
  operation?: string;
  person?: string;
  result: 'resolved' | 'failed' | 'interrupted' | 'discarded';
  error_class?: string;
  message?: string;
}

export interface DetailRow extends EntryRow {
  history: AttemptRow[];
}

const columns = `d.id, d.org_id, d.project_id, d.source_connection_id, c.name as connection_name, c.type as source_type, c.config_json,
  d.journal_id, d.record_index, d.error_class, d.last_error_message, d.field_path, d.source_event_type, d.idempotency_key,
  d.stored_event_id, d.status, d.attempts, d.occurrences, d.next_retry_at, d.is_quarantine, d.sample, d.created_at,
  coalesce(d.last_seen_at, d.created_at) as last_seen_at, d.updated_at, d.resolved_at,
  d.org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write`;
const withConnection = `public.dlq_events d join public.source_connections c on c.id = d.source_connection_id`;

export async function findEntry(sql: Sql, id: string): Promise<DetailRow | undefined> {
  const [row] = await sql<DetailRow>(`select ${columns}, d.history from ${withConnection} where d.id = $1`, [id]);
  return row;
}

/**
 * Lists entries newest first, after the cursor. The index alone finds the page where the filter allows it; only the page's rows are
 * fetched.
 */
export async function listEntries(
  sql: Sql,
  orgId: string,
  filter: DlqFilter,
  nowMs: number,
  limit: number,
  after?: Cursor,
): Promise<Page<EntryRow>> {
  const matching = { where: matchesFilter, values: filterValues(orgId, filter, nowMs), time: 'd.created_at', id: 'd.id' };
  const { rows: ids, next } = await readNewest<{ id: string }>(
    sql,
    { columns: 'd.id', from: 'public.dlq_events d', ...matching },
    limit,
    after,
  );
  const values = [ids.map(({ id }) => id)];
  const page = await readNewest<EntryRow>(
    sql,
    { columns, from: withConnection, where: 'd.id = any ($1)', values, time: 'd.created_at', id: 'd.id' },
    limit,
    undefined,
  );
  return { rows: page.rows, next: page.next ?? next };
}

export async function countEntries(sql: Sql, orgId: string, filter: DlqFilter, nowMs: number): Promise<number> {
  const [row] = await sql<{ count: number }>(
    `select count(*)::integer as count from public.dlq_events d where ${matchesFilter}`,
    filterValues(orgId, filter, nowMs),
  );
  return row?.count ?? 0;
}

export interface GroupRow {
  group_count: number;
  total: number;
  error_class: string;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  count: number;
  occurrences: number;
  pending: number;
  exhausted: number;
  first_seen_at: string;
  last_seen_at: string;
  trend: number[];
}

/** The largest groups, with the number of all groups and of all their entries. Open entries are counted from their index alone, and each hour of the last day from its range of that index. */
export function summariseEntries(sql: Sql, orgId: string, filter: DlqFilter, nowMs: number, limit: number): Promise<GroupRow[]> {
  return sql<GroupRow>(
    `with every_group as (
       select d.error_class, d.source_connection_id, count(*)::integer as count, sum(d.occurrences)::integer as occurrences,
         (count(*) filter (where d.status in ('pending', 'retrying')))::integer as pending,
         (count(*) filter (where d.status = 'exhausted'))::integer as exhausted,
         min(d.created_at) as first_seen_at, max(coalesce(d.last_seen_at, d.created_at)) as last_seen_at
       from public.dlq_events d where ${matchesFilter}
       group by 1, 2
     ), groups as materialized (
       select *, (count(*) over ())::integer as group_count, (sum(count) over ())::integer as total
       from every_group order by count desc, error_class, source_connection_id limit $13
     ), hours as materialized (
       -- One range of the index for each hour: grouped by the hour as an expression, a million rows were sorted on disk.
       select h.hour, g.error_class, g.source_connection_id, g.n
       from generate_series(1, 24) as h (hour) cross join lateral (
         select d.error_class, d.source_connection_id, count(*)::integer as n from public.dlq_events d
         where ${matchesFilter} and d.created_at > now() - interval '1 hour' * (25 - h.hour) and d.created_at <= now() - interval '1 hour' * (24 - h.hour)
         group by 1, 2
       ) g
     )
     select g.*, c.name as connection_name, c.type as source_type,
       array(
         select coalesce(h.n, 0) from generate_series(1, 24) as s (hour)
         left join hours h on h.hour = s.hour and h.error_class = g.error_class and h.source_connection_id = g.source_connection_id
         order by s.hour
       ) as trend
     from groups g join public.source_connections c on c.id = g.source_connection_id
     order by g.count desc, g.error_class, c.id`,
    [...filterValues(orgId, filter, nowMs), limit],
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

/** The largest clusters of entries that fail in the same way. The example is the newest entry. */
export function clusterEntries(sql: Sql, orgId: string, filter: DlqFilter, nowMs: number, limit: number): Promise<ClusterRow[]> {
  return sql<ClusterRow>(
    `with clusters as (
       select d.error_class, d.field_path, d.source_event_type, d.source_connection_id, count(*)::integer as count,
         min(d.created_at) as first_seen_at, max(coalesce(d.last_seen_at, d.created_at)) as last_seen_at, max(d.created_at) as newest_at
       from public.dlq_events d where ${matchesFilter}
       group by 1, 2, 3, 4 order by count(*) desc, 1, 2, 3, 4 limit $13
     )
     select k.*, c.name as connection_name, c.type as source_type, (
       select d.id from public.dlq_events d
       where ${matchesFilter} and d.created_at = k.newest_at and d.error_class = k.error_class and d.source_connection_id = k.source_connection_id
         and d.field_path is not distinct from k.field_path and d.source_event_type is not distinct from k.source_event_type
       order by d.id desc limit 1) as example_id
     from clusters k join public.source_connections c on c.id = k.source_connection_id
     order by k.count desc, k.error_class, k.field_path, k.source_event_type, c.id`,
    [...filterValues(orgId, filter, nowMs), limit],
  );
}

/**
 * Makes the entry due at once and returns its status. Returns undefined when a retry is already running, when there is no such entry, or
 * when the caller may not change it.
 */
export async function retryEntry(sql: Sql, id: string): Promise<DlqStatus | undefined> {
  const [row] = await sql<{ status: DlqStatus }>(
    `update public.dlq_events set status = 'pending', next_retry_at = now() where id = $1 and status <> 'retrying' returning status`,
    [id],
  );
  return row?.status;
}

/**
 * Gives the entry up and returns its status. Returns undefined when a retry is running or the caller may not change the entry.
 */
export async function discardEntry(sql: Sql, id: string): Promise<DlqStatus | undefined> {
  const [row] = await sql<{ status: DlqStatus }>(
    `update public.dlq_events set status = 'discarded', next_retry_at = null where id = $1 and status <> 'retrying' returning status`,
    [id],
  );
  return row?.status;
}

export async function auditFullSample(sql: Sql, orgId: string, ids: readonly string[]): Promise<void> {
  await sql('select private.audit_full_sample($1, $2)', [orgId, ids]);
}
