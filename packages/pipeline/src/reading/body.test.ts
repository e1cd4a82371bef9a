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
    ['application/x-www-form-urlencoded', 'payload=%7B%22a%22%3A1%7D', { kind: 'form', value: { payload: '{"a":1}' } }],
    ['application/json', '', { kind: 'empty' }],
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
  test('a declared ISO-8859-1 form is read as such', () => {
    expect(form('name=Jo%E3o+Silva', 'application/x-www-form-urlencoded; charset=ISO-8859-1')).toEqual({ name: 'João Silva' });
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
