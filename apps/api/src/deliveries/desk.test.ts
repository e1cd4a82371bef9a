import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createDesk } from './desk.ts';

const from = (orgId: string) => ({ orgId, connectionId: orgId });
const work = (ms: number) => {
  for (const until = performance.now() + ms; performance.now() < until; );
};

test('a crowd of deliveries is worked on in slices, so that the event loop turns in between', async () => {
  const desk = createDesk(() => true);
  let done = 0;
  const all = Array.from({ length: 60 }, () =>
    desk.run(from('a'), () => {
      work(1);
      done++;
    }),
  );
  const doneByTurn: number[] = [];
  while (done < all.length) {
    const before = done;
    await nextTurn();
    doneByTurn.push(done - before);
  }
  await Promise.all(all);
  expect(Math.max(...doneByTurn)).toBeLessThan(30);
});

test('an org with one delivery has its turn before the crowd of another org is done', async () => {
  const desk = createDesk(() => true);
  const order: string[] = [];
  const crowd = Array.from({ length: 200 }, () => desk.run(from('a'), () => void order.push('a')));
  await desk.run(from('b'), () => void order.push('b'));
  await Promise.all(crowd);
  expect(order.indexOf('b')).toBeLessThan(10);
});

test('a delivery for which the writer has no room waits without any work on it, and other senders do not wait for it', async () => {
  let isFull = true;
  const desk = createDesk(({ orgId }) => orgId !== 'full' || !isFull);
  let isDone = false;
  const waits = desk.run(from('full'), () => {
    isDone = true;
  });
  expect(await desk.run(from('other'), () => 'other')).toBe('other');
  expect(isDone).toBe(false);
  isFull = false;
  await waits;
  expect(isDone).toBe(true);
});

test('passes on what the work throws, and goes on with the next delivery', async () => {
  const desk = createDesk(() => true);
  const failed = desk.run(from('a'), () => {
    throw new RangeError('as the work said');
  });
  const next = desk.run(from('a'), async () => 'done');
  await expect(failed).rejects.toThrow('as the work said');
  expect(await next).toBe('done');
});
