import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Connection, Connections } from '../deliveries/connection-cache.ts';
import { outcomesOf } from '../deliveries/outcomes.ts';
import { isolatePoison, refusalMessage } from '../deliveries/poison.ts';
import { rowsOf, type WriteItem } from '../deliveries/rows.ts';
import { type Found, findJournalEntries, type ReplayedKey, replayBatch } from '../deliveries/store.ts';
import { chunkBySize } from '../platform/chunk-by-size.ts';
import type { Config } from '../platform/config.ts';
import { type Db, isRefusal, isUnavailable, type Sql } from '../platform/db.ts';
import { retryLostRaces } from '../platform/lost-race.ts';
import { runBehind, ThreadFailure, type Threads } from '../platform/threads.ts';
import { type Attempt, type ClaimedEntry, type RetryOutcome, type Settled, settle } from './claims.ts';
import { retryTask } from './run.ts';

export interface RetryDeps {
  db: Db;
  connections: Connections;
  threads: Threads;
  /** The database's clock. */
  now(): number;
  retry: Config['dlq'];
  log: Logger;
}

/** The maximum size of the bodies in memory at once: a hundred deliveries of the largest size would be a gigabyte. */
const bytesMax = 8_388_608;
/** Deliveries computed in one turn of the event loop, which live traffic shares. */
const perTurn = 10;

/** An entry whose attempt has ended; `failure` is the reason when it did not become an event. */
interface SettledEntry {
  id: string;
  /** An error class, or `GONE` when the entry can never be run again. */
  failure?: string | undefined;
}

/** The owner of the claims, and what else is written in each transaction that settles some of them. */
export interface Holder {
  owner: string;
  /** Throws to undo the transaction, when the lease of the operation is lost. */
  checkpoint?(sql: Sql, settled: readonly SettledEntry[]): Promise<void>;
  signal: AbortSignal;
}

/** Runs claimed entries and settles them, in parts that fit in memory. Entries that are left when `signal` aborts stay claimed. */
export async function runAndSettle(deps: RetryDeps, holder: Holder, claimed: readonly ClaimedEntry[]): Promise<void> {
  const deliveries = Map.groupBy(claimed, (entry) => entry.journal_id).values();
  for (const part of chunkBySize(deliveries, ([one]) => one?.byte_size ?? 0, bytesMax)) {
    if (holder.signal.aborted) return;
    const attempts = await runPart(deps, part);
    const isWhole = (attempt: Attempt) => attempt.result.outcome === 'delivered';
    // Two transactions: each writes its keys by one sorted statement, and two such statements in one transaction could deadlock with
    // another batch.
    for (const group of [attempts.filter((attempt) => !isWhole(attempt)), attempts.filter(isWhole)]) {
      if (group.length > 0) await settleAll(deps, holder, group);
    }
  }
}

/** What running entries needs; the database is only read. */
export type RunDeps = Pick<RetryDeps, 'connections' | 'threads' | 'now' | 'log'> & { db: Pick<Db, 'worker'> };

/** Runs the entries of some deliveries through the pipeline as it is now, and writes nothing. */
export async function runPart({ db, connections, threads, now, log }: RunDeps, part: ClaimedEntry[][]): Promise<Attempt[]> {
  const all = part.flat();
  const journal = await db.worker((sql) => findJournalEntries(sql, [...new Set(all.map((entry) => entry.journal_id))]));
  const loaded = new Map<string, Connection | undefined | Error>();
  for (const id of new Set(all.map((entry) => entry.source_connection_id))) loaded.set(id, await loadConnection(connections, id));

  const attempts: Attempt[] = [];
  for (const [index, entries] of part.entries()) {
    if (index % perTurn === perTurn - 1) await yieldTurn();
    const [one] = entries;
    if (!one) continue;
    const connection = loaded.get(one.source_connection_id);
    const entry = journal.get(one.journal_id);
    const each = (result: RetryOutcome) => attempts.push(...entries.map((single) => ({ entries: [single], result })));
    if (connection instanceof Error) {
      each({ outcome: 'failed', errorClass: 'PII_HASH_ERROR', message: 'The org\u2019s keys cannot be opened.' });
      continue;
    }
    try {
      attempts.push(...(await runBehind(threads, retryTask, { entries, stored: { connection, entry }, nowMs: now() })));
    } catch (error) {
      if (error instanceof ThreadFailure) {
        each({
          outcome: 'failed',
          errorClass: 'INVALID_PAYLOAD',
          message: 'The body takes more memory or time to read than a delivery may.',
        });
        continue;
      }
      log.error({ err: error, journalId: one.journal_id }, 'a dead letter could not be run');
      each({ outcome: 'failed', errorClass: 'SCHEMA_DRIFT', message: 'The delivery has a shape that the pipeline does not expect.' });
    }
  }
  return attempts;
}

/**
 * Reads the connection from the database, because a secret may have been corrected a moment ago. Returns the error for an org without
 * usable keys, which must not stop the other orgs.
 */
async function loadConnection(connections: Connections, id: string): Promise<Connection | undefined | Error> {
  try {
    return await connections.get(id, { fresh: true });
  } catch (error) {
    if (isUnavailable(error) || !(error instanceof Error)) throw error;
    return error;
  }
}

/** Settles all attempts in one transaction. If that is refused, or a claim among them is lost, each gets its own transaction. */
async function settleAll(deps: RetryDeps, holder: Holder, attempts: readonly Attempt[]): Promise<void> {
  try {
    if (await write(deps, holder, attempts)) return;
    if (attempts.length === 1) return;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [only] = attempts;
    if (attempts.length === 1 && only) return settleRefused(deps, holder, only, error);
    deps.log.warn(
      { err: error, entries: attempts.length },
      'the database refused a batch of dead letters: each is written in its own transaction',
    );
  }
  for (const attempt of attempts) await settleAll(deps, holder, [attempt]);
}

/**
 * Settles an attempt that the database refuses also when it is written alone. When a whole delivery was run, only the records at fault
 * become dead letters.
 */
async function settleRefused(deps: RetryDeps, holder: Holder, attempt: Attempt, error: unknown): Promise<void> {
  if (attempt.result.outcome === 'delivered') {
    const { item } = attempt.result;
    const isolated = await isolatePoison([item], { transaction: deps.db.worker, statement: (sql, rows) => replayBatch(sql, rows, false) });
    if (isolated > 0 && (await unlessRefused(write(deps, holder, [attempt])))) return;
  }
  const result = { outcome: 'failed', errorClass: 'CONSTRAINT_VIOLATION', message: refusalMessage(error) } as const;
  await write(deps, holder, [{ ...attempt, result }]);
}

async function unlessRefused(written: Promise<boolean>): Promise<boolean> {
  try {
    return await written;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Returns false, and writes nothing, when the holder has lost the claim to one of the entries. */
function write({ db, retry }: RetryDeps, { owner, checkpoint }: Holder, attempts: readonly Attempt[]): Promise<boolean> {
  const items = attempts.flatMap(({ result }): WriteItem[] => (result.outcome === 'delivered' ? [result.item] : []));
  return retryLostRaces(() =>
    db.worker(async (sql) => {
      const settled = await settle(sql, owner, attempts, retry);
      if (!settled) return false;
      const existing = items.length > 0 ? await replayBatch(sql, rowsOf(items), false) : [];
      await checkpoint?.(sql, settledEntries(attempts, settled, existing));
      return true;
    }),
  );
}

/** What became of each entry. A delivery that was run whole and of which no record became an event has failed, although its entry is settled. */
function settledEntries(attempts: readonly Attempt[], settled: readonly Settled[], existing: Readonly<Found<ReplayedKey>>): SettledEntry[] {
  const statuses = new Map(settled.map(({ id, status }) => [id, status]));
  return attempts.flatMap(({ entries, result }) =>
    entries.map(({ id }): SettledEntry => {
      if (result.outcome === 'event') return statuses.get(id) === 'resolved' ? { id } : { id, failure: 'DUPLICATE_EVENT' };
      return { id, failure: failureOf(result, existing) };
    }),
  );
}

/** Why a run ended without an event; undefined when there is one. `existing` has the keys that are stored already. */
export function failureOf(result: RetryOutcome, existing: Readonly<Found<ReplayedKey>>): string | undefined {
  switch (result.outcome) {
    case 'event': {
      const { key } = result;
      return existing.some((one) => 'event_id' in one && one.event_id === key.event_id && one.outcome === 'conflict')
        ? 'DUPLICATE_EVENT'
        : undefined;
    }
    case 'delivered': {
      const outcomes = outcomesOf([result.item], existing).flat();
      const dead = outcomes.find((outcome) => outcome.status === 'dead_lettered');
      return outcomes.every((outcome) => outcome.status === 'dead_lettered') ? dead?.code : undefined;
    }
    case 'failed':
      return result.errorClass;
    case 'lost':
      return 'GONE';
  }
}
