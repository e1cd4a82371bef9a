import { bulkhead } from 'cockatiel';
import type { Db } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';

/** Downloads of one person at a time, in this process: each holds a page in memory for as long as its reader takes. */
const perUserMax = 3;
/** Pages read at a time, in this process; the others wait: files never take the connections that people's clicks need. */
const readsMax = 3;

export interface Downloads {
  /** Throws Refusal `rate_limited` while the person has as many as they may have. */
  requireRoom(userId: string): void;
  /** One more of the person, until the returned function is called. Throws as `requireRoom`. */
  begin(userId: string): () => void;
  /** Where the pages of files are read. */
  db: Pick<Db, 'as'>;
}

export function createDownloads(db: Pick<Db, 'as'>): Downloads {
  const open = new Map<string, number>();
  const reads = bulkhead(readsMax, Number.POSITIVE_INFINITY);
  const requireRoom = (userId: string) => {
    if ((open.get(userId) ?? 0) >= perUserMax)
      throw new Refusal('rate_limited', `${perUserMax} downloads of yours are under way: wait until one has ended`, {
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
