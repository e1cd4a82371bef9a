import type { ReplayMode } from '@tributary/shared/journal.ts';
import type { Logger } from 'pino';
import { type Db, isRefusal, type Sql } from '../platform/db.ts';
import { retryLostRaces } from '../platform/lost-race.ts';
import type { Metrics } from '../platform/metrics.ts';
import { runBehind, ThreadFailure, type Threads } from '../platform/threads.ts';
import type { Connections } from './connection-cache.ts';
import { type Outcome, outcomesOf } from './outcomes.ts';
import { partOf } from './parts.ts';
import { isolatePoison } from './poison.ts';
import { type Prepared, prepareAgainTask } from './prepare-again.ts';
import { rowsOf, type WriteItem } from './rows.ts';
import { type JournalEntry, replayBatch } from './store.ts';

export interface ReplayerDeps {
  db: Db;
  connections: Connections;
  threads: Threads;
  metrics: Metrics;
  /** The database's clock. */
  now(): number;
  log: Logger;
}

export interface Replayer {
  /** Runs the entry through the pipeline as it is now, under a new journal entry. Throws when the database cannot be asked. */
  prepare(entry: JournalEntry): Promise<Prepared>;
  /**
   * Writes the items in one transaction as `worker`, together with what `before` and `after` do in it: an error thrown there undoes all of
   * it. Returns the outcome of every record, item by item. The transaction, with both steps, may run several times: after a lost race, and
   * without a record that the database refuses.
   */
  write(
    items: readonly WriteItem[],
    mode: ReplayMode,
    steps?: { before?(sql: Sql): Promise<void>; after?(sql: Sql, outcomes: readonly Outcome[][]): Promise<void> },
  ): Promise<Outcome[][]>;
}

/** The records of one statement: with more, a statement could be cancelled because it took too long. */
const recordsMax = 500;

/** Writes the items in an open transaction: the small ones by one statement, each larger one in parts. Returns the outcomes item by item. */
async function replay(sql: Sql, items: readonly WriteItem[], rewrite: boolean): Promise<Outcome[][]> {
  const small = items.filter(({ records }) => records.length <= recordsMax);
  const written = new Map<WriteItem, Outcome[]>();
  if (small.length > 0) {
    const outcomes = outcomesOf(small, await replayBatch(sql, rowsOf(small), rewrite));
    for (const [index, item] of small.entries()) written.set(item, outcomes[index] ?? []);
  }
  for (const item of items) {
    if (written.has(item)) continue;
    const outcomes: Outcome[] = [];
    for (let from = 0; from < item.records.length; from += recordsMax) {
      const part = partOf(item, from, from + recordsMax, outcomes);
      outcomes.push(...(outcomesOf([part], await replayBatch(sql, rowsOf([part]), rewrite))[0] ?? []));
    }
    written.set(item, outcomes);
  }
  return items.map((item) => written.get(item) ?? []);
}

/** Sends journal entries through the pipeline again, on the database connections of jobs, so that live deliveries keep theirs. */
export function createReplayer({ db, connections, threads, metrics, now, log }: ReplayerDeps): Replayer {
  return {
    async prepare(entry) {
      if (entry.outcome === 'rejected') {
        return {
          reason: 'the delivery was rejected when it arrived and is not proved genuine. Correct the secret, then POST /api/dlq/reverify',
        };
      }
      const connection = await connections.get(entry.source_connection_id);
      if (!connection) return { reason: 'the connection of this delivery was deleted' };
      const stored = { entry, connection, nowMs: now() };
      const prepared = await runBehind(threads, prepareAgainTask, stored).catch((error: unknown): Prepared => {
        if (!(error instanceof ThreadFailure)) throw error;
        return { reason: 'the body of this delivery takes more memory or time to read than a delivery may' };
      });
      if ('cause' in prepared) {
        log.error({ cause: prepared.cause, orgId: entry.org_id, journalId: entry.id }, 'a journal entry cannot be opened');
      }
      return prepared;
    },

    async write(items, mode, { before, after } = {}) {
      const rewrite = mode === 'reprocess';
      const write = () =>
        retryLostRaces(() =>
          db.worker(async (sql) => {
            await before?.(sql);
            const outcomes = await replay(sql, items, rewrite);
            await after?.(sql, outcomes);
            return outcomes;
          }),
        );
      const outcomes = await write().catch(async (error: unknown) => {
        if (!isRefusal(error)) throw error;
        const dead = await isolatePoison(items, { transaction: db.worker, statement: (sql, rows) => replayBatch(sql, rows, rewrite) });
        log.warn({ err: error, records: dead }, 'records that the database refused were dead-lettered');
        return write();
      });
      for (const outcome of outcomes.flat()) metrics.replayed.inc({ outcome: outcome.status });
      return outcomes;
    },
  };
}
