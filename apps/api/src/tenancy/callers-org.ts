import { countryByDefault } from '@tributary/pipeline/columns.ts';
import type { Sql } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';

export interface CallersOrg {
  id: string;
  role: 'owner' | 'admin' | 'analyst';
}

/**
 * The org that a request is about: the one it names, or else the only org of the caller. Run it as the caller, under RLS.
 * Throws Refusal `not_found` for an org that the caller is not a member of, `invalid_request` when the request must name one of several.
 */
export async function resolveOrg(sql: Sql, orgId: string | undefined): Promise<CallersOrg> {
  const orgs = await sql<CallersOrg>(
    `select org_id as id, role from public.org_members
     where user_id = (select auth.uid()) and org_id = any (array(select private.my_orgs())) and ($1::uuid is null or org_id = $1)
     limit 2`,
    [orgId ?? null],
  );
  const [org, another] = orgs;
  if (!org) throw new Refusal('not_found', orgId === undefined ? 'you are not a member of any org' : 'there is no such org');
  if (another) throw new Refusal('invalid_request', 'you are a member of several orgs: say which one with orgId');
  return org;
}

const ranks = { owner: 2, admin: 1, analyst: 0 } as const;

/** Throws Refusal `forbidden` when the role of the caller is lower than it was: what was begun with that role ends. */
export function requireStill(before: CallersOrg['role'], { role }: CallersOrg): void {
  if (ranks[role] < ranks[before]) throw new Refusal('forbidden', 'you no longer have the role with which you began this');
}

/** Like {@link resolveOrg}, for commands that only an owner or admin may give. Throws Refusal `forbidden` for an analyst. */
export async function resolveOrgToWrite(sql: Sql, orgId: string | undefined): Promise<CallersOrg> {
  const org = await resolveOrg(sql, orgId);
  if (org.role === 'analyst') throw new Refusal('forbidden', 'only an owner or admin of the org may do this');
  await requireSecondFactor(sql, org.id);
  return org;
}

/** Throws a database error, which is answered 403 `mfa_required`, when the org requires a second factor and the caller signed in without one. */
export async function requireSecondFactor(sql: Sql, orgId: string): Promise<void> {
  await sql('select private.check_second_factor($1)', [orgId]);
}

/**
 * Throws Refusal `org_suspended` for commands that change no row of the org, such as sending a test message. Commands that change one are
 * refused by the database.
 */
export async function requireActive(sql: Sql, orgId: string): Promise<void> {
  const [suspended] = await sql('select from public.orgs where id = $1 and suspended_at is not null', [orgId]);
  if (suspended)
    throw new Refusal('org_suspended', 'an operator of this server has suspended the org: its members can read and change nothing');
}

/** The countries to assume for a telephone number without a country code: the default, and up to four that the org's connections name. */
export async function findCountries(sql: Sql, orgId: string): Promise<string[]> {
  const rows = await sql<{ country: string }>(
    `select distinct config_json ->> 'defaultCountry' as country from public.source_connections
     where org_id = $1 and config_json ->> 'defaultCountry' ~ '^[A-Z]{2}$' limit 4`,
    [orgId],
  );
  return [...new Set([countryByDefault, ...rows.map(({ country }) => country)])];
}
