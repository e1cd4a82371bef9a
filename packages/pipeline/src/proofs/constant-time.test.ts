import { expect, test } from 'vitest';
import { hmac, parseUnixSeconds, safeEqual, safeEqualAny, withinTolerance } from './signatures.ts';

test('HMAC of parts is that of their concatenation (GitHub’s published vector)', () => {
  const expected = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  expect(hmac('sha256', "It's a Secret to Everybody", ['Hello, ', new TextEncoder().encode('World!')], 'hex')).toBe(expected);
});
test('equality holds for equal texts of any length only', () => {
  expect(safeEqual('', '')).toBe(true);
  expect(safeEqual('abc', 'abcd')).toBe(false);
  expect(safeEqualAny('b', ['a', 'b'])).toBe(true);
  expect(safeEqualAny('', [])).toBe(false);
});
test('timestamps are plain decimal integers', () => {
  expect(parseUnixSeconds('1700000000')).toBe(1_700_000_000);
  for (const text of [undefined, '', '-1', '1e9', ' 1700000000', '0x10', '17000000000000']) expect(parseUnixSeconds(text)).toBeUndefined();
});
test('the tolerance counts on both sides and includes its edge', () => {
  expect([-301, -300, 0, 300, 301].map((offset) => withinTolerance(1_700_000_000 + offset, 1_700_000_000_000, 300))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});
