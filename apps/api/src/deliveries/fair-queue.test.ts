import { expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

interface Item {
  org: string;
  cost: number;
}

const add = (turns: ReturnType<typeof createFairQueue<Item>>, org: string, costs: readonly number[]) => {
  for (const cost of costs) turns.add({ orgId: org, connectionId: org }, { org, cost });
};

/** Takes whole items until they cost `max` together, and returns the cost by org. */
function takeWhole(turns: ReturnType<typeof createFairQueue<Item>>, max: number): Record<string, number> {
  const taken: Record<string, number> = {};
  let sum = 0;
  turns.take(({ org, cost }) => {
    if (sum + cost > max && sum > 0) return undefined;
    sum += cost;
    taken[org] = (taken[org] ?? 0) + cost;
    return { cost, isPart: false, isFilled: sum >= max };
  });
  return taken;
}

test('orgs get equal shares by cost, however many items each of them has', () => {
  const turns = createFairQueue<Item>(10);
  add(turns, 'flood', Array(1_000).fill(1));
  add(turns, 'large', Array(10).fill(50));
  add(turns, 'small', Array(30).fill(1));
  const sums: Record<string, number> = {};
  for (let n = 0; n < 6; n++) for (const [org, cost] of Object.entries(takeWhole(turns, 100))) sums[org] = (sums[org] ?? 0) + cost;
  expect(sums.small).toBe(30);
  expect(Math.abs((sums.flood ?? 0) - (sums.large ?? 0))).toBeLessThanOrEqual(100);
});

test('an org with little is served in the first batch after it arrives', () => {
  const turns = createFairQueue<Item>(10);
  add(turns, 'flood', Array(5_000).fill(1));
  takeWhole(turns, 100);
  add(turns, 'small', [1, 1, 1]);
  expect(takeWhole(turns, 100)).toMatchObject({ small: 3 });
});

test('an org that is alone gets everything', () => {
  const turns = createFairQueue<Item>(10);
  add(turns, 'alone', Array(1_000).fill(1));
  expect(takeWhole(turns, 500)).toEqual({ alone: 500 });
});

test('connections of an org take turns', () => {
  const turns = createFairQueue<Item>(10);
  for (const connectionId of ['first', 'second']) {
    for (let n = 0; n < 100; n++) turns.add({ orgId: 'one', connectionId }, { org: connectionId, cost: 1 });
  }
  const order: string[] = [];
  turns.take((item) => {
    order.push(item.org);
    return { cost: 1, isPart: false, isFilled: order.length >= 20 };
  });
  expect(order).toEqual(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'first' : 'second')));
});

test('an item that costs more than its turn is paid for in later turns, also when the org has nothing left meanwhile', () => {
  const turns = createFairQueue<Item>(10);
  add(turns, 'small', Array(200).fill(1));
  add(turns, 'large', [100]);
  expect(takeWhole(turns, 110)).toEqual({ small: 10, large: 100 });
  add(turns, 'large', [100]);
  expect(takeWhole(turns, 80)).toEqual({ small: 80 });
});

test('a part of an item leaves the queue until it is added again', () => {
  const turns = createFairQueue<Item>(10);
  add(turns, 'large', [1_000]);
  add(turns, 'small', Array(5).fill(1));
  const allowed: Record<string, number> = {};
  let sum = 0;
  turns.take(({ org, cost }, allowance) => {
    const part = Math.min(cost, Math.floor(allowance), 100 - sum);
    if (part < 1) return undefined;
    sum += part;
    allowed[org] = (allowed[org] ?? 0) + part;
    return { cost: part, isPart: part < cost, isFilled: sum >= 100 };
  });
  expect(allowed).toEqual({ large: 95, small: 5 });
  expect(takeWhole(turns, 100)).toEqual({});
});
