import type { AuditExportFormat } from '@tributary/shared/audit.ts';
import { csvLine } from '../platform/csv.ts';
import type { Claims, Db } from '../platform/db.ts';
import { type Download, streamPages } from '../platform/downloads.ts';
import { type CallersOrg, requireStill, resolveOrg } from '../tenancy/callers-org.ts';
import { type AuditRow, listAudit } from './store.ts';
import { toRecord } from './wire.ts';

const rowsPerPage = 500;
const columns = ['seq', 'id', 'at', 'actor_id', 'action', 'target_id', 'detail', 'canonical', 'hash'];
const jsonColumns = new Set(['detail', 'canonical']);

export const contentTypes: Record<AuditExportFormat, string> = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson' };

/**
 * Streams the audit log of an org as a file, oldest first, with the hash of each entry and the text that was hashed. It ends when the person
 * loses the role with which it was requested. In a CSV file the text is escaped against formulas, so that only NDJSON can be verified.
 */
export function exportAudit(
  { db, claims, download }: { db: Pick<Db, 'as'>; claims: Claims; download: Download },
  { orgId, role, format }: { orgId: string; role: CallersOrg['role']; format: AuditExportFormat },
): Promise<ReadableStream<Uint8Array>> {
  let cursor: string | undefined;
  const readPage = async () => {
    const page = await db.as(claims, async (sql) => {
      const found = await listAudit(sql, orgId, rowsPerPage, cursor);
      // The check comes last, so that the person had the role during the read before it.
      requireStill(role, await resolveOrg(sql, orgId));
      return found;
    });
    cursor = page.next ?? undefined;
    return { text: page.rows.map(lines[format]).join(''), isLast: page.next === null };
  };
  return streamPages(readPage, download, { head: format === 'csv' ? `${columns.join(',')}\r\n` : '', end: '' });
}

const lines: Record<AuditExportFormat, (row: AuditRow) => string> = {
  ndjson: (row) => `${JSON.stringify(toRecord(row))}\n`,
  csv: (row) =>
    csvLine(
      [row.seq, row.id, row.created_at, row.actor_id, row.action, row.target_id, JSON.stringify(row.detail), row.canonical, row.hash],
      columns,
      jsonColumns,
    ),
};
