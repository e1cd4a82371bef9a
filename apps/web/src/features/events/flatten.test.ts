import { expect, test } from 'vitest';
import { flatten } from './flatten.ts';

test('names every value by its path, in order', () => {
  expect(flatten({ plan: { name: 'Gold', tags: ['a', 'b'] }, trial: false, note: null, none: [], empty: {} })).toEqual([
    ['plan.name', 'Gold'],
    ['plan.tags[0]', 'a'],
    ['plan.tags[1]', 'b'],
    ['trial', false],
    ['note', null],
    ['none', '[]'],
    ['empty', '{}'],
  ]);
  expect(flatten({})).toEqual([]);
});

test('treats names that JavaScript uses itself like any other name', () => {
  expect(flatten(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": "x"}'))).toEqual([
    ['__proto__.polluted', 1],
    ['constructor', 'x'],
  ]);
});

test('returns undefined for a document that is too deep, has too many values or is too long', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);
  expect(flatten(deep)).toBeUndefined();
  expect(flatten(Object.fromEntries(Array.from({ length: 81 }, (_, n) => [`key${n}`, n])))).toBeUndefined();
  expect(flatten({ text: 'x'.repeat(2_001) })).toBeUndefined();
  expect(flatten(Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`key${n}`, n])))).toHaveLength(80);
});
