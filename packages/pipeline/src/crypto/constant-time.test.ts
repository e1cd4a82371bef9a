import { expect, test } from 'vitest';
import { anySafeEqual, safeEqual, safeEqualAny } from './constant-time.ts';

test('equality holds only for equal texts, of any length', () => {
  expect(safeEqual('', '')).toBe(true);
  expect(safeEqual('abc', 'abcd')).toBe(false);
  expect(safeEqualAny('b', ['a', 'b'])).toBe(true);
  expect(safeEqualAny('', [])).toBe(false);
  expect(anySafeEqual(['x', 'b'], ['a', 'b'])).toBe(true);
  expect(anySafeEqual(['x'], ['a', 'b'])).toBe(false);
  expect(anySafeEqual([], ['a'])).toBe(false);
});
