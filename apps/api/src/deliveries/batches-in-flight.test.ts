import { pino } from 'pino';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCircuits } from '../platform/breaker.ts';
import type { Db } from '../platform/db.ts';
import { createMetrics } from '../platform/metrics.ts';
import { deliveryOf } from '../test/delivery.ts';
import { createWriter } from './writer.ts';

const log = pino({ level: 'silent' });
const batchRecordsMax = 50;
const connection = { id: uuidv7(), projectId: uuidv7(), connectionId: uuidv7() };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  vi.advanceTimersByTime(1_000);
});
afterEach(() => void vi.useRealTimers());

/** A writer on a database whose batches are answered when the test says so. */
function make(batchesInFlightMax = 2) {
  const open: (() => void)[] = [];
  const ingest = () => new Promise<unknown[]>((resolve) => open.push(() => resolve([])));
  const metrics = createMetrics();
  const now = () => 0;
  const limits = {
    batchRecordsMax,
    batchBytesMax: 1_000_000,
    batchAgeMs: 3,
    batchesInFlightMax,
    bufferRecordsMax: 5_000,
    bufferBytesMax: 10_000_000,
    largeRecordsMax: 5_000,
    largeBytesMax: 10_000_000,
  };
  const writer = createWriter({
    db: { ingest } as unknown as Db,
    limits,
    metrics,
    log,
    circuits: createCircuits({ metrics, log, now }),
    now,
  });
  let serial = 0;
  return {
    write(count: number): void {
      for (let n = 0; n < count; n++) void writer.write(deliveryOf(connection, [{ key: `${serial++}` }]));
    },
    /** The database commits the oldest batch in flight. */
    commit: async () => {
      open.shift()?.();
      await vi.advanceTimersByTimeAsync(0);
    },
    inFlight: () => writer.state().batchesInFlight,
  };
}

test('the deliveries that arrive during a batch wait for its commit, and are then the next batch', async () => {
  const { write, commit, inFlight } = make();
  write(1);
  await vi.advanceTimersByTimeAsync(3);
  expect(inFlight()).toBe(1);
  write(10);
  await vi.advanceTimersByTimeAsync(10);
  expect(inFlight()).toBe(1);
  await commit();
  expect(inFlight()).toBe(1);
  await commit();
  expect(inFlight()).toBe(0);
});

test('a full batch does not wait for the batch in flight, and no more are written at once than allowed', async () => {
  const { write, commit, inFlight } = make();
  write(1);
  await vi.advanceTimersByTimeAsync(3);
  write(batchRecordsMax);
  expect(inFlight()).toBe(2);
  write(2 * batchRecordsMax);
  expect(inFlight()).toBe(2);
  await commit();
  expect(inFlight()).toBe(2);
});

test('when a batch takes long, the next one does not wait for it any longer', async () => {
  const { write, commit, inFlight } = make(3);
  write(1);
  await vi.advanceTimersByTimeAsync(3);
  write(1);
  await vi.advanceTimersByTimeAsync(14);
  expect(inFlight()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(inFlight()).toBe(2);
  write(1);
  await vi.advanceTimersByTimeAsync(14);
  expect(inFlight()).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(inFlight()).toBe(3);
  // A delivery that begins to wait after the commits is due by its age, and not by a timer that was set for a batch in flight.
  for (let n = 0; n < 3; n++) await commit();
  write(1);
  await vi.advanceTimersByTimeAsync(3);
  expect(inFlight()).toBe(1);
});
