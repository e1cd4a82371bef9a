import type { DlqFilter, DlqOperation, DlqOperationKind } from '@tributary/shared/dlq.ts';
import type { Sql } from '../db.ts';
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
  error: string | null;
  created_by: string | null;
  created_at: string;
  finished_at: string | null;
}

const columns = 'id, org_id, kind, filter, status, total, done, succeeded, failed, error, created_by, created_at, finished_at';

// As the caller, under RLS ------------------------------------------------------------------------------------------------

/** Starts it, or answers the one of the same kind and filter that is still at work. */
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
  if (!row) throw new Error('the operation that was started is not there');
  return row;
}

/** The newest of the org. */
export function listOperations(sql: Sql, orgId: string): Promise<OperationRow[]> {
  return sql<OperationRow>(`select ${columns} from public.dlq_operations where org_id = $1 order by created_at desc, id desc limit 50`, [
    orgId,
  ]);
}

export async function findOperation(sql: Sql, id: string): Promise<(OperationRow & { may_write: boolean }) | undefined> {
  const [row] = await sql<OperationRow & { may_write: boolean }>(
    `select ${columns}, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.dlq_operations where id = $1`,
    [id],
  );
  return row;
}

/** Takes effect before its next chunk. One that has ended stays as it is. */
export async function cancelOperation(sql: Sql, id: string): Promise<void> {
  await sql(`update public.dlq_operations set status = 'canceled' where id = $1 and status in ('queued', 'running')`, [id]);
}

/** The reason of a legal hold on the org or connection of an entry that matches; null: nothing is held. */
export async function findHold(sql: Sql, orgId: string, filter: DlqFilter): Promise<string | null> {
  const [row] = await sql<{ reason: string }>(
    `select h.reason from public.source_connections c cross join lateral (select private.held($1, c.id) as reason) h
     where c.org_id = $1 and h.reason is not null
       and exists (select from public.dlq_events d where ${matchesFilter} and d.source_connection_id = c.id)
     limit 1`,
    filterValues(orgId, filter, Date.now()),
  );
  return row?.reason ?? null;
}
