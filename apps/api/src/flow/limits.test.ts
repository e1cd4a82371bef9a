import { describe, expect, test } from 'vitest';
import { createMetrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createLimits, type LimitedConnection } from './limits.ts';
import type { Obeyed } from './mode.ts';

const connection = (id: string, orgId: string, more: Partial<LimitedConnection> = {}): LimitedConnection => ({
  id,
  orgId,
  priority: 'normal',
  rateLimitPerSecond: undefined,
  orgRateLimitPerSecond: undefined,
  ...more,
});

/** mulberry32: the same numbers at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function make(fairShare = { perSecond: 10, burst: 20 }) {
  const metrics = createMetrics();
  const now = { ms: 0 };
  const obeyed: Obeyed = { mode: 'normal', keptShare: 0.5, isByOperator: true, instances: 1 };
  const limits = createLimits({ obeyed: () => obeyed, fairShare, metrics, nowMs: () => now.ms, random: seeded(7) });
  const passes = (of: LimitedConnection): true | Refusal => {
    try {
      limits.take(of);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  };
  const countPassed = (of: LimitedConnection, deliveries: number) =>
    Array.from({ length: deliveries }, () => passes(of)).filter((passed) => passed === true).length;
  const shed = async () => Object.fromEntries((await metrics.shed.get()).values.map(({ labels, value }) => [labels.reason, value]));
  return { limits, obeyed, now, passes, countPassed, shed };
}

describe('limits that people set', () => {
  test('apply in every mode, by connection and by org, and say when to retry', async () => {
    const { passes, countPassed, now, obeyed, shed } = make();
    const limited = connection('c1', 'o1', { rateLimitPerSecond: 5, orgRateLimitPerSecond: 8 });
    const sibling = connection('c2', 'o1', { orgRateLimitPerSecond: 8 });
    const other = connection('c3', 'o2');
    for (const mode of ['normal', 'throttled', 'brownout'] as const) {
      obeyed.mode = mode;
      now.ms += 60_000;
      expect(countPassed(limited, 50)).toBe(5);
      // The refused deliveries of the first connection used up no tokens of the org.
      expect(countPassed(sibling, 50)).toBe(3);
      expect(passes(other)).toBe(true);
    }
    expect(passes(limited)).toMatchObject({ code: 'rate_limited', hints: { retryAfterSeconds: 1 } });
    now.ms += 1_000;
    expect(passes(limited)).toBe(true);
    expect(await shed()).toEqual({ connection_rate: 136, org_rate: 141 });
  });

  test('count records: the tokens of a delivery that was read put the bucket into debt, and the next delivery is told how long to wait', () => {
    const { limits, passes, now } = make();
    const limited = connection('c', 'o', { rateLimitPerSecond: 10, orgRateLimitPerSecond: 100 });
    const sibling = connection('d', 'o', { orgRateLimitPerSecond: 100 });
    expect(passes(limited)).toBe(true);
    limits.settle(limited, { records: 1_000, bytes: 1 });
    // The connection owes 990 records and needs one more; the org owes 900.
    expect(passes(limited)).toMatchObject({ code: 'rate_limited', hints: { retryAfterSeconds: 100 } });
    expect(passes(sibling)).toMatchObject({ code: 'rate_limited', hints: { retryAfterSeconds: 10 } });
    now.ms += 9_010;
    expect(passes(sibling)).toBe(true);
    expect(passes(limited)).toMatchObject({ code: 'rate_limited' });
    now.ms += 90_090;
    expect(passes(limited)).toBe(true);
  });

  test('get the tokens of a delivery back that was not stored, except the one of its attempt', () => {
    const { limits, passes } = make();
    const limited = connection('c', 'o', { rateLimitPerSecond: 10 });
    expect(passes(limited)).toBe(true);
    limits.settle(limited, { records: 1_000, bytes: 1 });
    limits.refund(limited, { records: 1_000, bytes: 1 });
    for (let n = 0; n < 9; n++) expect(passes(limited)).toBe(true);
    expect(passes(limited)).toMatchObject({ code: 'rate_limited', hints: { retryAfterSeconds: 1 } });
  });

  test('apply to all instances together: each instance enforces its part', () => {
    const { obeyed, countPassed, passes } = make();
    obeyed.instances = 4;
    expect(countPassed(connection('c', 'o', { rateLimitPerSecond: 100 }), 500)).toBe(25);
    const slow = connection('slow', 'o', { rateLimitPerSecond: 1 });
    expect(passes(slow)).toBe(true);
    expect(passes(slow)).toMatchObject({ hints: { retryAfterSeconds: 4 } });
  });

  test('can change or be removed from one delivery to the next', () => {
    const { countPassed } = make();
    expect(countPassed(connection('c', 'o', { rateLimitPerSecond: 2 }), 9)).toBe(2);
    expect(countPassed(connection('c', 'o'), 9)).toBe(9);
  });

  test('are not used up by a sender who only knows the URL', () => {
    const { limits, passes } = make();
    const limited = connection('c', 'o', { rateLimitPerSecond: 2, orgRateLimitPerSecond: 2 });
    for (let n = 0; n < 100; n++) {
      expect(passes(limited)).toBe(true);
      limits.giveBack(limited);
    }
    expect([passes(limited), passes(limited)]).toEqual([true, true]);
    expect(passes(limited)).toBeInstanceOf(Refusal);
  });
});

describe('the fair share', () => {
  test('keeps a noisy org from starving the others while the instance is throttled, and only then', async () => {
    const { obeyed, countPassed, passes, shed } = make();
    const noisy = connection('n', 'noisy');
    const quiet = connection('q', 'quiet');
    expect(countPassed(noisy, 1_000)).toBe(1_000);
    obeyed.mode = 'throttled';
    passes(quiet);
    expect(countPassed(noisy, 1_000)).toBe(20);
    expect(countPassed(quiet, 15)).toBe(15);
    expect(await shed()).toEqual({ fair_share: 980 });
  });

  test('is not used up by a sender who only knows the URL', () => {
    const { obeyed, limits, passes } = make();
    obeyed.mode = 'throttled';
    passes(connection('q', 'quiet'));
    const forged = connection('n', 'forged');
    for (let n = 0; n < 100; n++) {
      expect(passes(forged)).toBe(true);
      limits.giveBack(forged);
    }
  });

  test('does not limit an org that sends alone', () => {
    const { obeyed, countPassed, passes, now } = make();
    obeyed.mode = 'throttled';
    const alone = connection('a', 'alone');
    expect(countPassed(alone, 1_000)).toBe(1_000);
    passes(connection('b', 'another'));
    expect(countPassed(alone, 1_000)).toBe(20);
    now.ms += 10_001;
    expect(countPassed(alone, 1_000)).toBe(1_000);
  });
});

describe('a brownout', () => {
  test.each([0.1, 0.5, 0.9])(
    'keeps a share of %d of the deliveries to low-priority connections, and every other delivery',
    async (rate) => {
      const { obeyed, countPassed, passes, shed } = make({ perSecond: 1e6, burst: 1e6 });
      obeyed.mode = 'brownout';
      obeyed.keptShare = rate;
      expect(countPassed(connection('n', 'o'), 10_000)).toBe(10_000);
      const low = connection('l', 'o', { priority: 'low' });
      const kept = countPassed(low, 10_000) / 10_000;
      expect(Math.abs(kept - rate)).toBeLessThan(0.02);
      expect((await shed()).brownout).toBe(10_000 - Math.round(kept * 10_000));
      let refused = passes(low);
      while (refused === true) refused = passes(low);
      expect(refused).toMatchObject({ code: 'brownout', hints: { retryAfterSeconds: expect.any(Number) } });
    },
  );

  test('that is automatic begins with the low priority of the orgs that cause the load, and goes on to the others when no org stands out', () => {
    const { obeyed, countPassed, limits, now } = make({ perSecond: 1e6, burst: 1e6 });
    Object.assign(obeyed, { mode: 'brownout', keptShare: 0.1, isByOperator: false });
    const [cause, neighbour] = [connection('cause', 'o1', { priority: 'low' }), connection('neighbour', 'o2', { priority: 'low' })];
    limits.settle(cause, { records: 9_999, bytes: 100_000 });
    limits.settle(neighbour, { records: 50, bytes: 5_000 });
    expect(countPassed(neighbour, 500)).toBe(500);
    expect(countPassed(cause, 500)).toBeLessThan(120);
    // A body of many bytes counts as much as many records.
    now.ms += 20_000;
    limits.settle(neighbour, { records: 1, bytes: 80_000_000 });
    limits.settle(cause, { records: 1, bytes: 1_000 });
    now.ms += 300;
    expect(countPassed(cause, 500)).toBe(500);
    expect(countPassed(neighbour, 500)).toBeLessThan(120);
    now.ms += 20_000;
    for (const both of [cause, neighbour]) limits.settle(both, { records: 5_000, bytes: 1 });
    now.ms += 300;
    expect(countPassed(neighbour, 500)).toBeLessThan(120);
    // A brownout that the operator set concerns every org.
    now.ms += 20_000;
    obeyed.isByOperator = true;
    limits.settle(cause, { records: 9_999, bytes: 100_000 });
    now.ms += 300;
    expect(countPassed(neighbour, 500)).toBeLessThan(120);
  });

  test('refuses no delivery in any other mode', () => {
    const { obeyed, countPassed } = make();
    obeyed.mode = 'throttled';
    expect(countPassed(connection('l', 'o', { priority: 'low' }), 1_000)).toBe(1_000);
  });
});
