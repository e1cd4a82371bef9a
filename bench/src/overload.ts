import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, ProofStack } from '../../chaos/src/stack.ts';
import type { OpenLoopRequest, OpenLoopResult } from './open-loop.ts';
import { cpuSeconds, measure, residentBytes } from './process.ts';
import type { Traffic } from './requests.ts';

interface Sample {
  second: number;
  megabytes: number;
  /** Processor time of the API since the previous sample, in cores. */
  cores: number;
}

export interface Overload extends OpenLoopResult {
  stored: number;
  /** The number of deliveries that were acknowledged but not stored. */
  lost: number;
  /** The number of answers other than 200 and other than 429 or 503 with Retry-After. */
  otherAnswers: number;
  memory: { peakMb: number; growth: number; samples: Sample[] };
}

/** Sends more than the API can process, and compares the acknowledged deliveries with the stored ones. */
export async function measureOverload(
  stack: ProofStack,
  api: Api,
  options: { traffic: Traffic; perSecond: number; seconds: number },
): Promise<Overload> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    const ackedFile = join(directory, 'acked');
    const stop = watch(api.pid);
    const request: OpenLoopRequest = { ...options, sockets: 2_000, ackedFile };
    const result = await measure<OpenLoopResult>('open-loop', request);
    const samples = stop();
    // Requests that the generator gave up on may still be committed.
    await sleep(1_000);
    const prefix = options.traffic.idPrefix;
    const rows = await stack.query<{ key: string }>('select idempotency_key as key from private.event_keys where idempotency_key like $1', [
      `${prefix}%`,
    ]);
    const stored = new Set(rows.map((row) => Number(row.key.slice(prefix.length))));
    const acked = readFileSync(ackedFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    const others = Object.entries(result.statuses).filter(([status]) => !['200', '429', '503'].includes(status));
    return {
      ...result,
      stored: stored.size,
      lost: acked.filter((n) => !stored.has(n)).length,
      otherAnswers: sum(others.map(([, count]) => count)) + sum(Object.values(result.errors)) + result.withoutRetryAfter,
      memory: summarise(samples),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Samples memory and processor time of a process every second. */
function watch(pid: number): () => Sample[] {
  const samples: Sample[] = [];
  const started = performance.now();
  let last = { at: started, cpu: cpuSeconds(pid) };
  const timer = setInterval(() => {
    const now = { at: performance.now(), cpu: cpuSeconds(pid) };
    samples.push({
      second: Math.round((now.at - started) / 1000),
      megabytes: Math.round((residentBytes(pid) ?? 0) / 1e5) / 10,
      cores: Math.round(((now.cpu - last.cpu) / ((now.at - last.at) / 1000)) * 100) / 100,
    });
    last = now;
  }, 1_000);
  return () => {
    clearInterval(timer);
    return samples;
  };
}

/** `growth` compares the mean of the last third with that of the middle third: 1 is flat. */
function summarise(samples: Sample[]): Overload['memory'] {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const mean = (some: readonly Sample[]) => some.reduce((sum, one) => sum + one.megabytes, 0) / Math.max(1, some.length);
  const middle = mean(samples.slice(third, 2 * third));
  return {
    peakMb: Math.max(0, ...samples.map((one) => one.megabytes)),
    growth: middle === 0 ? 0 : Math.round((mean(samples.slice(2 * third)) / middle) * 1000) / 1000,
    samples,
  };
}
