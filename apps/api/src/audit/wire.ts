import type { AuditRecord } from '@tributary/shared/audit.ts';
import type { AuditRow } from './store.ts';

export function toRecord(row: AuditRow): AuditRecord {
  return {
    seq: Number(row.seq),
    id: row.id,
    at: row.created_at,
    actorId: row.actor_id,
    action: row.action,
    targetId: row.target_id,
    detail: row.detail,
    canonical: row.canonical,
    hash: row.hash,
  };
}
