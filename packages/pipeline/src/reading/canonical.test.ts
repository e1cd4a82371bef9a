import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Json, RecordError } from '../source.ts';
import { canonicalSha256 } from './canonical.ts';
import { canonicalJson } from './json.ts';
import { compilePaths, type PathState } from './paths.ts';

/** The definition: the hash of the canonical text. */
const defined = (value: Json, omit?: PathState, prefix = '') =>
  createHash('sha256')
    .update(`${prefix}${canonicalJson(value, omit)}`, 'utf8')
    .digest('hex');

/** Texts with every kind of character, among them lone surrogates, controls, quotes and characters of one to four bytes. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\0', '\x7f', 'é', '߿', 'ࠀ', '€', '\ud800', '\udc00', '😀'), maxLength: 140 }),
  fc.constantFrom('', '__proto__', 'toString', '10', '9', '-1', 'ﬀ', '\u{1f600}', '\uffff'),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, 1e21, -1e21, 1e-7, 5e-324, Number.POSITIVE_INFINITY, 2 ** 53, 123456789.125),
);
const anyValue = fc.letrec<{ value: Json; object: Json; array: Json }>((tie) => ({
  value: fc.oneof({ maxDepth: 6 }, anyText, anyNumber, fc.boolean(), fc.constant(null), tie('object'), tie('array')),
  object: fc.dictionary(anyText, tie('value'), { maxKeys: 50 }) as fc.Arbitrary<Json>,
  array: fc.array(tie('value'), { maxLength: 12 }) as fc.Arbitrary<Json>,
})).value;

test('the fingerprint of every value is the hash of its canonical text', () => {
  fc.assert(
    fc.property(anyValue, anyText, (value, prefix) => {
      expect(canonicalSha256(value, undefined, prefix)).toBe(defined(value, undefined, prefix));
    }),
    { numRuns: 2_000 },
  );
});

test('what is left out of the fingerprint is what is left out of the canonical text', () => {
  const omit = compilePaths(['a', 'b.*.c', '*.0', '1.x', '*.*.d']);
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'x', '0', '1', '10', '2');
  const value = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.integer(),
      fc.dictionary(key, tie('value')) as fc.Arbitrary<Json>,
      fc.array(tie('value'), { maxLength: 4 }) as fc.Arbitrary<Json>,
    ),
  })).value;
  fc.assert(
    fc.property(value, (one) => {
      expect(canonicalSha256(one, omit)).toBe(defined(one, omit));
    }),
    { numRuns: 2_000 },
  );
});

test('a record that is longer than the room for its bytes has the same fingerprint, wherever a piece ends', () => {
  for (const size of [100, 127, 128, 129, 5_000, 10_900, 10_930, 33_000, 400_000]) {
    for (const text of ['a', 'é', '€', '"', '😀', '\ud800']) {
      const value: Json = {
        long: text.repeat(size),
        list: Array.from({ length: 40 }, (_, index) => text.repeat((size + index) % 900)),
        z: 1.5,
      };
      expect(canonicalSha256(value, undefined, 'order.paid\n')).toBe(defined(value, undefined, 'order.paid\n'));
    }
  }
  const many = Array.from({ length: 20_000 }, (_, index) => ({ id: index, name: `n${index}`, isTrue: true, none: null }));
  expect(canonicalSha256(many)).toBe(defined(many));
});

test('a record that could not be hashed leaves nothing behind for the next one', () => {
  let deep: Json = 'x'.repeat(100);
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(() => canonicalSha256({ a: 'y'.repeat(40_000), deep })).toThrow(RecordError);
  expect(canonicalSha256({ a: 1 })).toBe(defined({ a: 1 }));
});
