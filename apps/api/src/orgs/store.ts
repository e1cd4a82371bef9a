import type { Sql } from '../platform/db.ts';
import { type Page, parsePlace, readPage } from '../platform/pages.ts';

// Every statement runs as the caller, under RLS.

export interface OrgRow {
  id: string;
  name: string;
  slug: string;
  role: 'owner' | 'admin' | 'analyst';
  rate_limit_per_second: number | null;
  created_at: string;
}

/** Returns undefined when there is no such org or the caller is not a member of it. */
export async function findOrg(sql: Sql, id: string): Promise<OrgRow | undefined> {
  const [row] = await sql<OrgRow>(
    `select o.id, o.name, o.slug, m.role, o.rate_limit_per_second, o.created_at
     from public.orgs o join public.org_members m on m.org_id = o.id and m.user_id = (select auth.uid())
     where o.id = $1 and o.id = any (array(select private.my_orgs()))`,
    [id],
  );
  return row;
}

export async function updateOrg(
  sql: Sql,
  id: string,
  changes: {
    name?: string | undefined;
    /** null removes the limit. */
    rateLimitPerSecond?: number | null | undefined;
  },
): Promise<void> {
  await sql(
    `update public.orgs
     set name = coalesce($2, name), rate_limit_per_second = case when $3 then $4 else rate_limit_per_second end
     where id = $1`,
    [id, changes.name ?? null, changes.rateLimitPerSecond !== undefined, changes.rateLimitPerSecond ?? null],
  );
}

export interface KeyRow {
  kind: 'data' | 'hash';
  version: number;
  created_at: string;
  retired_at: string | null;
  /** Whether it is the newest key of its kind that is not retired, which is the key in use: see tenancy/org-keys.ts. */
  is_current: boolean;
}

/** A page of the org's keys: by kind, the newest version first. Empty for an org that the caller is not a member of. */
export async function listKeys(sql: Sql, orgId: string, limit: number, cursor?: string): Promise<Page<KeyRow>> {
  const [kind, version] = cursor === undefined ? [] : parsePlace(cursor, [/^(?:data|hash)$/, /^\d{1,9}$/]);
  return readPage<KeyRow>(
    sql,
    `select * from (
       select k.kind, k.version, k.created_at, k.retired_at,
         k.retired_at is null and k.version = max(k.version) filter (where k.retired_at is null) over (partition by k.kind) as is_current
       from private.list_org_keys($1) k) keys
     where $2::text is null or kind > $2 or kind = $2 and version < $3::integer
     order by kind, version desc`,
    [orgId, kind ?? null, version ?? null],
    { limit, placeOf: (row) => [row.kind, String(row.version)] },
  );
}

/** The newest version of the org's keys of this kind, also when it is retired; undefined before the first. */
export async function findNewestVersion(sql: Sql, orgId: string, kind: KeyRow['kind']): Promise<number | undefined> {
  const [row] = await sql<{ version: number | null }>('select max(version) as version from private.list_org_keys($1) where kind = $2', [
    orgId,
    kind,
  ]);
  return row?.version ?? undefined;
}

/** Returns false when the version is no longer the next one. */
export async function addKey(
  sql: Sql,
  key: { orgId: string; kind: KeyRow['kind']; version: number; wrapped: Uint8Array; masterVersion: number },
): Promise<boolean> {
  const [row] = await sql<{ added: boolean }>('select private.add_org_key($1, $2, $3, $4, $5) as added', [
    key.orgId,
    key.kind,
    key.version,
    Buffer.from(key.wrapped),
    key.masterVersion,
  ]);
  return row?.added ?? false;
}
