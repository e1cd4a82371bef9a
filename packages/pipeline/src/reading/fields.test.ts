import { expect, test } from 'vitest';
import type { Json } from '../source.ts';
import { at, cut, firstText, number, pickTexts, requireObject, requireText, text } from './fields.ts';

const record: Json = {
  id: 7,
  big: '9007199254740993',
  blank: ' ',
  data: { list: [{ id: 'a' }], none: null, price: '19.90', when: 'soon' },
};

test('paths reach through objects and arrays, and never into the prototype', () => {
  expect(at(record, 'data.list.0.id')).toBe('a');
  expect(at(record, 'data.list.id')).toBeUndefined();
  expect(at(record, 'data.list.length')).toBeUndefined();
  expect(at(record, 'constructor.name')).toBeUndefined();
  expect(at(record, '__proto__')).toBeUndefined();
});
test('texts are trimmed, numeric ids become text, and a blank text counts as absent', () => {
  expect(text(record, 'id')).toBe('7');
  expect(text(record, 'blank')).toBeUndefined();
  expect(firstText(record, 'blank', 'data.none', 'big')).toBe('9007199254740993');
  expect(pickTexts(record, ['id', 'blank', 'absent'])).toEqual({ id: '7' });
});
test('the error of a missing field names the field', () => {
  expect(() => requireText(record, 'data.code', 'code')).toThrowError(
    expect.objectContaining({ errorClass: 'MISSING_FIELD', path: 'data.code' }),
  );
  expect(() => requireObject(record, 'data.buyer')).toThrowError(expect.objectContaining({ errorClass: 'MISSING_FIELD' }));
  expect(() => requireObject(record, 'data.list')).toThrowError(expect.objectContaining({ errorClass: 'SCHEMA_DRIFT' }));
});
test('a number may be a number or decimal text, and any other value is SCHEMA_DRIFT', () => {
  expect(number(record, 'data.price')).toBe(19.9);
  expect(number(record, 'data.none')).toBeUndefined();
  expect(() => number(record, 'data.when')).toThrowError(expect.objectContaining({ errorClass: 'SCHEMA_DRIFT', path: 'data.when' }));
});
test('a text is cut between characters, never within one', () => {
  expect(cut('abc', 2)).toBe('ab');
  expect(cut('ab', 2)).toBe('ab');
  expect(cut('a😀b', 2)).toBe('a');
  expect(cut('a😀b', 3)).toBe('a😀');
  expect(cut('😀', 1)).toBe('');
  expect(cut('é😀😀', 4)).toBe('é😀');
});
