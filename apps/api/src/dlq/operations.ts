import type { DlqFilter, DlqOperation, DlqOperationKind } from '@tributary/shared/dlq.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';
import type { Position } from './claims.ts';
import { filterValues, matchesFilter } from './filter.ts';

export interface OperationRow {
  id: string;
  org_id: string;
  kind: DlqOperationKind;
  filter: DlqFilter;
  status: DlqOperation['status'];
  total: number;
  done: number;
  succeeded: number;
  failed: number;
  /** The failed entries by the reason of their failure. */
  failures: Record<string, number>;
  error: string | null;
  created_by: string | null;
  created_at: string;
  finished_at: string | null;
}

const columns = 'id, org_id, kind, filter, status, total, done, succeeded, failed, failures, error, created_by, created_at, finished_at';

// As the caller, under RLS ------------------------------------------------------------------------------------------------

/** Starts an operation, or returns the open operation of the same kind and filter. */
export async function startOperation(
  sql: Sql,
  orgId: string,
  kind: DlqOperationKind,
  filter: DlqFilter,
  total: number,
): Promise<OperationRow> {
  const [started] = await sql<{ id: string }>('select private.start_dlq_operation($1, $2, $3, $4) as id', [
    orgId,
    kind,
    JSON.stringify(filter),
    total,
  ]);
  const row = started && (await findOperation(sql, started.id));
  if (!row) throw new Error('the operation that was started cannot be found');
  return row;
}

/** A page of the org's operations, newest first. */
export function listOperations(sql: Sql, orgId: string, limit: number, after: Cursor | undefined): Promise<Page<OperationRow>> {
  return readNewest<OperationRow>(
    sql,
    { columns, from: 'public.dlq_operations', where: 'org_id = $1', values: [orgId], time: 'created_at', id: 'id' },
    limit,
    after,
  );
}

export async function findOperation(sql: Sql, id: string): Promise<(OperationRow & { may_write: boolean }) | undefined> {
  const [row] = await sql<OperationRow & { may_write: boolean }>(
    `select ${columns}, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.dlq_operations where id = $1`,
    [id],
  );
  return row;
}

/** Takes effect before the next chunk. An operation that has ended stays as it is. */
export async function cancelOperation(sql: Sql, id: string): Promise<void> {
  await sql(`update public.dlq_operations set status = 'canceled' where id = $1 and status in ('queued', 'running')`, [id]);
}

/** The reason of a legal hold on the org or connection of an entry that matches; null when there is no hold. */
export async function findHold(sql: Sql, orgId: string, filter: DlqFilter, nowMs: number): Promise<string | null> {
  const [row] = await sql<{ reason: string }>(
    `select h.reason from public.source_connections c cross join lateral (select private.legal_hold_reason($1, c.id) as reason) h
     where c.org_id = $1 and h.reason is not null
       and exists (select from public.dlq_events d where ${matchesFilter} and d.source_connection_id = c.id)
     limit 1`,
    filterValues(orgId, filter, nowMs),
  );
  return row?.reason ?? null;
}

// As `worker` -----------------------------------------------------------------------------------------------------------------

/** When an operation has had no checkpoint for this long, another process may continue it. */
const leaseSeconds = 15;

export interface LeasedOperation extends Position {
  id: string;
  org_id: string;
  kind: DlqOperationKind;
  filter: unknown;
  created_at: string;
}

/** Leases open operations that no process holds, those of the orgs in `holding` last. */
export function leaseOperations(sql: Sql, owner: string, most: number, holding: string[]): Promise<LeasedOperation[]> {
  return sql<LeasedOperation>('select * from private.claim_dlq_operations($1, $2, $3, $4)', [owner, leaseSeconds, most, holding]);
}

export interface Progress {
  done?: number;
  succeeded?: number;
  failed?: number;
  failures?: Readonly<Record<string, number>>;
  cursor?: { at: string; id: string } | undefined;
}

/**
 * Adds progress and renews the lease. Returns false when the operation has ended or another process has the lease: the transaction must
 * then be rolled back.
 */
export async function checkpoint(sql: Sql, id: string, owner: string, progress: Progress): Promise<boolean> {
  const rows = await sql(
    `update public.dlq_operations set lease_until = now() + make_interval(secs => $3), done = done + $4, succeeded = succeeded + $5,
       failed = failed + $6, failures = case when $9::jsonb = '{}' then failures else (
         select jsonb_object_agg(reason, n) from (
           select reason, sum(n::integer) as n from (
             select * from jsonb_each_text(failures) union all select * from jsonb_each_text($9)
           ) as counted (reason, n) group by reason
         ) as added
       ) end, cursor_at = coalesce($7::timestamptz, cursor_at), cursor_id = coalesce($8::uuid, cursor_id)
     where id = $1 and lease_owner = $2 and status = 'running' returning 1`,
    [
      id,
      owner,
      leaseSeconds,
      progress.done ?? 0,
      progress.succeeded ?? 0,
      progress.failed ?? 0,
      progress.cursor?.at ?? null,
      progress.cursor?.id ?? null,
      JSON.stringify(progress.failures ?? {}),
    ],
  );
  return rows.length > 0;
}

/** Ends the operation: as done, or with `error` as failed. */
export async function finishOperation(sql: Sql, id: string, owner: string, error?: string): Promise<void> {
  await sql(
    `update public.dlq_operations set status = case when $3::text is null then 'done' else 'failed' end, error = $3
     where id = $1 and lease_owner = $2 and status = 'running'`,
    [id, owner, error ?? null],
  );
}

/** Whether the operation has neither ended nor been canceled. */
export async function isOpen(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql(`select from public.dlq_operations where id = $1 and status in ('queued', 'running')`, [id]);
  return rows.length > 0;
}

/** Gives up the lease. The org's operations that have waited longer are served first. */
export async function releaseOperation(sql: Sql, id: string, owner: string): Promise<void> {
  await sql(`update public.dlq_operations set lease_until = now() where id = $1 and lease_owner = $2 and status = 'running'`, [id, owner]);
}
