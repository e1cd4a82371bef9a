import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256Hex } from './keyed-hash.ts';

test('equals HMAC-SHA256 of node:crypto for a series of keys and texts', () => {
  const keys = [1, 16, 32, 63, 64, 65, 200].map((length) => randomBytes(length));
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.string({ unit: 'binary', maxLength: 3_000 }), (key, text) => {
      expect(hmacSha256Hex(key, text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
    }),
    { numRuns: 500 },
  );
});

test('agrees with RFC 4231, test case 2', () => {
  expect(hmacSha256Hex(Buffer.from('Jefe'), 'what do ya want for nothing?')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});
