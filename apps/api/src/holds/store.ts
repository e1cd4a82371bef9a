import type { Sql } from '../platform/db.ts';

export interface HoldRow {
  id: string;
  org_id: string;
  source_connection_id: string | null;
  reason: string;
  created_by: string | null;
  created_at: string;
  released_by: string | null;
  released_at: string | null;
}

// Every statement runs as the caller, under RLS.

const columns = 'id, org_id, source_connection_id, reason, created_by, created_at, released_by, released_at';

/** Active holds first, then the newest first. */
export async function listHolds(sql: Sql, orgId: string): Promise<HoldRow[]> {
  return sql<HoldRow>(`select ${columns} from public.legal_holds where org_id = $1 order by released_at is not null, created_at desc, id`, [
    orgId,
  ]);
}

/** Returns undefined when the org has no such connection. A deleted connection may be held, because its events are still stored. */
export async function createHold(
  sql: Sql,
  hold: { orgId: string; connectionId: string | undefined; reason: string },
): Promise<HoldRow | undefined> {
  const [row] = await sql<HoldRow>(
    `insert into public.legal_holds (org_id, source_connection_id, reason)
     select $1, $2, $3
     where $2::uuid is null or exists (select from public.source_connections where org_id = $1 and id = $2)
     returning ${columns}`,
    [hold.orgId, hold.connectionId ?? null, hold.reason],
  );
  return row;
}

/** Returns undefined when there is no such hold that the caller may see. */
export async function releaseHold(sql: Sql, id: string): Promise<HoldRow | undefined> {
  const [row] = await sql<HoldRow>(`select ${columns} from private.release_legal_hold($1) where id is not null`, [id]);
  return row;
}
