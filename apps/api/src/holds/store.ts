import type { Sql } from '../platform/db.ts';
import { type Page, parsePlace, readPage, uuid } from '../platform/pages.ts';

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

/** A page of the org's holds: active holds first, then the newest first. */
export async function listHolds(sql: Sql, orgId: string, limit: number, cursor: string | undefined): Promise<Page<HoldRow>> {
  const [released, us, id] = cursor === undefined ? [] : parsePlace(cursor, [/^[tf]$/, /^\d{1,17}$/, uuid]);
  return readPage<HoldRow & { created_us: string }>(
    sql,
    `select ${columns}, (extract(epoch from created_at) * 1000000)::bigint as created_us from public.legal_holds
     where org_id = $1 and ($2::boolean is null or (released_at is not null) > $2
       or (released_at is not null) = $2 and (created_at, id) < (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::uuid))
     order by released_at is not null, created_at desc, id desc`,
    [orgId, released ?? null, us ?? null, id ?? null],
    { limit, placeOf: (row) => [row.released_at === null ? 'f' : 't', row.created_us, row.id] },
  );
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
export async function findHold(sql: Sql, id: string): Promise<(HoldRow & { may_write: boolean }) | undefined> {
  const [row] = await sql<HoldRow & { may_write: boolean }>(
    `select ${columns}, org_id = any (array(select private.my_orgs('{owner,admin}'))) as may_write from public.legal_holds where id = $1`,
    [id],
  );
  return row;
}

/** Returns undefined when there is no such hold that the caller may see. */
export async function releaseHold(sql: Sql, id: string): Promise<HoldRow | undefined> {
  const [row] = await sql<HoldRow>(`select ${columns} from private.release_legal_hold($1) where id is not null`, [id]);
  return row;
}
