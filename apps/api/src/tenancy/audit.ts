import type { Sql } from '../platform/db.ts';

/**
 * Records in the org's audit log that the caller looked for people; run it as the caller. `hashes` are keyed hashes of the people's
 * identifiers: the database stores pseudonyms of them, so that the log names nobody.
 */
export async function recordLookUp(
  sql: Sql,
  orgId: string,
  action: 'people.look_up' | 'people.count',
  hashes: readonly string[],
): Promise<void> {
  await sql('select private.audit_look_up($1, $2, $3)', [orgId, action, hashes]);
}
