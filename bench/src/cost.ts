import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { Contestant } from './contestants.ts';
import { processorTime } from './processor-time.ts';
import { walPosition } from './wal.ts';

/** What one event costs: one purchase, or one record of a batch. */
export interface Cost {
  /** Microseconds of processor time: the server's main thread, all its threads, all processes of Postgres, and server and Postgres together. */
  mainUs: number;
  serverUs: number;
  postgresUs: number;
  sumUs: number;
  walBytes: number;
  fullPageImages: number;
  /** The part of the events that is in Postgres when the last answer comes; undefined where nobody said how events are counted. */
  storedShare?: number;
}

/**
 * Runs something, and divides what the contestant's processes use by the number of events that it accepted. Work that a server does after its answers belongs
 * to the cost too: it is awaited, and so does not burden the server that is measured next.
 */
export async function costOf<T>(
  contestant: Contestant,
  run: () => Promise<T>,
  eventsOf: (result: T) => number,
): Promise<{ result: T; cost: Cost }> {
  const storedBefore = await countStored(contestant);
  const before = await usedBy(contestant);
  const result = await run();
  const answered = await usedBy(contestant);
  // Counting is not the server's work.
  const stored = await countStored(contestant);
  const counted = await usedBy(contestant);
  await untilIdle(contestant);
  const idle = await usedBy(contestant);
  const events = Math.max(1, eventsOf(result));
  const each = (name: keyof typeof before, digits: number) =>
    rounded((answered[name] - before[name] + idle[name] - counted[name]) / events, digits);
  const cost: Cost = {
    mainUs: each('mainUs', 1),
    serverUs: each('serverUs', 1),
    postgresUs: each('postgresUs', 1),
    sumUs: rounded(each('serverUs', 1) + each('postgresUs', 1), 1),
    walBytes: each('walBytes', 0),
    fullPageImages: each('fullPageImages', 3),
    ...(stored === undefined || storedBefore === undefined ? {} : { storedShare: rounded((stored - storedBefore) / events, 3) }),
  };
  return { result, cost };
}

const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;

async function usedBy({ postgres, serverPid }: Contestant) {
  const server = processorTime(serverPid);
  const wal = postgres ? await walPosition(postgres.superuserUrl) : { bytes: 0, fullPageImages: 0 };
  return {
    mainUs: server.main * 1e6,
    serverUs: server.all * 1e6,
    postgresUs: postgres ? processorTime(postgres.pid).all * 1e6 : 0,
    walBytes: wal.bytes,
    fullPageImages: wal.fullPageImages,
  };
}

/** Waits until server and Postgres together use less than a tenth of a core, for at most 15 seconds. */
async function untilIdle({ postgres, serverPid }: Contestant): Promise<void> {
  const used = () => processorTime(serverPid).all + (postgres ? processorTime(postgres.pid).all : 0);
  for (let tries = 0, before = used(); tries < 60; tries++) {
    await sleep(250);
    const now = used();
    if (now - before < 0.025) return;
    before = now;
  }
}

async function countStored({ postgres }: Contestant): Promise<number | undefined> {
  if (!postgres?.countSql) return undefined;
  const { superuserUrl, countSql } = postgres;
  const { rows } = await withClient(superuserUrl, (client) => client.query<unknown[]>({ text: countSql, rowMode: 'array' }));
  return Number(rows[0]?.[0]);
}
