import { describe, expect, test } from 'vitest';
import { createMetrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createLimits, type LimitedConnection, type Limits } from './limits.ts';

const perSecond = 100;
const limited: LimitedConnection = {
  id: 'connection',
  orgId: 'org',
  priority: 'normal',
  rateLimitPerSecond: perSecond,
  orgRateLimitPerSecond: undefined,
};

/** Instances that send heartbeats once a second, each at another moment, as `private.heartbeat` answers them. */
function makeFleet(count: number) {
  const clock = { ms: 0 };
  const metrics = createMetrics();
  const live: { limits: Limits; demands: Record<string, number>; beatAtMs: number }[] = [];
  const add = () => {
    const instance = {
      limits: createLimits({
        obeyed: () => ({ mode: 'normal', keptShare: 0.5, isByOperator: false, instances: live.length }),
        fairShare: { perSecond: 1e9, burst: 1e9 },
        metrics,
        nowMs: () => clock.ms,
      }),
      demands: {},
      beatAtMs: clock.ms + live.length * 130,
    };
    live.push(instance);
  };
  for (let n = 0; n < count; n++) add();

  function beat(instance: (typeof live)[number]): void {
    instance.demands = instance.limits.shares.demands(clock.ms);
    const ofAll: Record<string, number> = {};
    for (const key of Object.keys(instance.demands))
      ofAll[key] = live.reduce((sum, { demands }) => sum + ((demands as Record<string, number>)[key] ?? 0), 0);
    instance.limits.shares.learn(ofAll);
    instance.beatAtMs += 1_000;
  }

  /** Lets time pass, and sends to each instance as many deliveries of `records` a second; returns how many records passed in each. */
  function run(ms: number, deliveriesPerSecond: readonly number[], records = 1): number[] {
    const passed = live.map(() => 0);
    const owed = live.map(() => 0);
    for (let n = 0; n < ms / 10; n++) {
      clock.ms += 10;
      for (const [at, instance] of live.entries()) {
        if (clock.ms >= instance.beatAtMs) beat(instance);
        for (owed[at] = (owed[at] ?? 0) + (deliveriesPerSecond[at] ?? 0) / 100; (owed[at] ?? 0) >= 1; owed[at] = (owed[at] ?? 0) - 1) {
          try {
            instance.limits.take(limited);
            instance.limits.settle(limited, { records, bytes: 1 });
            passed[at] = (passed[at] ?? 0) + records;
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
          }
        }
      }
    }
    return passed;
  }
  return { run, add, remove: () => live.pop(), live, clock };
}
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe('a limit that several instances share', () => {
  test('is given whole to the instance that gets everything, because the sender keeps one connection open', () => {
    const { run } = makeFleet(8);
    run(2_000, [300]);
    expect(run(10_000, [300])[0]).toBeGreaterThan(0.95 * 10 * perSecond);
    expect(run(10_000, [90])[0]).toBeGreaterThan(0.99 * 10 * 90);
  });

  test('follows a sender to another instance', () => {
    const { run } = makeFleet(4);
    run(5_000, [300]);
    run(6_000, [0, 300]);
    expect(run(10_000, [0, 300])[1]).toBeGreaterThan(0.95 * 10 * perSecond);
  });

  test.each([1, 40])('is not exceeded, however the senders are spread, in deliveries of %d records', (records) => {
    const { run } = makeFleet(4);
    for (const spread of [
      [300, 300, 300, 300],
      [500, 20, 0, 0],
      [0, 0, 200, 200],
      [50, 50, 0, 0],
    ]) {
      run(4_000, spread, records);
      const passed = sum(run(20_000, spread, records));
      const wanted = Math.min(perSecond, sum(spread) * records) * 20;
      expect(passed).toBeGreaterThan(0.9 * wanted - records);
      expect(passed).toBeLessThan(1.05 * 20 * perSecond + 4 * records);
    }
  });

  test('is exceeded by no more than the records of two seconds while instances start and stop', () => {
    const { run, add, remove } = makeFleet(2);
    let passed = 0;
    for (let round = 0; round < 10; round++) {
      add();
      passed += sum(run(3_000, [200, 200, 200]));
      remove();
      passed += sum(run(3_000, [200, 200]));
    }
    expect(passed).toBeLessThan(60 * perSecond + 2 * perSecond * 10);
    expect(passed).toBeGreaterThan(0.9 * 60 * perSecond);
  });

  test('is not drawn to another instance by strangers who know the URL: what fails verification counts for nothing', () => {
    const { run, live, clock } = makeFleet(2);
    const forged = live[1] as (typeof live)[number];
    run(3_000, [300]);
    let passed = 0;
    for (let n = 0; n < 100; n++) {
      for (let m = 0; m < 50; m++) {
        forged.limits.take(limited);
        forged.limits.giveBack(limited);
      }
      passed += run(100, [300])[0] ?? 0;
    }
    expect(clock.ms).toBe(13_000);
    expect(passed).toBeGreaterThan(0.9 * 10 * perSecond);
  });
});
