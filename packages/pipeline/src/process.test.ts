import { createHash } from 'node:crypto';
import { CanonicalEvent } from '@tributary/shared/canonical.ts';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { hashIdentifier } from './privacy/pii.ts';
import { type ProcessContext, type ProcessedRecord, processDelivery } from './process.ts';
import { findBodyField } from './reading/body-field.ts';
import { firstText, isObject, requireText, text } from './reading/fields.ts';
import { recordFingerprint } from './reading/fingerprint.ts';
import { type Body, type Delivery, type Json, type JsonObject, type KeptFields, RecordError, type Source } from './source.ts';
import { verifyDelivery } from './verify.ts';

const now = Date.UTC(2026, 9, 31, 12);
const key = new Uint8Array(32).fill(9);

const kept: KeptFields = {
  words: ['event', 'type', 'fail'],
  ids: ['id', 'key', 'order'],
  idForm: /^[\w.:-]{1,260}$/,
  texts: ['product.name', 'kept', 'utm'],
  people: ['buyer', 'customer'],
  staff: [],
  plain: 'everywhere',
};

/** An invented platform: each element of `events` is one record. */
const shop: Source = {
  type: 'shop',
  label: 'Shop',
  setup: [],
  secrets: [],
  portuguese: { setup: [], secrets: {}, samples: {}, settings: {} },
  config: z.unknown(),
  samples: [],
  keptFor: () => kept,
  credentials: { body: ['token'], query: ['token'] },
  volatile: ['attempt'],
  verify: (delivery, secrets) => {
    if (delivery.headers['x-throw'] !== undefined) throw new Error('boom');
    const token = findBodyField(delivery, 'token').text;
    return token !== undefined && secrets.some((secret) => secret.value === token)
      ? { ok: true }
      : { ok: false, error: 'INVALID_HOTTOK', message: 'wrong token' };
  },
  split: (body) => {
    if (body.kind !== 'json' || !isObject(body.value) || !Array.isArray(body.value.events))
      throw new RecordError('SCHEMA_DRIFT', '"events" is missing', 'events');
    const shared = body.value.shared;
    return body.value.events.map((value) => ({ value: value as JsonObject, envelope: isObject(shared) ? shared : undefined }));
  },
  read: ({ value }) => {
    const failing = text(value, 'fail');
    if (failing === 'unexpected') throw new TypeError(`Cannot read ${text(value, 'buyer.email')} of ${text(value, 'buyer.name')}`);
    if (failing === 'record')
      throw new RecordError('SCHEMA_DRIFT', `${text(value, 'buyer.name')} is no name`, `buyer.${text(value, 'buyer.email')}`);
    return {
      type: text(value, 'type') ?? 'order.paid',
      sourceEventType: requireText(value, 'event'),
      sourceEventId: text(value, 'id'),
      idempotencyKey: firstText(value, 'key', 'id'),
      eventTimeMs: typeof value.at === 'number' ? value.at : undefined,
      subject: { email: text(value, 'buyer.email'), phone: text(value, 'buyer.phone'), document: text(value, 'buyer.document') },
      amountMinor: typeof value.cents === 'number' ? BigInt(value.cents) : undefined,
      currency: text(value, 'currency'),
      orderRef: text(value, 'order'),
      attribution: isObject(value.utm) ? (value.utm as Record<string, string>) : undefined,
      isTest: value.test === true,
    };
  },
  sign: () => ({ headers: {} }),
};

const context: ProcessContext = {
  orgId: '11111111-1111-4111-8111-111111111111',
  projectId: '22222222-2222-4222-8222-222222222222',
  connectionId: '33333333-3333-4333-8333-333333333333',
  journalId: '44444444-4444-7444-8444-444444444444',
  config: {},
  hashKey: { version: 3, key },
  digestKey: new Uint8Array(32).fill(8),
  receivedAtMs: now,
  nowMs: now,
  isTest: false,
  newId: () => '55555555-5555-7555-8555-555555555555',
};

const delivery = (value: Json, headers: Record<string, string> = {}): Delivery => ({
  method: 'POST',
  url: 'https://tributary.test/',
  headers: { 'content-type': 'application/json', ...headers },
  raw: new TextEncoder().encode(JSON.stringify(value)),
});
const body = (...events: Json[]): Body => ({ kind: 'json', value: { events } });
const run = (events: Json[], overrides: Partial<ProcessContext> = {}) =>
  processDelivery(shop, delivery(events), body(...events), { ...context, ...overrides });
function one(event: Json, overrides: Partial<ProcessContext> = {}): Extract<ProcessedRecord, { ok: true }> {
  const [outcome] = run([event], overrides);
  if (!outcome?.ok) throw new Error(`expected an event, got ${JSON.stringify(outcome)}`);
  return outcome;
}
function failed(event: Json, overrides: Partial<ProcessContext> = {}): Extract<ProcessedRecord, { ok: false }> {
  const [outcome] = run([event], overrides);
  if (outcome === undefined || outcome.ok) throw new Error('expected a failure');
  return outcome;
}

const buyer = { name: 'Zulmira Ávila', email: 'Zulmira@Example.com', phone: '(11) 98765-4321', document: '123.456.789-09' };
const sale: JsonObject = {
  id: 'ev-1',
  event: 'SALE_PAID',
  at: now - 5000,
  cents: 1990,
  currency: 'BRL',
  order: 'A-77',
  buyer,
  product: { name: 'Curso de Cerâmica' },
  utm: { utm_source: 'fb' },
};

describe('verifyDelivery', () => {
  const secrets = [{ name: 'token', value: 's3cret' }];
  test('a genuine delivery comes back with its body', () => {
    expect(verifyDelivery(shop, delivery({ token: 's3cret' }), { secrets, config: {} }, now)).toEqual({
      verdict: { ok: true },
      body: { kind: 'json', value: { token: 's3cret' } },
    });
  });
  test('a delivery is refused without a secret, and when the source throws', () => {
    expect(verifyDelivery(shop, delivery({ token: 's3cret' }), { secrets: [], config: {} }, now).verdict.ok).toBe(false);
    expect(verifyDelivery(shop, delivery({ token: 's3cret' }, { 'x-throw': '1' }), { secrets, config: {} }, now).verdict).toMatchObject({
      ok: false,
      error: 'INVALID_SIGNATURE',
    });
  });
  test('no part of a body is parsed before the delivery is proved genuine', () => {
    const parse = vi.spyOn(JSON, 'parse');
    try {
      const refused = delivery({ token: 'wrong', list: [{}, 12345678901234567890n.toString()] });
      expect(verifyDelivery(shop, refused, { secrets, config: {} }, now)).toEqual({
        verdict: { ok: false, error: 'INVALID_HOTTOK', message: 'wrong token' },
      });
      // The scan decodes only the token, whose length is bounded.
      expect(parse.mock.calls).toEqual([['"wrong"']]);
    } finally {
      parse.mockRestore();
    }
  });
  test('a body that cannot be decoded is not reported as a wrong credential', () => {
    const always: Source = { ...shop, verify: () => ({ ok: true }) };
    const broken = { ...delivery(null), raw: new TextEncoder().encode('{"a":') };
    const result = verifyDelivery(always, broken, { secrets, config: {} }, now);
    expect(result).toMatchObject({ verdict: { ok: true }, bodyError: { errorClass: 'INVALID_PAYLOAD' } });
    expect(result.body).toBeUndefined();
  });
});

describe('the canonical row', () => {
  test('has every column in its form and hashes for the subject, and matches the published schema', () => {
    const { event, bodySha256 } = one(sale);
    expect(event).toEqual({
      id: '55555555-5555-7555-8555-555555555555',
      org_id: context.orgId,
      project_id: context.projectId,
      source_connection_id: context.connectionId,
      type: 'order.paid',
      source_type: 'shop',
      source_event_type: 'SALE_PAID',
      source_event_id: 'ev-1',
      event_time: '2026-10-31T11:59:55.000Z',
      received_at: '2026-10-31T12:00:00.000Z',
      idempotency_key: 'ev-1',
      subject: {
        hash_version: 3,
        email: hashIdentifier(key, 'email', 'zulmira@example.com'),
        phone: hashIdentifier(key, 'phone', '+5511987654321'),
        document: hashIdentifier(key, 'document', '12345678909'),
      },
      amount_minor: '1990',
      currency: 'BRL',
      order_ref: 'A-77',
      attribution: { utm_source: 'fb' },
      properties: {
        id: 'ev-1',
        event: 'SALE_PAID',
        at: now - 5000,
        cents: 1990,
        currency: 'BRL',
        order: 'A-77',
        product: { name: 'Curso de Cerâmica' },
        utm: { utm_source: 'fb' },
      },
      is_test: false,
      journal_id: context.journalId,
      schema_version: 1,
    });
    expect(CanonicalEvent.parse({ ...event, ingested_at: event.received_at })).toBeDefined();
    expect(bodySha256).toMatch(/^[0-9a-f]{64}$/);
  });
  test('a record without a person needs no hash key and has an empty subject', () => {
    expect(one({ id: '1', event: 'STOCK' }, { hashKey: undefined }).event.subject).toEqual({});
  });
  test('a number without a country code is read in the config’s country', () => {
    const phone = (config: unknown) => one({ id: '1', event: 'E', buyer: { phone: '(650) 253-0000' } }, { config }).event.subject.phone;
    expect(phone({ defaultCountry: 'US' })).toBe(hashIdentifier(key, 'phone', '+16502530000'));
  });
  test('without a time from the source the event has the time of arrival', () => {
    expect(one({ id: '1', event: 'E' }).event.event_time).toBe('2026-10-31T12:00:00.000Z');
  });
  test('an unknown event has a type with the name of its source', () => {
    const type = (name: string) => one({ id: '1', event: 'E', type: name }).event.type;
    expect(type('shop.Loyalty-Points ADDED!')).toBe('shop.loyalty_points_added_');
    expect(type('weird')).toBe('shop.weird');
    expect(type(`shop.${'x'.repeat(300)}`)).toBe(`shop.${'x'.repeat(100)}`);
    expect(type('shop.ñ')).toBe('shop.event');
  });
  test.each([
    ['users/maria.silva@example.com/login', 'users_email_login', 'users/[email]/login'],
    ['users/maria.silva%40example.com/login', 'users_email_login', 'users/[email]/login'],
    ['Compra de +55 11 98765-4321', 'compra_de_phone_', 'Compra de [phone]'],
    ['Compra de 11 98765 4321', 'compra_de_phone_', 'Compra de [phone]'],
    ['consulta/123.456.789-09', 'consulta_document_', 'consulta/[document]'],
    ['login by Zulmira Ávila', 'login_by_name_', 'login by [name]'],
    ['call-11987654321', 'call_phone_', 'call-[phone]'],
    ['doc_12345678909', 'doc__document_', 'doc_[document]'],
  ])('identifiers in the name of an event are masked, even where the source made a type of the name: %s', (name, type, masked) => {
    const slug = name
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_');
    for (const made of [`shop.${slug}`, name]) {
      const naming: Source = { ...shop, read: (record, how) => ({ ...shop.read(record, how), type: made }) };
      const outcomes = processDelivery(
        naming,
        delivery({}),
        body({ ...sale, event: name }, { ...sale, event: name, at: now * 2 }),
        context,
      );
      expect(outcomes).toMatchObject([
        { ok: true, event: { type: `shop.${type}`, source_event_type: masked } },
        { ok: false, sourceEventType: masked },
      ]);
      for (const outcome of outcomes)
        expect(JSON.stringify(outcome).toLowerCase()).not.toMatch(/maria|silva|98765|456\.789|45678909|zulmira|vila/);
    }
    // A type of the vocabulary contains no personal data, even if the platform's name of the event does.
    expect(one({ ...sale, event: name }).event).toMatchObject({ type: 'order.paid', source_event_type: masked });
  });
  test.each([
    ['order.paid', 'order.paid'],
    ['PURCHASE_APPROVED', 'shop.purchase_approved'],
    ['users/created', 'shop.users_created'],
    ['Inscrição confirmada', 'shop.inscri_o_confirmada'],
    ['v2.event.20260301', 'shop.v2_event_20260301'],
  ])('an ordinary event name is kept: %s', (name, type) => {
    expect(one({ ...sale, event: name, type: name }).event).toMatchObject({ type, source_event_type: name });
  });
  test('no digest that is stored can be made without the digest key of the org, and the other keys do not change any of them', () => {
    const otherOrg = { digestKey: new Uint8Array(32).fill(1) };
    const newKeys = { hashKey: { version: 4, key: new Uint8Array(32).fill(2) } };
    const email = 'zulmira@example.com';
    const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
    const ids = ['', email, 'k'.repeat(256), digestOf(email), `note:${digestOf(email)}:3`, createHash('sha1').update(email).digest('hex')];
    for (const id of ids) {
      for (const isTest of [false, true]) {
        const { event, bodySha256 } = one({ ...sale, id }, { isTest });
        const plain = recordFingerprint({ ...sale, id } as never);
        expect(bodySha256).not.toBe(plain);
        for (const guess of [plain, plain.slice(0, 16), digestOf(email), digestOf(`${context.connectionId}|${id}`), id].filter(
          (one) => one !== '',
        ))
          expect(event.idempotency_key).not.toContain(guess);
        const elsewhere = one({ ...sale, id }, { ...otherOrg, isTest });
        expect([elsewhere.event.idempotency_key, elsewhere.bodySha256]).not.toContain(event.idempotency_key);
        expect(elsewhere.bodySha256).not.toBe(bodySha256);
        const later = one({ ...sale, id }, { ...newKeys, isTest });
        expect([later.event.idempotency_key, later.bodySha256]).toEqual([event.idempotency_key, bodySha256]);
      }
    }
    // A platform's natural id stays readable.
    for (const id of ['HP16015479281022', 'evt_1P2x', '0199d3a1-0000-7000-8000-000000000001', 'd41d8cd98f00b204e9800998ecf8427e'])
      expect(one({ ...sale, id }).event.idempotency_key).toBe(id);
  });
  test('an id that contains an identifier of the buyer is replaced by the same digest in every column', () => {
    const { event } = one({ ...sale, id: 'zulmira@example.com:1', order: '98765-4321', again: { id: 'zulmira@example.com:1' } });
    expect(event.source_event_id).toMatch(/^id:[0-9a-f]{32}$/);
    expect(event.order_ref).toMatch(/^id:[0-9a-f]{32}$/);
    expect(event.properties.order).toBe(event.order_ref);
    expect(event.idempotency_key).toMatch(/^hmac:[0-9a-f]{64}$/);
    expect(one({ ...sale, id: 'zulmira@example.com:1' }).event.idempotency_key).toBe(event.idempotency_key);
    const elsewhere = one({ ...sale, id: 'zulmira@example.com:1' }, { connectionId: context.orgId }).event;
    expect(elsewhere.idempotency_key).not.toBe(event.idempotency_key);
    expect(elsewhere.source_event_id).toBe(event.source_event_id);
    expect(one({ ...sale, id: 'k'.repeat(256) }).event.idempotency_key).toMatch(/^hmac:/);
  });
  test('a text in the place of an id is replaced by its digest, in the key too, since it may be a name', () => {
    for (const id of ['Maria Silva', 'Pedido da Maria', '11 3456-7890', 'ligar para 11987654321']) {
      const { event } = one({ ...sale, id, key: `sale ${id}`, order: id });
      expect(event, id).toMatchObject({
        source_event_id: expect.stringMatching(/^id:[0-9a-f]{32}$/),
        order_ref: event.source_event_id,
        idempotency_key: expect.stringMatching(/^hmac:[0-9a-f]{64}$/),
      });
    }
    const joined = one({ ...sale, id: '981 paid', key: 'order.updated 981 paid', order: 'A 7' }).event;
    expect(joined).toMatchObject({ source_event_id: '981 paid', idempotency_key: 'order.updated 981 paid', order_ref: 'A 7' });
  });
  test('a campaign parameter that is an identifier is stored as its hash, and identifiers within one are masked', () => {
    const utm = {
      mail: 'Maria@Example.com',
      coded: 'maria%2540example.com',
      phone: '5511987654321',
      cpf: '529.982.247-25',
      card: '4111111111111111',
      part: 'para maria@example.com',
      src: 'zulmira',
      full: 'zulmira-avila',
      long: 'y'.repeat(900),
      'maria@example.com': 'x',
    };
    expect(one({ ...sale, utm }).event.attribution).toEqual({
      mail: `email:${hashIdentifier(key, 'email', 'maria@example.com')}`,
      coded: `email:${hashIdentifier(key, 'email', 'maria@example.com')}`,
      phone: `phone:${hashIdentifier(key, 'phone', '+5511987654321')}`,
      cpf: `document:${hashIdentifier(key, 'document', '52998224725')}`,
      card: '[card]',
      part: 'para [email]',
      src: 'zulmira',
      full: '[name]',
      long: 'y'.repeat(500),
    });
    expect(failed({ ...sale, buyer: {}, utm }, { hashKey: undefined }).errorClass).toBe('PII_HASH_ERROR');
  });
  test('an id of the platform that contains a number is replaced by the same digest in every column, of events and of dead letters', () => {
    const wamid = 'wamid.HBgNNTUxMTk4NzY1NDMyMRUCABIYFjNFQjBDNzY4RDY0Q0Y2QUE2OTU5RUEA';
    const chat: Source = { ...shop, personalIds: /wamid\.[\w+/=-]+/ };
    const event = { ...sale, id: wamid, key: `${wamid}:read`, order: wamid, kept: `re ${wamid}`, utm: { ref: wamid } };
    const [done, late] = processDelivery(chat, delivery({}), body(event, { ...event, at: now * 2 }), context);
    const digest = done?.ok ? done.event.source_event_id : '';
    expect(digest).toMatch(/^wamid\.[0-9a-f]{32}$/);
    expect(done).toMatchObject({
      event: {
        idempotency_key: `${digest}:read`,
        order_ref: digest,
        attribution: { ref: digest },
        properties: { id: digest, kept: `re ${digest}` },
      },
    });
    expect(late).toMatchObject({ ok: false, idempotencyKey: `${digest}:read`, sample: { id: digest, kept: `re ${digest}` } });
    // The key under which the event may be stored from before is compared with stored keys only.
    expect(done).toMatchObject({ formerKey: `${wamid}:read` });
    expect(JSON.stringify([done?.ok && done.event, late])).not.toContain(wamid);
  });
  test('a word of the buyer’s name changes nothing', () => {
    const of = (name: string) => {
      const {
        subject: _,
        idempotency_key: __,
        ...event
      } = one({
        ...sale,
        event: 'price_changed',
        type: 'shop.express',
        id: 'Igor-1',
        product: { name: 'Método Ana Paula' },
        utm: { closer: 'igor' },
        price: { price: 5 },
        buyer: { ...buyer, name },
      }).event;
      return event;
    };
    for (const name of ['Katie Price', 'Express Shop', 'Ana', 'Igor', 'Paula Método', 'A']) expect(of(name)).toEqual(of('Xisto Yvanov'));
  });
  test('without an id the record’s fingerprint is the key, which is the same for a repeated delivery with another attempt counter and token', () => {
    const keyOf = (more: JsonObject) => one({ event: 'E', n: 1, ...more }).event.idempotency_key;
    expect(keyOf({ attempt: 1, token: 'a' })).toBe(keyOf({ token: 'b', attempt: 2 }));
    expect(keyOf({ n: 2 })).not.toBe(keyOf({}));
  });
  test('each different test has its own key, and never that of a live event', () => {
    const live = one(sale).event.idempotency_key;
    const tests = [one({ ...sale, test: true }), one({ ...sale, test: true, n: 2 }), one(sale, { isTest: true })].map(({ event }) => event);
    expect(new Set([live, ...tests.map((event) => event.idempotency_key)]).size).toBe(4);
    expect(tests.every((event) => event.is_test && /^test:ev-1:[0-9a-f]{16}$/.test(event.idempotency_key))).toBe(true);
    expect(one({ ...sale, id: 'k'.repeat(255), test: true }).event.idempotency_key.length).toBeLessThanOrEqual(255);
  });
  test('credentials in a record are in no output', () => {
    expect(JSON.stringify(one({ ...sale, token: 's3cret-abc', again: 's3cret-abc' }))).not.toContain('s3cret');
  });
});

describe('failures', () => {
  test('one bad record does not affect the others, which stay in order', () => {
    const outcomes = run([sale, { id: '2' }, { ...sale, id: '3' }, null, { ...sale, id: 'x\0' }, { ...sale, id: '6' }]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.event.idempotency_key : outcome.errorClass))).toEqual([
      'ev-1',
      'MISSING_FIELD',
      '3',
      'SCHEMA_DRIFT',
      'INVALID_PAYLOAD',
      '6',
    ]);
    expect(outcomes[1]).toMatchObject({ ok: false, path: 'event', message: '"event" is missing', sample: { id: '2' } });
  });
  test('a time up to five minutes ahead is accepted, and a later one is refused', () => {
    expect(one({ ...sale, at: now + 300_000 }).event.event_time).toBe('2026-10-31T12:05:00.000Z');
    expect(failed({ ...sale, at: now + 300_001 })).toMatchObject({
      errorClass: 'VALIDATION_FAIL',
      sourceEventType: 'SALE_PAID',
      idempotencyKey: 'ev-1',
    });
  });
  test('without a usable key the record is kept and nothing is hashed', () => {
    expect(failed(sale, { hashKey: undefined })).toMatchObject({ errorClass: 'PII_HASH_ERROR', idempotencyKey: 'ev-1' });
    expect(failed(sale, { hashKey: { version: 1, key: new Uint8Array(4) } }).errorClass).toBe('PII_HASH_ERROR');
  });
  test('lone surrogates and invalid currencies are refused', () => {
    expect(failed({ ...sale, kept: '\udc00' }).errorClass).toBe('INVALID_PAYLOAD');
    expect(failed({ ...sale, currency: 'reais' }).errorClass).toBe('VALIDATION_FAIL');
  });
  test('a text that is cut to fit a column is cut between characters', () => {
    const long = `${'a'.repeat(254)}😀`;
    expect(one({ ...sale, event: long }).event.source_event_type).toBe('a'.repeat(254));
    expect(failed({ ...sale, event: long, currency: 'reais' }).sourceEventType).toBe('a'.repeat(254));
    expect(one({ ...sale, utm: { utm_source: `${'a'.repeat(499)}😀` } }).event.attribution.utm_source).toBe('a'.repeat(499));
  });
  test('the message of an unexpected error is left out, and a known error does not repeat the buyer', () => {
    const unexpected = failed({ ...sale, fail: 'unexpected' });
    expect(unexpected).toMatchObject({ errorClass: 'SCHEMA_DRIFT', message: 'The record has a shape that the reader does not expect.' });
    const known = failed({ ...sale, fail: 'record' });
    expect(known).toMatchObject({ errorClass: 'SCHEMA_DRIFT', path: undefined });
    expect(JSON.stringify([unexpected, known]).toLowerCase()).not.toContain('zulmira');
  });
  test('the sample shows the types of the removed values', () => {
    expect(failed({ ...sale, at: now * 2 }).sample).toMatchObject({
      buyer: '[redacted object]',
      product: { name: 'Curso de Cerâmica' },
      cents: 1990,
    });
  });
  test('a body of another platform is one failure, whose sample shows only the shape', () => {
    const [outcome, ...more] = processDelivery(
      shop,
      delivery({}),
      { kind: 'json', value: { people: [{ email: 'z@example.com', zulmira_avila: { n: 1 }, name: 'Zulmira Ávila' }] } },
      context,
    );
    expect(more).toEqual([]);
    expect(outcome).toMatchObject({
      ok: false,
      errorClass: 'SCHEMA_DRIFT',
      path: 'events',
      sample: { people: [{ email: 'string', name: 'string' }, '1 items'] },
    });
  });
});

const undeclaredPeople: KeptFields = { ...kept, people: [] };

describe('no personal data in any readable output', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'bcdfghjklmnpqrstvwxzáéíóúç'), minLength: 5, maxLength: 9 });
  const digits = (length: number) => fc.string({ unit: fc.constantFrom(...'123456789'), minLength: length, maxLength: length });
  const person = fc.record({
    name: fc.tuple(fc.constantFrom('Zuq', 'Wyx', 'Kvivo'), letters).map((parts) => parts.join(' ')),
    email: fc.tuple(letters, letters).map(([user, host]) => `${user}@${host.normalize('NFD').replace(/[^a-z]/g, '')}mail.com`),
    phone: digits(8).map((rest) => `+55 (11) 9${rest.slice(0, 4)}-${rest.slice(4)}`),
    document: digits(11).map((all) => `${all.slice(0, 3)}.${all.slice(3, 6)}.${all.slice(6, 9)}-${all.slice(9)}`),
  });
  type Person = { name: string; email: string; phone: string; document: string };
  const spellings: ((who: Person) => string)[] = [
    (who) => who.name,
    (who) => who.name.toUpperCase(),
    (who) => `x-${who.name.replace(' ', '_')}-9`,
    (who) => who.email,
    (who) => who.email.toUpperCase(),
    (who) => `https://x.test/?q=${encodeURIComponent(who.email)}`,
    (who) => `<${who.email}>`,
    (who) => who.phone,
    (who) => who.phone.replace(/\D/g, ''),
    (who) => who.phone.replace(/\D/g, '').slice(2),
    (who) => `tel ${who.phone.slice(9)}`,
    (who) => who.document,
    (who) => who.document.replace(/\D/g, ''),
    (who) => `${who.document.replace(/\D/g, ' ')}.`,
    (who) => `a ${who.name} pediu reembolso pelo ${who.phone}, ${who.email}`,
    (who) => JSON.stringify(who),
    () => 'harmless',
    () => 'Plano Ouro',
  ];
  const spelling = fc.constantFrom(...spellings);
  const tree = fc.letrec<{ node: (who: Person) => Json }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      spelling,
      fc.constant((who: Person) => Number(who.phone.replace(/\D/g, ''))),
      fc.constant((who: Person) => Number(who.document.replace(/\D/g, ''))),
      fc.array(tie('node'), { maxLength: 3 }).map((items) => (who: Person) => items.map((item) => item(who))),
      fc
        .array(
          fc.tuple(
            fc.oneof(
              spelling,
              fc.constantFrom('a', 'product', 'name', 'kept', 'email', 'status').map((name) => () => name),
            ),
            tie('node'),
          ),
          { maxLength: 4 },
        )
        .map(
          (entries) =>
            (who: Person): Json =>
              Object.fromEntries(entries.map(([name, item]) => [name(who), item(who)])),
        ),
    ),
  })).node;
  const field = fc.option(spelling, { nil: undefined });

  function leaks(output: unknown, who: Person): string[] {
    const text = JSON.stringify(output, (_key, value: unknown) => (value instanceof Uint8Array ? 'bytes' : value));
    const folded = text.toLowerCase();
    const found = [who.email, who.name, who.name.replace(' ', '_')].filter((needle) => folded.includes(needle.toLowerCase()));
    for (const leaf of text.match(/"(?:[^"\\]|\\.)*"|\d+/g) ?? []) {
      // Tributary's ids and digests may contain the digits of a number by chance.
      if (/^"(?:(?:hmac:)?[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"$/.test(leaf)) continue;
      const bare = leaf.replace(/\D/g, '');
      for (const number of [who.phone.replace(/\D/g, '').slice(4), who.document.replace(/\D/g, '')])
        if (bare.includes(number)) found.push(number);
    }
    return found;
  }

  test('a personal value is removed from events and dead letters wherever it is repeated', () => {
    fc.assert(
      fc.property(
        person,
        fc.record({
          id: field,
          order: field,
          event: field,
          type: field,
          key: field,
          utm: field,
          fail: fc.constantFrom(undefined, 'unexpected', 'record', 'future'),
        }),
        tree,
        tree,
        (who, fields, elsewhere, kept) => {
          const event: JsonObject = { buyer: who, event: fields.event?.(who) ?? 'PAID', elsewhere: elsewhere(who), kept: kept(who) };
          for (const name of ['id', 'order', 'type', 'key'] as const) if (fields[name]) event[name] = fields[name](who);
          if (fields.utm) event.utm = { src: fields.utm(who), [fields.utm(who)]: 'x' };
          if (fields.fail === 'future') event.at = now * 2;
          else if (fields.fail) event.fail = fields.fail;
          const [outcome] = run([event]);
          expect(leaks(outcome, who)).toEqual([]);
          if (outcome?.ok)
            expect(CanonicalEvent.safeParse({ ...outcome.event, ingested_at: outcome.event.received_at }).error).toBeUndefined();
          // Without a declared path the values are found by the names of their keys and by their forms.
          const [undeclared] = processDelivery(
            { ...shop, keptFor: () => undeclaredPeople },
            delivery({}),
            body({ ...event, customer: who, buyer: null }),
            context,
          );
          expect(leaks(undeclared, who)).toEqual([]);
          // A body of another platform shows no personal value either.
          expect(leaks(processDelivery(shop, delivery({}), { kind: 'json', value: event }, context), who)).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });
  test('personal values in a shared envelope are searched in each record', () => {
    const value = { events: [{ id: '1', event: 'E', kept: 'by Kvivoxo Zed' }], shared: { contact_name: 'Kvivoxo Zed' } };
    const [outcome] = processDelivery(shop, delivery(value), { kind: 'json', value }, context);
    expect(outcome).toMatchObject({ ok: true, event: { properties: { kept: 'by [name]' } } });
  });
  test('a hostile record of a million characters is processed in bounded time and size', () => {
    const value = {
      id: '1',
      event: 'E',
      buyer: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, `zq${index}wx`])),
      list: Array.from({ length: 20_000 }, (_, index) => `zq${index}wx @ ${index}`),
    };
    const { event } = one(value);
    expect(JSON.stringify(event.properties).length).toBeLessThanOrEqual(65_536);
    expect(JSON.stringify(event)).not.toContain('zq17wx');
  });
});
