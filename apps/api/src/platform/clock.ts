import type { Logger } from 'pino';
import type { Db } from './db.ts';

/** The database's clock: the one that every instance goes by. */
export interface Clock {
  /** Milliseconds since the epoch. Never waits, and is not set back when the host's clock is. */
  now(): number;
  stop(): void;
}

/** A host that is further off than this is worth a line in the log. */
const skewWarnedMs = 2_000;
/** A look that took longer says too little about the moment of its answer. */
const lookMaxMs = 1_000;

/**
 * Asks the database for the time, now and then, and carries on in between by the process's monotonic timer. So a host whose clock is
 * wrong or jumps refuses no genuine signature as too old, and takes no event for one from the future.
 */
export async function createClock(db: Pick<Db, 'ingest'>, log: Logger, everyMs = 10_000): Promise<Clock> {
  let offsetMs = Date.now() - performance.now();
  let warned = false;

  async function look(): Promise<void> {
    const before = performance.now();
    const [row] = await db.ingest<{ ms: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as ms');
    const after = performance.now();
    if (!row || after - before > lookMaxMs) return;
    offsetMs = row.ms - (before + after) / 2;
    const skewMs = Math.round(Date.now() - performance.now() - offsetMs);
    const wrong = Math.abs(skewMs) > skewWarnedMs;
    if (wrong && !warned) log.warn({ skewMs }, "this host's clock differs from the database's, which is used");
    warned = wrong;
  }

  await look();
  const timer = setInterval(() => {
    // Without the database the last answer still stands; its absence is said by those who need more of it.
    look().catch(() => {});
  }, everyMs);
  timer.unref();
  return { now: () => Math.floor(offsetMs + performance.now()), stop: () => clearInterval(timer) };
}
