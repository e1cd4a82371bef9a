import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordError } from '../source.ts';
import { decodeBody } from './body.ts';

const body = (text: string | Uint8Array, type?: string) =>
  decodeBody({
    method: 'POST',
    url: 'https://tributary.test/',
    headers: type === undefined ? {} : { 'content-type': type },
    raw: typeof text === 'string' ? new TextEncoder().encode(text) : text,
  });

describe('decodeBody', () => {
  test.each([
    ['application/json', '{"a":1}', { kind: 'json', value: { a: 1 } }],
    ['application/json; charset=utf-8', ' [1]\n', { kind: 'json', value: [1] }],
    ['application/cloudevents+json', '{"a":1}', { kind: 'json', value: { a: 1 } }],
    ['application/x-ndjson', '{"a":1}\n\n{"a":2}\n', { kind: 'ndjson', value: [{ a: 1 }, { a: 2 }] }],
    ['application/jsonl', '{"a":1}', { kind: 'ndjson', value: [{ a: 1 }] }],
    ['text/plain', '{"a":1}', { kind: 'json', value: { a: 1 } }],
    [undefined, '[{"a":1}]', { kind: 'json', value: [{ a: 1 }] }],
    [undefined, 'a=1&b=x+y', { kind: 'form', value: { a: '1', b: 'x y' } }],
    ['application/x-www-form-urlencoded', '{"a":1}', { kind: 'json', value: { a: 1 } }],
    ['application/json', '', { kind: 'empty' }],
    ['application/json; charset=utf-8', '\uFEFF{"a":1}', { kind: 'json', value: { a: 1 } }],
    ['application/json', '{"a":1}\n\0\0', { kind: 'json', value: { a: 1 } }],
    ['application/json', '\0\0', { kind: 'empty' }],
    [undefined, ' \n', { kind: 'empty' }],
  ])('%s: %s', (type, text, expected) => {
    expect(body(text, type)).toEqual(expected);
  });

  test('an NDJSON error names its line and does not quote it', () => {
    expect(() => body('{"a":1}\n{"email":maria}\n', 'application/x-ndjson')).toThrow(/^Line 2: it is not valid JSON/);
  });

  test('any other body is refused, and the error names its content type when that is well-formed', () => {
    expect(() => body('<event/>', 'application/xml')).toThrow('The body of type application/xml is neither JSON nor a form.');
    expect(() => body('hello', 'nonsense <script>')).toThrow('The body is neither JSON nor a form.');
  });
});

describe('charsets of JSON', () => {
  test('JSON in UTF-8 is read as UTF-8 with any declaration', () => {
    for (const charset of ['iso-8859-1', 'x-nowhere', 'shift_jis', 'UTF-8'])
      expect(body('{"a":"João"}', `application/json; charset=${charset}`)).toEqual({ kind: 'json', value: { a: 'João' } });
  });
  test('JSON in another charset is read in the charset that it declares or that its byte order mark shows', () => {
    expect(body(Buffer.from('{"a":"Jo\u00e3o"}', 'latin1'), 'application/json; charset=iso-8859-1')).toEqual({
      kind: 'json',
      value: { a: 'João' },
    });
    expect(body(Buffer.from('\uFEFF{"a":"João"}', 'utf16le'), 'application/json')).toEqual({ kind: 'json', value: { a: 'João' } });
  });
  test('JSON that is not in the declared charset says so, and JSON without a declaration that it is not UTF-8', () => {
    const latin1 = Buffer.from('{"a":"Jo\u00e3o"}', 'latin1');
    expect(() => body(latin1, 'application/json; charset=x-nowhere')).toThrow('not UTF-8, and the charset "x-nowhere" is not known');
    expect(() => body(latin1, 'application/json; charset=euc-jp')).toThrow('not valid in the charset "euc-jp"');
    expect(() => body(latin1, 'application/json')).toThrow('not valid UTF-8');
  });
});

describe('forms', () => {
  const form = (text: string, type = 'application/x-www-form-urlencoded') => {
    const decoded = body(text, type);
    return decoded.kind === 'form' ? decoded.value : decoded;
  };

  test('PHP brackets nest, and numbered brackets become lists', () => {
    expect(form('venda[codigo]=9&venda[itens][0][id]=a&venda[itens][1][id]=b&tags[]=x&tags[]=y&mapa[7]=z')).toEqual({
      venda: { codigo: '9', itens: [{ id: 'a' }, { id: 'b' }] },
      tags: ['x', 'y'],
      mapa: { 7: 'z' },
    });
  });
  test('the last of repeated names wins, also for nested names', () => {
    expect(form('a=1&a=2&b=1&b[c]=2')).toEqual({ a: '2', b: { c: '2' } });
  });
  test('a stray percent sign is kept, and bytes that are not UTF-8 are refused', () => {
    expect(form('discount=10%&x=%zz')).toEqual({ discount: '10%', x: '%zz' });
    expect(() => form('name=Jo%E3o')).toThrow(RecordError);
  });
  test.each([
    ['ISO-8859-1', 'name=Jo%E3o+Silva', { name: 'João Silva' }],
    ['"iso-8859-1"', 'Endere%E7o=A%26B', { Endereço: 'A&B' }],
    ['windows-1252', 'price=%80+10', { price: '€ 10' }],
    ['iso-8859-15', 'price=%A4+10', { price: '€ 10' }],
    ['windows-1251', 'name=%C8%E2%E0%ED', { name: 'Иван' }],
    // The second byte of a character may be an ASCII letter, which a form does not encode.
    ['Shift_JIS', 'name=%83e%83X%83g', { name: 'テスト' }],
    ['euc-jp', 'name=%A5%C6%A5%B9%A5%C8', { name: 'テスト' }],
    ['gb2312', 'name=%D5%C5%C8%FD', { name: '张三' }],
    ['utf8', 'name=Jo%C3%A3o', { name: 'João' }],
    ['x-nowhere', 'name=Joana', { name: 'Joana' }],
    ['x-nowhere', 'name=João', { name: 'João' }],
  ])('a form that declares %s is read in that charset', (charset, text, expected) => {
    expect(form(text, `application/x-www-form-urlencoded; charset=${charset}`)).toEqual(expected);
  });
  test('bytes that are not percent-encoded are read in the declared charset as well', () => {
    expect(body(Buffer.from('nome=Jo\u00e3o', 'latin1'), 'application/x-www-form-urlencoded; charset=latin1')).toEqual({
      kind: 'form',
      value: { nome: 'João' },
    });
  });
  test('a form in a charset that is not known, or not in the charset that it declares, says so', () => {
    expect(() => form('name=Jo%E3o', 'application/x-www-form-urlencoded; charset=x-nowhere')).toThrow(
      'A form field is not UTF-8, and the charset "x-nowhere" is not known, so its text cannot be read.',
    );
    expect(() => form('name=%83', 'application/x-www-form-urlencoded; charset=shift_jis')).toThrow(
      'A form field is not valid in the charset "shift_jis".',
    );
  });
  test.each([
    ['payload=%7B%22action%22%3A%22opened%22%2C%22number%22%3A7%7D', { action: 'opened', number: 7 }],
    ['mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D', [{ event: 'send' }]],
  ])('a form whose only field is JSON is that JSON, as GitHub and Slack send it', (text, value) => {
    expect(body(text, 'application/x-www-form-urlencoded')).toEqual({ kind: 'json', value });
  });
  test.each([
    ['json=%7B...%7D', { json: '{...}' }],
    ['payload=%7B%7D&x=1', { payload: '{}', x: '1' }],
    ['payload=7', { payload: '7' }],
    ['text=%5Btag%5D+hello', { text: '[tag] hello' }],
  ])('%s stays a form', (text, value) => {
    expect(form(text)).toEqual(value);
  });
  test('JSON in a form has the limits of any JSON', () => {
    expect(() => form(`payload=${'%5B'.repeat(101)}`)).toThrow('deeper than 100');
  });
  test('prototype keys do not pollute any prototype', () => {
    expect(form('__proto__[x]=1&a[__proto__][x]=1&constructor[y]=2&toString=3')).toEqual({ constructor: { y: '2' }, toString: '3' });
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect((Object as unknown as Record<string, unknown>).y).toBeUndefined();
  });
  test('a thousand fields are accepted, and one more or a name of more than a hundred brackets is refused', () => {
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `f${index}=1`).join('&');
    expect(Object.keys(form(fields(1000)))).toHaveLength(1000);
    expect(() => form(fields(1001))).toThrow('more than 1000 fields');
    expect(() => form(`a${'[b]'.repeat(101)}=1`)).toThrow('nested deeper');
  });
});

test('hostile bytes of any type throw nothing but RecordError', () => {
  const types = ['application/json', 'application/x-ndjson', 'application/x-www-form-urlencoded', 'text/plain', 'image/png', ''];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((text) => new TextEncoder().encode(text)),
      ),
      fc.constantFrom(...types),
      (raw, type) => {
        try {
          body(raw, type);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordError);
        }
      },
    ),
  );
});
