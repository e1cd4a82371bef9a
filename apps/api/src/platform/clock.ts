import type { Logger } from 'pino';
import type { Db } from './db.ts';

/** The database's clock, which every instance uses. */
export interface Clock {
  /** Milliseconds since the epoch. It answers at once, and does not jump when the host's clock is set. */
  now(): number;
  stop(): void;
}

/** A host whose clock is off by more than this is reported in the log. */
const skewWarnedMs = 2_000;
/** The answer to a slower query is ignored: it is too uncertain at which moment the database read its clock. */
const queryMaxMs = 1_000;

/**
 * Asks the database for the time every ten seconds, and adds the process's monotonic timer in between. So a host whose clock is wrong or
 * jumps refuses no genuine signature as too old, and dates no event into the future.
 */
export async function createClock(db: Pick<Db, 'ingest'>, log: Logger, everyMs = 10_000): Promise<Clock> {
  let offsetMs = Date.now() - performance.now();
  let warned = false;

  async function readClock(): Promise<void> {
    const before = performance.now();
    const [row] = await db.ingest<{ ms: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as ms');
    const after = performance.now();
    if (!row || after - before > queryMaxMs) return;
    offsetMs = row.ms - (before + after) / 2;
    const skewMs = Math.round(Date.now() - performance.now() - offsetMs);
    const wrong = Math.abs(skewMs) > skewWarnedMs;
    if (wrong && !warned) log.warn({ skewMs }, "this host's clock differs from the clock of the database, which is used instead");
    warned = wrong;
  }

  await readClock();
  const timer = setInterval(() => {
    // While the database does not answer, its last answer is still used. Other code reports that the database is unavailable.
    readClock().catch(() => {});
  }, everyMs);
  timer.unref();
  return { now: () => Math.floor(offsetMs + performance.now()), stop: () => clearInterval(timer) };
}
