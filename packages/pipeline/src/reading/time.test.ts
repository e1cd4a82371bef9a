import { expect, test } from 'vitest';
import { parseTime } from './time.ts';

const noon = Date.UTC(2026, 9, 31, 12, 0, 0);

test.each([
  [noon, 'milliseconds'],
  [String(noon), 'milliseconds'],
  [noon / 1000, 'seconds'],
  [noon, 'auto'],
  [noon / 1000, 'auto'],
  ['2026-10-31T12:00:00Z', 'iso'],
  ['2026-10-31T09:00:00.000-03:00', 'auto'],
  ['2026-10-31 12:00', 'iso'],
  ['2026-10-31 12:00:00', 'iso'],
] as const)('%s as %s is noon', (value, unit) => {
  expect(parseTime(value, unit, 'at')).toBe(noon);
});
test('a date without a time of day is midnight UTC', () => {
  expect(parseTime('2026-10-31', 'iso', 'at')).toBe(Date.UTC(2026, 9, 31));
});
test.each([
  ['soon', 'auto', 'SCHEMA_DRIFT'],
  [noon, 'iso', 'SCHEMA_DRIFT'],
  ['2026-10-31', 'seconds', 'SCHEMA_DRIFT'],
  ['2026-13-45', 'iso', 'SCHEMA_DRIFT'],
  [null, 'auto', 'SCHEMA_DRIFT'],
  [noon, 'seconds', 'VALIDATION_FAIL'],
  [0, 'milliseconds', 'VALIDATION_FAIL'],
] as const)('%s as %s is refused as %3$s', (value, unit, errorClass) => {
  expect(() => parseTime(value, unit, 'at')).toThrowError(expect.objectContaining({ errorClass, path: 'at' }));
});
