import { isRefusal, type Sql } from '../platform/db.ts';
import { sqlState } from '../platform/sql-state.ts';
import { eventTypes, refusedKey } from './prepare.ts';
import { type BatchRows, type DeadRow, rowsOf, type WriteItem } from './rows.ts';

/** How a batch is written: in which kind of transaction, and with which statement. */
export interface BatchWrite {
  transaction(run: (sql: Sql) => Promise<never>): Promise<unknown>;
  statement(sql: Sql, rows: BatchRows): Promise<unknown>;
}

/**
 * Finds the records that make the database refuse a batch, by halving: parts of the batch are written in transactions that are rolled back,
 * about 2·log2(n) of them for each such record. Turns each of these records into a dead letter in place and returns their number.
 */
export async function isolatePoison(batch: readonly WriteItem[], write: BatchWrite): Promise<number> {
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
    // The row of a delivery lists the types of all its records, and a record must not be refused because of the type of another record.
    for (const copy of part.values()) reduceRow(copy);
    const error = await refusalOf(write, [...part.values()]);
    if (error === undefined) return 0;
    if (to - from > 1) {
      const middle = (from + to) >> 1;
      return (await search(from, middle)) + (await search(middle, to));
    }
    const slot = slots[from];
    if (!slot) return 0;
    toDeadLetter(slot.item, slot.index, error);
    slot.item.delivery = { ...slot.item.delivery, event_types: eventTypes(slot.item.records) };
    return 1;
  }
  return search(0, slots.length);
}

/** The error with which the database refuses these deliveries; undefined when it accepts them. The attempt is rolled back. */
async function refusalOf({ transaction, statement }: BatchWrite, items: readonly WriteItem[]): Promise<unknown> {
  const rollback = new Error('rolled back on purpose');
  try {
    await transaction(async (sql) => {
      await statement(sql, rowsOf(items));
      throw rollback;
    });
  } catch (error) {
    if (error === rollback) return undefined;
    if (isRefusal(error)) return error;
    throw error;
  }
}

/**
 * Steps for a delivery that the database refuses although it accepts each record by itself. Each step removes more of what the sender wrote
 * from the rows, in place, and keeps the sealed body, from which the delivery can be run again. `error` is the database's last refusal.
 */
export const reductions: readonly ((item: WriteItem, error: unknown) => void)[] = [
  reduceRow,
  (item, error) => {
    for (const index of item.records.keys()) toDeadLetter(item, index, error);
    reduceRow(item);
  },
];

/** Removes from the delivery's row what the sender wrote: the content type, and the type names of records that have become dead letters. */
function reduceRow(item: WriteItem): void {
  item.delivery = { ...item.delivery, content_type: null, event_types: eventTypes(item.records) };
}

/** The message of a dead letter: it names the broken rule and never the value, which the database's own message may quote. */
export function refusalMessage(error: unknown): string {
  const { constraint } = error as { constraint?: string };
  return `the database refused the record (SQLSTATE ${sqlState(error)}${constraint ? `, ${constraint}` : ''})`;
}

function toDeadLetter(item: WriteItem, index: number, error: unknown): void {
  const record = item.records[index];
  if (!record) return;
  const bare: Pick<DeadRow, 'last_error_message' | 'field_path' | 'source_event_type' | 'idempotency_key' | 'sample'> = {
    last_error_message: refusalMessage(error),
    field_path: null,
    source_event_type: null,
    idempotency_key: null,
    sample: null,
  };
  if ('dead' in record) {
    // Only the texts of a dead letter can make the database refuse the dead letter.
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
      record_key: refusedKey(record.key),
      record_digest: record.key.body_sha256,
      ...bare,
    },
  };
}
