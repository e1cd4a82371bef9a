import { bulkhead } from 'cockatiel';
import { type Claims, type Db, payingOrg } from './db.ts';
import type { Limits } from './limits.ts';
import { Refusal } from './refusal.ts';

/**
 * Pages that are read at the same time in this process; further reads wait, so that downloads leave database connections to other
 * requests.
 */
const readsMax = 3;

export interface Download {
  /** Ends the download: its place is free again. It may be called several times. */
  end(): void;
  /**
   * Starts to wait for the reader. `onLate` is called once when the reader takes nothing for too long, or when the whole download takes too
   * long. Returns a function that ends the wait.
   */
  awaitReader(onLate: (reason: Refusal) => void): () => void;
}

export interface Downloads {
  /** Throws Refusal `rate_limited` or `overloaded` while the person, the org or the process has the maximum number of downloads. */
  requireRoom(userId: string, orgId: string): void;
  /** Counts one more download until it ends. Throws like `requireRoom`. */
  begin(userId: string, orgId: string): Download;
  /** The database for reading pages, limited to a few reads at a time, in the turns of the org. */
  dbFor(orgId: string): Pick<Db, 'as'>;
}

export function createDownloads(db: Pick<Db, 'as'>, { most, stallMs, totalMs }: Limits['downloads']): Downloads {
  const running = new Map<string, number>();
  const reads = bulkhead(readsMax, Number.POSITIVE_INFINITY);
  const countOf = (key: string) => running.get(key) ?? 0;
  const change = (keys: readonly string[], by: 1 | -1) => {
    for (const key of keys) {
      const count = countOf(key) + by;
      if (count === 0) running.delete(key);
      else running.set(key, count);
    }
  };

  const requireRoom = (userId: string, orgId: string) => {
    const wait = { retryAfterSeconds: 10 };
    if (countOf(userId) >= most.user)
      throw new Refusal('rate_limited', `you already have ${most.user} downloads running: wait until one has ended`, wait);
    if (countOf(orgId) >= most.org)
      throw new Refusal('rate_limited', `your org already has ${most.org} downloads running: wait until one has ended`, wait);
    if (countOf('all') >= most.all)
      throw new Refusal('overloaded', 'the server has the maximum number of downloads running: try again later', wait);
  };

  return {
    requireRoom,
    begin(userId, orgId) {
      requireRoom(userId, orgId);
      const keys = [userId, orgId, 'all'];
      const startedAt = performance.now();
      let hasEnded = false;
      change(keys, 1);
      return {
        end() {
          if (hasEnded) return;
          hasEnded = true;
          change(keys, -1);
        },
        awaitReader(onLate) {
          const leftMs = startedAt + totalMs - performance.now();
          const reason = leftMs < stallMs ? 'the download took too long' : 'the download was not read';
          const timer = setTimeout(() => onLate(new Refusal('overloaded', reason)), Math.max(0, Math.min(stallMs, leftMs)));
          timer.unref();
          return () => clearTimeout(timer);
        },
      };
    },
    dbFor: (orgId) => ({
      as: (claims: Claims, run) => reads.execute(() => db.as({ ...claims, [payingOrg]: orgId }, run)),
    }),
  };
}

/**
 * Streams a file as pages of text. A page is read when the reader has taken the one before it, so that the memory stays constant and reading
 * stops when the reader is gone. The first page is read before the answer begins. When a later page fails, or the reader takes too long, the
 * stream and the connection fail, because a file that was cut off must not look complete. The download is ended when the stream ends, fails
 * or is canceled. A page may be empty without being the last.
 */
export async function streamPages(
  readPage: () => Promise<{ text: string; isLast: boolean }>,
  download: Download,
  { head, end }: { head: string; end: string },
): Promise<ReadableStream<Uint8Array>> {
  let page = await readPage().catch((error: unknown) => {
    download.end();
    throw error;
  });
  let pending = head + page.text;
  let stopWaiting = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stopWaiting = waitForReader(controller);
      },
      async pull(controller) {
        stopWaiting();
        try {
          while (pending === '' && !page.isLast) {
            page = await readPage();
            pending = page.text;
          }
        } catch (error) {
          download.end();
          throw error;
        }
        const text = page.isLast ? pending + end : pending;
        pending = '';
        if (text !== '') controller.enqueue(new TextEncoder().encode(text));
        if (page.isLast) {
          controller.close();
          download.end();
        } else stopWaiting = waitForReader(controller);
      },
      cancel() {
        stopWaiting();
        download.end();
      },
    },
    { highWaterMark: 0 },
  );

  function waitForReader(controller: ReadableStreamDefaultController): () => void {
    return download.awaitReader((reason) => {
      download.end();
      pending = '';
      controller.error(reason);
    });
  }
}
