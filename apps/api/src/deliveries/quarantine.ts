import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import { rowsOf, type WriteItem } from './rows.ts';
import { countRejected, takeQuarantine, writeBatch } from './store.ts';

export interface Rejected {
  connection: { id: string; orgId: string };
  /** The size of the body, in memory and when it is stored. */
  bytes: number;
  /** Called only when there is room: digests and sealing cost time, and anybody can send deliveries that are rejected. */
  seal(): WriteItem;
}

export interface Quarantine {
  /** Resolves when the rejected delivery is stored, or counted because there is no room for it. Never rejects. */
  add(rejected: Rejected): Promise<void>;
  /** Returns false when a rejected delivery of that size would only be counted, so that it need not be sealed. */
  mayKeep(connection: { id: string }, bytes: number): boolean;
  /** Counts a rejected delivery that has nothing to store, because its body could not be received. */
  count(connection: { id: string; orgId: string }): void;
  drain(): Promise<void>;
}

/** Rejected deliveries that may wait, over all connections. Further ones are only counted. */
const waitingMax = { rejections: 200, bytes: 16_777_216 };
const perFlushMax = { rejections: 50, bytes: 2_097_152 };
/** The size of a place: a larger body takes several, and a body that needs more places than an hour has is only counted. */
const placeBytes = 65_536;
const hourMs = 3_600_000;

/**
 * Keeps rejected deliveries apart from good traffic: in a separate small queue that writes one batch at a time, on one connection of the
 * pool. Each source connection has `perHour` places an hour, over all processes; further rejected deliveries are only counted. Anybody can
 * send them, so the bytes that wait, that are written at once and that are stored are bounded too. `now` is the database's clock, by whose
 * hours the places are counted.
 */
export function createQuarantine(db: Db, perHour: number, log: Logger, now: () => number): Quarantine {
  interface Waiting extends Rejected {
    done(): void;
  }
  const queue: Waiting[] = [];
  let queuedBytes = 0;
  let flushing: Promise<void> | undefined;
  // Connections without a free place in this hour, so that a flood costs no query: id → end of that hour, by `performance.now()`.
  const fullUntil = new Map<string, number>();
  // Rejected deliveries that were not stored, to be counted with the next flush: id → org and number.
  const counted = new Map<string, { orgId: string; rejected: number }>();
  let countTimer: NodeJS.Timeout | undefined;

  function count({ id, orgId }: Rejected['connection']): void {
    counted.set(id, { orgId, rejected: (counted.get(id)?.rejected ?? 0) + 1 });
    countTimer ??= setTimeout(() => {
      countTimer = undefined;
      startFlush();
    }, 1_000).unref();
  }

  /** Starts a flush, unless one is running or there is nothing to write. */
  function startFlush(): void {
    if (flushing || (queue.length === 0 && counted.size === 0)) return;
    flushing = flush().finally(() => {
      flushing = undefined;
      if (queue.length > 0) startFlush();
    });
  }

  async function flush(): Promise<void> {
    while (queue.length > 0 || counted.size > 0) {
      const batch = takeBatch();
      try {
        await store(batch);
        for (const [id, { orgId, rejected }] of counted) {
          await countRejected(db, orgId, id, rejected);
          subtractCounted(id, rejected);
        }
      } catch (error) {
        // A rejected delivery is not acknowledged, so its sender loses nothing. It is still counted as soon as the database answers again.
        log.error({ err: error, rejected: batch.length }, 'rejected deliveries could not be stored');
        for (const { connection } of batch) count(connection);
        return;
      } finally {
        for (const waiting of batch) waiting.done();
      }
    }
  }

  /** Takes the oldest of the queue: as many as one statement should carry, and at least one. */
  function takeBatch(): Waiting[] {
    let bytes = 0;
    const end = queue.findIndex((waiting, index) => {
      bytes += waiting.bytes;
      return index > 0 && (index >= perFlushMax.rejections || bytes > perFlushMax.bytes);
    });
    const batch = queue.splice(0, end === -1 ? queue.length : end);
    for (const waiting of batch) queuedBytes -= waiting.bytes;
    return batch;
  }

  /** Subtracts the rejections that were written; those that were counted meanwhile remain. */
  function subtractCounted(id: string, written: number): void {
    const entry = counted.get(id);
    if (!entry || entry.rejected <= written) counted.delete(id);
    else counted.set(id, { ...entry, rejected: entry.rejected - written });
  }

  /** Takes places and writes the rows in one transaction: a delivery that could not be stored uses up no place. */
  async function store(batch: readonly Waiting[]): Promise<void> {
    const beyond: Waiting[] = [];
    await db.ingestTogether(async (ingest) => {
      const items: WriteItem[] = [];
      // Every process takes the connections in the same order, since each locks their hours until it commits.
      for (const [id, waiting] of [...Map.groupBy(batch, (w) => w.connection.id)].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const wanted = waiting.reduce((places, item) => places + placesOf(item), 0);
        let free = await takeQuarantine({ ingest }, id, wanted, perHour);
        if (free < wanted) {
          if (fullUntil.size > 10_000) fullUntil.clear();
          fullUntil.set(id, performance.now() + hourMs - (now() % hourMs));
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
    for (const { connection } of beyond) count(connection);
  }

  function mayKeep({ id }: { id: string }, bytes: number): boolean {
    if ((fullUntil.get(id) ?? 0) > performance.now() || placesOf({ bytes }) > perHour) return false;
    return queue.length < waitingMax.rejections && queuedBytes + bytes <= waitingMax.bytes;
  }

  return {
    add(rejected) {
      const { connection, bytes } = rejected;
      if (!mayKeep(connection, bytes)) {
        count(connection);
        return Promise.resolve();
      }
      return new Promise((done) => {
        queue.push({ ...rejected, done });
        queuedBytes += bytes;
        startFlush();
      });
    },
    mayKeep,
    count,
    async drain() {
      clearTimeout(countTimer);
      countTimer = undefined;
      startFlush();
      while (flushing) await flushing;
    },
  };
}

const placesOf = ({ bytes }: Pick<Rejected, 'bytes'>): number => Math.max(1, Math.ceil(bytes / placeBytes));
