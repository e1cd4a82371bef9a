import type { WriteItem, WriteRecord } from './rows.ts';
import type { Found, RaisedEntry, ReplayedKey } from './store.ts';

/** The outcome of writing a record. */
export type Outcome =
  /** `revision` is set when a reprocessing rewrote an event that was already stored. */
  | { status: 'accepted'; eventId: string; revision?: number }
  | { status: 'duplicate'; eventId: string }
  | { status: 'dead_lettered'; dlqId: string; code: string };

/** The outcomes of a batch: one list for each delivery, in the order of its records. `found` is what writing the batch returned. */
export function outcomesOf(batch: readonly WriteItem[], found: Readonly<Found<ReplayedKey>>): Outcome[][] {
  const isRaised = (one: ReplayedKey | RaisedEntry): one is RaisedEntry => 'entry_id' in one;
  const existing = new Map(found.flatMap((one) => (isRaised(one) ? [] : [[one.event_id, one] as const])));
  const entries = new Map(found.flatMap((one) => (isRaised(one) ? [[one.dlq_id, one.entry_id] as const] : [])));
  return batch.map((item) => item.records.map((record) => outcomeOf(record, existing, entries)));
}

function outcomeOf(record: WriteRecord, existing: ReadonlyMap<string, ReplayedKey>, entries: ReadonlyMap<string, string>): Outcome {
  const letterId = 'dead' in record ? record.dead.id : record.key.dlq_id;
  const dlqId = entries.get(letterId) ?? letterId;
  if ('dead' in record) return { status: 'dead_lettered', dlqId, code: record.dead.error_class };
  const { event_id: eventId } = record.key;
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
