import { bulkhead } from 'cockatiel';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';

/** The maximum of simultaneous downloads of one person in this process. Each keeps a page in memory until its reader has read the page. */
const perUserMax = 3;
/**
 * Pages that are read at the same time in this process; further reads wait, so that downloads leave database connections to other
 * requests.
 */
const readsMax = 3;

export interface Downloads {
  /** Throws Refusal `rate_limited` while the person has the maximum number of downloads. */
  requireRoom(userId: string): void;
  /** Counts one more download of the person until the returned function is called. Throws like `requireRoom`. */
  begin(userId: string): () => void;
  /** The database for reading pages, limited to a few reads at a time. */
  db: Pick<Db, 'as'>;
}

export function createDownloads(db: Pick<Db, 'as'>): Downloads {
  const open = new Map<string, number>();
  const reads = bulkhead(readsMax, Number.POSITIVE_INFINITY);
  const requireRoom = (userId: string) => {
    if ((open.get(userId) ?? 0) >= perUserMax)
      throw new Refusal('rate_limited', `you already have ${perUserMax} downloads running: wait until one has ended`, {
        retryAfterSeconds: 10,
      });
  };
  return {
    requireRoom,
    begin(userId) {
      requireRoom(userId);
      open.set(userId, (open.get(userId) ?? 0) + 1);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        const left = (open.get(userId) ?? 1) - 1;
        if (left === 0) open.delete(userId);
        else open.set(userId, left);
      };
    },
    db: { as: (claims, run) => reads.execute(() => db.as(claims, run)) },
  };
}
