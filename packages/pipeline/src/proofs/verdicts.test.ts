import { expect, test } from 'vitest';
import { parseUnixSeconds, signedAt } from './verdicts.ts';

test('timestamps are plain decimal integers', () => {
  expect(parseUnixSeconds('1700000000')).toBe(1_700_000_000);
  for (const text of [undefined, '', '-1', '1e9', ' 1700000000', '0x10', '17000000000000']) expect(parseUnixSeconds(text)).toBeUndefined();
});
test('the tolerance counts on both sides and includes its edge', () => {
  expect([-301, -300, 0, 300, 301].map((offset) => signedAt(1_700_000_000 + offset, 1_700_000_000_000, 300).ok)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
});
