import type { WriteItem, WriteRecord } from './rows.ts';
import type { ReplayedKey } from './store.ts';

/** The outcome of writing a record. */
export type Outcome =
  /** `revision` is set when a reprocessing rewrote an event that was already stored. */
  | { status: 'accepted'; eventId: string; revision?: number }
  | { status: 'duplicate'; eventId: string }
  | { status: 'dead_lettered'; dlqId: string; code: string };

/** The outcomes of a batch: one list for each delivery, in the order of its records. `existing` has the keys that were stored before. */
export function outcomesOf(batch: readonly WriteItem[], existing: readonly ReplayedKey[]): Outcome[][] {
  const byEvent = new Map(existing.map((key) => [key.event_id, key]));
  return batch.map((item) => item.records.map((record) => outcomeOf(record, byEvent)));
}

function outcomeOf(record: WriteRecord, existing: ReadonlyMap<string, ReplayedKey>): Outcome {
  if ('dead' in record) return { status: 'dead_lettered', dlqId: record.dead.id, code: record.dead.error_class };
  const { event_id: eventId, dlq_id: dlqId } = record.key;
  const found = existing.get(eventId);
  switch (found?.outcome) {
    case undefined:
      return { status: 'accepted', eventId };
    case 'rewritten':
      return { status: 'accepted', eventId: found.stored_event_id, revision: found.revision ?? 1 };
    case 'duplicate':
      return { status: 'duplicate', eventId: found.stored_event_id };
    case 'older':
      return { status: 'dead_lettered', dlqId, code: 'OLDER_REVISION' };
    case 'conflict':
      return { status: 'dead_lettered', dlqId, code: 'DUPLICATE_EVENT' };
  }
}
