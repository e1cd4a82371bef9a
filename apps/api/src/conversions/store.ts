import { textTables } from '../deliveries/text-tables.ts';
import type { Sql } from '../platform/db.ts';

// Every statement here runs as `worker`.

/** How far a conversion has come: through the keys of the connections first, then through the tables, each in the order of its index. */
export type Place = { connection: string | null; key: string | null } | { table: number; at: string | null; id: string | null };

export interface ClaimedConversion {
  id: string;
  org_id: string;
  place: string | null;
}

export function claimConversions(sql: Sql, owner: string, leaseSeconds: number, most: number, holding: string[]) {
  return sql<ClaimedConversion>('select * from private.claim_id_conversions($1, $2, $3, $4)', [owner, leaseSeconds, most, holding]);
}

/** Returns false when `owner` does not hold the lease any more. */
export async function saveConversion(
  sql: Sql,
  orgId: string,
  owner: string,
  progress: { leaseSeconds: number; place: Place; seen: number; changed: number; isDone: boolean },
): Promise<boolean> {
  const [row] = await sql<{ saved: boolean }>('select private.save_id_conversion($1, $2, $3, $4, $5, $6, $7) as saved', [
    orgId,
    owner,
    progress.leaseSeconds,
    JSON.stringify(progress.place),
    progress.seen,
    progress.changed,
    progress.isDone,
  ]);
  return row?.saved === true;
}

export async function releaseConversion(sql: Sql, orgId: string, owner: string, waitSeconds: number, waitsFor: string | null) {
  await sql('select private.release_id_conversion($1, $2, $3, $4)', [orgId, owner, waitSeconds, waitsFor]);
}

/** The connections of the org, deleted ones too, with the types of their sources. */
export function findConnections(sql: Sql, orgId: string): Promise<{ id: string; type: string }[]> {
  return sql('select id, type from public.source_connections where org_id = $1 order by id', [orgId]);
}

export interface StoredKey {
  source_connection_id: string;
  idempotency_key: string;
}

export function findKeys(sql: Sql, connectionIds: readonly string[], after: Extract<Place, { key: unknown }>, limit: number) {
  return sql<StoredKey>('select * from private.find_keys_to_convert($1, $2, $3, $4)', [connectionIds, after.connection, after.key, limit]);
}

export interface NewKey extends StoredKey {
  former_key: string;
  spare_key: string;
}

export async function convertKeys(sql: Sql, keys: readonly NewKey[]): Promise<void> {
  if (keys.length === 0) return;
  await sql('select private.convert_keys(array(select k from json_populate_recordset(null::private.key_row, $1) k))', [
    JSON.stringify(keys),
  ]);
}

/** A row with its texts as one JSON object. They stay JSON text, because a JavaScript number has not all digits. */
export interface TextRow {
  at: string;
  id: string;
  texts: string;
}

export function findTexts(sql: Sql, orgId: string, after: Extract<Place, { table: number }>, limit: number): Promise<TextRow[]> {
  return sql('select at, id, texts::text as texts from private.find_rows_to_search($1, $2, $3, $4, $5)', [
    orgId,
    textTables[after.table],
    after.at,
    after.id,
    limit,
  ]);
}

/** Returns how many of the rows still had the texts of `was`. */
export async function replaceTexts(sql: Sql, orgId: string, table: number, rows: readonly (TextRow & { was: string })[]) {
  if (rows.length === 0) return 0;
  const [row] = await sql<{ replaced: number }>('select private.replace_texts($1, $2, $3) as replaced', [
    orgId,
    textTables[table],
    `[${rows.map(({ at, id, was, texts }) => `{"at":${JSON.stringify(at)},"id":${JSON.stringify(id)},"was":${was},"texts":${texts}}`).join(',')}]`,
  ]);
  return row?.replaced ?? 0;
}
