import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import type { Level } from './levels.ts';
import { beat, type Orders, type Report } from './store.ts';

/** How this instance learns about the other instances: by heartbeats through Postgres. */
export interface Fleet {
  /** The newest orders, which apply until newer orders arrive. Undefined before the first heartbeat was answered. */
  orders(): Orders | undefined;
  /** The level of the whole fleet. Undefined when the last answer is older than `levelValidForMs`. */
  level(): Level | undefined;
  /** Sends a heartbeat, or waits for the one that is under way. */
  beat(): Promise<void>;
  /** Resolves after a heartbeat that began later than this call. */
  poll(): Promise<void>;
  /** Waits for the heartbeat that is under way. */
  stop(): Promise<void>;
}

export function createFleet(deps: {
  db: Db;
  /** What this instance reports with each heartbeat. */
  report(): Omit<Report, 'flushed_turn'>;
  /** Writes the buffered records of this instance. */
  flush(): Promise<void>;
  /** Called after each heartbeat with its answer, or without one when it failed. */
  onBeat(orders: Orders | undefined): void;
  /** How long the level that the fleet reported counts. */
  levelValidForMs: number;
  log: Logger;
}): Fleet {
  const { db, report, flush, onBeat, levelValidForMs, log } = deps;
  let orders: Orders | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let isUnreachable = false;
  let flushedTurn = 0;
  let isFlushing = false;
  let beating: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function beatOnce(): Promise<void> {
    const heard = await beat(db, { ...report(), flushed_turn: flushedTurn }).catch((error: unknown) => {
      if (!isUnreachable) {
        log.warn({ err: error }, 'heartbeat failed: this instance keeps the operator\u2019s last mode, or else follows its own level');
      }
      return undefined;
    });
    isUnreachable = !heard;
    if (heard) {
      // Flushes that were requested before this instance started do not concern it.
      if (!orders) flushedTurn = heard.flush_turn;
      orders = heard;
      heardAt = performance.now();
    }
    onBeat(heard);
    if (heard && heard.flush_turn > flushedTurn) startFlush(heard.flush_turn);
  }

  /** The next heartbeat reports the turn as flushed. */
  function startFlush(turn: number): void {
    if (isFlushing) return;
    isFlushing = true;
    void flush().then(() => {
      isFlushing = false;
      flushedTurn = turn;
      void poll();
    });
  }

  function poll(): Promise<void> {
    if (!beating) {
      beating = beatOnce().finally(() => {
        beating = undefined;
      });
      return beating;
    }
    next ??= beating.then(() => {
      next = undefined;
      return poll();
    });
    return next;
  }

  return {
    orders: () => orders,
    level: () => (performance.now() - heardAt < levelValidForMs ? orders?.automatic_mode : undefined),
    beat: () => beating ?? poll(),
    poll,
    stop: async () => beating,
  };
}
