import type { Sql } from '../db.ts';

// Every statement runs as the caller, under RLS.

export interface OrgRow {
  id: string;
  name: string;
  slug: string;
  role: 'owner' | 'admin' | 'analyst';
  rate_limit_per_second: number | null;
  created_at: string;
}

/** Undefined: none, or another's. */
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
    /** null takes the limit away. */
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
