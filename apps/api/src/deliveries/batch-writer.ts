import type { Logger } from 'pino';
import type { Breaker } from '../platform/breaker.ts';
import { type Db, isRefusal } from '../platform/db.ts';
import { retryLostRaces } from '../platform/lost-race.ts';
import type { Metrics } from '../platform/metrics.ts';
import { type Outcome, outcomesOf } from './outcomes.ts';
import { isolatePoison, reductions } from './poison.ts';
import { rowsOf, type WriteItem } from './rows.ts';
import { writeBatch } from './store.ts';

export interface Written<Item> {
  /** The deliveries that were committed, with the outcomes of their records. */
  stored: ReadonlyMap<Item, Outcome[]>;
  /** Why the database could not be asked about the others; undefined when it refused them, or when there are none. */
  failure: unknown;
}

/**
 * Writes batches, each in one transaction. A transaction that lost a race runs again, and a batch that the database refuses is written
 * without the records at fault, which become dead letters: their neighbours commit.
 */
export function createBatchWriter(deps: { db: Db; breaker: Breaker; metrics: Metrics; log: Logger }) {
  const { db, breaker, metrics, log } = deps;

  return async function write<Item extends WriteItem>(batch: readonly Item[]): Promise<Written<Item>> {
    const stored = new Map<Item, Outcome[]>();
    try {
      await storeBatch(batch, stored);
      return { stored, failure: undefined };
    } catch (failure) {
      return { stored, failure };
    }
  };

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
        'a batch is refused although none of its records is refused: each delivery is written by itself',
      );
    }
    for (const item of batch) await storeAlone(item, stored);
  }

  /** One transaction, and the outcomes of its deliveries in `stored` once it is committed. */
  async function store<Item extends WriteItem>(batch: readonly Item[], stored: Map<Item, Outcome[]>): Promise<void> {
    const rows = rowsOf(batch);
    const known = await retryLostRaces(
      () => breaker.run(() => writeBatch(db.ingest, rows)),
      () => metrics.retries.inc({ reason: 'conflict' }),
    );
    const outcomes = outcomesOf(batch, known);
    for (const [index, item] of batch.entries()) stored.set(item, outcomes[index] ?? []);
  }

  /**
   * Writes the delivery as it is, then with less and less for the database to refuse: a dead letter that keeps the body is better than a
   * sender who repeats the delivery for ever. A delivery that is refused even so is stored nowhere and not acknowledged: its sender's later
   * try may meet a version of Tributary in which this is corrected.
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
