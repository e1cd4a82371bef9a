import { isRefusal, sqlState } from '../db.ts';
import type { WriteItem } from './store.ts';

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
      return slot && entomb(slot.item, slot.index, error) ? 1 : 0;
    }
  }
  return search(0, slots.length);
}

/** The dead letter says which rule was broken, never the value: the database's own message may quote it. */
function entomb(item: WriteItem, index: number, error: unknown): boolean {
  const record = item.records[index];
  if (!record) return false;
  const { constraint } = error as { constraint?: string };
  const reason = `the database refused the record (SQLSTATE ${sqlState(error)}${constraint ? `, ${constraint}` : ''})`;
  if ('dead' in record) {
    // A dead letter that is refused itself can only be so for its sample.
    record.dead = {
      ...record.dead,
      sample: null,
      last_error_message: reason,
      field_path: null,
      source_event_type: null,
      idempotency_key: null,
    };
    return true;
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
      last_error_message: reason,
      field_path: null,
      source_event_type: null,
      idempotency_key: null,
      next_retry_at: null,
      is_quarantine: false,
      sample: null,
    },
  };
  return true;
}
