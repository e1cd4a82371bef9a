import type { AuditVerdict } from '@tributary/shared/audit.ts';
import type { Sql } from '../platform/db.ts';
import { type Page, parsePlace, readPage } from '../platform/pages.ts';

// As the caller. The functions answer owners and admins of the org only.

export interface AuditRow {
  seq: string;
  id: string;
  created_at: string;
  actor_id: string | null;
  action: string;
  target_id: string | null;
  detail: Record<string, unknown>;
  canonical: string;
  hash: string;
}

/** A page of the org's log in the order of its chain, oldest first. Empty for callers who may not read the log. */
export function listAudit(sql: Sql, orgId: string, limit: number, cursor: string | undefined): Promise<Page<AuditRow>> {
  const [after = '0'] = cursor === undefined ? [] : parsePlace(cursor, [/^\d{1,18}$/]);
  return readPage<AuditRow>(
    sql,
    `select seq, id, created_at, actor_id, action, target_id, detail, canonical, hash from private.export_audit($1, $2, 1000) order by seq`,
    [orgId, after],
    { limit, placeOf: (row) => [row.seq] },
  );
}

interface VerdictRow {
  verified_to: string;
  hash: string;
  entry_at: string | null;
  entries: number;
  is_end: boolean;
  problem: AuditVerdict['problem'];
  problem_at: string | null;
}

/** Verifies up to `limit` entries after a link that the caller knows, or from the beginning. Raises 42501 for callers who may not read the log. */
export async function verifyAudit(
  sql: Sql,
  orgId: string,
  known: { after: number; hash: string } | undefined,
  limit: number,
): Promise<AuditVerdict> {
  const [row] = await sql<VerdictRow>('select * from private.verify_audit($1, $2, $3, $4)', [
    orgId,
    known?.after ?? null,
    known?.hash ?? null,
    limit,
  ]);
  if (!row) throw new Error('verify_audit returned no row');
  return {
    verifiedTo: Number(row.verified_to),
    hash: row.hash,
    entryAt: row.entry_at,
    entries: row.entries,
    isEnd: row.is_end,
    problem: row.problem,
    problemAt: row.problem_at === null ? null : Number(row.problem_at),
  };
}

/** Records that the caller takes the audit log out. Raises 42501 for callers who may not read the log. */
export async function recordAuditExport(sql: Sql, orgId: string, format: string): Promise<void> {
  await sql('select private.record_audit_export($1, $2)', [orgId, format]);
}
