import { describe, expect, test } from 'vitest';
import { maskedHeaders, packDelivery, splitHeaders, unpackDelivery } from './journal.ts';
import { restoreCredentials } from './privacy/credentials.ts';
import type { Credentials } from './source.ts';

const credentials: Credentials = { body: [], query: [], headers: ['x-token'] };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const split = (headers: Record<string, string | undefined>, ...secrets: string[]) => splitHeaders(headers, credentials, secrets);

test('a packed delivery is unpacked byte by byte', () => {
  const head = { method: 'POST', url: 'https://tributary.test/é', headers: { a: 'b' } };
  const raw = Buffer.from([0, 255, 10]);
  expect(unpackDelivery(packDelivery(head, raw))).toEqual({ head, raw });
  expect(() => unpackDelivery(Buffer.from([0, 0, 1, 0, 1]))).toThrow('not a packed delivery');
});

describe('headers of a delivery', () => {
  test('are kept, except those of the transport', () => {
    const headers = {
      host: 'h',
      cookie: 'c',
      'content-length': '1',
      'content-type': 'text/plain',
      'x-long': 'x'.repeat(8_193),
      'x-none': undefined,
    };
    expect(split(headers, 'a-secret')).toEqual({ kept: { 'content-type': 'text/plain' }, presented: {} });
  });

  test('carry a credential where the source names them, with any value, and headers of the transport too', () => {
    expect(split({ 'x-token': 'wrong' })).toEqual({ kept: {}, presented: { 'x-token': 'wrong' } });
    expect(splitHeaders({ cookie: 'k' }, { ...credentials, headers: ['cookie'] }, [])).toEqual({ kept: {}, presented: { cookie: 'k' } });
  });

  test('carry a credential where they contain a secret, in plain text or in HTTP Basic', () => {
    const copies = { a: 'the-secret', b: 'Key the-secretive', c: basic('user:the-secret'), d: 'basic dXNlcjp0aGUtc2VjcmV0' };
    expect(split({ ...copies, e: basic('user:another'), f: 'Basic ,' }, '', 'other-one', 'the-secret')).toEqual({
      kept: { e: basic('user:another'), f: 'Basic ,' },
      presented: copies,
    });
  });

  test('contain a short secret only as a separate word, since by chance it is part of every other signature', () => {
    const kept = { 'content-type': 'application/json', 'x-signature': 'sha256=ab12cd', 'webhook-signature': 'v1,xyab12/+8json=' };
    expect(split(kept, 'ab12', 'json')).toEqual({ kept, presented: {} });
    const copies = { a: 'ab12', b: 'Bearer ab12', c: 'key="ab12"', d: basic('u:ab12') };
    expect(split(copies, 'ab12')).toEqual({ kept: {}, presented: copies });
  });
});

describe('a masked header', () => {
  const masked = (value: string) => maskedHeaders({ a: value }).a;
  test('shows only the scheme of its credential', () => {
    expect(masked('Bearer abc def')).toBe('Bearer [redacted]');
    expect(masked(basic('u:p'))).toBe('Basic [redacted]');
    expect(masked('ApiKey  k')).toBe('ApiKey  [redacted]');
    for (const whole of ['Bearer', 'my secret', 'tokenabc', 'k:abc']) expect(masked(whole)).toBe('[redacted]');
  });

  test('gets its credential back after its scheme', () => {
    const delivery = { url: 'https://t.test/', headers: maskedHeaders({ a: 'bearer  k', b: 'k', c: 'k' }), raw: new Uint8Array() };
    expect(restoreCredentials(delivery, undefined, { 'header:a': 'k1', 'header:b': 'k$&', 'header:d': 'k3' }).headers).toEqual({
      a: 'bearer  k1',
      b: 'k$&',
      c: '[redacted]',
    });
    expect(delivery.headers.a).toBe('bearer  [redacted]');
  });
});
