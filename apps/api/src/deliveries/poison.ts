import { isRefusal, sqlState } from '../platform/db.ts';
import { eventTypes } from './prepare.ts';
import type { DeadRow, WriteItem } from './rows.ts';

/**
 * Finds the records of a refused batch that the database refuses by themselves, by halving: `attempt` writes part of the batch
 * and rolls it back. Turns each of them into a dead letter in place, and returns how many they were. About 2·log2(n) attempts a record.
 */
export async function isolatePoison(batch: readonly WriteItem[], attempt: (part: WriteItem[]) => Promise<void>): Promise<number> {
  const slots = batch.flatMap((item) => item.records.map((_, index) => ({ item, index })));

  async function search(from: number, to: number): Promise<number> {
    const part = new Map<WriteItem, WriteItem>();
    for (const { item, index } of slots.slice(from, to)) {
      const record = item.records[index];
      if (!record) continue;
      const copy = part.get(item) ?? { ...item, records: [] };
      copy.records.push(record);
      part.set(item, copy);
    }
    // A delivery's row repeats what its records are called: a record must not be refused for its neighbour's name.
    for (const copy of part.values()) reduceRow(copy);
    try {
      await attempt([...part.values()]);
      return 0;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (to - from > 1) {
        const middle = (from + to) >> 1;
        return (await search(from, middle)) + (await search(middle, to));
      }
      const slot = slots[from];
      if (!slot) return 0;
      entomb(slot.item, slot.index, error);
      slot.item.delivery = { ...slot.item.delivery, event_types: eventTypes(slot.item.records) };
      return 1;
    }
  }
  return search(0, slots.length);
}

/**
 * For a delivery that the database refuses by itself, though none of its records: each leaves less of it to refuse, in place, and keeps
 * its sealed body, from which it can be run again. `error` is what was said last.
 */
export const reductions: readonly ((item: WriteItem, error: unknown) => void)[] = [
  reduceRow,
  (item, error) => {
    for (const index of item.records.keys()) entomb(item, index, error);
    reduceRow(item);
  },
];

/** Its row without what describes the delivery in the sender's words. */
function reduceRow(item: WriteItem): void {
  item.delivery = { ...item.delivery, content_type: null, event_types: eventTypes(item.records) };
}

/** The dead letter says which rule was broken, never the value: the database's own message may quote it. */
function entomb(item: WriteItem, index: number, error: unknown): void {
  const record = item.records[index];
  if (!record) return;
  const { constraint } = error as { constraint?: string };
  const bare: Pick<DeadRow, 'last_error_message' | 'field_path' | 'source_event_type' | 'idempotency_key' | 'sample'> = {
    last_error_message: `the database refused the record (SQLSTATE ${sqlState(error)}${constraint ? `, ${constraint}` : ''})`,
    field_path: null,
    source_event_type: null,
    idempotency_key: null,
    sample: null,
  };
  if ('dead' in record) {
    // A dead letter that is refused itself can only be so for what it shows.
    record.dead = { ...record.dead, ...bare };
    return;
  }
  item.records[index] = {
    dead: {
      id: record.key.dlq_id,
      org_id: item.delivery.org_id,
      project_id: item.delivery.project_id,
      source_connection_id: item.delivery.source_connection_id,
      journal_id: item.delivery.id,
      record_index: index,
      error_class: 'CONSTRAINT_VIOLATION',
      next_retry_at: null,
      is_quarantine: false,
      ...bare,
    },
  };
}
