import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { crash } from './src/crash.ts';
import { outage } from './src/outage.ts';
import { shutdown } from './src/shutdown.ts';

const context = () => {
  const seed = Number(process.env.CHAOS_SEED ?? randomInt(1e9));
  console.log(`seed ${seed}: repeat with CHAOS_SEED=${seed}`);
  return { seed, say: (line: string) => console.log(line) };
};

test('killing the API three times and crashing Postgres under load loses, doubles and alters nothing that was acknowledged', async () => {
  const { figures, violations } = await crash(context());
  console.table(figures);
  expect(violations).toEqual([]);
  expect(figures.acknowledged).toBeGreaterThan(1_000);
  expect(figures['unanswered requests']).toBeGreaterThan(0);
  expect(figures.stored).toBe(figures.acknowledged);
}, 180_000);

test('SIGTERM under load answers everything in flight and ends with code 0 within ten seconds', async () => {
  const { figures, violations } = await shutdown(context());
  console.table(figures);
  expect(violations).toEqual([]);
  expect(figures.acknowledged).toBeGreaterThan(100);
}, 120_000);

test('without Postgres deliveries are refused with 503 and Retry-After, /ready is red, /health green, and it heals by itself', async () => {
  const { figures, violations } = await outage(context());
  console.table(figures);
  expect(violations).toEqual([]);
  expect(figures['answered 503']).toBeGreaterThan(0);
}, 120_000);
