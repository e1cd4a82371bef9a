import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Json, RecordError } from '../source.ts';
import { canonicalJson, decodeText, jsonValuesMax, parseJson, scan } from './json.ts';
import { compilePaths } from './paths.ts';

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

const budget = (left = jsonValuesMax) => ({ left });

describe('scan', () => {
  test('counts every value: containers and their members; an empty container counts as one value', () => {
    const valuesOf = (text: string) => {
      const counted = budget();
      scan(text, counted);
      return jsonValuesMax - counted.left;
    };
    expect(valuesOf('1')).toBe(1);
    expect(valuesOf('[]')).toBe(1);
    expect(valuesOf('[{},{},{}]')).toBe(4);
    expect(valuesOf('{"a":[1,2],"b":"x,y[{"}')).toBe(5);
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const count = (one: unknown): number =>
          1 + (typeof one === 'object' && one !== null ? Object.values(one).reduce((sum: number, inner) => sum + count(inner), 0) : 0);
        expect(valuesOf(JSON.stringify(value))).toBe(count(JSON.parse(JSON.stringify(value))));
      }),
    );
  });
  test('accepts as many values as documented and refuses one more, over all texts that share a budget', () => {
    const list = (count: number) => `[${'0,'.repeat(count - 2)}0]`;
    expect(parseJson(list(jsonValuesMax))).toHaveLength(jsonValuesMax - 1);
    expect(() => parseJson(list(jsonValuesMax + 1))).toThrow(`more than ${jsonValuesMax} JSON values`);
    const shared = budget(5);
    parseJson('[1,2]', shared);
    expect(() => parseJson('[1,2]', shared)).toThrow('JSON values');
  });

  test('accepts one hundred levels and refuses one more, before anything is parsed', () => {
    expect(scan('['.repeat(100) + ']'.repeat(100), budget())).toEqual([]);
    expect(() => scan('['.repeat(101), budget())).toThrow('deeper than 100');
    expect(() => parseJson('{"a":'.repeat(500_000))).toThrow('deeper than 100');
  });
  test('brackets and digits inside strings do not count', () => {
    expect(scan(`{"a":"${'['.repeat(500)}\\"${'{'.repeat(500)} 12345678901234567890"}`, budget())).toEqual([]);
    expect(scan(String.raw`{"a":"\\","b":[12345678901234567]}`, budget())).toEqual([{ start: 15, end: 32 }]);
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
  test('a long integer becomes text at every place of a value, and text that is not JSON is still refused', () => {
    expect(parseJson('-12345678901234567890')).toBe('-12345678901234567890');
    expect(
      parseJson('[ 12345678901234567890 ,1234567890123456.5,12345678901234567890e2,0.12345678901234567890,1e0000000000000000001]'),
    ).toEqual(['12345678901234567890', 1234567890123456.5, Number('12345678901234567890e2'), Number('0.12345678901234567890'), 10]);
    for (const text of ['{12345678901234567890:1}', '{12345678901234567890 :1}', '01234567890123456789', '+12345678901234567890'])
      expect(() => parseJson(text)).toThrow('not valid JSON');
    for (const text of ['x12345678901234567890', '12345678901234567890x', '--12345678901234567890', '"a"12345678901234567890'])
      expect(() => parseJson(text)).toThrow('not valid JSON');
  });
  test('the character of a syntax error is counted in the text as it came, also after long integers', () => {
    expect(() => parseJson('[12345678901234567890,12345678901234567890,1 2]')).toThrow('at character 45.');
    expect(() => parseJson('[1 2,12345678901234567890]')).toThrow('at character 3.');
  });
  test('agrees with a reviver that keeps long integers, on any JSON', () => {
    const digits = fc.stringMatching(/^-?[1-9][0-9]{14,24}$/);
    const { stringify } = fc.letrec<{ stringify: string }>((tie) => ({
      stringify: fc.oneof(
        { depthSize: 'small' },
        digits,
        fc.jsonValue({ maxDepth: 0 }).map((value) => JSON.stringify(value)),
        fc.array(tie('stringify'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
        fc
          .array(fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), tie('stringify')), { maxLength: 4 })
          .map((items) => `{${items.map(([key, item]) => `"${key}":\n${item}`).join(',')}}`),
      ),
    }));
    const keep = (_key: string, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d{16,}$/.test(context?.source ?? '') ? context?.source : value;
    fc.assert(
      fc.property(stringify, (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text, keep));
      }),
    );
  });
  test('numbers beyond a double become Infinity, so that only their record is refused', () => {
    for (const text of ['1e400', '1E131071', '9'.repeat(400)]) expect(parseJson(text)).toBe(Number.POSITIVE_INFINITY);
    expect(parseJson('{"a":[-1e999]}')).toEqual({ a: [Number.NEGATIVE_INFINITY] });
  });
  test('__proto__ is left out in every spelling, so that no prototype is polluted', () => {
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
  test('hostile text throws nothing but RecordError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[[\]{}",:\\0-9eE+.\-tfn ]*$/)), (text) => {
        const outcome = errorOf(() => parseJson(text));
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(RecordError);
      }),
    );
  });
});

describe('canonicalJson', () => {
  test('ignores key order and white space, and differs when the content differs', () => {
    expect(canonicalJson(parseJson('{"b":[1,{"y":2,"x":"é\\n"}],"a":null}'))).toBe('{"a":null,"b":[1,{"x":"é\\n","y":2}]}');
  });
  test('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(JSON.parse(canonicalJson(value as Json))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  test('leaves out the given paths and nothing else', () => {
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
