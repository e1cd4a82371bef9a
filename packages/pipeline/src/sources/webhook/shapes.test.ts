import { createHmac } from 'node:crypto';
import { sign as signGitHub } from '@octokit/webhooks-methods';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { Delivery, Secret } from '../../source.ts';
import { capturedOnly, capturedVectors } from '../../test/deliveries.ts';
import type { WebhookConfig, WebhookConfigInput } from './config.ts';
import { webhook } from './index.ts';

// The shapes in which senders sign, beyond those of the example settings: webhook.test.ts has those.

const now = Date.parse('2026-03-02T12:00:00Z');
const seconds = String(now / 1000);
const body = '{"id":"ordem-7","total":1990}';
const url = 'https://in.example.com/api/webhooks/webhook/1';
const text = 'a secret of this test';
const key = Buffer.from('a synthetic key of 32 bytes long');
const whsec = `whsec_${key.toString('base64')}`;

type Verification = WebhookConfigInput['verification'];
const configOf = (verification: Verification): WebhookConfig => webhook.config.parse({ verification });
const hmac = (more: Omit<Extract<Verification, { scheme: 'hmac' }>, 'scheme'>): Verification => ({ scheme: 'hmac', ...more });
const secretOf = (value: string): Secret[] => [{ name: 'secret', value }];
const sent = (headers: Record<string, string>, query = '', raw: string | Buffer = body): Delivery => ({
  method: 'POST',
  url: url + query,
  headers: { 'content-type': 'application/json', ...headers },
  raw: Buffer.from(raw),
});
const digest = (signed: string, algorithm = 'sha256', using: string | Buffer = text) =>
  createHmac(algorithm, using).update(signed).digest();

interface Shape {
  verification: Verification;
  secret: string;
  headers?: Record<string, string>;
  query?: string;
}
const plain = digest(body);
const other = createHmac('sha256', 'the key of before').update(body).digest();
const iso = '2026-03-02T12:00:00Z';

/** Genuine deliveries, each in a shape that a sender documents or that public reports show. */
const shapes: Record<string, Shape> = {
  'base64 over an ISO time and the body (Zendesk, "Verifying webhooks")': {
    verification: hmac({
      header: 'X-Zendesk-Webhook-Signature',
      encoding: 'base64',
      timestampHeader: 'X-Zendesk-Webhook-Signature-Timestamp',
      timestampUnit: 'iso',
      template: '{timestamp}{body}',
    }),
    secret: text,
    headers: {
      'x-zendesk-webhook-signature': digest(iso + body).toString('base64'),
      'x-zendesk-webhook-signature-timestamp': iso,
    },
  },
  ...Object.fromEntries(
    ['2026-03-02T09:00:00-03:00', '2026-03-02T09:00:00.123456789-0300', '2026-03-02 12:00:00.5+00', '2026-03-02t12:00:00z'].map((time) => [
      `an RFC 3339 time written as ${time}`,
      {
        verification: hmac({ header: 'x-sig', timestampHeader: 'x-time', timestampUnit: 'iso', template: '{timestamp}.{body}' }),
        secret: text,
        headers: { 'x-sig': digest(`${time}.${body}`).toString('hex'), 'x-time': time },
      } satisfies Shape,
    ]),
  ),
  'several signatures with commas (PagerDuty, "Verifying Signatures")': {
    verification: hmac({ header: 'x-pagerduty-signature', prefix: 'v1=' }),
    secret: text,
    headers: { 'x-pagerduty-signature': `v1=${other.toString('hex')},v1=${plain.toString('hex')}` },
  },
  'several signatures with blanks': {
    verification: hmac({ header: 'x-sig' }),
    secret: text,
    headers: { 'x-sig': `${other.toString('hex')} ${plain.toString('hex')}` },
  },
  'several signatures in base64 after v1, (Svix without a time)': {
    verification: hmac({ header: 'x-sig', prefix: 'v1,', encoding: 'base64' }),
    secret: text,
    headers: { 'x-sig': `v1,${other.toString('base64')} v1,${plain.toString('base64')}` },
  },
  'two headers of one name, which Node joins': {
    verification: hmac({ header: 'x-sig', prefix: 'sha256=' }),
    secret: text,
    headers: { 'x-sig': `sha256=${other.toString('hex')}, sha256=${plain.toString('hex')}` },
  },
  'a time and several signatures in one header, of which the second key is the new one': {
    verification: hmac({
      header: 'x-sig',
      combined: { signatureKey: 'v0', otherSignatureKeys: ['v1'] },
      template: '{timestamp}.{body}',
    }),
    secret: text,
    headers: { 'x-sig': `t=${seconds}, v0=${other.toString('hex')}, v1=${digest(`${seconds}.${body}`).toString('hex')}` },
  },
  'a time and a signature with blanks between them': {
    verification: hmac({ header: 'x-sig', combined: { separator: ' ' }, template: '{timestamp}.{body}' }),
    secret: text,
    headers: { 'x-sig': `t=${seconds} v1=${digest(`${seconds}.${body}`).toString('hex')}` },
  },
  'the new header while the old one is signed with another key': {
    verification: hmac({ header: 'x-signature', otherHeaders: ['x-signature-new'] }),
    secret: text,
    headers: { 'x-signature': other.toString('hex'), 'x-signature-new': plain.toString('hex') },
  },
  'only the new header': {
    verification: hmac({ header: 'x-signature', otherHeaders: ['x-signature-new'] }),
    secret: text,
    headers: { 'x-signature-new': plain.toString('hex') },
  },
  'the new prefix while both are sent': {
    verification: hmac({ header: 'x-sig', prefix: 'v0=', otherPrefixes: ['v1='] }),
    secret: text,
    headers: { 'x-sig': `v0=${other.toString('hex')},v1=${plain.toString('hex')}` },
  },
  'hexadecimal in capitals': {
    verification: hmac({ header: 'x-sig' }),
    secret: text,
    headers: { 'x-sig': plain.toString('hex').toUpperCase() },
  },
  'base64 without padding': {
    verification: hmac({ header: 'x-sig', encoding: 'base64' }),
    secret: text,
    headers: { 'x-sig': plain.toString('base64').replace('=', '') },
  },
  'base64 in the alphabet of URLs': {
    verification: hmac({ header: 'x-sig', encoding: 'base64' }),
    secret: text,
    headers: { 'x-sig': plain.toString('base64url') },
  },
  'base64 in the alphabet of URLs, padded': {
    verification: hmac({ header: 'x-sig', encoding: 'base64' }),
    secret: text,
    headers: { 'x-sig': `${plain.toString('base64url')}=` },
  },
  ...Object.fromEntries(
    (['sha1', 'sha256', 'sha384', 'sha512'] as const).flatMap((algorithm) =>
      (['hex', 'base64'] as const).map((encoding) => [
        `${algorithm} in ${encoding}`,
        {
          verification: hmac({ header: 'x-sig', algorithm, encoding }),
          secret: text,
          headers: { 'x-sig': digest(body, algorithm).toString(encoding) },
        } satisfies Shape,
      ]),
    ),
  ),
  ...Object.fromEntries(
    (
      [
        ['hex', key.toString('hex')],
        ['hex', key.toString('hex').toUpperCase()],
        ['base64', key.toString('base64')],
        ['base64', key.toString('base64url')],
        ['whsec', whsec],
        ['whsec', `v1,${whsec}`],
        ['whsec', key.toString('base64')],
      ] as const
    ).map(([secretEncoding, secret]) => [
      `a secret as ${secretEncoding}, written ${secret.slice(0, 12)}…`,
      {
        verification: hmac({ header: 'x-sig', secretEncoding }),
        secret,
        headers: { 'x-sig': digest(body, 'sha256', key).toString('hex') },
      } satisfies Shape,
    ]),
  ),
  'whsec_ whose whole text is the key, by the setting utf-8': {
    verification: hmac({ header: 'x-sig' }),
    secret: whsec,
    headers: { 'x-sig': digest(body, 'sha256', whsec).toString('hex') },
  },
  'Standard Webhooks whose key is the whole text, by the setting utf-8': {
    verification: { scheme: 'standard-webhooks', secretEncoding: 'utf-8' },
    secret: whsec,
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': `v1,${digest(`msg_1.${seconds}.${body}`, 'sha256', whsec).toString('base64')}`,
    },
  },
  'Standard Webhooks with v1,whsec_ (auth hooks of Supabase)': {
    verification: { scheme: 'standard-webhooks' },
    secret: `v1,${whsec}`,
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': new Webhook(whsec).sign('msg_1', new Date(now), body),
    },
  },
  'a signature in the query (Kiwify, "Receiving webhooks")': {
    verification: hmac({ query: 'signature', algorithm: 'sha1' }),
    secret: text,
    query: `?signature=${digest(body, 'sha1').toString('hex')}`,
  },
  'base64 in the query, percent-encoded': {
    verification: hmac({ query: 'sig', encoding: 'base64' }),
    secret: text,
    query: `?sig=${encodeURIComponent(plain.toString('base64'))}`,
  },
  'base64 in the query, as it is': {
    verification: hmac({ query: 'sig', encoding: 'base64' }),
    secret: text,
    query: `?a=1&sig=${plain.toString('base64')}`,
  },
  'a key beyond ASCII': {
    verification: hmac({ header: 'x-sig' }),
    secret: 'chave-secreta-é-ção',
    headers: { 'x-sig': digest(body, 'sha256', 'chave-secreta-é-ção').toString('hex') },
  },
  'a secret that was stored with a line break': {
    verification: hmac({ header: 'x-sig' }),
    secret: `${text}\n`,
    headers: { 'x-sig': plain.toString('hex') },
  },
};

describe.each(Object.entries(shapes))('%s', (_, { verification, secret, headers = {}, query }) => {
  const config = configOf(verification);
  const verify = (delivery: Delivery, value = secret, at = now) => webhook.verify(delivery, secretOf(value), config, at);
  it('is accepted, and refused with another secret or another body', () => {
    expect(verify(sent(headers, query))).toEqual({ ok: true });
    const wrong = webhook.newSecret(config, new Uint8Array(32).fill(3));
    expect(verify(sent(headers, query), wrong).ok).toBe(false);
    for (let at = 0; at < body.length; at++) {
      const raw = Buffer.from(body);
      raw[at] = (raw[at] ?? 0) ^ 1;
      expect(verify(sent(headers, query, raw)).ok).toBe(false);
    }
  });
  it('is signed by our own test sends, with a secret of the form that is generated', () => {
    const own = webhook.newSecret(config, new Uint8Array(32).fill(9));
    expect(webhook.readSecret?.({ name: 'secret', value: own }, config)).toEqual({ value: own });
    const signed = webhook.sign(body, secretOf(own), config, now, url);
    const made = sent(signed.headers, signed.query && `?${new URLSearchParams(signed.query)}`);
    expect(verify(made, own)).toEqual({ ok: true });
    expect(verify(made, webhook.newSecret(config, new Uint8Array(32).fill(8))).ok).toBe(false);
    const isTimed = JSON.stringify(signed.headers).includes(seconds) || JSON.stringify(signed.headers).includes('2026-03-02T');
    if (isTimed)
      for (const at of [now - 301_000, now + 301_000]) expect(verify(made, own, at)).toMatchObject({ error: 'TIMESTAMP_OUT_OF_TOLERANCE' });
  });
});

describe('forgeries', () => {
  const configs = Object.values(shapes).map(({ verification, secret }) => ({ config: configOf(verification), verification, secret }));
  it('in any shape pass with no header that is made without the key', () => {
    const piece = fc.oneof(
      fc.constantFrom('v1=', 'v0=', 'v1,', 'sha256=', 't=', ',', ' ', ';', '=', '"', plain.toString('hex').slice(0, 63), seconds, iso),
      fc.constantFrom('', 'key', text.slice(0, -1), whsec.slice(0, -4)).map((wrong) => digest(body, 'sha256', wrong).toString('hex')),
      fc.constantFrom('', 'key', 'whsec_').map((wrong) => digest(body, 'sha256', wrong).toString('base64')),
      fc.string({ maxLength: 40 }),
    );
    const header = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(header, header, fc.integer({ min: 0, max: configs.length - 1 }), (signature, time, index) => {
        const { config, secret } = configs[index] as (typeof configs)[number];
        const names = [
          'x-sig',
          'x-signature',
          'x-signature-new',
          'x-pagerduty-signature',
          'x-zendesk-webhook-signature',
          'webhook-signature',
        ];
        const forged = Object.fromEntries(names.map((name) => [name, signature]));
        const times = {
          'x-time': time,
          'x-zendesk-webhook-signature-timestamp': time,
          'webhook-timestamp': seconds,
          'webhook-id': 'msg_1',
        };
        const query = `?signature=${encodeURIComponent(signature)}&sig=${encodeURIComponent(signature)}`;
        expect(webhook.verify(sent({ ...forged, ...times }, query), secretOf(secret), config, now).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
  it('are not helped by thousands of signatures in one header: more than 16 are refused, the genuine one among them', () => {
    const config = configOf(hmac({ header: 'x-sig' }));
    const list = (count: number) => [...Array.from({ length: count - 1 }, () => other.toString('hex')), plain.toString('hex')].join(',');
    const answer = (count: number) => webhook.verify(sent({ 'x-sig': list(count) }), secretOf(text), config, now);
    expect(answer(16)).toEqual({ ok: true });
    for (const count of [17, 200]) expect(answer(count)).toMatchObject({ ok: false, message: expect.stringContaining('more than 16') });
  });
  it('with the signed time changed are refused before the age is looked at', () => {
    const { verification, headers = {} } = shapes['base64 over an ISO time and the body (Zendesk, "Verifying webhooks")'] as Shape;
    const moved = sent({ ...headers, 'x-zendesk-webhook-signature-timestamp': '2026-03-02T12:00:01Z' });
    expect(webhook.verify(moved, secretOf(text), configOf(verification), now)).toMatchObject({ error: 'INVALID_SIGNATURE' });
  });
});

describe('packages of the platforms', () => {
  it('sign what the settings for their platform accept', async () => {
    const github = configOf(hmac({ header: 'x-hub-signature-256', prefix: 'sha256=' }));
    expect(webhook.verify(sent({ 'x-hub-signature-256': await signGitHub(text, body) }), secretOf(text), github, now)).toEqual({
      ok: true,
    });
    const stripe = configOf(hmac({ header: 'stripe-signature', combined: {}, template: '{timestamp}.{body}' }));
    const header = new Stripe('sk_test_x').webhooks.generateTestHeaderString({ payload: body, secret: whsec, timestamp: now / 1000 });
    expect(webhook.verify(sent({ 'stripe-signature': header }), secretOf(whsec), stripe, now)).toEqual({ ok: true });
  });
  const kiwify = configOf(hmac({ query: 'signature', algorithm: 'sha1' }));
  it.skipIf(capturedVectors().length === 0)('of Kiwify: the captured vector is accepted', capturedOnly, () => {
    const vector = capturedVectors().find(({ platform }) => platform === 'kiwify') as unknown as {
      secret: string;
      body: string;
      query: string;
    };
    expect(webhook.verify(sent({}, `?${vector.query}`, vector.body), secretOf(vector.secret), kiwify, now)).toEqual({ ok: true });
    expect(webhook.verify(sent({}, `?${vector.query}`, `${vector.body} `), secretOf(vector.secret), kiwify, now).ok).toBe(false);
  });
});

describe('keys and passwords beyond ASCII', () => {
  const value = 'chave-é-ção-secreta';
  const asUtf8 = Buffer.from(value, 'utf8').toString('latin1');
  const headerKey = configOf({ scheme: 'api-key', in: 'header', name: 'x-key' });
  const queryKey = configOf({ scheme: 'api-key', in: 'query', name: 'key' });
  const basic = configOf({ scheme: 'basic', username: 'joão' });
  it('are accepted in UTF-8 and in ISO-8859-1, as Node gives their bytes, and nothing near them is', () => {
    for (const bytes of [asUtf8, value])
      expect(webhook.verify(sent({ 'x-key': bytes }), secretOf(value), headerKey, now)).toEqual({ ok: true });
    for (const query of [
      '?key=chave-%C3%A9-%C3%A7%C3%A3o-secreta',
      '?key=chave-%e9-%e7%e3o-secreta',
      '?key=chave-%C3%A9-%C3%A7%C3%A3o-secreta%0A',
    ])
      expect(webhook.verify(sent({}, query), secretOf(value), queryKey, now), query).toEqual({ ok: true });
    for (const charset of ['utf8', 'latin1'] as const) {
      const authorization = `Basic ${Buffer.from(`joão:${value}`, charset).toString('base64')}`;
      expect(webhook.verify(sent({ authorization }), secretOf(value), basic, now)).toEqual({ ok: true });
    }
    for (const near of ['chave-e-cao-secreta', asUtf8.slice(0, -1), 'chave-?-??o-secreta'])
      expect(webhook.verify(sent({ 'x-key': near }), secretOf(value), headerKey, now).ok).toBe(false);
  });
  it('are sent by test sends in the bytes that most senders send', () => {
    expect(webhook.sign(body, secretOf(value), headerKey, now).headers['x-key']).toBe(asUtf8);
    for (const config of [headerKey, basic]) {
      const { headers } = webhook.sign(body, secretOf(value), config, now);
      expect(() => new Request(url, { method: 'POST', headers })).not.toThrow();
      expect(webhook.verify(sent(headers), secretOf(value), config, now)).toEqual({ ok: true });
    }
  });
  it('are found again by their forms, so that a corrected secret releases a rejected delivery', () => {
    const forms = webhook.credentialForms?.(value, headerKey, sent({})) ?? [];
    for (const bytes of [asUtf8, value]) expect(forms).toContain(bytes);
    const upper = plain.toString('hex').toUpperCase();
    expect(webhook.credentialForms?.(text, configOf(hmac({ query: 'signature' })), sent({})) ?? []).toContain(upper);
  });
});

describe('a secret that is set', () => {
  const read = (value: string, verification: Verification) => webhook.readSecret?.({ name: 'secret', value }, configOf(verification));
  it.each([
    ['hex', 'not hexadecimal at all', 'secret_not_hex'],
    ['hex', 'abc', 'secret_not_hex'],
    ['hex', 'abcdef', 'secret_not_hex'],
    ['base64', 'not base64!', 'secret_not_base64'],
    ['base64', 'AAAA', 'secret_not_base64'],
    ['base64', whsec, 'secret_not_base64'],
    ['whsec', 'whsec_not base64', 'secret_not_whsec'],
    ['whsec', 'whsec_', 'secret_not_whsec'],
    ['whsec', 'whsk_AAAAAAAAAAAAAAAAAAAA=A', 'secret_not_whsec'],
  ] as const)('as %s is refused as %s, with the form that is wanted', (secretEncoding, value, code) => {
    expect(read(value, hmac({ header: 'x-sig', secretEncoding }))).toMatchObject({
      problem: { code, message: expect.stringMatching(/^must be /) },
    });
  });
  it('loses the blanks and invisible characters that were pasted with it, where they cannot be part of it', () => {
    for (const value of [` ${text}`, `${text}\n`, `\ufeff${text}\r\n`, `${text}\u200b`, `\u00a0${text}\t`])
      expect(read(value, hmac({ header: 'x-sig' }))).toEqual({ value: text });
    expect(read(` ${text} \n`, { scheme: 'basic', username: 'x' })).toEqual({ value: ` ${text} ` });
    expect(read(`${text} \n`, { scheme: 'api-key', in: 'query', name: 'k' })).toEqual({ value: `${text} ` });
  });
  it('for a header is refused when no header can carry it', () => {
    expect(read('two\nlines', { scheme: 'api-key', in: 'header', name: 'k' })).toMatchObject({ problem: { code: 'secret_not_sendable' } });
  });
});

describe('a reason for a refusal', () => {
  const reason = (verification: Verification, headers: Record<string, string>, query = '') => {
    const verdict = webhook.verify(sent(headers, query), secretOf(text), configOf(verification), now);
    return verdict.ok ? 'accepted' : verdict.message;
  };
  const timed = hmac({ header: 'x-sig', timestampHeader: 'x-time', template: '{timestamp}.{body}' });
  const combined = hmac({ header: 'x-sig', combined: {}, template: '{timestamp}.{body}' });
  const hex = plain.toString('hex');
  it.each([
    ['a missing header', hmac({ header: 'x-sig' }), {}, 'header x-sig is missing'],
    ['an empty header', hmac({ header: 'x-sig' }), { 'x-sig': '' }, 'is empty'],
    ['another encoding', hmac({ header: 'x-sig' }), { 'x-sig': plain.toString('base64') }, 'looks like sha256 in base64'],
    ['another algorithm', hmac({ header: 'x-sig' }), { 'x-sig': digest(body, 'sha1').toString('hex') }, 'looks like sha1 in hexadecimal'],
    ['a missing prefix', hmac({ header: 'x-sig', prefix: 'sha256=' }), { 'x-sig': hex }, 'has no "sha256=" before a signature'],
    ['text that is no signature', hmac({ header: 'x-sig' }), { 'x-sig': 'hello' }, 'no signature of the expected form'],
    ['a wrong signature', hmac({ header: 'x-sig' }), { 'x-sig': other.toString('hex') }, 'does not match the delivery'],
    ['a missing time', timed, { 'x-sig': hex }, 'x-time, the time of signing, is missing'],
    ['milliseconds in place of seconds', timed, { 'x-sig': hex, 'x-time': String(now) }, 'looks like a number of milliseconds'],
    ['an ISO time in place of seconds', timed, { 'x-sig': hex, 'x-time': iso }, 'looks like an ISO 8601 time'],
    ['a combined header without its time', combined, { 'x-sig': `v1=${hex}` }, 'time of signing (t) is missing'],
    ['a combined header under another key', combined, { 'x-sig': `t=${seconds},v9=${hex}` }, 'has no "v1=" before a signature'],
    ['a missing key', { scheme: 'api-key', in: 'header', name: 'x-key' } as const, {}, 'header x-key is missing'],
    ['an empty key', { scheme: 'api-key', in: 'header', name: 'x-key' } as const, { 'x-key': '' }, 'is empty'],
    ['a missing password', { scheme: 'basic', username: 'x' } as const, {}, 'authorization is missing'],
    ['another scheme than Basic', { scheme: 'basic', username: 'x' } as const, { authorization: 'Bearer y' }, 'is not HTTP Basic'],
    [
      'missing headers of Standard Webhooks',
      { scheme: 'standard-webhooks' } as const,
      { 'webhook-id': '1' },
      'webhook-timestamp, webhook-signature',
    ],
  ] as const)('names %s', (_, verification, headers, expected) => {
    const value = verification.scheme === 'standard-webhooks' ? whsec : text;
    const verdict = webhook.verify(sent(headers as Record<string, string>), secretOf(value), configOf(verification), now);
    expect(verdict).toMatchObject({ ok: false, message: expect.stringContaining(expected) });
  });
  it('names a query parameter that is missing or given twice', () => {
    expect(reason(hmac({ query: 'sig' }), {})).toContain('query parameter sig is missing');
    expect(reason(hmac({ query: 'sig' }), {}, `?sig=${hex}&sig=${hex}`)).toContain('more than once');
  });
});

describe('settings of a signature', () => {
  it.each([
    ['in no place', {}],
    ['in a header and in the query', { header: 'x-sig', query: 'sig' }],
    ['in the query over the URL', { query: 'sig', template: '{url}{body}' }],
    ['with its time in the query', { query: 'sig', combined: {}, template: '{timestamp}.{body}' }],
    ['with other prefixes and no prefix', { header: 'x-sig', otherPrefixes: ['v1='] }],
    ['with too many headers', { header: 'x-sig', otherHeaders: ['a', 'b', 'c', 'd', 'e'] }],
  ])('are refused %s', (_, more) => {
    expect(webhook.config.safeParse({ verification: { scheme: 'hmac', ...more } }).success).toBe(false);
  });
});
