import type { OrgSecurity } from '@tributary/shared/approvals.ts';
import type { RetentionRule } from '@tributary/shared/retention.ts';
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

export interface RetentionRow {
  kind: RetentionRule['kind'];
  keep_days: number;
  maximum_days: number;
  chosen_days: number | null;
  applies_from: string | null;
}

/** Empty for an org that the caller is not a member of. */
export function listRetention(sql: Sql, orgId: string): Promise<RetentionRow[]> {
  return sql<RetentionRow>(
    `select kind, keep_days, maximum_days, chosen_days, applies_from from public.data_retention where org_id = $1
     order by array_position('{events,deliveries,dead_letters,activity}'::text[], kind)`,
    [orgId],
  );
}

/** null: as long as the platform keeps it. */
export async function setRetention(sql: Sql, orgId: string, kind: RetentionRule['kind'], days: number | null): Promise<void> {
  await sql('select private.set_data_retention($1, $2, $3)', [orgId, kind, days]);
}

export interface DeletionRow {
  status: 'scheduled' | 'running';
  requested_by: string | null;
  requested_at: string;
  starts_at: string;
  waits_for: string | null;
  rows_deleted: number;
}

export async function findDeletion(sql: Sql, orgId: string): Promise<DeletionRow | undefined> {
  const [row] = await sql<DeletionRow>(
    `select status, requested_by, requested_at, starts_at, waits_for, rows_deleted::double precision
     from public.org_deletions where org_id = $1 and status <> 'done'`,
    [orgId],
  );
  return row;
}

/** A deletion that was requested before does not change. */
export async function requestDeletion(sql: Sql, orgId: string, name: string): Promise<void> {
  await sql('select private.request_org_deletion($1, $2)', [orgId, name]);
}

/** Returns false when there is none that can be cancelled. */
export async function cancelDeletion(sql: Sql, orgId: string): Promise<boolean> {
  const [row] = await sql<{ cancelled: boolean }>('select private.cancel_org_deletion($1) as cancelled', [orgId]);
  return row?.cancelled ?? false;
}

/** The security settings of an org; those of an org that never changed them require nothing. */
export async function findSecurity(sql: Sql, orgId: string): Promise<OrgSecurity> {
  const [row] = await sql<{ requires_second_factor: boolean; second_person: OrgSecurity['secondPerson']; purge_count: number }>(
    'select requires_second_factor, second_person, purge_count from public.org_security where org_id = $1',
    [orgId],
  );
  return {
    requiresSecondFactor: row?.requires_second_factor ?? false,
    secondPerson: row?.second_person ?? [],
    purgeCount: row?.purge_count ?? 100,
  };
}

/** Returns undefined when the settings were changed, or the reason why not: see private.set_org_security. */
export async function setSecurity(sql: Sql, orgId: string, settings: OrgSecurity): Promise<string | undefined> {
  const [row] = await sql<{ refusal: string | null }>('select private.set_org_security($1, $2, $3, $4) as refusal', [
    orgId,
    settings.requiresSecondFactor,
    settings.secondPerson,
    settings.purgeCount,
  ]);
  return row?.refusal ?? undefined;
}
