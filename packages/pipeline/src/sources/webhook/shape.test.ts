import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstText } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';
import { byShape, present } from './shape.ts';

const name = fc.constantFrom('id', 'type', 'data', 'event', 'status', 'a.b', 'time', 'n'.repeat(101));
const object = fc
  .uniqueArray(name)
  .chain((keys) =>
    fc.tuple(
      ...keys.map((key) =>
        fc.tuple(fc.constant(key), fc.oneof(fc.constantFrom('text', ' ', 7, null), fc.dictionary(name, fc.constant('x')))),
      ),
    ),
  )
  .map((fields): JsonObject => Object.fromEntries(fields));

test('a decision is the same as one that is made for each object, in any order of objects with any names', () => {
  const joined = (one: JsonObject) => [Object.keys(one).join(' ')];
  fc.assert(
    fc.property(fc.array(object, { maxLength: 40 }), (objects) => {
      for (const one of objects) expect(byShape(one, joined)).toEqual(joined(one));
    }),
    { numRuns: 300 },
  );
});

test('a decision is made once for objects with the same names, and again for other names or another order', () => {
  let asked = 0;
  const decide = () => {
    asked += 1;
    return [];
  };
  for (let n = 0; n < 10; n++) byShape({ once_a: n, once_b: n }, decide);
  expect(asked).toBe(1);
  byShape({ once_b: 1, once_a: 1 }, decide);
  byShape({ once_a: 1 }, decide);
  expect(asked).toBe(3);
});

test('the first text at the paths that are present is the first text at all of them', () => {
  const paths = ['id', 'data.id', 'event.type', 'type', 'time'] as const;
  const there = present(paths);
  fc.assert(
    fc.property(object, (one) => {
      expect(firstText(one, ...byShape(one, there))).toBe(firstText(one, ...paths));
    }),
  );
});
