import { expect, it, vi } from 'vitest';
import { allOf, listOf, packAll } from './packed-list.ts';

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n, text: `\ud800 ${n} ü` }));
const packed = (count: number) => listOf<{ n: number; text: string }>([...packAll(numbered(count))]);

it('returns the same items as the array in every part of it', () => {
  const items = numbered(130);
  const list = packed(130);
  expect(list).toHaveLength(130);
  for (const [from, to] of [
    [0, 130],
    [0, 50],
    [49, 51],
    [50, 100],
    [7, 9],
    [120, 500],
    [130, 140],
    [5, 5],
  ] as const) {
    expect(list.slice(from, to), `from ${from} to ${to}`).toEqual(items.slice(from, to));
  }
});

it('reads only the pieces in which a part lies, so that the length of the list does not decide how long the event loop is held', () => {
  const list = packed(10_000);
  const parse = vi.spyOn(JSON, 'parse');
  list.slice(5_000, 5_250);
  expect(parse).toHaveBeenCalledTimes(5);
  parse.mockRestore();
});

it('empties the array while it packs it, so that a thread does not hold all items twice', () => {
  const items = numbered(120);
  const left = [...packAll(items)].map(({ items: count }) => count);
  expect(left).toEqual([50, 50, 20]);
  expect(items).toEqual([]);
});

it('reads all items in several turns of the event loop', async () => {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  expect(await allOf(packed(2_000))).toEqual(numbered(2_000));
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(3);
});
