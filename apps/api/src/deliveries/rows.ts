import type { List } from '../platform/packed-list.ts';

/** A row of event_journal. */
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
  /** The canonical types of the delivery's events and the platform's own names for them, each once. */
  event_types: string[];
  key_version: number;
  /** Which part of a large delivery is in the batch; left out when the delivery is written whole. See parts.ts. */
  part?: 'first' | 'next' | 'last';
  /** In the first part, the number of the records of all parts. */
  record_total?: number;
  /** In the last part, the outcomes of the records of earlier parts, each once. */
  outcomes_before?: string[];
}

export interface KeyRow {
  source_connection_id: string;
  idempotency_key: string;
  event_id: string;
  event_time: string;
  body_sha256: string;
  journal_id: string;
  dlq_id: string;
  /** In a replay: the `record_key` that dead letters of this record may have. Hexadecimal. */
  record_keys?: string[];
  /** In an org whose stored ids are not converted: the key under which the record may be stored. */
  former_key?: string;
  spare_key?: string;
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
  /** What makes a repeat of the record recognisable (public.dlq_events.record_key). Hexadecimal; null when each failure is an entry of its own. */
  record_key: string | null;
  /** Digest of the record's contents, hexadecimal; null when the delivery failed as a whole. */
  record_digest: string | null;
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

/** One delivery, ready to be written: its journal row, its sealed body, and the rows of its records. */
export interface PreparedDelivery {
  delivery: DeliveryRow;
  sealed: Uint8Array;
  records: List<WriteRecord>;
}

/** What a statement writes of a delivery: all of it, or the part with these records. */
export interface WriteItem extends PreparedDelivery {
  records: WriteRecord[];
}

export type WriteRecord = ReadRecord | { dead: DeadRow };

/** A record that became an event. */
export interface ReadRecord {
  key: KeyRow;
  event: EventRow;
}

/** What one statement writes. */
export interface BatchRows {
  deliveries: readonly WriteItem[];
  records: readonly ReadRecord[];
  dead: readonly DeadRow[];
}

/** The rows of a batch, by what becomes of them. */
export function rowsOf(batch: readonly WriteItem[]): BatchRows {
  const records: ReadRecord[] = [];
  const dead: DeadRow[] = [];
  for (const item of batch) {
    for (const record of item.records) {
      if ('dead' in record) dead.push(record.dead);
      else records.push(record);
    }
  }
  return { deliveries: batch, records, dead };
}
