import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBody } from './body.ts';
import { findBodyField } from './body-field.ts';
import { text } from './fields.ts';

const form = 'application/x-www-form-urlencoded';
const delivery = (body: string | Uint8Array, type = 'application/json') => ({
  method: 'POST',
  url: 'https://tributary.test/',
  headers: { 'content-type': type },
  raw: typeof body === 'string' ? new TextEncoder().encode(body) : body,
});
const find = (body: string, type?: string) => findBodyField(delivery(body, type), 'hottok');
const at = (body: string, type?: string) => find(body, type).places.map(({ start, end }) => body.slice(start, end));

describe('a field of a JSON object', () => {
  test('is found among others, with its place in the bytes', () => {
    expect(find('{"a":[1,{"b":"}"}],"hottok":"secret","c":null}')).toEqual({
      text: 'secret',
      places: [{ start: 28, end: 36 }],
      isComplete: true,
      kind: 'json',
    });
    expect(at(' { "x" : 1 ,\n"hottok"\t: "a\\"b" } \r\n')).toEqual(['"a\\"b"']);
  });
  test('is not found inside other values, in strings, or under a longer name', () => {
    for (const body of [
      '{"a":{"hottok":"x"}}',
      '{"a":"\\"hottok\\":1"}',
      '{"hottok2":"x"}',
      '{"a":["hottok","x"]}',
      '[{"hottok":"x"}]',
      '"hottok"',
    ])
      expect(find(body)).toMatchObject({ text: undefined, places: [] });
  });
  test('may have escapes in its name and a whole number as value; the last of several fields counts', () => {
    expect(find('{"h\\u006fttok":" x "}').text).toBe('x');
    expect(find('{"hottok":12345}').text).toBe('12345');
    expect(find('{"hottok":"a","hottok":"b"}')).toMatchObject({ text: 'b', places: [{}, {}] });
    expect(find('{"hottok":"a","hottok":{"deep":1}}').text).toBeUndefined();
  });
  test('is found in a truncated body, and the result is marked as incomplete', () => {
    expect(find('{"hottok":"a","b":[1,')).toMatchObject({ text: 'a', isComplete: false });
    expect(find('{"hottok":"a" x}')).toMatchObject({ text: 'a', isComplete: false });
    expect(find('{"hottok":"a"} x')).toMatchObject({ text: 'a', isComplete: false });
    for (const body of ['{', '{"hottok"', '{"hottok":', '{"hottok":"a', '{hottok:1}', '']) expect(find(body).text).toBeUndefined();
  });
  test('is the same field that the parser reads, in any body', () => {
    const key = fc.oneof(fc.string(), fc.constantFrom('hottok', 'hot', 'tok'));
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.string({ maxLength: 50 }))), fc.nat(4), (record, indent) => {
        const sent = delivery(JSON.stringify(record, null, indent));
        const body = decodeBody(sent);
        const expected = body.kind === 'json' && typeof record.hottok === 'string' ? text(body.value, 'hottok') : undefined;
        const found = findBodyField(sent, 'hottok');
        expect(found.isComplete).toBe(true);
        if (typeof record.hottok !== 'number') expect(found.text).toBe(expected);
        expect(found.places).toHaveLength(Object.hasOwn(record, 'hottok') ? 1 : 0);
      }),
    );
  });
});

describe('a field of a form', () => {
  test('is found in the encoding of forms, and only by its whole name', () => {
    expect(find('a=1&hottok=se%26c+ret&b=', form)).toEqual({
      text: 'se&c ret',
      places: [{ start: 11, end: 21 }],
      isComplete: true,
      kind: 'form',
    });
    expect(at('h%6Fttok=x', form)).toEqual(['x']);
    expect(find('hottok[a]=1&xhottok=2&hottok', form)).toMatchObject({ text: undefined, places: [] });
    expect(
      findBodyField(delivery(Uint8Array.of(...new TextEncoder().encode('hottok=%E1')), `${form}; charset=iso-8859-1`), 'hottok').text,
    ).toBe('á');
  });
  test('after the first thousand fields is not found', () => {
    expect(find(`${'a=1&'.repeat(1_000)}hottok=x`, form)).toMatchObject({ text: 'x' });
    expect(find(`${'a=1&'.repeat(1_001)}hottok=x`, form)).toMatchObject({ text: undefined, isComplete: false });
  });
});

test('the search ends after 256 KiB and marks its result as incomplete', () => {
  const filling = 'x'.repeat(262_144);
  expect(find(`{"hottok":"a","filling":"${filling}"}`)).toMatchObject({ text: 'a', isComplete: false });
  expect(find(`{"filling":"${filling}","hottok":"a"}`)).toMatchObject({ text: undefined, isComplete: false });
});

test('hostile bytes never throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.stringMatching(/^[{}[\]":,\\ht0-9&=%]*$/).map((body) => new TextEncoder().encode(body)),
      ),
      (raw) => {
        findBodyField(delivery(raw), 'h');
      },
    ),
  );
});
