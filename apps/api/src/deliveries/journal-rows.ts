import { eventTypeCharsMax, eventTypesMax, type JournalEntry } from '@tributary/shared/journal.ts';

/** A delivery as lists show it. */
export interface JournalRow {
  id: string;
  org_id: string;
  source_connection_id: string;
  connection_name: string;
  source_type: string;
  received_at: string;
  content_type: string | null;
  byte_size: number;
  outcome: JournalEntry['outcome'];
  record_count: number;
  event_types: string[];
  is_test: boolean;
  replay_of: string | null;
}

/**
 * Selects a {@link JournalRow} from event_journal j and source_connections c. The sender of a delivery decides how many event types it has
 * and how long they and the content type are, so that lists cut them.
 */
export const journalColumns = `j.id, j.org_id, j.source_connection_id, c.name as connection_name, c.type as source_type, j.received_at,
       left(j.content_type, 255) as content_type, j.byte_size, j.outcome, j.record_count,
       array(select left(t, ${eventTypeCharsMax}) from unnest(j.event_types[:${eventTypesMax}]) as t) as event_types, j.is_test, j.replay_of`;

/** The row in its wire shape. */
export function toEntry(row: JournalRow): JournalEntry {
  return {
    id: row.id,
    orgId: row.org_id,
    connectionId: row.source_connection_id,
    connectionName: row.connection_name,
    sourceType: row.source_type,
    receivedAt: row.received_at,
    contentType: row.content_type,
    byteSize: row.byte_size,
    outcome: row.outcome,
    recordCount: row.record_count,
    eventTypes: row.event_types,
    isTest: row.is_test,
    replayOf: row.replay_of,
  };
}
