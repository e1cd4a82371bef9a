import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokenBucket, takeTokens, tokensDueInMs } from './token-bucket.ts';

const anyRate = fc.record({
  perSecond: fc.double({ min: 0.1, max: 5_000, noNaN: true }),
  burst: fc.double({ min: 1, max: 10_000, noNaN: true }),
});

describe('a token bucket', () => {
  test('lets its burst pass at once and then its rate, and returns the correct wait for the next token', () => {
    const rate = { perSecond: 10, burst: 5 };
    const bucket = createTokenBucket(rate, 0);
    for (let n = 0; n < 5; n++) expect(takeTokens(bucket, rate, 0)).toBe(0);
    expect(takeTokens(bucket, rate, 0)).toBeCloseTo(100);
    expect(takeTokens(bucket, rate, 99)).toBeCloseTo(1);
    expect(takeTokens(bucket, rate, 100)).toBe(0);
    expect(takeTokens(bucket, rate, 100)).toBeGreaterThan(0);
  });

  test('never lets more pass than burst plus rate in any span of time, and wastes no token of a caller that waits', () => {
    fc.assert(
      fc.property(anyRate, fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { maxLength: 200 }), (rate, gaps) => {
        const bucket = createTokenBucket(rate, 0);
        const passed: number[] = [];
        let nowMs = 0;
        for (const gap of gaps) {
          nowMs += gap;
          const dueInMs = takeTokens(bucket, rate, nowMs);
          if (dueInMs === 0) passed.push(nowMs);
          // The token is available after the returned wait.
          else expect(tokensDueInMs({ ...bucket }, rate, nowMs + dueInMs)).toBeLessThan(1e-6);
        }
        for (let from = 0; from < passed.length; from++) {
          for (let to = from; to < passed.length; to++) {
            const seconds = ((passed[to] ?? 0) - (passed[from] ?? 0)) / 1000;
            expect(to - from + 1).toBeLessThanOrEqual(rate.burst + rate.perSecond * seconds + 1e-6);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test('lets more than its burst pass once it is full, and makes later callers wait for the debt', () => {
    const rate = { perSecond: 100, burst: 10 };
    const bucket = createTokenBucket(rate, 0);
    expect(takeTokens(bucket, rate, 0, 50)).toBe(0);
    expect(takeTokens(bucket, rate, 0)).toBeCloseTo(410);
    expect(takeTokens(bucket, rate, 410)).toBe(0);
  });

  test('uses a new rate from the next call on', () => {
    const bucket = createTokenBucket({ perSecond: 1, burst: 100 }, 0);
    const slower = { perSecond: 1, burst: 2 };
    expect([1, 2, 3].map(() => takeTokens(bucket, slower, 0))).toEqual([0, 0, 1000]);
    expect(takeTokens(bucket, { perSecond: 1_000, burst: 2 }, 0)).toBeCloseTo(1);
  });

  test('adds no tokens when the clock runs backwards', () => {
    const rate = { perSecond: 1, burst: 1 };
    const bucket = createTokenBucket(rate, 10_000);
    expect(takeTokens(bucket, rate, 10_000)).toBe(0);
    expect(takeTokens(bucket, rate, 5_000)).toBe(1000);
    expect(takeTokens(bucket, rate, 6_000)).toBe(0);
  });
});
