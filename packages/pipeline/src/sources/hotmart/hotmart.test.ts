import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody } from '../../reading/body.ts';
import { type Delivery, type Json, type JsonObject, type Reading, RecordError, type Secret } from '../../source.ts';
import { describeDeliveries, expectReading } from '../../test/deliveries.ts';
import { proveSource } from '../../test/prove-source.ts';
import type { HotmartConfig } from './config.ts';
import { synthetic } from './fixtures/expected.ts';
import { captured } from './fixtures/expected-captured.ts';
import { hotmart } from './index.ts';

const config: HotmartConfig = { defaultCountry: 'BR' };
const hottok = 'hottok-of-our-own-0001';
const secrets: Secret[] = [{ name: 'hottok', value: hottok }];
const nowMs = Date.UTC(2026, 8, 1, 12);
const json = 'application/json';
const form = 'application/x-www-form-urlencoded';

function deliver(body: string, contentType = json, headers: Record<string, string> = {}): Delivery {
  return {
    method: 'POST',
    url: 'https://in.example.com/api/webhooks/hotmart/c',
    headers: { 'content-type': contentType, ...headers },
    raw: Buffer.from(body),
  };
}

function verify(delivery: Delivery, known: readonly Secret[] = secrets) {
  return hotmart.verify(delivery, known, config, nowMs);
}

/** A field that a reading leaves out counts as undefined. */
const absent = {
  eventTimeMs: undefined,
  idempotencyKey: undefined,
  amountMinor: undefined,
  currency: undefined,
  orderRef: undefined,
  isTest: undefined,
};

function read(body: string, contentType = json, settings = config): Reading {
  const [record, ...more] = hotmart.split(decodeBody(deliver(body, contentType)), settings);
  if (record === undefined || more.length > 0) throw new Error('expected one record');
  return { ...absent, ...hotmart.read(record, { config: settings, headers: {}, receivedAtMs: nowMs }) };
}

function errorOf(run: () => unknown): RecordError {
  try {
    run();
  } catch (error) {
    if (error instanceof RecordError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function sample(name: string, id = '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11'): { body: string; contentType: string } {
  const found = hotmart.samples.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no sample ${name}`);
  return { body: found.body({ id, nowMs }), contentType: found.contentType };
}

/** The sample with changes made to its JSON. */
function altered(name: string, change: (value: Record<string, Json>, data: Record<string, Json>) => void): string {
  const value: JsonObject = JSON.parse(sample(name).body);
  change(value, value.data as JsonObject);
  return JSON.stringify(value);
}

function postback(change: Record<string, string | undefined>): string {
  const fields = new URLSearchParams(sample('v1_approved').body);
  for (const [name, value] of Object.entries(change)) value === undefined ? fields.delete(name) : fields.set(name, value);
  return fields.toString();
}

proveSource(hotmart, {
  signsBody: false,
  people: [
    'Marina Prado',
    'marina.prado@example.com',
    '912345678',
    '12345678900',
    'Rua das Amostras',
    '192.0.2.44',
    'Otávio Lemos',
    'TRB0SUB1',
  ],
});

describe('verification by hottok', () => {
  const { body } = sample('PURCHASE_APPROVED');

  it('accepts the header, and the body of v1 forms, v1 JSON and early v2', () => {
    expect(verify(deliver(body, json, { 'x-hotmart-hottok': hottok }))).toEqual({ ok: true });
    expect(verify(deliver(postback({ hottok }), form))).toEqual({ ok: true });
    expect(verify(deliver(JSON.stringify({ hottok, buyerVO: {} })))).toEqual({ ok: true });
    expect(verify(deliver(altered('PURCHASE_APPROVED', (value) => Object.assign(value, { hottok }))))).toEqual({ ok: true });
  });

  it('rejects a wrong, an empty and a missing hottok, and never repeats it', () => {
    for (const given of ['wrong-token', '', `${hottok}x`, hottok.slice(0, -1)]) {
      const verdict = verify(deliver(body, json, { 'x-hotmart-hottok': given }));
      expect(verdict).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
      if (given !== '') expect(JSON.stringify(verdict)).not.toContain(given);
    }
    expect(verify(deliver(body))).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
    expect(verify(deliver(postback({ hottok: 'wrong' }), form))).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
    expect(verify(deliver('{not json'))).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
    expect(verify(deliver('', json))).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
  });

  it.each([
    ['a missing hottok', Buffer.from('{"id":"1"}'), {}, 'carries no hottok in the header X-HOTMART-HOTTOK or the body'],
    ['an empty body', Buffer.from(''), {}, 'carries no hottok'],
    ['an empty header', Buffer.from('{}'), { 'x-hotmart-hottok': '' }, 'HOTTOK is empty'],
    ['an empty field', Buffer.from('{"hottok":""}'), {}, 'hottok is empty or is no text'],
    ['a field that is no text', Buffer.from('{"hottok":{"a":1}}'), {}, 'hottok is empty or is no text'],
    ['a body in UTF-16', Buffer.from('\ufeff{"hottok":"x"}', 'utf16le'), {}, 'is in UTF-16'],
    ['a body that is not UTF-8', Buffer.from('{"name":"Jo\u00e3o","hottok', 'latin1'), {}, 'is not UTF-8'],
    ['a body that is compressed and does not say so', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2]), {}, 'compressed with gzip'],
    ['a list', Buffer.from('[{"hottok":"x"}]'), {}, 'neither a whole JSON object nor a form'],
    ['a body that is cut', Buffer.from('{"id":"1","hott'), {}, 'neither a whole JSON object nor a form'],
    ['a body beyond what is searched', Buffer.from(`{"a":"${'x'.repeat(300_000)}","hottok":"x"}`), {}, 'too long to be searched'],
    [
      'a wrong hottok in the header',
      Buffer.from('{}'),
      { 'x-hotmart-hottok': 'another-hottok' },
      'in the header X-HOTMART-HOTTOK is not the one',
    ],
    ['a wrong hottok in the body', Buffer.from('{"hottok":"another-hottok"}'), {}, 'in the body is not the one'],
  ])('names %s as the reason', (_, raw, headers, reason) => {
    const delivery = { method: 'POST', url: 'https://in.example.com/', headers: { 'content-type': 'application/json', ...headers }, raw };
    expect(verify(delivery)).toMatchObject({ ok: false, error: 'INVALID_HOTTOK', message: expect.stringContaining(reason) });
  });

  it('lets the header decide: the right hottok in the body does not make a wrong header good', () => {
    const both = postback({ hottok });
    expect(verify(deliver(both, form, { 'x-hotmart-hottok': 'wrong' }))).toMatchObject({ ok: false });
    expect(verify(deliver(both, form, { 'x-hotmart-hottok': '' }))).toMatchObject({ ok: false });
    expect(verify(deliver(postback({ hottok: 'wrong' }), form, { 'x-hotmart-hottok': hottok }))).toEqual({ ok: true });
  });

  it('ignores a hottok in the query, inside data, or under header names of third-party tutorials', () => {
    expect(verify({ ...deliver(body), url: `https://in.example.com/?hottok=${hottok}` })).toMatchObject({ ok: false });
    expect(verify(deliver(altered('PURCHASE_APPROVED', (_value, data) => Object.assign(data, { hottok }))))).toMatchObject({ ok: false });
    expect(verify(deliver(body, json, { 'x-hotmart-webhook-token': hottok, 'x-hotmart-signature': hottok }))).toMatchObject({ ok: false });
  });

  it('accepts the old and the new hottok while both are valid', () => {
    const rotating = [...secrets, { name: 'hottok', value: 'the-new-hottok' }];
    expect(verify(deliver(body, json, { 'x-hotmart-hottok': 'the-new-hottok' }), rotating)).toEqual({ ok: true });
    expect(verify(deliver(body, json, { 'x-hotmart-hottok': hottok }), rotating)).toEqual({ ok: true });
  });

  it('fails closed with no hottok, a blank one, or a secret of another name', () => {
    for (const known of [[], [{ name: 'hottok', value: '' }], [{ name: 'other', value: hottok }]]) {
      expect(verify(deliver(body, json, { 'x-hotmart-hottok': hottok }), known)).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
      expect(verify(deliver(body, json, { 'x-hotmart-hottok': '' }), known)).toMatchObject({ ok: false, error: 'INVALID_HOTTOK' });
    }
  });
});

describe('our own samples', () => {
  it('has one for each of the 16 events of version 2, and the legacy forms', () => {
    const names = hotmart.samples.map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('v1_'))).toHaveLength(16);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['v1_approved', 'v1_refunded', 'v1_cart_abandoned', 'v1_subscription_canceled']));
  });

  it.each(hotmart.samples.map(({ name }) => name))('%s: signed it is accepted, and read as a known event of a person', (name) => {
    const { body, contentType } = sample(name);
    const signed = hotmart.sign(body, secrets, config, nowMs);
    expect(verify(deliver(signed.body ?? body, contentType, signed.headers))).toEqual({ ok: true });
    const reading = read(signed.body ?? body, contentType);
    expect(isCanonicalType(reading.type)).toBe(true);
    expect(reading.isTest).toBeUndefined();
    expect(reading.subject?.email).toMatch(/@example\.com$/);
  });

  it.each(hotmart.samples.map(({ name }) => name))('%s: each send is a new event', (name) => {
    const [one, two] = ['11111111-aaaa-4aaa-8aaa-000000000001', '22222222-aaaa-4aaa-8aaa-000000000002'].map((id) => sample(name, id));
    const keys = [one, two].map((given) => given && (read(given.body, given.contentType).idempotencyKey ?? given.body));
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('cannot be signed without a hottok', () => {
    expect(() => hotmart.sign('{}', [], config, nowMs)).toThrow('without a hottok');
  });
});

describe('version 2', () => {
  it('reads every field of an approved purchase', () => {
    expect(read(sample('PURCHASE_APPROVED').body)).toEqual({
      type: 'order.paid',
      sourceEventType: 'PURCHASE_APPROVED',
      sourceEventId: '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11',
      idempotencyKey: '0f9d5c3e-7a31-4a0e-9d56-0a4f0c6b2d11',
      eventTimeMs: nowMs,
      subject: { email: 'marina.prado@example.com', phone: '+5511912345678', document: '12345678900', external_id: 'TRB0SUB1' },
      amountMinor: 19700n,
      currency: 'BRL',
      orderRef: expect.stringMatching(/^HP\d{15}$/),
      attribution: { src: 'newsletter', sck: 'aula-aberta', xcod: 'campanha-7' },
      isTest: undefined,
    });
  });

  it('does not count the end of the guarantee as a second sale', () => {
    expect(read(sample('PURCHASE_COMPLETE').body).type).toBe('order.completed');
  });

  it('takes the time from creation_date or creationDate, in milliseconds or seconds, as number or text', () => {
    const at = (fields: JsonObject) =>
      read(altered('PURCHASE_APPROVED', (value) => Object.assign(value, { creation_date: undefined }, fields))).eventTimeMs;
    expect(at({ creation_date: 1_763_247_745_737 })).toBe(1_763_247_745_737);
    expect(at({ creationDate: 1_763_247_745_737 })).toBe(1_763_247_745_737);
    expect(at({ creation_date: 1_763_247_745 })).toBe(1_763_247_745_000);
    expect(at({ creation_date: '1763247745737' })).toBe(1_763_247_745_737);
    // Without it, the sale has the time of its approval.
    expect(at({})).toBe(nowMs);
    expect(errorOf(() => at({ creation_date: 12_345_678 })).errorClass).toBe('VALIDATION_FAIL');
    expect(errorOf(() => at({ creation_date: 'yesterday' })).errorClass).toBe('SCHEMA_DRIFT');
  });

  it('keeps every digit of an id beyond 2^53', () => {
    const body = sample('PURCHASE_APPROVED').body.replace(/"id":"[^"]+"/, '"id":1234567890123456789');
    expect(read(body)).toMatchObject({ idempotencyKey: '1234567890123456789', sourceEventId: '1234567890123456789' });
  });

  it('uses event, transaction, status and charge number as the key without an id', () => {
    const without = (change: (data: JsonObject) => void = () => {}) =>
      read(
        altered('PURCHASE_APPROVED', (value, data) => {
          delete value.id;
          (data.purchase as JsonObject).transaction = 'HP99';
          change(data);
        }),
      );
    expect(without().idempotencyKey).toBe('PURCHASE_APPROVED:HP99:APPROVED');
    expect(without((data) => Object.assign(data.purchase as JsonObject, { recurrence_number: 2 })).idempotencyKey).toBe(
      'PURCHASE_APPROVED:HP99:APPROVED:2',
    );
    const subscription = read(altered('SUBSCRIPTION_CANCELLATION', (value) => Reflect.deleteProperty(value, 'id')));
    expect(subscription.idempotencyKey).toMatch(/^[0-9a-f]{64}$/);
    const visit = (change: object) =>
      read(altered('CLUB_FIRST_ACCESS', (value) => Object.assign(value, { id: undefined }, change))).idempotencyKey;
    expect(visit({})).toMatch(/^[0-9a-f]{64}$/);
    expect(visit({ creationDate: nowMs - 1000 })).not.toBe(visit({}));
    expect(visit({ creationDate: undefined })).toBeUndefined();
  });

  it('makes two events with one order reference of a sale that Hotmart sends to two roles with two ids', () => {
    const as = (id: string, source: string) =>
      read(
        altered('PURCHASE_APPROVED', (value, data) => {
          Object.assign(value, { id });
          Object.assign(data, { commissions: [{ source, value: 39.2, currency_value: 'BRL' }] });
        }),
      );
    const [producer, affiliate] = [as('id-producer', 'PRODUCER'), as('id-affiliate', 'AFFILIATE')];
    expect(producer.idempotencyKey).not.toBe(affiliate.idempotencyKey);
    expect(producer.orderRef).toBe(affiliate.orderRef);
  });

  it('reads money in minor units with its decimals, and finds the currency of early bodies', () => {
    const money = (purchase: JsonObject) => {
      const { amountMinor, currency } = read(
        altered('PURCHASE_APPROVED', (_value, data) => {
          data.purchase = { transaction: 'HP1', ...purchase };
          data.commissions = [];
        }),
      );
      return [amountMinor, currency];
    };
    expect(money({ price: { value: 1500.0, currency_value: 'BRL' } })).toEqual([150_000n, 'BRL']);
    expect(money({ price: { value: 19.99, currency_value: 'usd' } })).toEqual([1999n, 'USD']);
    expect(money({ price: { value: 1500, currency_value: 'JPY' } })).toEqual([1500n, 'JPY']);
    expect(money({ price: { value: '64.9', currency_value: 'EUR' } })).toEqual([6490n, 'EUR']);
    expect(money({ price: { value: 1500 }, original_offer_price: { value: 1500, currency_value: 'BRL' } })).toEqual([150_000n, 'BRL']);
    expect(money({ price: { value: 10 } })).toEqual([undefined, undefined]);
    expect(money({})).toEqual([undefined, undefined]);
    expect(errorOf(() => money({ price: { value: 'ten', currency_value: 'BRL' } })).errorClass).toBe('SCHEMA_DRIFT');
    expect(errorOf(() => money({ price: { value: { a: 1 }, currency_value: 'BRL' } })).errorClass).toBe('SCHEMA_DRIFT');
    expect(errorOf(() => money({ price: { value: 1, currency_value: 'R$' } })).errorClass).toBe('VALIDATION_FAIL');
  });

  it('accepts order_date as text, and a time in milliseconds as the count of event_tickets', () => {
    const body = altered('PURCHASE_APPROVED', (_value, data) =>
      Object.assign(data.purchase as JsonObject, { order_date: '1511783344000', event_tickets: { amount: 1_763_247_745_730 } }),
    );
    expect(read(body)).toMatchObject({ type: 'order.paid', amountMinor: 19_700n });
  });

  it('reads product ids given as text', () => {
    expect(read(sample('CLUB_MODULE_COMPLETED').body)).toMatchObject({
      type: 'course.module_completed',
      subject: { email: 'marina.prado@example.com' },
    });
  });

  it('requires the transaction of a purchase, the event and the data', () => {
    const missing = (change: (value: JsonObject, data: JsonObject) => void) => errorOf(() => read(altered('PURCHASE_APPROVED', change)));
    expect(missing((_value, data) => Reflect.deleteProperty(data.purchase as JsonObject, 'transaction'))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'data.purchase.transaction',
    });
    expect(missing((value) => Reflect.deleteProperty(value, 'data'))).toMatchObject({ errorClass: 'MISSING_FIELD', path: 'data' });
    expect(missing((value) => Reflect.deleteProperty(value, 'event'))).toMatchObject({ errorClass: 'MISSING_FIELD', path: 'event' });
    expect(missing((value) => Object.assign(value, { data: [] }))).toMatchObject({ errorClass: 'SCHEMA_DRIFT', path: 'data' });
    expect(missing((_value, data) => Object.assign(data, { buyer: 'Marina' }))).toMatchObject({
      errorClass: 'SCHEMA_DRIFT',
      path: 'data.buyer',
    });
  });

  it('names the type of an unknown event hotmart.<event>', () => {
    const reading = read(
      JSON.stringify({ id: 'x1', event: 'CLUB Certificate-ISSUED', version: '2.0.0', creation_date: nowMs, data: { user: 'u' } }),
    );
    expect(reading).toMatchObject({
      type: 'hotmart.club_certificate_issued',
      sourceEventType: 'CLUB Certificate-ISSUED',
      idempotencyKey: 'x1',
    });
    expect(read(JSON.stringify({ id: 'x2', event: 'constructor', version: '2.0.0' })).type).toBe('hotmart.constructor');
    expect(read(JSON.stringify({ id: 'x3', event: 'É'.repeat(400), version: '2.0.0' })).type).toMatch(sourceTypePattern);
  });

  it('finds the campaign in origin, then tracking, then the payment link', () => {
    const campaign = (purchase: JsonObject) =>
      read(altered('PURCHASE_APPROVED', (_value, data) => Object.assign(data.purchase as JsonObject, { origin: undefined }, purchase)))
        .attribution;
    expect(
      campaign({
        origin: { sck: 'a' },
        tracking: { source_sck: 'b', source: 's', external_code: 'x', utm_source: 'mail' },
        sckPaymentLink: 'c',
      }),
    ).toEqual({
      sck: 'a',
      src: 's',
      xcod: 'x',
      utm_source: 'mail',
    });
    expect(campaign({ sckPaymentLink: 'c' })).toEqual({ sck: 'c' });
    expect(campaign({})).toBeUndefined();
  });
});

describe('telephones', () => {
  const phone = (buyer: JsonObject, settings = config) =>
    read(
      altered('PURCHASE_APPROVED', (_value, data) => Object.assign(data, { buyer })),
      json,
      settings,
    ).subject?.phone;

  it('joins the number with an area code or a country code', () => {
    expect(phone({ checkout_phone_code: '11', checkout_phone: '912345678' })).toBe('+5511912345678');
    expect(phone({ checkout_phone_code: '55', checkout_phone: '11912345678' })).toBe('+5511912345678');
    expect(phone({ checkout_phone_code: '11', checkout_phone: '11912345678' })).toBe('+5511912345678');
    expect(phone({ checkout_phone_code: '+351', checkout_phone: '912345678' })).toBe('+351912345678');
    expect(phone({ checkout_phone: '+1 202 555 0123' })).toBe('+12025550123');
    expect(phone({ checkout_phone_code: '', checkout_phone: '11912345678' })).toBe('+5511912345678');
    expect(phone({ checkout_phone_code: '11', checkout_phone: '12345678' })).toBe('1112345678');
    expect(phone({ checkout_phone_code: '11' })).toBeUndefined();
  });

  it('ignores the meaningless code that the panel sends', () => {
    expect(phone({ checkout_phone_code: '999999999', checkout_phone: '11912345678' })).toBe('+5511912345678');
  });

  it('reads national numbers in the country of the configuration', () => {
    expect(phone({ checkout_phone: '912345678' }, { defaultCountry: 'PT' })).toBe('+351912345678');
    expect(hotmart.config.parse({})).toEqual({ defaultCountry: 'BR' });
    expect(hotmart.config.safeParse({ defaultCountry: 'Brasil' }).success).toBe(false);
    expect(hotmart.config.safeParse({ hottok: 'secret in the wrong place' }).success).toBe(false);
  });

  it('ignores a number without its area code, since the same digits are another person in another city', () => {
    expect(phone({ checkout_phone: '912345678' })).toBeUndefined();
    expect(phone({ checkout_phone_code: '999999999', checkout_phone: '999999999' })).toBeUndefined();
  });

  it('reads the four phone fields of a subscriber', () => {
    expect(read(sample('SUBSCRIPTION_CANCELLATION').body).subject?.phone).toBe('+5511912345678');
  });
});

describe('version 1', () => {
  it.each([
    ['approved', 'order.paid'],
    ['canceled', 'order.canceled'],
    ['billet_printed', 'order.pending'],
    ['wayting_payment', 'order.pending'],
    ['refunded', 'order.refunded'],
    ['dispute', 'order.dispute'],
    ['completed', 'order.completed'],
    ['blocked', 'order.canceled'],
    ['chargeback', 'order.chargeback'],
    ['delayed', 'order.delayed'],
    ['expired', 'order.expired'],
    ['under_analysis', 'hotmart.under_analysis'],
  ])('reads status %s as %s', (status, type) => {
    expect(read(postback({ status }), form)).toMatchObject({ type, sourceEventType: status });
  });

  it('uses transaction, status, charge and role as the key, so that seller and affiliate of one sale do not collide', () => {
    const key = (change: Record<string, string | undefined>) => read(postback({ transaction: 'HP7', ...change }), form).idempotencyKey;
    expect(key({})).toBe('HP7:approved:1:SELLER');
    expect(key({ recurrency: undefined, receiver_type: undefined })).toBe('HP7:approved');
    const keys = [
      key({}),
      key({ receiver_type: 'AFFILIATE' }),
      key({ status: 'refunded' }),
      key({ recurrency: '2' }),
      key({ transaction: 'HP8' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has the time of the purchase, and no time for later events', () => {
    const at = (change: Record<string, string | undefined>) =>
      read(postback({ purchase_date: '2022-06-23T16:19:54.891Z', ...change }), form).eventTimeMs;
    expect(at({ confirmation_purchase_date: '2022-06-24T10:00:00Z' })).toBe(Date.UTC(2022, 5, 24, 10));
    expect(at({ confirmation_purchase_date: '' })).toBe(Date.UTC(2022, 5, 23, 16, 19, 54, 891));
    expect(at({ status: 'billet_printed' })).toBe(Date.UTC(2022, 5, 23, 16, 19, 54, 891));
    for (const status of ['refunded', 'chargeback', 'dispute', 'completed']) expect(at({ status })).toBeUndefined();
    expect(errorOf(() => at({ confirmation_purchase_date: '24/06/2022' })).errorClass).toBe('SCHEMA_DRIFT');
  });

  it('reads subject, amount and campaign of a form', () => {
    expect(read(sample('v1_approved').body, form)).toMatchObject({
      subject: { email: 'marina.prado@example.com', phone: '+5511912345678', document: '12345678900', external_id: 'TRB0SUB1' },
      amountMinor: 19_700n,
      currency: 'BRL',
      attribution: { src: 'newsletter', sck: 'aula-aberta', xcod: 'campanha-7' },
    });
  });

  it('accepts transactions and products of any shape, since other platforms copy the form', () => {
    const body = postback({ transaction: '62b4ba2531e51931064ea3b4', prod: '62b4b85ba7eaa949f1962161' });
    expect(read(body, form)).toMatchObject({ orderRef: '62b4ba2531e51931064ea3b4', isTest: undefined });
  });

  it('reads the cancellation that callback_type 2 announces', () => {
    expect(read(postback({ callback_type: '2', subscription_status: 'canceled' }), form)).toMatchObject({ type: 'subscription.canceled' });
  });

  it('reads the plan switch by its date', () => {
    const reading = read(JSON.stringify({ subscriptionId: 5, switchPlanDate: nowMs, userEmail: 'marina.prado@example.com' }));
    expect(reading).toMatchObject({
      type: 'subscription.plan_changed',
      eventTimeMs: nowMs,
      idempotencyKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('uses fingerprint and arrival as key and time of an abandoned cart', () => {
    const reading = read(sample('v1_cart_abandoned').body);
    expect(reading.type).toBe('cart.abandoned');
    expect([reading.idempotencyKey, reading.eventTimeMs, reading.sourceEventId]).toEqual([undefined, undefined, undefined]);
    expect(reading.subject?.phone).toBe('+5511912345678');
  });

  it('requires status and transaction', () => {
    expect(errorOf(() => read(postback({ transaction: undefined }), form))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'transaction',
    });
    expect(errorOf(() => read(postback({ status: undefined }), form))).toMatchObject({ errorClass: 'MISSING_FIELD', path: 'status' });
    expect(errorOf(() => read('{}'))).toMatchObject({ errorClass: 'MISSING_FIELD' });
  });
});

describe('test button', () => {
  it('is recognised by product 0, by its fixed transaction and by its mailbox', () => {
    const test = (change: (data: JsonObject) => void) => read(altered('PURCHASE_APPROVED', (_value, data) => change(data))).isTest;
    expect(test((data) => Object.assign(data.product as JsonObject, { id: 0 }))).toBe(true);
    expect(test((data) => Object.assign(data.product as JsonObject, { id: '00000' }))).toBe(true);
    expect(test((data) => Object.assign(data.purchase as JsonObject, { transaction: 'HP16015479281022' }))).toBe(true);
    expect(test((data) => Object.assign(data.buyer as JsonObject, { email: 'teste@hotmart.com.br' }))).toBe(true);
    expect(test(() => {})).toBeUndefined();
  });
});

describe('a body of another platform', () => {
  it('is refused with its error class', () => {
    expect(errorOf(() => hotmart.split({ kind: 'empty' }, config)).errorClass).toBe('INVALID_PAYLOAD');
    expect(errorOf(() => hotmart.split({ kind: 'json', value: [] }, config)).errorClass).toBe('SCHEMA_DRIFT');
    expect(errorOf(() => hotmart.split({ kind: 'json', value: 'text' }, config)).errorClass).toBe('SCHEMA_DRIFT');
    expect(errorOf(() => hotmart.split({ kind: 'ndjson', value: [{}] }, config)).errorClass).toBe('SCHEMA_DRIFT');
  });
});

describe('broken records', () => {
  const parsed: [string, JsonObject][] = hotmart.samples.map(({ name }) => {
    const { body, contentType } = sample(name);
    return [
      name,
      decodeBody(deliver(body, contentType)).kind === 'form' ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body),
    ];
  });

  it('never make read throw anything but RecordError when any field is lost or replaced', () => {
    const replacement = fc.oneof(
      fc.constant(undefined),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('', ' ', '1e9', '-1', '\u0000', '9'.repeat(40)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...parsed),
        fc.array(fc.tuple(fc.nat(), replacement), { minLength: 1, maxLength: 4 }),
        ([, original], changes) => {
          const record = structuredClone(original);
          for (const [pick, value] of changes) replace(record, pick, value as Json | undefined);
          try {
            const reading = hotmart.read({ value: record }, { config, headers: {}, receivedAtMs: nowMs });
            expect(isCanonicalType(reading.type) || sourceTypePattern.test(reading.type)).toBe(true);
            expect(reading.idempotencyKey?.length ?? 1).toBeLessThanOrEqual(255);
          } catch (error) {
            if (!(error instanceof RecordError)) throw error;
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** Drops or replaces the `pick`-th field of a record, nested ones included. */
function replace(record: JsonObject, pick: number, value: Json | undefined): void {
  const places: [JsonObject | Json[], string | number][] = [];
  const walk = (node: Json) => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Array.isArray(node) ? node.keys() : Object.keys(node)) {
      places.push([node, key]);
      walk((node as Record<string | number, Json>)[key] ?? null);
    }
  };
  walk(record);
  const place = places[pick % places.length];
  if (!place) return;
  const [holder, key] = place;
  if (value === undefined) Reflect.deleteProperty(holder, key);
  else Reflect.set(holder, key, structuredClone(value));
}

describeDeliveries({ folder: 'hotmart/fixtures', captured: 'hotmart' }, { synthetic, captured }, ({ files, bodyOf, expectedOf }) => {
  const typeOf = (file: string) => (file.endsWith('.form') ? form : json);

  it.each(files)('%s is accepted with the right hottok only', (file) => {
    const body = bodyOf(file).toString();
    expect(verify(deliver(body, typeOf(file), { 'x-hotmart-hottok': hottok }))).toEqual({ ok: true });
    expect(verify(deliver(body, typeOf(file), { 'x-hotmart-hottok': `${hottok.slice(0, -1)}2` }))).toMatchObject({
      ok: false,
      error: 'INVALID_HOTTOK',
    });
    const carried = /hottok(?:=|":\s*")([^"&]+)/.exec(body)?.[1];
    const verdict = verify(deliver(body, typeOf(file)), [{ name: 'hottok', value: carried ?? 'none' }]);
    expect(verdict.ok).toBe(carried !== undefined);
  });

  it.each(files)('%s is read as expected', (file) => {
    const [expected, ...more] = expectedOf(file);
    if (expected === undefined || more.length > 0) throw new Error('expected one record');
    expectReading(read(bodyOf(file).toString(), typeOf(file)), expected);
  });
});
