import { describe, expect, it } from 'vitest';
import type { Delivery, Signed, Verdict } from '../source.ts';
import { acceptedBasic, signBasic, verifyBasic } from './basic.ts';
import { acceptedSignatures, type HmacScheme, signHmac, verifyHmac } from './hmac.ts';
import { keysOf, secretsNamed } from './secrets.ts';
import { acceptedTokens, signToken, verifyToken } from './shared-token.ts';
import { signStandardWebhook, verifyStandardWebhook } from './standard-webhooks.ts';

const nowMs = 1_760_000_000_000;
const url = 'https://in.example.com/hook';
const delivery = (body: string, { headers, query }: Signed): Delivery => ({
  method: 'POST',
  url: query ? `${url}?${new URLSearchParams(query)}` : url,
  headers,
  raw: Buffer.from(body),
});
const inQuery: HmacScheme = { signature: { in: 'query', name: 'signature' }, algorithm: 'sha1', encoding: 'hex', template: '{body}' };

/** Each proof as the sources use it: how a delivery is signed with a secret, and how it is verified with several. */
const proofs: [string, (secret: string) => Signed, (delivery: Delivery, secrets: readonly string[]) => Verdict][] = [
  ['HMAC in the query', (key) => signHmac('{}', key, inQuery, { nowMs }), (sent, keys) => verifyHmac(sent, keys, inQuery, { nowMs })],
  [
    'Standard Webhooks',
    (key) => ({ headers: signStandardWebhook(Buffer.from(key), 'msg_1', '{}', nowMs) }),
    (sent, keys) => verifyStandardWebhook(sent, keysOf(keys, 'utf-8'), { nowMs, toleranceSeconds: 300 }),
  ],
  [
    'a token in a header',
    (key) => signToken(key, { in: 'header', name: 'x-token', prefix: 'Bearer ' }),
    (sent, keys) => verifyToken(sent, keys, { in: 'header', name: 'x-token', prefix: 'Bearer ' }),
  ],
  [
    'a token in the query',
    (key) => signToken(key, { in: 'query', name: 'token' }),
    (sent, keys) => verifyToken(sent, keys, { in: 'query', name: 'token' }),
  ],
  ['HTTP Basic', (key) => signBasic(key, 'user'), (sent, keys) => verifyBasic(sent, keys, 'user')],
];

describe.each(proofs)('%s', (_, sign, verify) => {
  it('accepts what was signed with one of the secrets', () => {
    expect(verify(delivery('{}', sign('right')), ['other', 'right'])).toEqual({ ok: true });
  });
  it('refuses another secret, a delivery without a proof, and every delivery while there is no secret', () => {
    expect(verify(delivery('{}', sign('wrong')), ['right']).ok).toBe(false);
    expect(verify(delivery('{}', { headers: {} }), ['right']).ok).toBe(false);
    for (const key of ['', 'right']) expect(verify(delivery('{}', sign(key)), []).ok).toBe(false);
  });
});

describe('HMAC', () => {
  it('gives the signature of GitHub’s published vector', () => {
    const scheme: HmacScheme = { ...inQuery, algorithm: 'sha256', signature: { in: 'header', name: 'x-sig' } };
    const { headers } = signHmac('Hello, World!', "It's a Secret to Everybody", scheme, { nowMs });
    expect(headers['x-sig']).toBe('757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17');
  });
  it('refuses a signature that the query carries twice', () => {
    const { query } = signHmac('{}', 'right', inQuery, { nowMs });
    const twice = delivery('{}', { headers: {} });
    twice.url = `${url}?signature=${query?.signature}&signature=${query?.signature}`;
    expect(verifyHmac(twice, ['right'], inQuery, { nowMs }).ok).toBe(false);
  });
  it('uses the last of repeated times only where the scheme says so', () => {
    const timed = (repeatedTime: 'refused' | 'last'): HmacScheme => ({
      ...inQuery,
      signature: { in: 'header', name: 'x-sig' },
      combined: { timestampKey: 't', signatureKey: 'v1', separator: ',', repeatedTime },
      template: '{timestamp}.{body}',
    });
    const { headers } = signHmac('{}', 'right', timed('last'), { nowMs });
    const repeated = delivery('{}', { headers: { 'x-sig': `t=1,${headers['x-sig']}` } });
    const verdict = (repeatedTime: 'refused' | 'last') =>
      verifyHmac(repeated, ['right'], timed(repeatedTime), { nowMs, toleranceSeconds: 300 });
    expect(verdict('last')).toEqual({ ok: true });
    expect(verdict('refused').ok).toBe(false);
  });
});

describe('secrets', () => {
  it('that are empty are left out, because anybody can sign with an empty key', () => {
    const secrets = ['', '  ', 'right'].map((value) => ({ name: 'token', value }));
    expect(secretsNamed([...secrets, { name: 'other', value: 'x' }], 'token')).toEqual(['right']);
  });
});

describe('accepted forms', () => {
  it('are what the verifiers accept', () => {
    for (const value of acceptedTokens('right', { in: 'header', name: 'x-token', prefix: 'Bearer ' }))
      expect(
        verifyToken(delivery('', { headers: { 'x-token': value } }), ['right'], { in: 'header', name: 'x-token', prefix: 'Bearer ' }),
      ).toEqual({ ok: true });
    for (const value of acceptedBasic('right', 'user'))
      expect(verifyBasic(delivery('', { headers: { authorization: value } }), ['right'], 'user')).toEqual({ ok: true });
    const bare = delivery('{}', { headers: {} });
    for (const value of acceptedSignatures(bare, [Buffer.from('right')], inQuery))
      expect(verifyHmac({ ...bare, url: `${url}?signature=${value}` }, ['right'], inQuery, { nowMs })).toEqual({ ok: true });
  });
});
