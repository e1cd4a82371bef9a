import { createHmac } from 'node:crypto';
import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { processDelivery } from '../../process.ts';
import { decodeBody } from '../../reading/body.ts';
import {
  type Body,
  type Delivery,
  type Json,
  type JsonObject,
  type RawRecord,
  type Reading,
  RecordError,
  type Secret,
} from '../../source.ts';
import { capturedOnly, capturedVectors, describeDeliveries, type Expected, expectReading, type Vector } from '../../test/deliveries.ts';
import { proveSource } from '../../test/prove-source.ts';
import type { WebhookConfig, WebhookConfigInput } from './config.ts';
import { captured, idOf, synthetic } from './fixtures/expected.ts';
import { webhook } from './index.ts';
import { verify as verifyAny } from './proof.ts';
import { exampleConfigs } from './samples.ts';

const now = Date.parse('2026-03-02T12:00:00Z');
const whsec = `whsec_${Buffer.from('a synthetic key of 32 bytes long').toString('base64')}`;

function configOf(input: WebhookConfigInput): WebhookConfig {
  return webhook.config.parse(input);
}
function secret(...values: string[]): Secret[] {
  return values.map((value) => ({ name: 'secret', value }));
}
function delivery(
  body: string,
  headers: Record<string, string | undefined> = {},
  url = 'https://in.example.com/api/webhooks/webhook/1',
): Delivery {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { method: 'POST', url, headers: { 'content-type': 'application/json', ...lower }, raw: Buffer.from(body, 'utf8') };
}
function verify(sent: Delivery, secrets: Secret[], config: WebhookConfig, at = now) {
  return webhook.verify(sent, secrets, config, at);
}
function split(body: Body, config: WebhookConfig): RawRecord[] {
  return [...webhook.split(body, config)];
}
function readAll(body: Body, config: WebhookConfig, headers: Record<string, string | undefined> = {}): Reading[] {
  return split(body, config).map((record) => webhook.read(record, { config, headers, receivedAtMs: now }));
}
function json(value: Json): Body {
  return { kind: 'json', value };
}
function readOne(
  value: Json,
  more: Omit<WebhookConfigInput, 'verification'> = {},
  headers: Record<string, string | undefined> = {},
): Reading {
  const [reading] = readAll(json(value), configOf({ ...apiKey, ...more }), headers);
  if (!reading) throw new Error('no record');
  return reading;
}
/** A record whose id is the id of its event. */
const named = (id: string): JsonObject => ({ id, event: 'lead.created' });
const keyOf = (id: string): string => `lead.created ${id}`;
function thrown(action: () => unknown): RecordError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RecordError);
    return error as RecordError;
  }
  throw new Error('nothing was thrown');
}
const refusal = { ok: false, error: 'INVALID_SIGNATURE', message: expect.any(String) };
const late = { ok: false, error: 'TIMESTAMP_OUT_OF_TOLERANCE', message: expect.any(String) };

const apiKey: WebhookConfigInput = exampleConfigs['api-key'];
const standard = configOf(exampleConfigs['standard-webhooks']);
const plainHmac = configOf(exampleConfigs.hmac);
const slackLike = configOf({
  verification: {
    scheme: 'hmac',
    header: 'X-Slack-Signature',
    prefix: 'v0=',
    timestampHeader: 'X-Slack-Request-Timestamp',
    template: 'v0:{timestamp}:{body}',
  },
});
const stripeLike = configOf({ verification: { scheme: 'hmac', header: 'stripe-signature', combined: {}, template: '{timestamp}.{body}' } });
const hubspotLike = configOf({
  verification: {
    scheme: 'hmac',
    header: 'x-hubspot-signature-v3',
    encoding: 'base64',
    timestampHeader: 'x-hubspot-request-timestamp',
    timestampUnit: 'milliseconds',
    template: '{method}{url}{body}{timestamp}',
  },
});
const withId = configOf({
  verification: {
    scheme: 'hmac',
    algorithm: 'sha512',
    encoding: 'base64',
    secretEncoding: 'base64',
    header: 'x-sig',
    timestampHeader: 'x-time',
    idHeader: 'x-id',
    template: '{id}.{timestamp}.{body}',
  },
});

proveSource(webhook, {
  signsBody: true,
  people: [
    'Lívia Campos',
    'livia.campos@example.com',
    '95555-0142',
    'Davi Rocha',
    'davi.rocha@example.com',
    'ana.farias@example.com',
    'Pessoa 1',
  ],
  configs: {
    hmac: { config: exampleConfigs.hmac, signsBody: true },
    'Standard Webhooks': { config: exampleConfigs['standard-webhooks'], signsBody: true },
    'API key': { config: exampleConfigs['api-key'], signsBody: false },
    'API key in the query': { config: { verification: { scheme: 'api-key', in: 'query', name: 'token' } }, signsBody: false },
    Basic: { config: exampleConfigs.basic, signsBody: false },
  },
});

describe('settings', () => {
  it('cannot be made without a verification scheme, or with a scheme that verifies nothing', () => {
    for (const bad of [
      {},
      { verification: {} },
      { verification: { scheme: 'none' } },
      { verification: { scheme: 'none-unguessable-url' } },
      null,
      undefined,
      'x',
    ]) {
      expect(webhook.config.safeParse(bad).success).toBe(false);
    }
  });
  it('refuse unknown fields, so that a typo is reported', () => {
    expect(webhook.config.safeParse({ ...apiKey, filds: {} }).success).toBe(false);
    expect(webhook.config.safeParse({ verification: { ...apiKey.verification, secret: 'x' } }).success).toBe(false);
  });
  it.each([
    ['that leave the body unsigned', { template: '{timestamp}', timestampHeader: 'x-time' }],
    ['with an unknown placeholder', { template: '{ts}.{body}' }],
    ['with a timestamp that is not signed', { timestampHeader: 'x-time' }],
    ['that sign a timestamp without a header for it', { template: '{timestamp}.{body}' }],
    ['with an id that is not signed', { idHeader: 'x-id' }],
    ['that sign an id without a header for it', { template: '{id}.{body}' }],
    ['with a combined header whose timestamp is not signed', { combined: {} }],
    ['without a limit for a timestamp’s age', { template: '{timestamp}.{body}', timestampHeader: 'x-time', toleranceSeconds: 1e9 }],
  ])('refuse HMAC schemes %s', (_, more) => {
    expect(webhook.config.safeParse({ verification: { scheme: 'hmac', header: 'x-sig', ...more } }).success).toBe(false);
  });
  it('refuse a mapping onto a type that is neither in the vocabulary nor webhook.<event>', () => {
    const mapped = (type: string) => webhook.config.safeParse({ ...apiKey, typeMap: { x: type } }).success;
    expect([
      mapped('order.paid'),
      mapped('webhook.x_1'),
      mapped('order.payed'),
      mapped('stripe.x'),
      mapped('webhook.'),
      mapped('webhook.X'),
    ]).toEqual([true, true, false, false, false, false]);
  });
  it('refuse an amount without a currency', () => {
    expect(webhook.config.safeParse({ ...apiKey, fields: { amount: { path: 'total', unit: 'major' } } }).success).toBe(false);
  });
  it('describe every field for the form of the dashboard', () => {
    const schema = z.toJSONSchema(webhook.config, { io: 'input' });
    const undescribed: string[] = [];
    const walk = (node: unknown, path: string) => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, oneOf } = node as { properties?: Record<string, { description?: string }>; oneOf?: unknown[] };
      for (const [name, property] of Object.entries(properties ?? {})) {
        if (!property.description) undescribed.push(`${path}.${name}`);
        walk(property, `${path}.${name}`);
      }
      for (const [index, option] of (oneOf ?? []).entries()) walk(option, `${path}[${index}]`);
    };
    walk(schema, '');
    expect(undescribed).toEqual([]);
    expect(JSON.stringify(schema)).toContain('standard-webhooks');
  });
});

describe('fails closed', () => {
  const body = '{"id":"1"}';
  it('when the settings are absent or invalid', () => {
    for (const config of [
      undefined,
      null,
      {},
      { verification: { scheme: 'none' } },
      { verification: { scheme: 'hmac' } },
      { verification: null },
      'hmac',
    ]) {
      const sent = delivery(body, { authorization: 'Bearer s', 'x-signature': '' });
      expect(verifyAny(sent, secret('s'), config as unknown as WebhookConfig, now)).toEqual(refusal);
    }
  });
  it.each(Object.entries(exampleConfigs))('when %s has no secret, an empty one or one of another name', (_, input) => {
    const config = configOf(input);
    const signed = webhook.sign(body, secret(whsec), config, now);
    const sent = delivery(body, signed.headers);
    expect(verify(sent, secret(whsec), config)).toEqual({ ok: true });
    for (const secrets of [[], secret(''), [{ name: 'other', value: whsec }]]) expect(verify(sent, secrets, config)).toEqual(refusal);
  });
  it('when a secret that should be base64 is not: it is never decoded to a short or empty key', () => {
    const config = configOf({ verification: { scheme: 'hmac', header: 'x-sig', secretEncoding: 'base64' } });
    const forged = webhook.sign(body, secret('A'.repeat(40)), config, now);
    for (const bad of ['!!!!', '=', 'a', 'whsec_', 'whsk_AAAA', 'ab cd', '-_-_']) {
      expect(verify(delivery(body, forged.headers), secret(bad), config)).toEqual(refusal);
      expect(verify(delivery(body, forged.headers), secret(bad), standard)).toEqual(refusal);
    }
  });
});

describe('every scheme', () => {
  const schemes: [string, WebhookConfig][] = [
    ...Object.entries(exampleConfigs).map(([name, input]): [string, WebhookConfig] => [name, configOf(input)]),
    ['slack-like', slackLike],
    ['stripe-like', stripeLike],
    ['hubspot-like', hubspotLike],
    ['id, timestamp and body in SHA-512', withId],
    ['api key in the query', configOf({ verification: { scheme: 'api-key', in: 'query', name: 'Token' } })],
    [
      'SHA-1 with a whsec secret',
      configOf({ verification: { scheme: 'hmac', header: 'x-sig', algorithm: 'sha1', secretEncoding: 'whsec' } }),
    ],
  ];
  const url = 'https://in.example.com/api/webhooks/webhook/1';
  const keyFor = (config: WebhookConfig, fill: number) => webhook.newSecret(config, new Uint8Array(32).fill(fill));
  const send = (body: string, secrets: Secret[], config: WebhookConfig, at = now) => {
    const signed = webhook.sign(body, secrets, config, at, url);
    return delivery(body, signed.headers, `${url}${signed.query ? `?${new URLSearchParams(signed.query)}` : ''}`);
  };
  // A template that signs the URL signs the URL without its query here.
  it.each(schemes)('%s: accepts what sign() made, for every sample', (_, config) => {
    for (const sample of webhook.samples) {
      const key = secret(keyFor(config, 7));
      expect(verify(send(sample.body({ id: 'sample', nowMs: now }), key, config), key, config)).toEqual({ ok: true });
    }
  });
  it.each(schemes)('%s: accepts either of two secrets during a rotation, and refuses a third', (_, config) => {
    const [older, newer, third] = [1, 2, 3].map((fill) => keyFor(config, fill)) as [string, string, string];
    for (const key of [older, newer]) expect(verify(send('{}', secret(key), config), secret(newer, older), config)).toEqual({ ok: true });
    expect(verify(send('{}', secret(third), config), secret(newer, older), config)).toEqual(refusal);
  });
  it.each(schemes)('%s: refuses a bare request, and empty headers', (_, config) => {
    const key = secret(keyFor(config, 7));
    expect(verify(delivery('{}'), key, config)).toEqual(refusal);
    const emptied = Object.fromEntries(Object.keys(send('{}', key, config).headers).map((name) => [name, '']));
    expect(verify(delivery('{}', emptied), key, config)).toEqual(refusal);
  });
  it.each(schemes)('%s: never repeats a credential in its message', (_, config) => {
    const key = keyFor(config, 7);
    const wrong = keyFor(config, 8);
    const sent = send('{"a":1}', secret(wrong), config);
    const message = JSON.stringify(verify(sent, secret(key), config));
    for (const text of [key, wrong, ...Object.values(sent.headers)])
      if (text && text !== 'application/json') expect(message).not.toContain(text);
  });
  const signed = schemes.filter(([, config]) => ['hmac', 'standard-webhooks'].includes(config.verification.scheme));
  it.each(signed)('%s: refuses a body of which one bit was flipped', (_, config) => {
    const key = secret(keyFor(config, 7));
    const sent = send('{"id":"1","total":10}', key, config);
    for (let index = 0; index < sent.raw.length; index++) {
      const raw = Buffer.from(sent.raw);
      raw[index] = (raw[index] ?? 0) ^ 1;
      expect(verify({ ...sent, raw }, key, config)).toEqual(refusal);
    }
  });
  const timed = signed.filter(
    ([, { verification }]) =>
      verification.scheme === 'standard-webhooks' || (verification.scheme === 'hmac' && verification.template.includes('{timestamp}')),
  );
  it.each(timed)('%s: refuses a genuine delivery replayed outside the tolerance, on either side', (_, config) => {
    const key = secret(keyFor(config, 7));
    const sent = send('{}', key, config);
    expect(verify(sent, key, config, now + 300_000)).toEqual({ ok: true });
    expect(verify(sent, key, config, now - 300_000)).toEqual({ ok: true });
    expect(verify(sent, key, config, now + 301_000)).toEqual(late);
    expect(verify(sent, key, config, now - 301_000)).toEqual(late);
  });
  it.each(timed)('%s: reports a forged delivery as forged, with any age', (_, config) => {
    expect(verify(send('{}', secret(keyFor(config, 8)), config, now - 9_000_000), secret(keyFor(config, 7)), config)).toEqual(refusal);
  });
});

describe('HMAC', () => {
  const key = secret('s3cret');
  const good = webhook.sign('{}', key, plainHmac, now).headers['x-signature-256'] ?? '';
  it('refuses a signature that is cut, longer, in base64 or without its prefix', () => {
    const hex = good.slice('sha256='.length);
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    for (const bad of [good.slice(0, -1), `${good}0`, hex, `SHA256=${hex}`, `sha256=${base64}`, 'sha256=', `sha256=${'0'.repeat(64)}`]) {
      expect(verify(delivery('{}', { 'x-signature-256': bad }), key, plainHmac), bad).toEqual(refusal);
    }
    expect(verify(delivery('{}', { 'x-signature-256': good }), key, plainHmac)).toEqual({ ok: true });
  });
  it('refuses a changed timestamp, since the timestamp is signed', () => {
    const sent = delivery('{}', webhook.sign('{}', key, slackLike, now - 9_000_000).headers);
    const moved = { ...sent, headers: { ...sent.headers, 'x-slack-request-timestamp': String(now / 1000) } };
    expect(verify(moved, key, slackLike)).toEqual(refusal);
  });
  it('refuses timestamps that are not plain numbers', () => {
    for (const bad of ['', ' 1', '1e9', '-1', '0x1', 'NaN', '17000000000000000000', '1700000000.5']) {
      const sent = delivery('{}', webhook.sign('{}', key, slackLike, now).headers);
      expect(verify({ ...sent, headers: { ...sent.headers, 'x-slack-request-timestamp': bad } }, key, slackLike), bad).toEqual(refusal);
    }
  });
  it('reads a combined header as Stripe’s SDK writes it: any of several v1 may match, and other keys are ignored', () => {
    const stripe = new Stripe('sk_test_synthetic');
    const header = stripe.webhooks.generateTestHeaderString({ payload: '{"id":"evt_1"}', secret: 's3cret', timestamp: now / 1000 });
    const [time = '', signature = ''] = header.split(',');
    const zeros = `v1=${'0'.repeat(64)}`;
    const answer = (value: string) => verify(delivery('{"id":"evt_1"}', { 'stripe-signature': value }), key, stripeLike);
    for (const value of [header, `${time},${zeros},${signature}`, `${time}, v0=abc, ${signature}`, `${signature},${time}`])
      expect(answer(value), value).toEqual({ ok: true });
    for (const value of [
      time,
      signature,
      `${time},${zeros}`,
      `${time},${signature.replace('v1', 'v0')}`,
      `t=1,${header}`,
      'v1',
      ',,,',
      `${time};${signature}`,
    ])
      expect(answer(value), value).toEqual(refusal);
    const mine = webhook.sign('{"id":"evt_1"}', key, stripeLike, Date.now());
    expect(stripe.webhooks.constructEvent('{"id":"evt_1"}', mine.headers['stripe-signature'] ?? '', 's3cret')).toEqual({ id: 'evt_1' });
  });
  it('throws when the URL is signed and not given', () => {
    expect(() => webhook.sign('{}', key, hubspotLike, now)).toThrow('URL');
  });
});

describe('Standard Webhooks', () => {
  const body = '{"type":"order.paid","data":{}}';
  const date = new Date(now);
  const sdk = new Webhook(whsec);
  const headers = (id = 'msg_1', signature = sdk.sign(id, date, body)) => ({
    'webhook-id': id,
    'webhook-timestamp': String(now / 1000),
    'webhook-signature': signature,
  });
  const other = new Webhook(`whsec_${Buffer.from('another synthetic key, 32 bytes!').toString('base64')}`).sign('msg_1', date, body);

  it('accepts signatures of the official package, which accepts those of sign()', () => {
    expect(verify(delivery(body, headers()), secret(whsec), standard)).toEqual({ ok: true });
    const mine = webhook.sign(body, secret(whsec), standard, Date.now());
    expect(sdk.verify(body, mine.headers)).toEqual(JSON.parse(body));
  });
  it('accepts a secret without its whsec_, as the official package does', () => {
    expect(verify(delivery(body, headers()), secret(whsec.slice('whsec_'.length)), standard)).toEqual({ ok: true });
  });
  it('accepts any v1 of several signatures, and ignores v1a', () => {
    const good = sdk.sign('msg_1', date, body);
    for (const list of [`${other} ${good}`, `v1a,AAAA ${good}`, `${good} ${other}`])
      expect(verify(delivery(body, headers('msg_1', list)), secret(whsec), standard)).toEqual({ ok: true });
    for (const list of [
      other,
      `v1a,${good.slice(3)}`,
      good.slice(3),
      `V1,${good.slice(3)}`,
      `${good},`,
      good.slice(0, -2),
      'v1,',
      ' ',
      `v1,${good.slice(3)},${good.slice(3)}`,
    ]) {
      expect(verify(delivery(body, headers('msg_1', list)), secret(whsec), standard), list).toEqual(refusal);
    }
  });
  it('reads the svix-* headers where the webhook-* headers are absent, and never mixes them', () => {
    const svix = { 'svix-id': 'msg_1', 'svix-timestamp': String(now / 1000), 'svix-signature': sdk.sign('msg_1', date, body) };
    expect(verify(delivery(body, svix), secret(whsec), standard)).toEqual({ ok: true });
    expect(verify(delivery(body, { ...svix, 'webhook-id': 'msg_1' }), secret(whsec), standard)).toEqual(refusal);
  });
  it('refuses another id, since the id is signed, and an id with a "."', () => {
    expect(verify(delivery(body, { ...headers(), 'webhook-id': 'msg_2' }), secret(whsec), standard)).toEqual(refusal);
    expect(verify(delivery(body, headers('msg.1')), secret(whsec), standard)).toEqual(refusal);
  });
  it('uses webhook-id as the idempotency key of a delivery with one record, and not the id in the body', () => {
    expect(readAll(json({ type: 'order.paid', id: 'x' }), standard, { 'webhook-id': 'msg_1' })[0]).toMatchObject({
      idempotencyKey: 'msg_1',
      sourceEventId: 'msg_1',
    });
    expect(readAll(json({ type: 'order.paid' }), standard, { 'svix-id': 'msg_2' })[0]?.idempotencyKey).toBe('msg_2');
  });
  it('does not give the records of a batch the same id', () => {
    const keys = readAll(json([named('a'), named('b'), {}]), standard, { 'webhook-id': 'msg_1' }).map((reading) => reading.idempotencyKey);
    expect(keys).toEqual([keyOf('a'), keyOf('b'), undefined]);
  });
});

describe('API key and Basic', () => {
  it('compares the key after its prefix, and the prefix without case', () => {
    const config = configOf(apiKey);
    const answer = (authorization: string) => verify(delivery('{}', { authorization }), secret('k-1'), config);
    expect(answer('Bearer k-1')).toEqual({ ok: true });
    expect(answer('bearer k-1')).toEqual({ ok: true });
    for (const bad of ['k-1', 'Bearer', 'Bearer ', 'Bearer K-1', 'Bearer k-', 'Basic k-1', 'Bearer k -1'])
      expect(answer(bad), bad).toEqual(refusal);
  });
  it('reads a key in the query once, and refuses two keys and a broken URL', () => {
    const config = configOf({ verification: { scheme: 'api-key', in: 'query', name: 'token' } });
    const answer = (url: string) => verify(delivery('{}', {}, url), secret('k&1'), config);
    expect(answer('https://h.example/x?token=k%261')).toEqual({ ok: true });
    for (const bad of [
      'https://h.example/x?token=k%261&token=k%261',
      'https://h.example/x?Token=k%261',
      'https://h.example/x',
      '/x?token=k%261',
    ])
      expect(answer(bad), bad).toEqual(refusal);
  });
  it('names what to redact before anything is stored', () => {
    expect(webhook.credentialsFor(configOf({ verification: { scheme: 'api-key', in: 'query', name: 'token' } }))).toMatchObject({
      query: ['token'],
    });
    expect(webhook.credentialsFor(configOf({ verification: { scheme: 'api-key', in: 'header', name: 'X-Key' } }))).toMatchObject({
      query: [],
      headers: ['x-key'],
    });
    expect(webhook.credentialsFor(configOf(exampleConfigs.basic))).toMatchObject({ headers: ['authorization'] });
  });
  it('splits Basic at the first colon, and refuses other headers', () => {
    const config = configOf({ verification: { scheme: 'basic', username: 'joão' } });
    const answer = (text: string, scheme = 'Basic') =>
      verify(delivery('{}', { authorization: `${scheme} ${Buffer.from(text).toString('base64')}` }), secret('a:b:ç'), config);
    expect(answer('joão:a:b:ç')).toEqual({ ok: true });
    expect(answer('joão:a:b:ç', 'BASIC')).toEqual({ ok: true });
    for (const bad of ['joão:a', 'joão', ':a:b:ç', 'x:a:b:ç', 'joão:a:b:c', 'joão::a:b:ç']) expect(answer(bad), bad).toEqual(refusal);
    for (const header of [
      '',
      'Basic',
      'Basic !!!',
      `Bearer ${Buffer.from('joão:a:b:ç').toString('base64')}`,
      `Basic ${Buffer.from('joao:a:b:ç', 'latin1').toString('base64')}`,
    ]) {
      expect(verify(delivery('{}', { authorization: header }), secret('a:b:ç'), config), header).toEqual(refusal);
    }
  });
});

describe('records', () => {
  const config = configOf(apiKey);
  const at = (path: string) => configOf({ ...apiKey, records: { path } });
  it('treats an object or a form as one record, and splits arrays and NDJSON in order', () => {
    expect(split(json({ a: 1 }), config)).toHaveLength(1);
    expect(split({ kind: 'form', value: { a: '1' } }, config)).toHaveLength(1);
    expect(split(json([]), config)).toEqual([]);
    const ids = Array.from({ length: 1000 }, (_, n) => String(n));
    expect(readAll(json(ids.map(named)), config).map((reading) => reading.idempotencyKey)).toEqual(ids.map(keyOf));
    const lines = decodeBody(delivery(ids.map((id) => JSON.stringify(named(id))).join('\n'), { 'content-type': 'application/x-ndjson' }));
    expect(readAll(lines, config).map((reading) => reading.idempotencyKey)).toEqual(ids.map(keyOf));
  });
  it('splits the array at a path', () => {
    expect(
      readAll(json({ data: { events: [named('a'), named('b')] } }), at('data.events')).map((reading) => reading.idempotencyKey),
    ).toEqual([keyOf('a'), keyOf('b')]);
    expect(thrown(() => split(json({ data: {} }), at('data.events')))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'data.events',
    });
    expect(thrown(() => split(json({ data: 1 }), at('data')))).toMatchObject({ errorClass: 'SCHEMA_DRIFT', path: 'data' });
  });
  it('a record that is not an object fails without affecting the others', () => {
    const outcomes = split(json([named('a'), 1, null, [], named('b')]), config).map((record) => {
      try {
        return webhook.read(record, { config, headers: {}, receivedAtMs: now }).idempotencyKey;
      } catch (error) {
        return (error as RecordError).errorClass;
      }
    });
    expect(outcomes).toEqual([keyOf('a'), 'SCHEMA_DRIFT', 'SCHEMA_DRIFT', 'SCHEMA_DRIFT', keyOf('b')]);
  });
  it('refuses an empty body and a bare value', () => {
    for (const body of [{ kind: 'empty' } as Body, json(1), json('x'), json(null)])
      expect(thrown(() => split(body, config)).errorClass).toBe('INVALID_PAYLOAD');
  });
});

describe('fields', () => {
  it('finds id, type and time under their usual names', () => {
    for (const name of ['id', 'event_id', 'eventId', 'uuid', 'messageId'])
      expect(readOne({ [name]: 'e1', event: 'order.paid' })).toMatchObject({ sourceEventId: 'e1', idempotencyKey: 'order.paid e1' });
    for (const name of ['type', 'event', 'event_type', 'eventType', 'topic'])
      expect(readOne({ [name]: 'order.paid' })).toMatchObject({ type: 'order.paid', sourceEventType: 'order.paid' });
    for (const name of ['timestamp', 'time', 'created_at', 'createdAt', 'occurred_at', 'created'])
      expect(readOne({ [name]: '2026-03-01T00:00:00Z' }).eventTimeMs).toBe(Date.parse('2026-03-01T00:00:00Z'));
  });
  it('distinguishes seconds, milliseconds, their text and ISO with and without a zone, and ignores other values', () => {
    const expected = Date.parse('2026-03-01T10:00:00Z');
    for (const time of [
      expected / 1000,
      expected,
      String(expected / 1000),
      String(expected),
      '2026-03-01T10:00:00Z',
      '2026-03-01 10:00',
      '2026-03-01T07:00:00-03:00',
    ])
      expect(readOne({ time }).eventTimeMs, String(time)).toBe(expected);
    expect(readOne({ timestamp: 'soon', time: true, created_at: expected }).eventTimeMs).toBe(expected);
    expect(readOne({ time: '10:00' }).eventTimeMs).toBeUndefined();
  });
  it('reads them from the configured paths and headers', () => {
    const fields = { id: 'header:X-Delivery', type: 'header:X-Event', time: { path: 'meta.at', unit: 'milliseconds' as const } };
    expect(
      readOne({ id: 'wrong', meta: { at: 1_700_000_000_000 } }, { fields }, { 'x-delivery': 'guid-1', 'x-event': 'push' }),
    ).toMatchObject({
      idempotencyKey: 'guid-1',
      type: 'webhook.push',
      sourceEventType: 'push',
      eventTimeMs: 1_700_000_000_000,
    });
    expect(readOne({ a: { b: [{ c: 'x' }] } }, { fields: { id: 'a.b.0.c', type: '=lead.created' } })).toMatchObject({
      idempotencyKey: 'x',
      type: 'lead.created',
    });
  });
  it('reports a configured id, type or time that is missing, and a time in another unit', () => {
    expect(thrown(() => readOne({}, { fields: { id: 'ref' } }))).toMatchObject({ errorClass: 'MISSING_FIELD', path: 'ref' });
    expect(thrown(() => readOne({}, { fields: { type: 'header:x-event' } }))).toMatchObject({ errorClass: 'MISSING_FIELD' });
    expect(thrown(() => readOne({}, { fields: { time: { path: 'at' } } }))).toMatchObject({ errorClass: 'MISSING_FIELD', path: 'at' });
    expect(thrown(() => readOne({ at: 1_700_000_000 }, { fields: { time: { path: 'at', unit: 'iso' } } }))).toMatchObject({
      errorClass: 'SCHEMA_DRIFT',
    });
    expect(thrown(() => readOne({ at: 1_700_000_000 }, { fields: { time: { path: 'at', unit: 'milliseconds' } } }))).toMatchObject({
      errorClass: 'VALIDATION_FAIL',
    });
  });
  it('does not give the records of one delivery the id of its header', () => {
    const config = configOf({ ...apiKey, fields: { id: 'header:x-delivery' } });
    expect(readAll(json([{ a: 1 }, { a: 2 }]), config, { 'x-delivery': 'guid-1' }).map((reading) => reading.idempotencyKey)).toEqual([
      undefined,
      undefined,
    ]);
  });
  it('uses the signed id header of a delivery with one record that has no id', () => {
    expect(readAll(json({ a: 1 }), withId, { 'x-id': 'd-1' })[0]?.idempotencyKey).toBe('d-1');
    expect(readAll(json([{ a: 1 }, { a: 2 }]), withId, { 'x-id': 'd-1' })[0]?.idempotencyKey).toBeUndefined();
  });
  it('keeps every digit of ids beyond 2^53, from a number or text', () => {
    const config = configOf(apiKey);
    const read = (text: string) => readAll(decodeBody(delivery(text)), config)[0]?.idempotencyKey;
    expect(read('{"event":"lead.created","id":9007199254740993}')).toBe('lead.created 9007199254740993');
    expect(read('{"event":"lead.created","id":"9007199254740993"}')).toBe('lead.created 9007199254740993');
  });
  it('cuts a long event name between characters', () => {
    expect(readOne({ event: `${'a'.repeat(999)}😀` }).sourceEventType).toBe('a'.repeat(999));
  });
  it('uses the fingerprint instead of an id that is too long for its column', () => {
    const fields = { id: 'ref' };
    expect(readOne({ ref: 'x'.repeat(256) }, { fields }).idempotencyKey).toBeUndefined();
    expect(readOne({ ref: 'x'.repeat(255) }, { fields }).idempotencyKey).toHaveLength(255);
  });
  it('maps types, keeps canonical types, and names all others webhook.<event>', () => {
    const typeMap = { 'Venda Aprovada': 'order.paid' };
    const type = (event: string) => readOne({ event }, { typeMap }).type;
    expect(type('Venda Aprovada')).toBe('order.paid');
    expect(type('order.refunded')).toBe('order.refunded');
    expect(type('contact.created')).toBe('webhook.contact_created');
    expect(type('InvoiceSent')).toBe('webhook.invoice_sent');
    expect(type('Inscrição Confirmada!')).toBe('webhook.inscricao_confirmada');
    expect(type('注文')).toBe('webhook.event');
    expect(type('constructor')).toBe('webhook.constructor');
    expect(type('__proto__')).toBe('webhook.proto');
    expect(readOne({}).type).toBe('webhook.event');
  });
  it('keeps addresses and numbers of people out of event names, and leaves other names unchanged', () => {
    const config = configOf(apiKey);
    const stored = (value: JsonObject) => {
      const hashKey = { version: 1, key: new Uint8Array(32).fill(7) };
      const ids = { orgId: 'o', projectId: 'p', connectionId: 'c', journalId: 'j', newId: () => 'e' };
      const digestKey = new Uint8Array(32).fill(8);
      const context = { ...ids, config, hashKey, digestKey, receivedAtMs: now, nowMs: now, isTest: false };
      const [outcome] = processDelivery(webhook as never, delivery(''), json(value), context);
      return outcome?.ok ? [outcome.event.type, outcome.event.source_event_type] : undefined;
    };
    const email = 'maria.silva@example.com';
    expect(stored({ id: 1, topic: `users/${email}/login`, email })).toEqual(['webhook.users_email_login', 'users/[email]/login']);
    expect(stored({ id: 1, type: `unsubscribe:${email}` })).toEqual(['webhook.unsubscribe_email_', 'unsubscribe:[email]']);
    // The address is removed even where the column's length cuts it.
    expect(stored({ id: 1, type: `${'x'.repeat(240)}:${email}` })).toEqual([`webhook.${'x'.repeat(100)}`, `${'x'.repeat(240)}:[email]`]);
    expect(stored({ id: 1, event: 'Compra de +55 11 98765-4321' })).toEqual(['webhook.compra_de_phone_', 'Compra de [phone]']);
    expect(stored({ id: 1, event: 'consulta/123.456.789-09' })).toEqual(['webhook.consulta_document_', 'consulta/[document]']);
    expect(stored({ id: 1, event: 'Maria Silva: login', customer: { name: 'Maria Silva' } })).toEqual([
      'webhook.name_login',
      '[name]: login',
    ]);
    // A word of a name changes nothing.
    expect(stored({ id: 1, event: 'login.silva', customer: { name: 'Maria Silva' } })).toEqual(['webhook.login_silva', 'login.silva']);
    expect(stored({ id: 1, event: 'PURCHASE_APPROVED', email })).toEqual(['webhook.purchase_approved', 'PURCHASE_APPROVED']);
    expect(stored({ id: 1, event: 'users/created', email })).toEqual(['webhook.users_created', 'users/created']);
    expect(stored({ id: 1, event: 'order.paid', email })).toEqual(['order.paid', 'order.paid']);
  });
  it('reads money in major and minor units, by decimal text', () => {
    const read = (total: Json, unit: 'major' | 'minor', currency = 'BRL') => {
      const { amountMinor, currency: code } = readOne({ total, cur: 'jpy' }, { fields: { amount: { path: 'total', unit }, currency } });
      return [amountMinor, code];
    };
    expect(read(19.9, 'major')).toEqual([1990n, 'BRL']);
    expect(read('1.005', 'major', 'BHD')).toEqual([1005n, 'BHD']);
    expect(read(1990, 'minor')).toEqual([1990n, 'BRL']);
    expect(read('1500', 'major', 'cur')).toEqual([1500n, 'JPY']);
    expect(read(null, 'major')).toEqual([undefined, undefined]);
    expect(thrown(() => read('1.500,00', 'major')).errorClass).toBe('SCHEMA_DRIFT');
    expect(thrown(() => read({}, 'major')).errorClass).toBe('SCHEMA_DRIFT');
    expect(thrown(() => read(19.9, 'minor')).errorClass).toBe('SCHEMA_DRIFT');
    expect(thrown(() => read(1, 'major', 'absent')).errorClass).toBe('MISSING_FIELD');
  });
  it('reads the person, order and campaign from the configured paths', () => {
    const value = {
      who: { mail: 'a@example.com', tel: '+5511955550101', cpf: '11144477735', key: 77 },
      ref: 'P-1',
      utm_source: 'x',
      data: { utm_medium: 'y' },
    };
    const fields = { email: 'who.mail', phone: 'who.tel', document: 'who.cpf', externalId: 'who.key', orderRef: 'ref' };
    expect(readOne(value, { fields })).toMatchObject({
      subject: { email: 'a@example.com', phone: '+5511955550101', document: '11144477735', external_id: '77' },
      orderRef: 'P-1',
      attribution: { utm_source: 'x', utm_medium: 'y' },
    });
    expect(readOne({ customer: { email: 'b@example.com', phone: '11955550101' } }).subject).toMatchObject({
      email: 'b@example.com',
      phone: '11955550101',
    });
  });
  it('uses source and id together as the key of a CloudEvent, as the specification says', () => {
    const event = { specversion: '1.0', id: '1', type: 'com.example.x', time: '2026-03-01T00:00:00Z' };
    expect(readOne({ ...event, source: '/a' }).idempotencyKey).toBe('/a 1');
    expect(readOne({ ...event, source: '/b' }).idempotencyKey).toBe('/b 1');
  });
});

describe('our samples', () => {
  it.each(webhook.samples.map((sample) => [sample.name, sample] as const))(
    '%s is read in every record, and new at each send',
    (_, sample) => {
      const config = configOf(apiKey);
      const read = (id: string) =>
        readAll(decodeBody(delivery(sample.body({ id, nowMs: now }), { 'content-type': sample.contentType })), config);
      for (const reading of read('one')) {
        expect(reading.eventTimeMs).toBe(now);
        expect(isCanonicalType(reading.type) || sourceTypePattern.test(reading.type)).toBe(true);
      }
      expect(sample.body({ id: 'one', nowMs: now })).not.toBe(sample.body({ id: 'two', nowMs: now }));
    },
  );
  it('have amount and order with the example settings for HMAC', () => {
    const [sample] = webhook.samples;
    const [reading] = readAll(decodeBody(delivery(sample?.body({ id: 'one', nowMs: now }) ?? '')), plainHmac);
    expect(reading).toMatchObject({ type: 'order.paid', amountMinor: 14_990n, currency: 'BRL', orderRef: 'PED-one' });
  });
  it('are new events with Standard Webhooks too, and the same event when sent again', () => {
    const [sample] = webhook.samples;
    const id = (fill: string, at: number) =>
      webhook.sign(sample?.body({ id: fill, nowMs: now }) ?? '', secret(whsec), standard, at).headers['webhook-id'];
    expect(id('one', now)).toBe(id('one', now + 60_000));
    expect(id('one', now)).not.toBe(id('two', now));
  });
});

describe('secrets', () => {
  it('are made in the form of the scheme: text, base64, or whsec_ as the official package accepts it', () => {
    const random = new Uint8Array(32).map((_, index) => index * 7);
    expect(webhook.newSecret(plainHmac, random)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(webhook.newSecret(withId, random)).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(() => new Webhook(webhook.newSecret(standard, random))).not.toThrow();
    expect(() => webhook.newSecret(standard, new Uint8Array(16))).toThrow(RangeError);
  });
});

describe('signatures of other implementations', () => {
  const bodies = { text: 'Bom dia, mundo!', json: '{"id":"ordem-7","total":1990}' };
  const seconds = now / 1000;
  const digest = (algorithm: string, key: string, text: string, encoding: 'hex' | 'base64') =>
    createHmac(algorithm, key).update(text).digest(encoding);
  const url = 'https://in.example.com/api/webhooks/webhook/1';
  /** Signatures of the platform's package where it can sign, and otherwise of node:crypto by the platform's documentation. */
  const ours: Vector[] = [
    {
      platform: 'github',
      secret: 'a secret of our own',
      body: bodies.text,
      headers: { 'X-Hub-Signature-256': `sha256=${digest('sha256', 'a secret of our own', bodies.text, 'hex')}` },
    },
    {
      platform: 'standard-webhooks',
      secret: whsec,
      timestamp: seconds,
      body: bodies.json,
      headers: {
        'webhook-id': 'msg_7',
        'webhook-timestamp': String(seconds),
        'webhook-signature': new Webhook(whsec).sign('msg_7', new Date(now), bodies.json),
      },
    },
    {
      platform: 'slack',
      secret: 'slack-like-secret',
      timestamp: seconds,
      body: 'command=%2Fpedido&text=',
      headers: {
        'X-Slack-Request-Timestamp': String(seconds),
        'X-Slack-Signature': `v0=${digest('sha256', 'slack-like-secret', `v0:${seconds}:command=%2Fpedido&text=`, 'hex')}`,
      },
    },
    {
      platform: 'stripe',
      secret: 'whsec_of_our_own',
      timestamp: seconds,
      body: bodies.json,
      headers: {
        'Stripe-Signature': new Stripe('sk_test_synthetic').webhooks.generateTestHeaderString({
          payload: bodies.json,
          secret: 'whsec_of_our_own',
          timestamp: seconds,
        }),
      },
    },
    {
      platform: 'shopify',
      secret: 'shop-secret',
      body: '{"id":915000000000000001}',
      headers: { 'X-Shopify-Hmac-Sha256': digest('sha256', 'shop-secret', '{"id":915000000000000001}', 'base64') },
    },
    {
      platform: 'hubspot v3',
      secret: 'hub-secret',
      timestamp: now,
      url,
      body: bodies.json,
      signature: digest('sha256', 'hub-secret', `POST${url}${bodies.json}${now}`, 'base64'),
      headers: {},
    },
  ];
  const vectors = capturedVectors();
  const cases: [string, WebhookConfig][] = [
    ['github', configOf({ verification: { scheme: 'hmac', header: 'X-Hub-Signature-256', prefix: 'sha256=' } })],
    ['standard-webhooks', standard],
    ['slack', slackLike],
    ['stripe', stripeLike],
    ['shopify', configOf({ verification: { scheme: 'hmac', header: 'X-Shopify-Hmac-Sha256', encoding: 'base64' } })],
    ['hubspot v3', hubspotLike],
  ];
  const typeform = configOf({ verification: { scheme: 'hmac', header: 'Typeform-Signature', encoding: 'base64', prefix: 'sha256=' } });

  describe.each([['our own', ours] as const, ['captured', vectors] as const])('%s', (_, known) => {
    const vector = (platform: string): Vector => {
      const found = known.find((one) => one.platform.startsWith(platform));
      if (!found) throw new Error(`no vector for ${platform}`);
      return found;
    };
    it.skipIf(known.length === 0).each(cases)(
      '%s: accepted at its own time, refused with another secret or body',
      capturedOnly,
      (platform, config) => {
        const one = vector(platform);
        const headers =
          platform === 'hubspot v3'
            ? { 'x-hubspot-signature-v3': one.signature, 'x-hubspot-request-timestamp': String(one.timestamp) }
            : one.headers;
        const at = platform === 'hubspot v3' ? (one.timestamp ?? 0) : (one.timestamp ?? 0) * 1000;
        const sent = delivery(one.body, headers, one.url);
        expect(verify(sent, secret(one.secret), config, at)).toEqual({ ok: true });
        expect(verify(sent, secret(`${one.secret}BBBB`), config, at)).toEqual(refusal);
        expect(verify(delivery(`${one.body} `, headers, one.url), secret(one.secret), config, at)).toEqual(refusal);
        if (one.timestamp) expect(verify(sent, secret(one.secret), config, at + 301_000)).toEqual(late);
      },
    );
    // Typeform's scheme is GitHub's digest in another encoding.
    it.skipIf(known.length === 0)('typeform: accepts the digest of GitHub in base64', capturedOnly, () => {
      const github = vector('github');
      const base64 = Buffer.from((github.headers['X-Hub-Signature-256'] ?? '').slice('sha256='.length), 'hex').toString('base64');
      const sent = delivery(github.body, { 'typeform-signature': `sha256=${base64}` });
      expect(verify(sent, secret(github.secret), typeform)).toEqual({ ok: true });
    });
  });

  const calendly = configOf({
    verification: {
      scheme: 'hmac',
      header: 'Calendly-Webhook-Signature',
      combined: {},
      template: '{timestamp}.{body}',
      toleranceSeconds: 180,
    },
  });
  const event = (type: string) => ({ type, sourceEventType: type.slice('webhook.'.length).replace('invitee_', 'invitee.') });
  for (const [platform, config, file, type] of [
    ['typeform', typeform, 'form_response.json', 'webhook.form_response'],
    ['calendly', calendly, 'invitee.created.json', 'webhook.invitee_created'],
  ] as const) {
    const expectations = { [file]: { ...event(type), time: 'arrival' as const } };
    describeDeliveries(
      { folder: `webhook/fixtures/${platform}`, captured: platform },
      { synthetic: expectations, captured: expectations },
      ({ bodyOf, expectedOf }) => {
        it('are accepted as signed by the scheme of the platform, and read', () => {
          const body = bodyOf(file).toString();
          const sent = delivery(body, webhook.sign(body, secret('k'), config, now).headers);
          expect(verify(sent, secret('k'), config)).toEqual({ ok: true });
          expect(readAll(decodeBody(sent), config)[0]).toMatchObject({
            type: expectedOf(file)[0]?.type,
            sourceEventType: expectedOf(file)[0]?.sourceEventType,
          });
        });
      },
    );
  }
});

describeDeliveries(
  { folder: 'webhook/fixtures/standard-webhooks', captured: 'standard-webhooks' },
  { synthetic, captured },
  ({ files, bodyOf, expectedOf }) => {
    it.each(files)('%s is verified and read', (file) => {
      const config = configOf({ ...exampleConfigs['standard-webhooks'], fields: { phone: 'data.phoneNumber' } });
      const body = bodyOf(file).toString();
      const sent = delivery(body, {
        'webhook-id': idOf(file),
        'webhook-timestamp': String(now / 1000),
        'webhook-signature': new Webhook(whsec).sign(idOf(file), new Date(now), body),
      });
      expect(verify(sent, secret(whsec), config)).toEqual({ ok: true });
      const readings = readAll(decodeBody(sent), config, sent.headers);
      expect(readings).toHaveLength(1);
      for (const [index, expected] of expectedOf(file).entries()) expectReading(readings[index] as Reading, expected, 'US');
    });
  },
);

const cloudEvent = (name: string, key: string, time: string): Expected => ({
  type: `webhook.com_example_${name}`,
  sourceEventType: `com.example.${name.replace('_', '.')}`,
  sourceEventId: key.split(' ')[1] ?? '',
  key,
  time,
});

describeDeliveries(
  { folder: 'webhook/fixtures/cloudevents', captured: 'cloudevents' },
  {
    synthetic: {
      'structured_json_data.json': cloudEvent('shelf_filled', '/depot L882-0925-3341', '2018-05-12T21:50:23Z'),
      'structured_xml_data.json': cloudEvent('shelf_filled', '/depot M993-0925-3342', '2018-05-12T21:50:23Z'),
      'batch.json': [
        cloudEvent('shelf_filled', '/depot/north K771-0925-3340', '2018-05-12T21:50:23Z'),
        cloudEvent('shelf_emptied', '/depot/south L882-0925-3341', '2018-05-12T21:50:28Z'),
      ],
    },
    captured: {
      'structured_json_data.json': cloudEvent('someevent', '/mycontext C234-1234-1234', '2018-04-05T17:31:00Z'),
      'structured_xml_data.json': cloudEvent('someevent', '/mycontext A234-1234-1234', '2018-04-05T17:31:00Z'),
      'batch.json': [
        cloudEvent('someevent', '/mycontext/4 B234-1234-1234', '2018-04-05T17:31:00Z'),
        cloudEvent('someotherevent', '/mycontext/9 C234-1234-1234', '2018-04-05T17:31:05Z'),
      ],
    },
  },
  ({ files, bodyOf, expectedOf }) => {
    it.each(files)('%s is verified and read', (file) => {
      const config = configOf(apiKey);
      const type = file === 'batch.json' ? 'application/cloudevents-batch+json' : 'application/cloudevents+json';
      const sent = delivery(bodyOf(file).toString(), { authorization: 'Bearer k', 'content-type': `${type}; charset=utf-8` });
      expect(verify(sent, secret('k'), config)).toEqual({ ok: true });
      const readings = readAll(decodeBody(sent), config);
      expect(readings).toHaveLength(expectedOf(file).length);
      for (const [index, expected] of expectedOf(file).entries()) expectReading(readings[index] as Reading, expected);
    });
  },
);

describe('any input', () => {
  const configs = [
    configOf(apiKey),
    standard,
    withId,
    configOf({ ...apiKey, records: { path: 'data.events' }, fields: { id: 'ref', type: 'kind', time: { path: 'at' } } }),
    configOf({
      ...apiKey,
      fields: { amount: { path: 'order.total', unit: 'major' }, currency: 'order.currency', email: 'customer.email', externalId: 'id' },
    }),
    configOf({ ...apiKey, fields: { amount: { path: 'total', unit: 'minor' }, currency: 'USD' }, typeMap: { x: 'order.paid' } }),
  ];
  const seeds = webhook.samples
    .filter((sample) => sample.contentType.includes('json') && !sample.contentType.includes('nd'))
    .map((sample) => JSON.parse(sample.body({ id: 'seed', nowMs: now })) as Json);
  const keys = fc.constantFrom(
    'id',
    'type',
    'event',
    'time',
    'timestamp',
    'created',
    'total',
    'ref',
    'kind',
    'at',
    'data',
    'events',
    'order',
    'currency',
    'customer',
    'email',
    'source',
    'specversion',
    '__proto__',
    'constructor',
  );
  const record = fc.dictionary(
    keys,
    fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('order.paid', 'BRL', 1e300, -1, '1e99', 1_700_000_000)),
  );
  const bodies = fc.oneof(
    fc.constantFrom(...seeds),
    fc.jsonValue({ maxDepth: 4 }),
    record,
    fc.array(record),
    record.map((data) => ({ data: { events: [data] } })),
  );

  it('split and read throw nothing but RecordError, and every reading is well-formed', () => {
    fc.assert(
      fc.property(
        bodies,
        fc.constantFrom(...configs),
        fc.constantFrom<Body['kind']>('json', 'ndjson', 'form', 'empty'),
        (value, config, kind) => {
          const shaped = kind === 'ndjson' ? (Array.isArray(value) ? value : [value]) : value;
          let records: RawRecord[] = [];
          try {
            records = split({ kind, value: shaped } as Body, config);
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
          for (const one of records) {
            try {
              const reading = webhook.read(one, { config, headers: { 'webhook-id': 'm', 'x-id': 'd' }, receivedAtMs: now });
              expect(isCanonicalType(reading.type) || sourceTypePattern.test(reading.type), reading.type).toBe(true);
              expect(reading.sourceEventType.length).toBeGreaterThan(0);
              expect(reading.idempotencyKey?.length ?? 1).toBeLessThanOrEqual(255);
            } catch (error) {
              if (!(error instanceof RecordError)) throw error;
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
  it('verify neither throws nor accepts with any headers', () => {
    const names = ['x-sig', 'x-time', 'x-id', 'authorization', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'stripe-signature'];
    const headers = fc.record(
      Object.fromEntries(
        names.map((name) => [
          name,
          fc.option(fc.oneof(fc.string(), fc.constantFrom('t=1,v1=0', 'v1,AAAA', 'Basic Og==', 'Bearer ', `${now / 1000}`)), {
            nil: undefined,
          }),
        ]),
      ),
    );
    fc.assert(
      fc.property(headers, fc.constantFrom(...configs, stripeLike, configOf(exampleConfigs.basic)), (given, config) => {
        expect(verify(delivery('{}', given), secret(whsec), config).ok).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
