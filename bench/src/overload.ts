import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import type { Contestant } from './contestants.ts';
import type { OpenLoopRequest, OpenLoopResult } from './open-loop.ts';
import { measure } from './process.ts';
import { residentMb } from './processor-time.ts';
import { requestOf } from './requests.ts';

export interface Overload extends OpenLoopResult {
  /** Deliveries that were acknowledged but not stored; undefined for a server whose tables are not known. */
  lost: number | undefined;
  /** The number of answers other than 200 and other than 429 or 503 with Retry-After. */
  otherAnswers: number;
  memory: { peakMb: number; growth: number; samples: number[] };
}

/** Sends more than the server can process, and compares the acknowledged deliveries with the stored ones. */
export async function measureOverload(
  contestant: Contestant,
  options: { perSecond: number; seconds: number },
): Promise<Overload | undefined> {
  const traffic = contestant.traffic('purchase');
  if (!traffic) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    const ackedFile = join(directory, 'acked');
    const stop = watchMemory(contestant.serverPid);
    const request: OpenLoopRequest = { ...options, traffic, sockets: 2_000, ackedFile };
    const result = await measure<OpenLoopResult>('open-loop', request);
    const memory = summarise(stop());
    // Requests that the generator gave up on may still be committed.
    await sleep(1_000);
    const stored = await storedRequests(contestant, traffic.idPrefix);
    const acked = readFileSync(ackedFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    const others = Object.entries(result.statuses).filter(([status]) => !['200', '429', '503'].includes(status));
    return {
      ...result,
      lost: stored && acked.filter((n) => !stored.has(n)).length,
      otherAnswers: sum(others.map(([, count]) => count)) + sum(Object.values(result.errors)) + result.withoutRetryAfter,
      memory,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function storedRequests({ checkout, postgres }: Contestant, prefix: string): Promise<Set<number> | undefined> {
  if (!checkout || !postgres) return undefined;
  const { rows } = await withClient(postgres.superuserUrl, (client) =>
    client.query<{ key: string }>(`select idempotency_key as key from private.event_keys where idempotency_key like $1`, [`%-${prefix}-%`]),
  );
  return new Set(rows.flatMap(({ key }) => requestOf(prefix, key) ?? []));
}

/** Reads the resident memory of the server and of the processes that it started once a second. */
function watchMemory(pid: number): () => number[] {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMb(pid)), 1_000);
  return () => {
    clearInterval(timer);
    return samples;
  };
}

/** `growth` compares the mean of the last third with that of the middle third: 1 is flat. */
function summarise(samples: number[]): Overload['memory'] {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / Math.max(1, some.length);
  const middle = mean(samples.slice(third, 2 * third));
  return {
    peakMb: Math.max(0, ...samples),
    growth: middle === 0 ? 0 : Math.round((mean(samples.slice(2 * third)) / middle) * 1000) / 1000,
    samples,
  };
}
