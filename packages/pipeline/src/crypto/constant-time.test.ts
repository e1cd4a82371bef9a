import { expect, test } from 'vitest';
import { anySafeEqual, safeEqual, safeEqualAny } from './constant-time.ts';

test('accepts equal texts of any length and refuses different texts', () => {
  expect(safeEqual('', '')).toBe(true);
  expect(safeEqual('abc', 'abcd')).toBe(false);
  expect(safeEqualAny('b', ['a', 'b'])).toBe(true);
  expect(safeEqualAny('', [])).toBe(false);
  expect(anySafeEqual(['x', 'b'], ['a', 'b'])).toBe(true);
  expect(anySafeEqual(['x'], ['a', 'b'])).toBe(false);
  expect(anySafeEqual([], ['a'])).toBe(false);
});
