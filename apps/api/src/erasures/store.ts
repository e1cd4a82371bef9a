import type { Erasure } from '@tributary/shared/erasures.ts';
import type { TextTable } from '../deliveries/text-tables.ts';
import type { Sql } from '../platform/db.ts';
import { type Cursor, type Page, readNewest } from '../platform/pages.ts';
import type { SearchedRow } from './rows.ts';

/** An identifier of a person as the subjects of events have it: `{ email: <hash> }`, one per identifier and version of the hash key. */
export type SubjectProbe = Record<string, string>;

export interface ErasureRow {
  id: string;
  org_id: string;
  kinds: Erasure['kinds'];
  reference: string | null;
  status: Erasure['status'];
  waits_for: string | null;
  scanned: number;
  cursor_at: string | null;
  events: number;
  deliveries: number;
  dead_letters: number;
  other_rows: number;
  unreadable: number;
  created_by: string;
  created_at: string;
  completed_at: string | null;
}

const columns = `id, org_id, kinds, reference, status, waits_for, scanned::integer, cursor_at, events, deliveries, dead_letters, other_rows, unreadable, created_by,
  created_at, completed_at`;

// As the caller, under RLS.

/** The exact number of events about the person. Raises 42501 for callers who are neither owner nor admin. */
export async function countEvents(sql: Sql, orgId: string, subjects: readonly SubjectProbe[]): Promise<number> {
  const [row] = await sql<{ events: number }>('select private.count_events_of_person($1, $2::jsonb[]) as events', [
    orgId,
    jsonArray(subjects),
  ]);
  return row?.events ?? 0;
}

export async function findErasuresOfPerson(
  sql: Sql,
  orgId: string,
  digests: readonly string[],
): Promise<{ id: string; completedAt: string }[]> {
  return sql('select id, completed_at as "completedAt" from private.find_erasures_of_person($1, $2)', [orgId, digests]);
}

export async function startErasure(
  sql: Sql,
  erasure: { id: string; orgId: string; kinds: readonly string[]; reference: string | undefined; keyVersion: number; sealed: Uint8Array },
): Promise<ErasureRow> {
  await sql('select private.start_erasure($1, $2, $3, $4, $5, $6)', [
    erasure.id,
    erasure.orgId,
    erasure.kinds,
    erasure.reference ?? null,
    erasure.keyVersion,
    Buffer.from(erasure.sealed),
  ]);
  const row = await findErasure(sql, erasure.id);
  if (!row) throw new Error('the erasure that was started cannot be found');
  return row;
}

/** Undefined when there is no such erasure, or when the caller may not see the erasure. */
export async function findErasure(sql: Sql, id: string): Promise<ErasureRow | undefined> {
  const [row] = await sql<ErasureRow>(`select ${columns} from public.erasures where id = $1`, [id]);
  return row;
}

/** A page of the org's erasures, newest first. */
export async function listErasures(sql: Sql, orgId: string, limit: number, after: Cursor | undefined): Promise<Page<ErasureRow>> {
  return readNewest<ErasureRow>(
    sql,
    { columns, from: 'public.erasures', where: 'org_id = $1', values: [orgId], time: 'created_at', id: 'id' },
    limit,
    after,
  );
}

// As `worker`.

/** An erasure that this process works on. Times are text, because a Date would lose the microseconds. */
export interface ClaimedErasure {
  id: string;
  org_id: string;
  cursor_at: string | null;
  cursor_id: string | null;
  key_version: number;
  sealed: Buffer;
}

/** Claims open erasures that no process holds, those of the orgs in `holding` last. */
export function claimErasures(sql: Sql, owner: string, leaseSeconds: number, most: number, holding: string[]): Promise<ClaimedErasure[]> {
  return sql<ClaimedErasure>('select * from private.claim_erasures($1, $2, $3, $4)', [owner, leaseSeconds, most, holding]);
}

/** Empties at most 500 of the events about the person, and returns their number. */
export async function eraseEvents(sql: Sql, orgId: string, subjects: readonly SubjectProbe[]): Promise<number> {
  const [row] = await sql<{ erased: number }>('select private.erase_events($1, $2::jsonb[], 500) as erased', [orgId, jsonArray(subjects)]);
  return row?.erased ?? 0;
}

export async function eraseDeliveries(
  sql: Sql,
  orgId: string,
  ids: readonly string[],
): Promise<{ deliveries: number; deadLetters: number }> {
  const [row] = await sql<{ deliveries: number; dead_letters: number }>('select * from private.erase_deliveries($1, $2)', [orgId, ids]);
  return { deliveries: row?.deliveries ?? 0, deadLetters: row?.dead_letters ?? 0 };
}

/** Empties the properties of the events that these records became, and returns their number. */
export async function eraseRecordedEvents(
  sql: Sql,
  orgId: string,
  records: readonly { connectionId: string; key: string }[],
): Promise<number> {
  if (records.length === 0) return 0;
  const [row] = await sql<{ erased: number }>('select private.erase_recorded_events($1, $2, $3) as erased', [
    orgId,
    records.map(({ connectionId }) => connectionId),
    records.map(({ key }) => key),
  ]);
  return row?.erased ?? 0;
}

/** How far the search of the rows has come: the table, and the last row of the table that was searched. */
export interface RowCursor {
  table: number;
  at: string | null;
  id: string | null;
}

export async function findRowCursor(sql: Sql, id: string): Promise<RowCursor> {
  const [row] = await sql<{ row_cursor: string | null }>('select row_cursor from public.erasures where id = $1', [id]);
  return row?.row_cursor ? (JSON.parse(row.row_cursor) as RowCursor) : { table: 0, at: null, id: null };
}

export async function findRows(sql: Sql, orgId: string, table: TextTable, after: RowCursor, limit: number): Promise<SearchedRow[]> {
  return sql<SearchedRow>('select at, id, texts from private.find_rows_to_search($1, $2, $3, $4, $5)', [
    orgId,
    table,
    after.at,
    after.id,
    limit,
  ]);
}

/** Returns the number of rows that were changed. */
export async function eraseTexts(sql: Sql, orgId: string, table: TextTable, rows: readonly SearchedRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const [row] = await sql<{ erased: number }>('select private.erase_texts($1, $2, $3::jsonb) as erased', [
    orgId,
    table,
    JSON.stringify(rows),
  ]);
  return row?.erased ?? 0;
}

/** Stores the digests of the identifiers, with which the org can show later that this person was erased. */
export async function keepErasedPerson(sql: Sql, id: string, owner: string, digests: readonly string[]): Promise<void> {
  await sql('select private.keep_erased_person($1, $2, $3)', [id, owner, digests]);
}

export interface Scanned {
  id: string;
  at: string;
  byte_size: number;
  source_connection_id: string;
}

/**
 * The org's deliveries after the cursor, oldest first, without those of the last `commitSecondsMax`, which may not all be committed yet.
 */
export async function findNextDeliveries(sql: Sql, erasure: ClaimedErasure, commitSecondsMax: number, limit: number): Promise<Scanned[]> {
  return sql<Scanned>(
    `select j.id, j.received_at::text as at, j.byte_size, j.source_connection_id from public.event_journal j
     where j.org_id = $1 and j.received_at <= now() - make_interval(secs => $4)
       and ($2::timestamptz is null or (j.received_at, j.id) > ($2::timestamptz, $3::uuid))
     order by j.received_at, j.id limit $5`,
    [erasure.org_id, erasure.cursor_at, erasure.cursor_id, commitSecondsMax, limit],
  );
}

/** Returns what is needed to read the deliveries of these connections, deleted ones included. */
export async function findReaders(sql: Sql, ids: readonly string[]): Promise<{ id: string; type: string; config_json: unknown }[]> {
  return sql('select id, type, config_json from public.source_connections where id = any ($1::uuid[])', [ids]);
}

export interface ErasureProgress {
  events?: number;
  deliveries?: number;
  deadLetters?: number;
  unreadable?: number;
  scanned?: number;
  cursor?: { at: string; id: string } | undefined;
  otherRows?: number;
  rowCursor?: RowCursor;
}

/** Adds progress and renews the lease. Returns false when this owner no longer has the lease: the transaction must then be rolled back. */
export async function saveProgress(sql: Sql, id: string, owner: string, leaseSeconds: number, done: ErasureProgress): Promise<boolean> {
  const rows = await sql(
    `update public.erasures
     set events = events + $4, deliveries = deliveries + $5, dead_letters = dead_letters + $6, unreadable = unreadable + $7, scanned = scanned + $8,
       cursor_at = coalesce($9::timestamptz, cursor_at), cursor_id = coalesce($10::uuid, cursor_id),
       other_rows = other_rows + $11, row_cursor = coalesce($12, row_cursor),
       found_at = case when $5 > 0 then now() else found_at end, waits_for = null, lease_until = now() + make_interval(secs => $3)
     where id = $1 and lease_owner = $2 and status = 'running' returning 1`,
    [
      id,
      owner,
      leaseSeconds,
      done.events ?? 0,
      done.deliveries ?? 0,
      done.deadLetters ?? 0,
      done.unreadable ?? 0,
      done.scanned ?? 0,
      done.cursor?.at ?? null,
      done.cursor?.id ?? null,
      done.otherRows ?? 0,
      done.rowCursor ? JSON.stringify(done.rowCursor) : null,
    ],
  );
  return rows.length > 0;
}

/**
 * Whether the erasure has searched every delivery that can name the person: the deliveries that had arrived when the erasure was requested,
 * and the deliveries that replays have written which were running when a body was erased.
 */
export async function hasSeenEverything(sql: Sql, id: string, commitSecondsMax: number): Promise<boolean> {
  const [row] = await sql<{ seen_everything: boolean }>(
    'select now() - make_interval(secs => $2) >= greatest(created_at, found_at) as seen_everything from public.erasures where id = $1',
    [id, commitSecondsMax],
  );
  return row?.seen_everything ?? false;
}

/** Returns false when another event about the person was found. */
export async function completeErasure(sql: Sql, id: string, owner: string, subjects: readonly SubjectProbe[]): Promise<boolean> {
  const [row] = await sql<{ completed: boolean }>('select private.complete_erasure($1, $2, $3::jsonb[]) as completed', [
    id,
    owner,
    jsonArray(subjects),
  ]);
  return row?.completed ?? false;
}

/** Gives the erasure back, to be claimed again after `seconds`. `waitsFor` tells people why the erasure waits. */
export async function releaseErasure(sql: Sql, id: string, owner: string, seconds: number, waitsFor: string | null = null): Promise<void> {
  await sql(
    `update public.erasures set lease_owner = null, lease_until = now() + make_interval(secs => $3), waits_for = $4
     where id = $1 and lease_owner = $2 and status = 'running'`,
    [id, owner, seconds, waitsFor],
  );
}

function jsonArray(values: readonly object[]): string[] {
  return values.map((value) => JSON.stringify(value));
}
