import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Steps } from '../platform/steps.ts';
import { createDesk } from './desk.ts';

const from = (orgId: string) => ({ orgId, connectionId: orgId });

// The clock stands still, and every step presses it by what the step takes.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Work in so many steps of so many milliseconds each, which calls `done` after each of them. */
function* work(steps: number, stepMs: number, done = () => {}): Steps<string> {
  for (let step = 1; step <= steps; step++) {
    if (step > 1) yield;
    vi.advanceTimersByTime(stepMs);
    done();
  }
  return 'done';
}

/** Runs until all are settled, and returns how many milliseconds were worked in each turn of the event loop. */
async function workedByTurn(all: readonly Promise<unknown>[]): Promise<number[]> {
  let isSettled = false;
  const settled = Promise.allSettled(all).then(() => {
    isSettled = true;
  });
  const worked: number[] = [];
  while (!isSettled) {
    const before = performance.now();
    await nextTurn();
    worked.push(performance.now() - before);
  }
  await settled;
  return worked.filter((ms) => ms > 0);
}

test('a crowd of deliveries is worked on in slices, so that the event loop turns in between', async () => {
  const desk = createDesk(() => true);
  const worked = await workedByTurn(Array.from({ length: 60 }, () => desk.run(from('a'), work(1, 1))));
  expect(worked.reduce((sum, ms) => sum + ms)).toBe(60);
  expect(Math.max(...worked)).toBe(8);
});

test('a delivery of many records is paused between two of them, so that the event loop is held for a slice and one record at most', async () => {
  const desk = createDesk(() => true);
  const worked = await workedByTurn([desk.run(from('a'), work(100, 3)), desk.run(from('a'), work(100, 3))]);
  expect(worked.reduce((sum, ms) => sum + ms)).toBe(600);
  expect(Math.max(...worked)).toBeLessThan(8 + 3);
});

test('an org with one delivery has its turn before the crowd of another org is done', async () => {
  const desk = createDesk(() => true);
  const order: string[] = [];
  const crowd = Array.from({ length: 200 }, () =>
    desk.run(
      from('a'),
      work(1, 0.25, () => void order.push('a')),
    ),
  );
  await desk.run(
    from('b'),
    work(1, 0.25, () => void order.push('b')),
  );
  await Promise.all(crowd);
  expect(order.indexOf('b')).toBeLessThan(10);
});

test('an org with one delivery has its turn before the large delivery of another org is done', async () => {
  const desk = createDesk(() => true);
  const order: string[] = [];
  const large = desk.run(
    from('a'),
    work(1_000, 0.25, () => void order.push('a')),
  );
  await desk.run(
    from('b'),
    work(1, 0.25, () => void order.push('b')),
  );
  expect(await large).toBe('done');
  expect(order.indexOf('b')).toBeLessThan(10);
});

test('orgs have equal parts of the time, however much each of their deliveries takes', async () => {
  const desk = createDesk(() => true);
  const msOf = { dear: 0, cheap: 0, divided: 0 };
  const halfTime: (typeof msOf)[] = [];
  const send = (org: keyof typeof msOf, count: number, steps: number, stepMs: number) =>
    Array.from({ length: count }, () =>
      desk.run(
        from(org),
        work(steps, stepMs, () => {
          msOf[org] += stepMs;
          if (halfTime.length === 0 && msOf.dear + msOf.cheap + msOf.divided >= 300) halfTime.push({ ...msOf });
        }),
      ),
    );
  await Promise.all([...send('dear', 40, 1, 5), ...send('cheap', 1_000, 1, 0.2), ...send('divided', 4, 100, 0.5)]);
  for (const ms of Object.values(halfTime[0] ?? {})) expect(Math.abs(ms - 100)).toBeLessThanOrEqual(6);
});

test('a delivery that was paused is finished before the next one of its connection begins', async () => {
  const desk = createDesk(() => true);
  const order: string[] = [];
  const names = ['first', 'second', 'third'];
  await Promise.all(
    names.map((name) =>
      desk.run(
        from('a'),
        work(20, 1, () => void order.push(name)),
      ),
    ),
  );
  expect(order).toEqual(names.flatMap((name) => Array(20).fill(name)));
});

test('a delivery for which the writer has no room waits without any work on it, and other senders do not wait for it', async () => {
  let isFull = true;
  const desk = createDesk(({ orgId }) => orgId !== 'full' || !isFull);
  let isDone = false;
  const waits = desk.run(
    from('full'),
    work(1, 1, () => {
      isDone = true;
    }),
  );
  expect(await desk.run(from('other'), work(1, 1))).toBe('done');
  expect(isDone).toBe(false);
  isFull = false;
  await waits;
  expect(isDone).toBe(true);
});

test('a delivery that was paused is finished although the writer has got full meanwhile', async () => {
  let isFull = false;
  const desk = createDesk(() => !isFull);
  const paused = desk.run(
    from('a'),
    work(40, 1, () => {
      isFull = true;
    }),
  );
  expect(await paused).toBe('done');
});

test('passes on what the work throws, and goes on with the next delivery', async () => {
  const desk = createDesk(() => true);
  const failed = desk.run(
    from('a'),
    work(1, 1, () => {
      throw new RangeError('as the work said');
    }),
  );
  const next = desk.run(from('a'), work(1, 1));
  await expect(failed).rejects.toThrow('as the work said');
  expect(await next).toBe('done');
});
