import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAfter, isTime, toIso, toLocal } from './local-time.ts';

// In this time zone clocks go from 2:00 to 3:00 on March 8th, and from 2:00 back to 1:00 on November 1st.
const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'America/New_York';
});
afterAll(() => {
  process.env.TZ = zone;
});

test.each([
  ['2026-07-01T12:00:00.000Z', '2026-07-01T08:00'],
  ['2026-01-15T12:00:45.000Z', '2026-01-15T07:00:45'],
  ['2026-03-08T06:59:59.000Z', '2026-03-08T01:59:59'],
  ['2026-03-08T07:00:00.000Z', '2026-03-08T03:00'],
  ['2026-11-01T06:30:00.000Z', '2026-11-01T01:30'],
])('shows %s as %s', (iso, local) => {
  expect(toLocal(iso)).toBe(local);
  expect(toLocal(undefined)).toBe('');
});

test('reads a typed time in the viewer’s time zone, and returns undefined for an empty or invalid input', () => {
  expect(toIso('2026-07-01T08:00', undefined)).toBe('2026-07-01T12:00:00.000Z');
  expect(toIso('2026-01-15T07:00:45', '2026-07-01T12:00:00Z')).toBe('2026-01-15T12:00:45.000Z');
  expect(toIso('', '2026-07-01T12:00:00Z')).toBeUndefined();
  expect(toIso('', undefined)).toBeUndefined();
  expect(toIso('202026-11-20T09:30', undefined)).toBeUndefined();
  expect(['', '2026-07-01T08:00', '202026-11-20T09:30', '2026-13-01T08:00', 'x'].map(isTime)).toEqual([true, true, false, false, false]);
});

test.each(['2026-11-20T12:00:45.678Z', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', '2026-11-20T12:00:00-03:00'])(
  'returns %s unchanged when the input was not changed',
  (iso) => {
    expect(toIso(toLocal(iso), iso)).toBe(iso);
  },
);

test('compares times and ignores how they are written', () => {
  expect(isAfter('2026-11-20T12:00:45Z', '2026-11-20T12:00:15Z')).toBe(true);
  expect(isAfter('2026-11-20T12:00:00-03:00', '2026-11-20T14:00:00Z')).toBe(true);
  expect(isAfter('2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000Z')).toBe(false);
  expect(isAfter(undefined, '2026-11-20T12:00:00Z')).toBe(true);
  expect(isAfter('2026-11-20T12:00:00Z', undefined)).toBe(true);
});
