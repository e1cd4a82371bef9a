import type { Outcome } from './outcomes.ts';
import type { PreparedDelivery, WriteItem } from './rows.ts';

/** A delivery that was admitted and is not answered yet. */
export interface Queued {
  item: PreparedDelivery;
  orgId: string;
  connectionId: string;
  /** What the delivery occupies in memory. A delivery without records counts as one record. */
  records: number;
  bytes: number;
  /** When it was queued, by `performance.now()`. */
  queuedAt: number;
  /** Since when it, or its next part, has waited for its batch. */
  since: number;
  /** How many of its records are committed, with these outcomes. */
  written: number;
  outcomes: Outcome[];
  /** The records that its next part may have at most. */
  partMax: number;
  /** Whether a part of it was cancelled because it took too long: its parts are then written in batches by themselves. */
  isSlow: boolean;
  resolve(outcomes: Outcome[]): void;
  reject(error: unknown): void;
}

/** The part of a delivery that is in a batch: its records from `from` up to, and without, `to`. */
export interface Part {
  queued: Queued;
  from: number;
  to: number;
}

const nothing = new Uint8Array(0);

/**
 * What a batch writes of the delivery: its records from `from` up to, and without, `to`. The first part has the journal row and the sealed body,
 * and the last part completes the row with the outcomes of all records, of which `before` are those of earlier parts.
 */
export function partOf(item: PreparedDelivery, from: number, to: number, before: readonly Outcome[]): WriteItem {
  const isFirst = from === 0;
  const isLast = to >= item.records.length;
  if (isFirst && isLast && isWhole(item)) return item;
  const records = item.records.slice(from, to);
  if (isFirst && isLast) return { ...item, records };
  if (isFirst) return { delivery: { ...item.delivery, part: 'first', record_total: item.records.length }, sealed: item.sealed, records };
  const delivery = { ...item.delivery, event_types: [] };
  if (!isLast) return { delivery: { ...delivery, part: 'next' }, sealed: nothing, records };
  return {
    delivery: { ...delivery, part: 'last', outcomes_before: [...new Set(before.map(({ status }) => status))] },
    sealed: nothing,
    records,
  };
}

const isWhole = (item: PreparedDelivery): item is WriteItem => Array.isArray(item.records);
