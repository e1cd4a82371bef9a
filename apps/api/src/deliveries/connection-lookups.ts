import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { findExistingIds } from './store.ts';

export interface Lookups {
  /**
   * Whether the id is a connection. Throws Refusal `overloaded` when too many ids wait already: the id may exist, so the answer must not be
   * that it does not.
   */
  exists(id: string): Promise<boolean>;
}

/** Ids that may wait for their look-up. With the next two numbers, an id waits for at most eight statements. */
const waitingMax = 4_000;
const perStatementMax = 500;

/** Created once, because a refusal must cost next to nothing. */
const overloaded = new Refusal('overloaded', 'too many unknown connections are looked up at the moment', { retryAfterSeconds: 2 });

/**
 * Looks up which ids exist, all that wait by one statement, one statement at a time. Anybody can send deliveries to random ids: a flood of
 * them makes the statements larger instead of more, so the connections that exist and are not in memory are found within milliseconds.
 */
export function createLookups(db: Pick<Db, 'lookUp'>): Lookups {
  const waiting = new Map<string, { resolve(exists: boolean): void; reject(error: unknown): void }>();
  let isAsking = false;

  async function ask(): Promise<void> {
    isAsking = true;
    // The requests of this turn of the event loop are asked together.
    await nextTurn();
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, perStatementMax);
      for (const [id] of batch) waiting.delete(id);
      try {
        const existing = await findExistingIds(
          db,
          batch.map(([id]) => id),
        );
        for (const [id, { resolve }] of batch) resolve(existing.has(id));
      } catch (error) {
        for (const [, { reject }] of batch) reject(error);
      }
    }
    isAsking = false;
  }

  return {
    exists(id) {
      if (waiting.size >= waitingMax) return Promise.reject(overloaded);
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        if (!isAsking) void ask();
      });
    },
  };
}
