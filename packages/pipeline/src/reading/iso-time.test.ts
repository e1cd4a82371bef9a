import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isoTime } from './iso-time.ts';

test('writes each time as Date does, whatever day was written before', () => {
  const daysAround = fc.integer({ min: -3, max: 3 }).map((days) => Date.UTC(2026, 10, 30, 12) + days * 86_400_000);
  const times = fc.oneof(
    fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
    fc.integer({ min: 0, max: 4_102_444_800_000 }),
    fc.tuple(daysAround, fc.integer({ min: -43_200_000, max: 43_200_000 })).map(([day, ms]) => day + ms),
  );
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 6 }), (all) => {
      for (const ms of all) expect(isoTime(ms)).toBe(new Date(ms).toISOString());
    }),
    { numRuns: 2_000 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 8.65e15, -8.65e15])('refuses %d, which is no time', (ms) => {
  expect(() => isoTime(ms)).toThrow(RangeError);
});
