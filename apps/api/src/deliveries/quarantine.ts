import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import { createRejectedQueue, type Rejected } from './rejected-queue.ts';
import { createRejections } from './rejections.ts';
import { rowsOf, type WriteItem } from './rows.ts';
import { takeQuarantine, writeBatch } from './store.ts';

export interface Quarantine {
  /** Resolves when the rejected delivery is stored, or counted because there is no room for it. Never rejects. */
  add(rejected: Rejected): Promise<void>;
  /** Returns false when a rejected delivery of that size would only be counted, so that it need not be sealed. */
  mayKeep(connection: { id: string; orgId: string }, bytes: number): boolean;
  /** Counts a rejected delivery of which nothing is stored. */
  count(connection: { id: string; orgId: string }): void;
  /** Counts an answer that refuses a delivery by its reason, whether the delivery is stored or not. */
  countReason(connection: { id: string; orgId: string }, reason: string): void;
  drain(): Promise<void>;
}

/** The size of a place: a larger body takes several, and a body that needs more places than an hour has is only counted. */
const placeBytes = 65_536;
const hourMs = 3_600_000;

/**
 * Keeps rejected deliveries apart from good traffic: in a separate small queue that writes one batch at a time, on one connection of the
 * pool. Each source connection has `perHour` places an hour, over all processes, three quarters of them for deliveries that carry the form of a
 * credential; further rejected deliveries are only counted. Anybody can send them, so the bytes that wait, that are written at once and that are
 * stored are bounded too. `now` is the database's clock, by whose
 * hours the places are counted.
 */
export function createQuarantine(db: Db, perHour: number, log: Logger, now: () => number): Quarantine {
  interface Waiting extends Rejected {
    done(): void;
  }
  const queue = createRejectedQueue<Waiting>();
  const perHourOf = sharesOf(perHour);
  let flushing: Promise<void> | undefined;
  // Connections without a free place in this hour, with or without a credential, so that a flood costs no query: → end of that hour, by
  // `performance.now()`.
  const fullUntil = new Map<string, number>();
  const rejections = createRejections(db, log);

  /** Starts a flush, unless one is running or there is nothing to write. */
  function startFlush(): void {
    if (flushing || queue.size() === 0) return;
    flushing = flush().finally(() => {
      flushing = undefined;
      if (queue.size() > 0) startFlush();
    });
  }

  async function flush(): Promise<void> {
    while (queue.size() > 0) {
      const batch = queue.take();
      try {
        await store(batch);
      } catch (error) {
        // A rejected delivery is not acknowledged, so its sender loses nothing. It is still counted as soon as the database answers again.
        log.error({ err: error, rejected: batch.length }, 'rejected deliveries could not be stored');
        for (const { connection } of batch) rejections.unstored(connection);
        return;
      } finally {
        for (const waiting of batch) waiting.done();
      }
    }
  }

  /** Takes places and writes the rows in one transaction: a delivery that could not be stored uses up no place. */
  async function store(batch: readonly Waiting[]): Promise<void> {
    const beyond: Waiting[] = [];
    await db.ingestTogether(async (ingest) => {
      const items: WriteItem[] = [];
      // Every process takes the connections in the same order, since each locks their hours until it commits.
      const byPlaces = Map.groupBy(batch, ({ connection, hasCredential }) => keyOf(connection.id, hasCredential));
      for (const [key, waiting] of [...byPlaces].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const [{ connection, hasCredential }] = waiting as [Waiting];
        const wanted = waiting.reduce((places, item) => places + placesOf(item), 0);
        let free = await takeQuarantine({ ingest }, connection.id, wanted, perHourOf(hasCredential), hasCredential);
        if (free < wanted) {
          if (fullUntil.size > 10_000) fullUntil.clear();
          fullUntil.set(key, performance.now() + hourMs - (now() % hourMs));
        }
        for (const item of waiting) {
          if (placesOf(item) > free) {
            beyond.push(item);
            continue;
          }
          free -= placesOf(item);
          items.push(item.seal());
        }
      }
      if (items.length > 0) await writeBatch(ingest, rowsOf(items));
    });
    for (const { connection } of beyond) rejections.unstored(connection);
  }

  function hasRoom(rejected: Pick<Rejected, 'connection' | 'bytes' | 'hasCredential'>): boolean {
    const { connection, bytes, hasCredential } = rejected;
    if ((fullUntil.get(keyOf(connection.id, hasCredential)) ?? 0) > performance.now()) return false;
    return placesOf({ bytes }) <= perHourOf(hasCredential) && queue.hasRoom(rejected);
  }

  return {
    add(rejected) {
      if (!hasRoom(rejected)) {
        rejections.unstored(rejected.connection);
        return Promise.resolve();
      }
      return new Promise((done) => {
        queue.add({ ...rejected, done });
        startFlush();
      });
    },
    mayKeep: (connection, bytes) => [true, false].some((hasCredential) => hasRoom({ connection, bytes, hasCredential })),
    count: rejections.unstored,
    countReason: rejections.refused,
    async drain() {
      startFlush();
      while (flushing) await flushing;
      await rejections.flush().catch((error: unknown) => log.error({ err: error }, 'rejected deliveries could not be counted'));
    },
  };
}

const placesOf = ({ bytes }: Pick<Rejected, 'bytes'>): number => Math.max(1, Math.ceil(bytes / placeBytes));
const keyOf = (connectionId: string, hasCredential: boolean): string => `${connectionId} ${hasCredential}`;

/** The places an hour of deliveries that carry the form of a credential, and of those that do not: three quarters and one quarter. */
function sharesOf(perHour: number): (hasCredential: boolean) => number {
  const without = Math.max(1, Math.floor(perHour / 4));
  return (hasCredential) => (hasCredential ? Math.max(1, perHour - without) : without);
}
