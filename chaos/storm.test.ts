import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { duplicateBatches, oneKey } from './src/storm.ts';

const context = () => {
  const seed = Number(process.env.CHAOS_SEED ?? randomInt(1e9));
  console.log(`seed ${seed}: repeat with CHAOS_SEED=${seed}`);
  return { seed, say: (line: string) => console.log(line) };
};

test('10,000 concurrent posts of one key through four processes become one row, and every answer carries its id', async () => {
  const { figures, violations } = await oneKey(context());
  console.table(figures);
  expect(violations).toEqual([]);
  expect(figures).toMatchObject({ posts: 10_000, accepted: 1, duplicates: 9_999, rows: 1 });
}, 120_000);

test('shuffled batches with 80 % duplicates through four processes store each key once and surface no deadlock', async () => {
  const { figures, violations } = await duplicateBatches(context());
  console.table(figures);
  expect(violations).toEqual([]);
  expect(figures).toMatchObject({ records: 40_000, accepted: 8_000, rows: 8_000 });
}, 120_000);
