import type { Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';

/**
 * Throws Refusal `legal_hold` when a legal hold forbids to replay, retry, discard, purge or erase, or to delete a connection. Without `connectionIds` the action concerns the whole
 * org, so a hold on any connection of the org refuses it.
 */
export async function requireNotHeld(sql: Sql, orgId: string, connectionIds?: readonly string[]): Promise<void> {
  const [row] = await sql<{ reason: string }>(
    `select r.reason from unnest($2::uuid[]) as c (id), private.legal_hold_reason($1, c.id) as r (reason) where r.reason is not null limit 1`,
    [orgId, connectionIds ?? [null]],
  );
  if (row) throw heldRefusal(row.reason);
}

export function heldRefusal(reason: string): Refusal {
  return new Refusal('legal_hold', `a legal hold is set (${reason}): an owner or admin must release it first`);
}
