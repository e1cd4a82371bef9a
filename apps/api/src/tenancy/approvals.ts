import type { ApprovalKind, ApprovalRequested } from '@tributary/shared/approvals.ts';
import type { Sql } from '../platform/db.ts';

/** An act that needs a second person. `params` says exactly what is done and names no person; what does is sealed in `secret`. */
export interface WantedAct {
  orgId: string;
  kind: ApprovalKind;
  params: object;
  /** The rows that a purge deletes. */
  count?: number;
  secret?: { keyVersion: number; sealed: Uint8Array };
}

/** An act that was approved in the transaction of `sql`, by the person who runs it. */
interface ApprovedAct {
  id: string;
  orgId: string;
  params: unknown;
}

/** Does an approved act. When it throws, nothing is done and the request stays open. */
export type DoAct = (sql: Sql, act: ApprovedAct) => Promise<unknown>;

/**
 * Requests the approval of another person when the org requires it for this act; undefined when it does not, and the act is done at once.
 * Run it as the caller. The database refuses the act without an approval, so a command that forgets to ask does no harm.
 */
export async function requestApproval(sql: Sql, act: WantedAct): Promise<ApprovalRequested | undefined> {
  const [row] = await sql<{ needed: boolean }>('select private.needs_second_person($1, $2, $3) as needed', [
    act.orgId,
    act.kind,
    act.count ?? null,
  ]);
  if (!row?.needed) return undefined;
  const { secret } = act;
  const [asked] = await sql<{ id: string }>('select private.request_approval($1, $2, $3, $4, $5) as id', [
    act.orgId,
    act.kind,
    JSON.stringify(act.params),
    secret?.keyVersion ?? null,
    secret ? Buffer.from(secret.sealed) : null,
  ]);
  const [made] = await sql<{ id: string; expires_at: string }>('select id, expires_at from public.approvals where id = $1', [asked?.id]);
  if (!made) throw new Error('the approval that was requested cannot be found');
  return { approvalId: made.id, kind: act.kind, expiresAt: made.expires_at };
}

/** The sealed part of an act, in the transaction in which the caller has approved it. */
export async function takeApprovalSecret(sql: Sql, approvalId: string): Promise<{ keyVersion: number; sealed: Uint8Array }> {
  const [row] = await sql<{ key_version: number; sealed: Buffer }>('select key_version, sealed from private.take_approval_secret($1)', [
    approvalId,
  ]);
  if (!row) throw new Error('the sealed part of the approved act is missing');
  return { keyVersion: row.key_version, sealed: row.sealed };
}
