import type { Operator, OperatorAct, OrgForOperator } from '@tributary/shared/operators.ts';
import type { Quota } from '@tributary/shared/quotas.ts';
import type { Db } from '../platform/db.ts';
import { type Cursor, type Page, readPage } from '../platform/pages.ts';

type Statement = Pick<Db, 'workerStatement'>;

// Accounts and the journal ------------------------------------------------------------------------------------------------

/** The accounts that are valid now, with the SHA-256 of their tokens in hexadecimal. */
export async function listActiveOperators(db: Statement): Promise<{ name: string; sha256: string }[]> {
  return db.workerStatement(`select name, encode(token_sha256, 'hex') as sha256 from private.active_operators()`);
}

export async function recordUse(db: Statement, name: string): Promise<void> {
  await db.workerStatement('select private.use_operator($1)', [name]);
}

export async function createOperator(db: Statement, by: string, name: string, sha256: Uint8Array): Promise<void> {
  await db.workerStatement('select private.create_operator($1, $2, $3)', [by, name, Buffer.from(sha256)]);
}

/** Returns false when no account of this name is active. */
export async function revokeOperator(db: Statement, by: string, name: string): Promise<boolean> {
  const [row] = await db.workerStatement<{ revoked: boolean }>('select private.revoke_operator($1, $2) as revoked', [by, name]);
  return row?.revoked ?? false;
}

export async function listOperators(db: Statement): Promise<Operator[]> {
  return db.workerStatement<Operator>(
    `select name, created_by as "createdBy", created_at as "createdAt", last_used_on::text as "lastUsedOn", revoked_at as "revokedAt"
     from private.list_operators()`,
  );
}

export async function listActs(
  db: Pick<Db, 'worker'>,
  { orgId, before, limit }: { orgId: string | undefined; before: string | undefined; limit: number },
): Promise<Page<OperatorAct>> {
  return db.worker((sql) =>
    readPage<OperatorAct>(
      sql,
      'select id, at, operator, action, org_id as "orgId", reason, detail from private.list_operator_acts($1, $2, $3)',
      [orgId ?? null, before ?? null, limit + 1],
      { limit, placeOf: ({ id }) => [id] },
    ),
  );
}

// Orgs --------------------------------------------------------------------------------------------------------------------

interface OrgRow {
  id: string;
  name: string;
  slug: string;
  created_at: string;
  created_us: string;
  suspended_at: string | null;
  suspended_reason: string | null;
  exceeded: string | null;
  members: string;
  connections: string;
  events_today: string;
  bytes_today: string;
  stored_bytes: string;
  open_work: string;
}

export async function listOrgs(
  db: Pick<Db, 'worker'>,
  query: { search: string | undefined; suspended: boolean | undefined; before: Cursor | undefined; limit: number },
): Promise<Page<OrgRow>> {
  const { search = null, suspended = null, before, limit } = query;
  return db.worker((sql) =>
    readPage<OrgRow>(
      sql,
      'select * from private.list_orgs(null, $1, $2, $3, $4, $5)',
      [search, suspended, before?.us ?? null, before?.id ?? null, limit + 1],
      { limit, placeOf: (row) => [row.created_us, row.id] },
    ),
  );
}

export async function findOrg(db: Statement, id: string): Promise<OrgRow | undefined> {
  const [row] = await db.workerStatement<OrgRow>('select * from private.list_orgs($1, null, null, null, null, 1)', [id]);
  return row;
}

export function toOrg(row: OrgRow): OrgForOperator {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    createdAt: row.created_at,
    suspendedAt: row.suspended_at,
    suspendedReason: row.suspended_reason,
    exceeded: row.exceeded,
    members: Number(row.members),
    connections: Number(row.connections),
    eventsToday: Number(row.events_today),
    bytesToday: Number(row.bytes_today),
    storedBytes: Number(row.stored_bytes),
    openWork: Number(row.open_work),
  };
}

export async function listOwners(db: Statement, orgId: string): Promise<string[]> {
  return (await db.workerStatement<{ email: string }>('select email from private.list_org_owners($1)', [orgId])).map(({ email }) => email);
}

/** Without an org: the defaults. */
export async function listQuotas(db: Statement, orgId: string | undefined): Promise<Quota[]> {
  const rows = await db.workerStatement<{ name: string; value: string; default_value: string; used: string }>(
    'select * from private.list_quotas($1)',
    [orgId ?? null],
  );
  return rows.map((row) => ({ name: row.name, value: Number(row.value), defaultValue: Number(row.default_value), used: Number(row.used) }));
}

/** Each returns false when there is no such org. Without an org, `setQuotas` sets the defaults. */
export async function setQuotas(
  db: Statement,
  operator: string,
  orgId: string | undefined,
  reason: string | undefined,
  values: Record<string, number | null>,
): Promise<boolean> {
  return isDone(db, 'select private.set_quotas($1, $2, $3, $4) as done', [operator, orgId ?? null, reason ?? null, JSON.stringify(values)]);
}

export async function suspendOrg(db: Statement, operator: string, orgId: string, reason: string): Promise<boolean> {
  return isDone(db, 'select private.suspend_org($1, $2, $3) as done', [operator, orgId, reason]);
}

export async function reactivateOrg(db: Statement, operator: string, orgId: string, reason: string | undefined): Promise<boolean> {
  return isDone(db, 'select private.reactivate_org($1, $2, $3) as done', [operator, orgId, reason ?? null]);
}

async function isDone(db: Statement, sql: string, values: unknown[]): Promise<boolean> {
  const [row] = await db.workerStatement<{ done: boolean }>(sql, values);
  return row?.done ?? false;
}
