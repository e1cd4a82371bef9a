import type { Logger } from 'pino';
import type { Db } from '../db.ts';
import { type BatchRows, countRejected, type DeadRow, type DeliveryRow, takeQuarantine, writeBatch } from './store.ts';

export interface Rejected {
  delivery: Omit<DeliveryRow, 'sealed_at' | 'sealed_length'>;
  /** Made only when there is room for it: sealing costs, and a stranger decides how often it would. */
  seal(): { sealed: Uint8Array; dead: DeadRow };
}

export interface Quarantine {
  /** Resolves when the rejection is stored, or counted because there is no room for it. Never rejects. */
  add(rejected: Rejected): Promise<void>;
  drain(): Promise<void>;
}

/** Waiting rejections, over all connections: beyond it they are counted only. */
const waitingMax = 200;
const perFlushMax = 50;

/**
 * Keeps rejected deliveries apart from good traffic: a small queue of its own, one write at a time, on one connection of the pool.
 * Each connection has `perHour` places an hour, over all processes; everything beyond is counted.
 */
export function createQuarantine(db: Db, perHour: number, log: Logger): Quarantine {
  interface Waiting extends Rejected {
    done(): void;
  }
  let queue: Waiting[] = [];
  let flushing: Promise<void> | undefined;
  // Connections whose hour is full, so that a flood costs no query: id → end of that hour.
  const fullUntil = new Map<string, number>();
  // Not stored, to be counted with the next flush: id → org and number.
  const counted = new Map<string, { orgId: string; rejected: number }>();
  let countTimer: NodeJS.Timeout | undefined;

  function count(delivery: Rejected['delivery'], rejected: number): void {
    const id = delivery.source_connection_id;
    counted.set(id, { orgId: delivery.org_id, rejected: (counted.get(id)?.rejected ?? 0) + rejected });
    countTimer ??= setTimeout(() => {
      countTimer = undefined;
      kick();
    }, 1_000).unref();
  }

  /** One flush at a time, and none where there is nothing to do. */
  function kick(): void {
    if (flushing || (queue.length === 0 && counted.size === 0)) return;
    flushing = flush().finally(() => {
      flushing = undefined;
      if (queue.length > 0) kick();
    });
  }

  async function flush(): Promise<void> {
    while (queue.length > 0 || counted.size > 0) {
      const batch = queue.slice(0, perFlushMax);
      queue = queue.slice(perFlushMax);
      try {
        await store(batch);
        for (const [id, { orgId, rejected }] of counted) {
          await countRejected(db, orgId, id, rejected);
          uncount(id, rejected);
        }
      } catch (error) {
        // Nothing was promised to the sender. They are still counted, as soon as the database answers again.
        log.error({ err: error, rejected: batch.length }, 'rejected deliveries could not be stored');
        for (const waiting of batch) count(waiting.delivery, 1);
        return;
      } finally {
        for (const waiting of batch) waiting.done();
      }
    }
  }

  /** What was written is no longer owed; what came meanwhile still is. */
  function uncount(id: string, written: number): void {
    const entry = counted.get(id);
    if (!entry || entry.rejected <= written) counted.delete(id);
    else counted.set(id, { ...entry, rejected: entry.rejected - written });
  }

  async function store(batch: readonly Waiting[]): Promise<void> {
    const rows: BatchRows = { deliveries: [], keys: [], events: [], dead: [], sealed: Buffer.alloc(0) };
    const parts: Uint8Array[] = [];
    const beyond: Waiting[] = [];
    let sealedAt = 0;
    for (const [id, waiting] of Map.groupBy(batch, (w) => w.delivery.source_connection_id)) {
      const free = await takeQuarantine(db, id, waiting.length, perHour);
      if (free < waiting.length) {
        beyond.push(...waiting.slice(free));
        if (fullUntil.size > 10_000) fullUntil.clear();
        fullUntil.set(id, (Math.floor(Date.now() / 3_600_000) + 1) * 3_600_000);
      }
      for (const item of waiting.slice(0, free)) {
        const { sealed, dead } = item.seal();
        rows.deliveries.push({ ...item.delivery, sealed_at: sealedAt, sealed_length: sealed.length });
        rows.dead.push(dead);
        parts.push(sealed);
        sealedAt += sealed.length;
      }
    }
    if (rows.deliveries.length > 0) await writeBatch(db, { ...rows, sealed: Buffer.concat(parts) });
    for (const waiting of beyond) count(waiting.delivery, 1);
  }

  return {
    add(rejected) {
      const until = fullUntil.get(rejected.delivery.source_connection_id);
      if ((until !== undefined && until > Date.now()) || queue.length >= waitingMax) {
        count(rejected.delivery, 1);
        return Promise.resolve();
      }
      return new Promise((done) => {
        queue.push({ ...rejected, done });
        kick();
      });
    },
    async drain() {
      clearTimeout(countTimer);
      countTimer = undefined;
      kick();
      while (flushing) await flushing;
    },
  };
}
