import type { Logger } from 'pino';
import type { Db } from '../platform/db.ts';
import { countRejections, type RejectionCount } from './store.ts';

type Owner = { id: string; orgId: string };

export interface Rejections {
  /** Counts an answer that refuses a delivery, by its reason. */
  refused(connection: Owner, code: string): void;
  /** Counts a rejected delivery in the activity of its connection, because the quarantine does not store it. */
  unstored(connection: Owner): void;
  /** Writes what was counted. Rejects when the database cannot be asked; the counts are kept for the next time. */
  flush(): Promise<void>;
}

const rowsPerStatement = 500;
/** The code of the counts that go to the activity alone. They make no row by reason. */
const activityOnly = 'unstored';

/**
 * Counts in memory and writes once a second, by one statement for 500 pairs of a connection and a reason: a flood costs as many writes as one refused
 * delivery. A crash loses the counts of the last second.
 */
export function createRejections(db: Pick<Db, 'ingest'>, log: Logger): Rejections {
  const counted = new Map<string, RejectionCount>();
  let isFlushDue = false;

  function add({ id, orgId }: Owner, code: string, more: Pick<RejectionCount, 'refused' | 'unstored'>): void {
    const key = `${id} ${code}`;
    const entry = counted.get(key) ?? { org_id: orgId, source_connection_id: id, code, refused: 0, unstored: 0 };
    entry.refused += more.refused;
    entry.unstored += more.unstored;
    counted.set(key, entry);
    flushSoon();
  }

  function flushSoon(): void {
    if (isFlushDue) return;
    isFlushDue = true;
    setTimeout(() => {
      isFlushDue = false;
      flush().catch((error: unknown) => {
        // The senders have their answers. The counts are written as soon as the database answers again.
        log.error({ err: error, reasons: counted.size }, 'rejected deliveries could not be counted');
        flushSoon();
      });
    }, 1_000).unref();
  }

  async function flush(): Promise<void> {
    while (counted.size > 0) {
      const batch = [...counted].slice(0, rowsPerStatement);
      for (const [key] of batch) counted.delete(key);
      try {
        await countRejections(
          db,
          batch.map(([, entry]) => entry),
        );
      } catch (error) {
        for (const [, { org_id: orgId, source_connection_id: id, code, ...more }] of batch) add({ id, orgId }, code, more);
        throw error;
      }
    }
  }

  return {
    refused: (connection, code) => add(connection, code, { refused: 1, unstored: 0 }),
    unstored: (connection) => add(connection, activityOnly, { refused: 0, unstored: 1 }),
    flush,
  };
}
