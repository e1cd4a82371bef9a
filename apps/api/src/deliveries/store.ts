import type { Db, Sql } from '../platform/db.ts';

/** A connection as private.find_connection answers it. */
export interface StoredConnection {
  id: string;
  org_id: string;
  project_id: string;
  type: string;
  is_active: boolean;
  priority: 'normal' | 'low';
  rate_limit_per_second: number | null;
  org_rate_limit_per_second: number | null;
  config: unknown;
  secrets: { name: string; sealed: string; expires_at: string | null }[];
}

/** Undefined: unknown or deleted. */
export async function findConnection(db: Pick<Db, 'ingest'>, id: string): Promise<StoredConnection | undefined> {
  const [row] = await db.ingest<{ connection: StoredConnection | null }>('select private.find_connection($1) as connection', [id]);
  return row?.connection ?? undefined;
}

/** A row of event_journal, and where its sealed body lies in the batch's one buffer. */
export interface DeliveryRow {
  id: string;
  org_id: string;
  project_id: string;
  source_connection_id: string;
  received_at: string;
  content_type: string | null;
  byte_size: number;
  body_sha256: string;
  is_test: boolean;
  replay_of: string | null;
  /** Canonical types and the platform's own names of its events, each once. */
  event_types: string[];
  key_version: number;
  sealed_at: number;
  sealed_length: number;
}

export interface KeyRow {
  source_connection_id: string;
  idempotency_key: string;
  event_id: string;
  event_time: string;
  body_sha256: string;
  journal_id: string;
  dlq_id: string;
}

export interface DeadRow {
  id: string;
  org_id: string;
  project_id: string;
  source_connection_id: string;
  journal_id: string;
  record_index: number | null;
  error_class: string;
  last_error_message: string;
  field_path: string | null;
  source_event_type: string | null;
  idempotency_key: string | null;
  next_retry_at: string | null;
  is_quarantine: boolean;
  sample: unknown;
}

/** A row of canonical_events, with its position in the delivery. */
export interface EventRow {
  id: string;
  record_index: number;
  type: string;
  source_type: string;
  source_event_type: string;
  event_time: string;
  [column: string]: unknown;
}

/** One delivery, ready to be written: its journal row, its sealed body, and a row for each of its records. */
export interface WriteItem {
  delivery: Omit<DeliveryRow, 'sealed_at' | 'sealed_length'>;
  sealed: Uint8Array;
  records: WriteRecord[];
}

export type WriteRecord = { key: KeyRow; event: EventRow } | { dead: DeadRow };

export interface BatchRows {
  deliveries: DeliveryRow[];
  keys: KeyRow[];
  events: object[];
  dead: DeadRow[];
  sealed: Uint8Array;
}

/** A record whose key was taken: by the same body (`duplicate`) or by another one (`conflict`). */
export interface KnownKey {
  event_id: string;
  stored_event_id: string;
  outcome: 'duplicate' | 'conflict';
}

/** The same of a batch out of the journal, which may rewrite what is stored (private.rewrite_events). */
export interface ReplayedKey extends Omit<KnownKey, 'outcome'> {
  outcome: KnownKey['outcome'] | 'rewritten' | 'older';
  revision?: number;
}

const ingestBatch = 'select private.ingest_batch($1, $2, $3, $4, $5) as known';

function batchValues(rows: BatchRows): unknown[] {
  return [JSON.stringify(rows.deliveries), JSON.stringify(rows.keys), JSON.stringify(rows.events), JSON.stringify(rows.dead), rows.sealed];
}

/** One statement, one transaction, one round trip. Resolves after commit with the records that were not new. */
export async function writeBatch(db: Pick<Db, 'ingest'>, rows: BatchRows): Promise<KnownKey[]> {
  const [row] = await db.ingest<{ known: KnownKey[] }>(ingestBatch, batchValues(rows));
  return row?.known ?? [];
}

/** Throws what {@link writeBatch} would throw, and leaves nothing behind. */
export async function tryBatch(db: Pick<Db, 'ingestDryRun'>, rows: BatchRows): Promise<void> {
  await db.ingestDryRun((sql) => sql(ingestBatch, batchValues(rows)));
}

/** {@link writeBatch} out of the journal, as `worker`; with `rewrite` what is stored gives way. */
export async function replayBatch(sql: Sql, rows: BatchRows, rewrite: boolean): Promise<ReplayedKey[]> {
  const [row] = await sql<{ known: ReplayedKey[] }>('select private.replay_batch($1, $2, $3, $4, $5, $6) as known', [
    ...batchValues(rows),
    rewrite,
  ]);
  return row?.known ?? [];
}

/** How many of `wanted` rejected deliveries may still be stored this hour. */
export async function takeQuarantine(db: Pick<Db, 'ingest'>, connectionId: string, wanted: number, perHour: number): Promise<number> {
  const [row] = await db.ingest<{ free: number }>('select private.take_quarantine($1, $2, $3) as free', [connectionId, wanted, perHour]);
  return row?.free ?? 0;
}

export async function countRejected(db: Pick<Db, 'ingest'>, orgId: string, connectionId: string, rejected: number): Promise<void> {
  await db.ingest('select private.count_rejected($1, $2, $3)', [orgId, connectionId, rejected]);
}
