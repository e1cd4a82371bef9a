import type { Logger } from 'pino';
import type { Breaker } from '../platform/breaker.ts';
import { type Db, isCancelled, isRefusal, type Sql } from '../platform/db.ts';
import { retryLostRaces } from '../platform/lost-race.ts';
import type { Metrics } from '../platform/metrics.ts';
import { isolateSlow } from './isolate-slow.ts';
import { type Outcome, outcomesOf } from './outcomes.ts';
import { isolatePoison, reductions } from './poison.ts';
import { rowsOf, type WriteItem, type WriteRecord } from './rows.ts';
import { writeBatch } from './store.ts';

export interface Written<Item> {
  /** The deliveries that were committed, with the outcomes of their records. */
  stored: ReadonlyMap<Item, Outcome[]>;
  /**
   * The error because of which the other deliveries were not written; undefined when the database refused them, or when all were stored.
   */
  failure: unknown;
  /** The deliveries that took too long, while others of the batch were committed. */
  slow: ReadonlySet<Item>;
}

/** How long each piece of a batch that took too long may take. */
const pieceTimeoutMs = 1_500;

/**
 * Writes batches, each in one transaction. A transaction that lost a race runs again, and a batch that the database refuses is written
 * without the records at fault, which become dead letters: their neighbours commit.
 */
export function createBatchWriter(deps: { db: Db; breaker: Breaker; metrics: Metrics; log: Logger; now(): number }) {
  const { db, breaker, metrics, log, now } = deps;

  return async function write<Item extends WriteItem>(batch: readonly Item[]): Promise<Written<Item>> {
    const stored = new Map<Item, Outcome[]>();
    let slow: ReadonlySet<Item> = new Set();
    try {
      await storeBatch(batch, stored).catch(async (error: unknown) => {
        if (!isCancelled(error)) throw error;
        slow = await takeOutSlow(batch, stored, error);
      });
      return { stored, failure: undefined, slow };
    } catch (failure) {
      return { stored, failure, slow };
    }
  };

  /** Writes what can be written of a batch that took too long, and returns the deliveries that took too long again. */
  async function takeOutSlow<Item extends WriteItem>(
    batch: readonly Item[],
    stored: Map<Item, Outcome[]>,
    cause: unknown,
  ): Promise<ReadonlySet<Item>> {
    metrics.retries.inc({ reason: 'slow' });
    const left = batch.filter((item) => !stored.has(item));
    try {
      const slow = await isolateSlow(left, (piece) => storePiece(piece, stored), cause);
      log.warn({ err: cause, deliveries: batch.length, slow: slow.size }, 'a batch took too long and was written in pieces');
      return slow;
    } catch (error) {
      // Counts as a failure of the database.
      return await breaker.run(() => Promise.reject(error));
    }
  }

  /** Whether the piece could be written in its short time. */
  async function storePiece<Item extends WriteItem>(piece: readonly Item[], stored: Map<Item, Outcome[]>): Promise<boolean> {
    const write: Sql = (text, values) =>
      db.ingestTogether(async (sql) => {
        await sql(`select set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true)`, [`${pieceTimeoutMs}ms`]);
        return sql(text, values);
      });
    try {
      await store(piece, stored, write);
      return true;
    } catch (error) {
      if (isCancelled(error) || isRefusal(error)) return false;
      throw error;
    }
  }

  async function storeBatch<Item extends WriteItem>(batch: readonly Item[], stored: Map<Item, Outcome[]>): Promise<void> {
    try {
      return await store(batch, stored);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      metrics.retries.inc({ reason: 'poison' });
      const dead = await isolatePoison(batch, { transaction: db.ingestTogether, statement: writeBatch });
      log.warn({ err: error, records: dead }, 'records that the database refused were dead-lettered');
    }
    try {
      return await store(batch, stored);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log.warn(
        { err: error, deliveries: batch.length },
        'the database refuses a batch, but no record of the batch by itself: each delivery is written in its own transaction',
      );
    }
    for (const item of batch) await storeAlone(item, stored);
  }

  /** Writes the batch in one transaction, and adds the outcomes to `stored` after the commit. */
  async function store<Item extends WriteItem>(
    batch: readonly Item[],
    stored: Map<Item, Outcome[]>,
    write: Sql = db.ingest,
  ): Promise<void> {
    const rows = rowsOf(batch);
    const existing = await retryLostRaces(
      () => breaker.run(() => writeBatch(write, rows)),
      () => metrics.retries.inc({ reason: 'conflict' }),
    );
    const outcomes = outcomesOf(batch, existing);
    const nowMs = now();
    for (const [index, item] of batch.entries()) {
      const ofItem = outcomes[index] ?? [];
      stored.set(item, ofItem);
      observeLags(item.records, ofItem, nowMs);
    }
  }

  function observeLags(records: readonly WriteRecord[], outcomes: readonly Outcome[], nowMs: number): void {
    for (const [index, record] of records.entries()) {
      if (outcomes[index]?.status !== 'accepted' || 'dead' in record) continue;
      metrics.lag.observe(Math.max(0, nowMs - Date.parse(record.key.event_time)) / 1000);
    }
  }

  /**
   * Writes the delivery as it is. When the database refuses the delivery, each further try leaves out more of what the sender wrote: a dead
   * letter that keeps the body is better than a sender that repeats the delivery for ever. A delivery that is refused in every form is neither
   * stored nor acknowledged: by the time the sender tries again, a version of Tributary without the fault may be running.
   */
  async function storeAlone<Item extends WriteItem>(item: Item, stored: Map<Item, Outcome[]>): Promise<void> {
    let refusal: unknown;
    for (const reduce of [undefined, ...reductions]) {
      reduce?.(item, refusal);
      try {
        return await store([item], stored);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusal = error;
      }
    }
    const { id: journalId, org_id: orgId, source_connection_id: connectionId } = item.delivery;
    log.error({ err: refusal, journalId, orgId, connectionId }, 'the database refuses a delivery in every form');
  }
}
