import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import type { List } from './packed-list.ts';
import { createThreads, runBehind, type Task, ThreadFailure, type Threads } from './threads.ts';

/** A program of threads whose tasks go wrong on purpose. */
const program = `
  import { getHeapStatistics } from 'node:v8';
  const keep = [];
  export function runTask({ packed, port }) {
    if (packed.does === 'loop') for (;;) keep.length = 0;
    if (packed.does === 'eat') for (;;) keep.push({ n: keep.length });
    if (packed.does === 'throw') throw new RangeError('as the task said');
    if (packed.does === 'measure') return { limit: getHeapStatistics().heap_size_limit / 1048576, records: [] };
    for (let n = 0; n < 10; n++) {
      const bytes = new TextEncoder().encode(JSON.stringify([n * 2, n * 2 + 1]));
      port.postMessage({ items: 2, bytes }, [bytes.buffer]);
    }
    return { records: [] };
  }`;
const task: Task<{ does: string }, { limit?: number; records: List<unknown> }> = {
  name: 'test',
  isHeavy: () => true,
  run: () => ({ records: [] }),
  pack: (input) => input,
  unpack: (input) => input,
  holderIn: (output) => output,
};
const owner = (orgId: string) => ({ id: orgId, orgId });

const heapMegabytes = 32;
const start = (): Threads =>
  createThreads({
    entry: pathToFileURL(join(directory, 'program.mjs')),
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
    limits: { threadsMax: 2, heapMegabytes, taskMs: 2_000, idleMs: 1_000 },
  });

let directory: string;
let threads: Threads;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-threads-'));
  writeFileSync(join(directory, 'program.mjs'), program);
  threads = start();
});
afterAll(async () => {
  await threads.stop();
  rmSync(directory, { recursive: true });
});

const failure = (does: string, orgId: string) =>
  threads.run(task, { does }, owner(orgId)).then(
    () => undefined,
    (error: unknown) => (error instanceof ThreadFailure ? error.reason : error),
  );

const twenty = Array.from({ length: 20 }, (_, n) => n);

it('returns the records of the output in order, in the parts that are asked for', async () => {
  const { records } = await threads.run(task, { does: 'list' }, owner('a'));
  expect(records).toHaveLength(20);
  expect(records.slice(0, 20)).toEqual(twenty);
  expect(records.slice(3, 8)).toEqual([3, 4, 5, 6, 7]);
});

it('returns the records of the output of a background job as an array', async () => {
  expect(await runBehind(threads, task, { does: 'list' })).toEqual({ records: twenty });
});

it('passes on the error of a task', async () => {
  expect(await failure('throw', 'a')).toMatchObject({ message: 'as the task said' });
});

it('ends a task that takes all memory of its thread, and runs the next task', async () => {
  expect(await failure('eat', 'a')).toBe('memory');
  expect((await threads.run(task, { does: 'list' }, owner('a'))).records).toHaveLength(20);
});

it('ends a task that takes too long, and runs the tasks of another org meanwhile', async () => {
  const endless = failure('loop', 'a');
  expect((await threads.run(task, { does: 'list' }, owner('b'))).records).toHaveLength(20);
  expect(await endless).toBe('time');
  expect((await threads.run(task, { does: 'list' }, owner('a'))).records).toHaveLength(20);
});

it('gives a thread its own heap, also in a process whose flags set the sizes of a heap', async () => {
  setFlagsFromString('--max-old-space-size=256');
  setFlagsFromString('--max-semi-space-size=16');
  const others = start();
  const { limit } = await others.run(task, { does: 'measure' }, owner('a'));
  await others.stop();
  // The limit that V8 states has room for the young generation, too.
  expect(limit).toBeLessThan(2 * heapMegabytes);
});
