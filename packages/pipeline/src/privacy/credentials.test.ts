import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBody } from '../reading/body.ts';
import type { Body, Credentials } from '../source.ts';
import { redactCredentials, redactUrl, restoreCredentials } from './credentials.ts';

const credentials = { body: ['hottok', 'data.producer.originSecret', 'venda.chave'], query: ['hottok', 'hub.verify_token'] };

function redacted(text: string, type = 'application/json', named: Credentials = credentials) {
  const delivery = {
    method: 'POST',
    url: 'https://tributary.test/x',
    headers: { 'content-type': type },
    raw: new TextEncoder().encode(text),
  };
  let body: Body | undefined;
  try {
    body = decodeBody(delivery);
  } catch {
    // The body stays undefined, as in verifyDelivery.
  }
  const result = redactCredentials(delivery, body, named);
  return { ...result, text: new TextDecoder().decode(result.raw), same: result.raw === delivery.raw };
}

describe('bodies', () => {
  test('a body without a credential is returned byte for byte', () => {
    expect(redacted('{ "id": 1,\t"name": "hottok" }').same).toBe(true);
    expect(redacted('{"other":{"hottok":"x"}}').same).toBe(true);
    expect(redacted('a=1&b=2', 'application/x-www-form-urlencoded').same).toBe(true);
  });
  test('only the value changes, and every other byte stays as it was sent', () => {
    expect(
      redacted(
        '{ "a" : "é\\u00e9 😀",\n  "hottok"\t: "s3\\"cr\\\\et" , "n": 1.50e1, "data":{"producer":{"originSecret":12345,"x":[]}} }\r\n',
      ).text,
    ).toBe(
      '{ "a" : "é\\u00e9 😀",\n  "hottok"\t: "[redacted]" , "n": 1.50e1, "data":{"producer":{"originSecret":"[redacted]","x":[]}} }\r\n',
    );
  });
  test('credentials under duplicate keys, under keys with escapes and in objects are found', () => {
    expect(redacted('{"hottok":"one","\\u0068ottok":"two","hottok":{"deep":["three"]}}').text).toBe(
      '{"hottok":"[redacted]","\\u0068ottok":"[redacted]","hottok":"[redacted]"}',
    );
  });
  test('an object is redacted as it is in a list, whose bytes are always searched, also with the credential under several keys or under none', () => {
    const key = fc.constantFrom('hottok', '\\u0068ottok', 'a', 'venda', 'chave', 'hottok2');
    const leaf = fc.constantFrom('"S3CRET"', '1', '{"hottok":"S3CRET"}', '{"chave":"S3CRET"}', '["hottok"]');
    const object = fc
      .array(fc.tuple(key, leaf), { maxLength: 5 })
      .map((fields) => `{${fields.map(([name, value]) => `"${name}":${value}`).join()}}`);
    fc.assert(
      fc.property(object, (text) => {
        const textOf = (body: string) => redacted(body, 'application/json', { body: ['hottok', 'chave'], query: [] }).text;
        expect(textOf(text)).toBe(textOf(`[${text}]`).slice(1, -1));
      }),
      { numRuns: 1_000 },
    );
  });
  test('each record of an array or of NDJSON is searched', () => {
    expect(redacted('[{"hottok":"a"},{"hottok":"b"}]').text).toBe('[{"hottok":"[redacted]"},{"hottok":"[redacted]"}]');
    expect(redacted('{"hottok":"a"}\n{"hottok":"b"}\n', 'application/x-ndjson').text).toBe(
      '{"hottok":"[redacted]"}\n{"hottok":"[redacted]"}\n',
    );
  });
  test('form values are replaced, also under brackets and encoded names', () => {
    expect(redacted('prod=1&hottok=se%26cret&venda%5Bchave%5D=k&x=%E1', 'application/x-www-form-urlencoded; charset=iso-8859-1').text).toBe(
      'prod=1&hottok=[redacted]&venda%5Bchave%5D=[redacted]&x=%E1',
    );
  });
  test('a body that cannot be parsed is searched by name, and the result says so', () => {
    const result = redacted('{"hottok": "sec\\"ret", "broken": ');
    expect(result).toMatchObject({ exact: false, text: '{"hottok": "[redacted]", "broken": ' });
    expect(redacted('{"a":[,],"hottok":"unclosed secret').text).not.toContain('secret');
  });
  test('in any body the credential is removed, the rest parses to the same, and the length differs only by the value', () => {
    const secret = fc.string({ minLength: 1 }).map((text) => `S3CRET${text}`);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), secret, fc.nat(8), (record, value, indent) => {
        const text = JSON.stringify({ ...record, hottok: value, after: 'é' }, null, indent);
        const result = redacted(text);
        expect(JSON.parse(result.text)).toEqual({ ...JSON.parse(text), hottok: '[redacted]' });
        expect(result.text).toBe(
          text.replace(`"hottok":${indent > 0 ? ' ' : ''}${JSON.stringify(value)}`, () => `"hottok":${indent > 0 ? ' ' : ''}"[redacted]"`),
        );
      }),
    );
  });
});

test('credentials in a URL are masked, and everything else stays', () => {
  expect(redactUrl('https://x.test/a?b=1&hottok=se%20cret&hub.verify_token=v&c=%7e#f', credentials.query)).toBe(
    'https://x.test/a?b=1&hottok=[redacted]&hub.verify_token=[redacted]&c=%7e#f',
  );
  expect(redactUrl('https://x.test/a?API_KEY=1&tok%65n=2')).toBe('https://x.test/a?API_KEY=[redacted]&tok%65n=[redacted]');
  expect(redactUrl('https://x.test/a')).toBe('https://x.test/a');
});

describe('restoring', () => {
  const restored = (text: string, values: Record<string, string>, type = 'application/json', url = 'https://tributary.test/x') => {
    const delivery = { method: 'POST', url, headers: { 'content-type': type }, raw: new TextEncoder().encode(text) };
    const result = restoreCredentials(delivery, decodeBody(delivery), values);
    return { url: result.url, text: new TextDecoder().decode(result.raw), body: decodeBody(result) };
  };

  test('puts a value back where it was masked, in the encoding of the body, and nowhere else', () => {
    expect(restored('{ "a":"[redacted]", "hottok" : "[redacted]" }', { 'body:hottok': 's"\\é' }).text).toBe(
      '{ "a":"[redacted]", "hottok" : "s\\"\\\\é" }',
    );
    const form = restored(
      'hottok=[redacted]&venda%5Bchave%5D=[redacted]&a=1',
      { 'body:venda.chave': 'k&=é' },
      'application/x-www-form-urlencoded',
    );
    expect(form.text).toBe('hottok=[redacted]&venda%5Bchave%5D=k%26%3D%C3%A9&a=1');
    expect(form.body).toMatchObject({ value: { venda: { chave: 'k&=é' } } });
    expect(restored('{}', { 'query:token': 'a b$&' }, undefined, 'https://t.test/x?token=[redacted]&key=[redacted]#f').url).toBe(
      'https://t.test/x?token=a%20b%24%26&key=[redacted]#f',
    );
  });

  test('a value for a place that is not masked changes nothing', () => {
    expect(restored('{"id":1}', { 'body:hottok': 'x', 'query:token': 'x' })).toMatchObject({
      text: '{"id":1}',
      url: 'https://tributary.test/x',
    });
  });

  test('is the inverse of redacting', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (secret, other) => {
        const raw = JSON.stringify({ other, hottok: secret });
        const masked = redacted(raw);
        expect(restored(masked.text, { 'body:hottok': secret }).body).toEqual({ kind: 'json', value: { other, hottok: secret } });
      }),
    );
  });
});
