import type { Quota } from '@tributary/shared/quotas.ts';
import type { Sql } from '../platform/db.ts';

/** Run it as an owner or admin of the org: for others the database refuses. */
export async function findQuotas(sql: Sql, orgId: string): Promise<Quota[]> {
  const rows = await sql<{ name: string; value: string; default_value: string; used: string }>(
    'select name, value, default_value, used from private.find_org_quotas($1)',
    [orgId],
  );
  return rows.map((row) => ({
    name: row.name,
    value: Number(row.value),
    defaultValue: Number(row.default_value),
    used: Number(row.used),
  }));
}
