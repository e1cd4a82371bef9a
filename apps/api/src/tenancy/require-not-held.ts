import type { Sql } from '../platform/db.ts';
import { Problem } from '../platform/errors.ts';

/**
 * Throws Problem `legal_hold` when a hold forbids to replay, purge or erase. Without a connection the action is about the whole org, and
 * a hold on any of its connections refuses it.
 */
export async function requireNotHeld(sql: Sql, orgId: string, connectionIds?: readonly string[]): Promise<void> {
  const [row] = await sql<{ reason: string }>(
    `select r.reason from unnest($2::uuid[]) as c (id), private.held($1, c.id) as r (reason) where r.reason is not null limit 1`,
    [orgId, connectionIds ?? [null]],
  );
  if (row) throw heldProblem(row.reason);
}

export function heldProblem(reason: string): Problem {
  return new Problem('legal_hold', `a legal hold is set (${reason}): an owner or admin must release it first`);
}
