import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, decodeText, parseJson, scan } from './json.ts';
import { compilePaths } from './paths.ts';
import { type Json, RecordError } from './source.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const errorOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('decodeText', () => {
  test('invalid UTF-8 is refused instead of replaced', () => {
    expect(() => decodeText(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toThrowError(
      expect.objectContaining({ errorClass: 'INVALID_PAYLOAD' }),
    );
    expect(() => decodeText(Uint8Array.of(0xed, 0xa0, 0x80))).toThrow(RecordError);
  });
  test('a byte order mark is left out', () => {
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, ...bytes('{"a":"é"}')))).toBe('{"a":"é"}');
  });
});

describe('scan', () => {
  test('one hundred levels pass and one more is refused, before anything is parsed', () => {
    expect(scan('['.repeat(100) + ']'.repeat(100))).toEqual({ longIntegers: false });
    expect(() => scan('['.repeat(101))).toThrow('deeper than 100');
    expect(() => parseJson('{"a":'.repeat(500_000))).toThrow('deeper than 100');
  });
  test('brackets and digits inside strings do not count', () => {
    expect(scan(`{"a":"${'['.repeat(500)}\\"${'{'.repeat(500)} 12345678901234567890"}`)).toEqual({
      longIntegers: false,
    });
    expect(scan(String.raw`{"a":"\\","b":[12345678901234567]}`).longIntegers).toBe(true);
  });
});

describe('parseJson', () => {
  test('integers beyond 2^53 keep every digit, as text', () => {
    expect(parseJson('{"id":9007199254740993,"neg":-9007199254740993,"safe":9007199254740991,"list":[1e3,444444444444444444]}')).toEqual({
      id: '9007199254740993',
      neg: '-9007199254740993',
      safe: 9007199254740991,
      list: [1000, '444444444444444444'],
    });
  });
  test('numbers beyond a double are Infinity: what refuses them is the record that holds one', () => {
    for (const text of ['1e400', '1E131071', '9'.repeat(400)]) expect(parseJson(text)).toBe(Number.POSITIVE_INFINITY);
    expect(parseJson('{"a":[-1e999]}')).toEqual({ a: [Number.NEGATIVE_INFINITY] });
  });
  test('__proto__ is left out however it is spelled, and pollutes nothing', () => {
    const value = parseJson(
      '{"a":{"__proto__":{"polluted":true},"b":1},"\\u005f_proto__":{"polluted":true},"__\\u0070roto__":1,"constructor":"c"}',
    );
    expect(value).toEqual({ a: { b: 1 }, constructor: 'c' });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((value as Record<string, unknown>).polluted).toBeUndefined();
  });
  test('the last of duplicate keys wins', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
  });
  test('the message of a syntax error does not quote the body', () => {
    const error = errorOf(() => parseJson('{"email": maria@example.com}')) as RecordError;
    expect(error).toBeInstanceOf(RecordError);
    expect(error.message).not.toContain('maria');
  });
  test('agrees with JSON.parse wherever no integer is beyond 2^53', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const expected: unknown = JSON.parse(text);
        const hasProto = text.includes('__proto__');
        const hasLong = /\d{16}/.test(text) || /e/i.test(text);
        fc.pre(!hasProto && !hasLong);
        expect(parseJson(text)).toEqual(expected);
      }),
    );
  });
  test('hostile text fails with a RecordError or not at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[[\]{}",:\\0-9eE+.\-tfn ]*$/)), (text) => {
        const outcome = errorOf(() => parseJson(text));
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(RecordError);
      }),
    );
  });
});

describe('canonicalJson', () => {
  test('key order and white space make no difference, content does', () => {
    expect(canonicalJson(parseJson('{"b":[1,{"y":2,"x":"é\\n"}],"a":null}'))).toBe('{"a":null,"b":[1,{"x":"é\\n","y":2}]}');
  });
  test('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(JSON.parse(canonicalJson(value as Json))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  test('left out are exactly the paths asked for', () => {
    const omit = compilePaths(['hottok', 'data.attempts', 'items.*.seen']);
    const value: Json = { hottok: 's', data: { attempts: 3, id: 1 }, items: [{ seen: 1, id: 2 }], seen: 4 };
    expect(canonicalJson(value, omit)).toBe('{"data":{"id":1},"items":[{"id":2}],"seen":4}');
  });
  test('a value nested too deep is a RecordError, not a stack overflow', () => {
    let value: Json = 1;
    for (let level = 0; level < 100_000; level++) value = [value];
    expect(() => canonicalJson(value)).toThrow(RecordError);
  });
});
