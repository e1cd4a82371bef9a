import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplayMode } from '@tributary/shared/journal.ts';
import type { Logger } from 'pino';
import { type Db, isRefusal, isRetryable, type Sql } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import type { Connections } from './connection-cache.ts';
import { isolatePoison } from './poison.ts';
import { prepareWrite } from './prepare.ts';
import { bodyOf, reopen } from './reopen.ts';
import type { WriteItem } from './rows.ts';
import type { JournalEntry } from './store.ts';
import { type ReplayedKey, replayBatch } from './store.ts';
import { type Outcome, rowsOf } from './writer.ts';

export type ReplayOutcome = Outcome & { revision?: number };

export interface ReplayerDeps {
  db: Db;
  connections: Connections;
  metrics: Metrics;
  /** The database's clock. */
  now(): number;
  log: Logger;
}

export interface Replayer {
  /**
   * Runs the entry through the pipeline as it is now: what is to be written, under a new journal entry.
   * Throws Refusal `conflict`, with the reason, for one that cannot be run again.
   */
  prepare(entry: JournalEntry): Promise<WriteItem>;
  /**
   * Writes the items in one transaction as `worker`, together with what `before` and `after` do in it: whatever throws there undoes all of
   * it. Answers the outcome of every record, item by item. It may run them several times: after a lost race, and without a record that the
   * database refuses.
   */
  write(
    items: readonly WriteItem[],
    mode: ReplayMode,
    steps?: { before?(sql: Sql): Promise<void>; after?(sql: Sql, outcomes: readonly ReplayOutcome[][]): Promise<void> },
  ): Promise<ReplayOutcome[][]>;
}

/** Tries of a transaction that lost a deadlock or a serialization race, with 5 ms, 10 ms, 20 ms … and jitter between them. */
const triesMax = 6;

/** What sends journal entries through the pipeline again: on the database connections of jobs, so that live deliveries keep theirs. */
export function createReplayer(deps: ReplayerDeps): Replayer {
  const { db, connections, metrics, now, log } = deps;

  return {
    async prepare(entry) {
      if (entry.outcome === 'rejected') {
        throw new Refusal(
          'conflict',
          'the delivery was rejected at the door: nobody vouches for it. Correct the secret, then POST /api/dlq/reverify',
        );
      }
      const connection = await connections.get(entry.source_connection_id);
      if (!connection) throw new Refusal('conflict', 'its connection was deleted');
      let reopened: ReturnType<typeof reopen>;
      try {
        reopened = reopen(entry, connection, now());
      } catch (error) {
        log.error({ err: error, orgId: entry.org_id, journalId: entry.id }, 'a journal entry cannot be opened');
        throw new Refusal('conflict', 'its sealed body cannot be opened with the keys of the org');
      }
      const body = bodyOf(reopened.arrival.delivery);
      if (!body) throw new Refusal('conflict', 'its body cannot be read');
      return prepareWrite(reopened.arrival, body);
    },

    async write(items, mode, { before, after } = {}) {
      const rewrite = mode === 'reprocess';
      let isolated = false;
      for (let tries = 1; ; tries++) {
        try {
          const outcomes = await db.worker(async (sql) => {
            await before?.(sql);
            const known = new Map((await replayBatch(sql, rowsOf(items), rewrite)).map((key) => [key.event_id, key]));
            const all = items.map((item) => outcomesOf(item, known));
            await after?.(sql, all);
            return all;
          });
          for (const outcome of outcomes.flat()) metrics.replayed.inc({ outcome: outcome.status });
          return outcomes;
        } catch (error) {
          if (isRefusal(error) && !isolated) {
            isolated = true;
            const dead = await isolatePoison(items, (part) => tryBatch(part, rewrite));
            log.warn({ err: error, records: dead }, 'records refused by the database were dead-lettered');
          } else if (isRetryable(error) && tries < triesMax) {
            await sleep(5 * 2 ** (tries - 1) * (0.5 + Math.random()));
          } else {
            throw error;
          }
        }
      }
    },
  };

  /** Throws what the database says to these items, and leaves nothing behind. */
  async function tryBatch(items: readonly WriteItem[], rewrite: boolean): Promise<void> {
    const undo = new Error('undo');
    await db
      .worker(async (sql) => {
        await replayBatch(sql, rowsOf(items), rewrite);
        throw undo;
      })
      .catch((error: unknown) => {
        if (error !== undo) throw error;
      });
  }
}

function outcomesOf(item: WriteItem, known: ReadonlyMap<string, ReplayedKey>): ReplayOutcome[] {
  return item.records.map((record) => {
    if ('dead' in record) return { status: 'dead_lettered', dlqId: record.dead.id, code: record.dead.error_class };
    const found = known.get(record.key.event_id);
    if (!found) return { status: 'accepted', eventId: record.key.event_id };
    if (found.outcome === 'rewritten') return { status: 'accepted', eventId: found.stored_event_id, revision: found.revision ?? 1 };
    if (found.outcome === 'duplicate') return { status: 'duplicate', eventId: found.stored_event_id };
    return { status: 'dead_lettered', dlqId: record.key.dlq_id, code: found.outcome === 'older' ? 'OLDER_REVISION' : 'DUPLICATE_EVENT' };
  });
}
