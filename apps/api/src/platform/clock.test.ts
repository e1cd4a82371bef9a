import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { createClock } from './clock.ts';

afterEach(() => vi.useRealTimers());

const log = pino({ level: 'silent' });

test("the clock returns the time of the database, even when the host's clock is wrong or is set", async () => {
  const databaseMs = Date.UTC(2026, 0, 1);
  const clock = await createClock({ ingest: (async () => [{ ms: databaseMs }]) as never }, log);
  const first = clock.now();
  expect(first - databaseMs).toBeLessThan(1_000);
  vi.setSystemTime(Date.now() - 600_000);
  expect(clock.now()).toBeGreaterThanOrEqual(first);
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(clock.now() - first).toBeLessThan(1_000);
  clock.stop();
});

test('without the database, the clock continues from the last answer of the database', async () => {
  let looks = 0;
  const databaseMs = Date.UTC(2026, 0, 1);
  const ingest = async () => {
    looks++;
    if (looks > 1) throw new Error('no database');
    return [{ ms: databaseMs }];
  };
  const clock = await createClock({ ingest: ingest as never }, log, 5);
  await vi.waitFor(() => expect(looks).toBeGreaterThan(2));
  expect(clock.now() - databaseMs).toBeGreaterThanOrEqual(0);
  expect(clock.now() - databaseMs).toBeLessThan(10_000);
  clock.stop();
});
