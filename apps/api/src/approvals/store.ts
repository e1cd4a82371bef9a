import type { Approval, ApprovalKind } from '@tributary/shared/approvals.ts';
import type { Sql } from '../platform/db.ts';
import { type Page, parseCursor, readNewest } from '../platform/pages.ts';

export interface ApprovalRow {
  id: string;
  org_id: string;
  kind: ApprovalKind;
  params: Record<string, unknown>;
  status: Approval['status'];
  requested_by: string;
  requested_at: string;
  expires_at: string;
  decided_by: string | null;
  decided_at: string | null;
}

const columns = `id, org_id, kind, params, case when status = 'pending' and expires_at <= now() then 'expired' else status end as status, requested_by,
  requested_at, expires_at, decided_by, decided_at`;

// As the caller, under RLS. Analysts see no request.

/** A page of the org's requests, newest first: the open ones, or all. */
export function listApprovals(
  sql: Sql,
  { orgId, status, limit, cursor }: { orgId: string; status: 'pending' | 'all'; limit: number; cursor: string | undefined },
): Promise<Page<ApprovalRow>> {
  return readNewest<ApprovalRow>(
    sql,
    {
      columns,
      from: 'public.approvals',
      where: `org_id = $1 and ($2 = 'all' or (status = 'pending' and expires_at > now()))`,
      values: [orgId, status],
      time: 'requested_at',
      id: 'id',
    },
    limit,
    parseCursor(cursor),
  );
}

/** Undefined when there is no such request, or when the caller may not see it. */
export async function findApproval(sql: Sql, id: string): Promise<ApprovalRow | undefined> {
  const [row] = await sql<ApprovalRow>(`select ${columns} from public.approvals where id = $1`, [id]);
  return row;
}

/** Returns the reason why the caller may not decide so; undefined when it is decided. */
export async function decideApproval(sql: Sql, id: string, decision: 'approved' | 'rejected' | 'withdrawn'): Promise<string | undefined> {
  const [row] = await sql<{ refusal: string | null }>('select private.decide_approval($1, $2) as refusal', [id, decision]);
  return row?.refusal ?? undefined;
}

// As `worker`.

/** Marks requests as expired that nobody decided in time, and returns their number. */
export async function expireApprovals(sql: Sql, limit: number): Promise<number> {
  const [row] = await sql<{ expired: number }>('select private.expire_approvals($1) as expired', [limit]);
  return row?.expired ?? 0;
}
