import { type Db, prepared, type Sql } from '../platform/db.ts';
import { batchArguments, batchParameters, batchValues } from './columns.ts';
import type { BatchRows } from './rows.ts';

/** A connection as private.find_connection returns it. */
export interface StoredConnection {
  id: string;
  org_id: string;
  project_id: string;
  type: string;
  is_active: boolean;
  priority: 'normal' | 'low';
  rate_limit_per_second: number | null;
  org_rate_limit_per_second: number | null;
  allowed_ips: string[] | null;
  is_suspended: boolean;
  org_suspended: boolean;
  /** The name of the exceeded quota of the org. */
  over_quota: string | null;
  config: unknown;
  secrets: { name: string; sealed: string; expires_at: string | null }[];
}

/** Undefined when the connection is unknown or deleted. */
export async function findConnection(db: Pick<Db, 'lookUp'>, id: string): Promise<StoredConnection | undefined> {
  const [row] = await db.lookUp<{ connection: StoredConnection | null }>('select private.find_connection($1) as connection', [id]);
  return row?.connection ?? undefined;
}

/** The ids among these that are connections. */
export async function findExistingIds(db: Pick<Db, 'lookUp'>, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db.lookUp<{ id: string }>('select id from private.existing_connections($1) as id', [ids]);
  return new Set(rows.map((row) => row.id));
}

/** A record whose idempotency key was stored before, with the same body (`duplicate`) or with another body (`conflict`). */
export interface ExistingKey {
  event_id: string;
  stored_event_id: string;
  outcome: 'duplicate' | 'conflict';
}

/** A dead letter of a batch that raised the count of an open entry of its record, or was written into this entry by a replay. */
export interface RaisedEntry {
  dlq_id: string;
  entry_id: string;
}

/** What a batch found: records whose keys were stored before, and dead letters whose records have an open entry. */
export type Found<Key = ExistingKey> = (Key | RaisedEntry)[];

/** An {@link ExistingKey} in a batch from the journal, which may rewrite stored events (private.rewrite_events). */
export interface ReplayedKey extends Omit<ExistingKey, 'outcome'> {
  outcome: ExistingKey['outcome'] | 'rewritten' | 'older';
  revision?: number;
}

const ingestBatch = prepared('ingest_batch', `select private.ingest_batch(${batchArguments}) as existing`);
const replayedBatch = prepared('replay_batch', `select private.replay_batch(${batchArguments}, $${batchParameters + 1}) as existing`);

/**
 * Writes a batch by one statement, as `ingest` or `worker`: a transaction by itself, or part of an open one. Returns the records that
 * were not new.
 */
export async function writeBatch(sql: Sql, rows: BatchRows): Promise<Found> {
  const [row] = await sql<{ existing: Found }>(ingestBatch, batchValues(rows));
  return row?.existing ?? [];
}

/** Writes a batch from the journal as {@link writeBatch} does, as `worker`. With `rewrite`, stored events are rewritten. */
export async function replayBatch(sql: Sql, rows: BatchRows, rewrite: boolean): Promise<Found<ReplayedKey>> {
  const [row] = await sql<{ existing: Found<ReplayedKey> }>(replayedBatch, [...batchValues(rows), rewrite]);
  return row?.existing ?? [];
}

/**
 * Takes up to `wanted` of the places that this hour's quarantine of the connection has for deliveries with, or without, a credential. Returns how
 * many were free.
 */
export async function takeQuarantine(
  db: Pick<Db, 'ingest'>,
  connectionId: string,
  wanted: number,
  perHour: number,
  hasCredential: boolean,
): Promise<number> {
  const [row] = await db.ingest<{ free: number }>('select private.take_quarantine($1, $2, $3, $4) as free', [
    connectionId,
    wanted,
    perHour,
    hasCredential,
  ]);
  return row?.free ?? 0;
}

/** Refused deliveries of a connection, as private.count_rejections takes them. */
export interface RejectionCount {
  org_id: string;
  source_connection_id: string;
  /** The reason, by the code of the answer. */
  code: string;
  /** Answers that refused a delivery for this reason. */
  refused: number;
  /** Rejected deliveries that are not in the quarantine, and that no batch has counted. */
  unstored: number;
}

export async function countRejections(db: Pick<Db, 'ingest'>, counts: readonly RejectionCount[]): Promise<void> {
  await db.ingest('select private.count_rejections($1)', [JSON.stringify(counts)]);
}

/** A delivery as the journal keeps it, with its sealed body. */
export interface JournalEntry {
  id: string;
  org_id: string;
  source_connection_id: string;
  received_at: string;
  record_count: number;
  outcome: 'accepted' | 'duplicate' | 'dead_lettered' | 'mixed' | 'rejected' | 'incomplete';
  is_test: boolean;
  replay_of: string | null;
  key_version: number;
  sealed: Buffer;
}

/** As `worker`. Entries whose partition was dropped by retention are missing from the result. */
export async function findJournalEntries(sql: Sql, ids: readonly string[]): Promise<Map<string, JournalEntry>> {
  const rows = await sql<JournalEntry>(
    `select j.id, j.org_id, j.source_connection_id, j.received_at, j.record_count, j.outcome, j.is_test, j.replay_of, p.key_version, p.sealed
     from public.event_journal j
     join private.journal_payloads p on p.journal_id = j.id and p.received_at = j.received_at
     where j.id = any ($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
