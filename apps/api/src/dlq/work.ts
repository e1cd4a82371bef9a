import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Connection, Connections } from '../deliveries/connection-cache.ts';
import { isolatePoison } from '../deliveries/poison.ts';
import type { WriteItem } from '../deliveries/rows.ts';
import { findJournalEntries, tryBatch } from '../deliveries/store.ts';
import { rowsOf } from '../deliveries/writer.ts';
import { chunkBySize } from '../platform/chunk-by-size.ts';
import type { Config } from '../platform/config.ts';
import { type Db, isRefusal, isRetryable, isUnavailable, type Sql, sqlState } from '../platform/db.ts';
import { type Became, type ClaimedEntry, type Settled, settle, type Unit, writeDeliveries } from './claims.ts';
import { runEntries } from './run.ts';

export interface WorkDeps {
  db: Db;
  connections: Connections;
  /** The database's clock. */
  now(): number;
  retry: Config['dlq'];
  log: Logger;
}

/** Bodies held in memory at once: a hundred deliveries of the largest size would be a gigabyte. */
const bytesMax = 8_388_608;
/** Deliveries computed in one turn of the event loop, which live traffic shares. */
const perTurn = 10;
const triesMax = 5;

/** Who runs the entries, and what else is written in each transaction that settles some of them. */
export interface Holder {
  owner: string;
  /** Throws to undo the transaction: then the lease of the whole is lost. */
  checkpoint?(sql: Sql, settled: readonly Settled[]): Promise<void>;
  signal: AbortSignal;
}

/** Runs and settles claimed entries, in parts that fit in memory. What is left when `signal` aborts stays claimed. */
export async function workOff(deps: WorkDeps, holder: Holder, claimed: readonly ClaimedEntry[]): Promise<void> {
  const deliveries = Map.groupBy(claimed, (entry) => entry.journal_id).values();
  for (const part of chunkBySize(deliveries, ([one]) => one?.byte_size ?? 0, bytesMax)) {
    if (holder.signal.aborted) return;
    const units = await runPart(deps, part);
    const isWhole = (unit: Unit) => unit.became.outcome === 'delivered';
    // Apart: each of the two writes its keys in one sorted statement, so that no two batches wait for each other.
    for (const group of [units.filter((unit) => !isWhole(unit)), units.filter(isWhole)]) {
      if (group.length > 0) await settleUnits(deps, holder, group);
    }
  }
}

async function runPart({ db, connections, now, log }: WorkDeps, part: ClaimedEntry[][]): Promise<Unit[]> {
  const all = part.flat();
  const journal = await db.worker((sql) => findJournalEntries(sql, [...new Set(all.map((entry) => entry.journal_id))]));
  const loaded = new Map<string, Connection | undefined | Error>();
  for (const id of new Set(all.map((entry) => entry.source_connection_id))) loaded.set(id, await loadConnection(connections, id));

  const units: Unit[] = [];
  for (const [index, entries] of part.entries()) {
    if (index % perTurn === perTurn - 1) await yieldTurn();
    const [one] = entries;
    if (!one) continue;
    const connection = loaded.get(one.source_connection_id);
    const entry = journal.get(one.journal_id);
    const each = (became: Became) => units.push(...entries.map((single) => ({ entries: [single], became })));
    if (connection instanceof Error) {
      each({ outcome: 'failed', errorClass: 'PII_HASH_ERROR', message: 'The org\u2019s keys cannot be opened.' });
      continue;
    }
    try {
      units.push(...runEntries(entries, { connection, entry }, now()));
    } catch (error) {
      log.error({ err: error, journalId: one.journal_id }, 'a dead letter could not be run');
      each({ outcome: 'failed', errorClass: 'SCHEMA_DRIFT', message: 'The delivery has a shape that the pipeline does not expect.' });
    }
  }
  return units;
}

/** As the database has it now: a secret may have been corrected a moment ago. An org without usable keys must not stop the others. */
async function loadConnection(connections: Connections, id: string): Promise<Connection | undefined | Error> {
  try {
    return await connections.get(id, { fresh: true });
  } catch (error) {
    if (isUnavailable(error) || !(error instanceof Error)) throw error;
    return error;
  }
}

/** All in one transaction; where that is refused, or one of them is no longer held, each by itself. */
async function settleUnits(deps: WorkDeps, holder: Holder, units: readonly Unit[]): Promise<void> {
  try {
    if (await write(deps, holder, units)) return;
    if (units.length === 1) return;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [only] = units;
    if (units.length === 1 && only) return settleRefused(deps, holder, only, error);
    deps.log.warn({ err: error, entries: units.length }, 'dead letters were refused by the database, each is written by itself');
  }
  for (const unit of units) await settleUnits(deps, holder, [unit]);
}

/** The database refuses this one by itself: of a whole delivery, the records it refuses become dead letters of their own. */
async function settleRefused(deps: WorkDeps, holder: Holder, unit: Unit, error: unknown): Promise<void> {
  const { constraint } = error as { constraint?: string };
  const message = `the database refused the record (SQLSTATE ${sqlState(error)}${constraint ? `, ${constraint}` : ''})`;
  if (unit.became.outcome === 'delivered') {
    const { item } = unit.became;
    const isolated = await isolatePoison([item], (part) => tryBatch(deps.db, rowsOf(part)));
    if (isolated > 0 && (await unlessRefused(write(deps, holder, [unit])))) return;
  }
  await write(deps, holder, [{ ...unit, became: { outcome: 'failed', errorClass: 'CONSTRAINT_VIOLATION', message } }]);
}

async function unlessRefused(written: Promise<boolean>): Promise<boolean> {
  try {
    return await written;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** False, with nothing written: one of the entries is no longer held. */
async function write({ db, retry }: WorkDeps, { owner, checkpoint }: Holder, units: readonly Unit[]): Promise<boolean> {
  const items = units.flatMap(({ became }): WriteItem[] => (became.outcome === 'delivered' ? [became.item] : []));
  for (let tries = 1; ; tries++) {
    try {
      return await db.worker(async (sql) => {
        const settled = await settle(sql, owner, units, retry);
        if (!settled) return false;
        if (items.length > 0) await writeDeliveries(sql, rowsOf(items));
        await checkpoint?.(sql, settled);
        return true;
      });
    } catch (error) {
      if (!isRetryable(error) || tries === triesMax) throw error;
    }
  }
}
