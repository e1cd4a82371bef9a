import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { processDelivery } from '../../process.ts';
import { decodeBody } from '../../reading/body.ts';
import type { Delivery, Json, JsonObject, Reading, ReadingNote, Source } from '../../source.ts';
import type { WebhookConfigInput } from './config.ts';
import { webhook } from './index.ts';

const now = Date.parse('2026-03-02T12:00:00Z');
type Settings = Omit<WebhookConfigInput, 'verification'>;
type Headers = Record<string, string>;
const configOf = (more: Settings = {}) => webhook.config.parse({ verification: { scheme: 'basic', username: 'x' }, ...more });

function deliveryOf(body: Json, headers: Headers): Delivery {
  const isForm = typeof body === 'string';
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    method: 'POST',
    url: 'https://x.example/',
    headers: { 'content-type': type, ...headers },
    raw: Buffer.from(isForm ? body : JSON.stringify(body)),
  };
}

/** Key and fingerprint of the first record of a delivery. Equal keys are one event; with different fingerprints the second is a dead letter. */
function identity(body: Json, headers: Headers = {}, settings: Settings = {}): { key: string; fingerprint: string } {
  const delivery = deliveryOf(body, headers);
  const [outcome] = processDelivery(webhook as unknown as Source, delivery, decodeBody(delivery), {
    ...{ orgId: 'o', projectId: 'p', connectionId: 'c', journalId: 'j', newId: randomUUID, isTest: false },
    config: configOf(settings),
    hashKey: { version: 1, key: new Uint8Array(32).fill(7) },
    digestKey: new Uint8Array(32).fill(8),
    receivedAtMs: now,
    nowMs: now,
  });
  if (!outcome?.ok) throw new Error(`not an event: ${JSON.stringify(outcome)}`);
  return { key: outcome.event.idempotency_key, fingerprint: outcome.bodySha256 };
}

function read(body: Json, settings: Settings = {}, headers: Headers = {}): Reading {
  const config = configOf(settings);
  const delivery = deliveryOf(body, headers);
  const [record] = [...webhook.split(decodeBody(delivery), config)];
  if (record === undefined) throw new Error('no record');
  return webhook.read(record, { config, headers: delivery.headers, receivedAtMs: now });
}

describe('two different events are never one', () => {
  const order = { id: 55, status: 'processing' };
  const cases: [title: string, first: [Json, Headers?], second: [Json, Headers?], settings?: Settings][] = [
    ['two states of an order under its id', [order], [{ ...order, status: 'completed' }]],
    [
      'two states of an order with a type',
      [{ ...order, type: 'order.updated' }],
      [{ ...order, type: 'order.updated', status: 'completed' }],
    ],
    [
      'two revisions of a thing',
      [{ id: 'p1', event: 'product.saved', updated_at: '2026-03-01' }],
      [{ id: 'p1', event: 'product.saved', updated_at: '2026-03-02' }],
    ],
    ['two events of one order', [{ id: 55, event: 'order.created', total: 10 }], [{ id: 55, event: 'order.paid', total: 10 }]],
    [
      'two changes of one contact',
      [{ id: 7, event: 'contact.updated', data: { stage: 'a' } }],
      [{ id: 7, event: 'contact.updated', data: { stage: 'b' } }],
    ],
    [
      'two revisions of a product, whose type is its kind',
      [{ id: 9, type: 'simple', price: '10' }],
      [{ id: 9, type: 'simple', price: '11' }],
    ],
    ['an id without any name', [{ id: 'a', value: 1 }], [{ id: 'a', value: 2 }]],
    [
      'one body under two topics of WooCommerce, by the settings',
      [order, { 'x-wc-webhook-topic': 'order.created' }],
      [order, { 'x-wc-webhook-topic': 'order.updated' }],
      { fields: { type: 'header:x-wc-webhook-topic' } },
    ],
    [
      'one body under two topics, whose header is known',
      [order, { 'x-wc-webhook-topic': 'order.created' }],
      [order, { 'x-wc-webhook-topic': 'order.updated' }],
    ],
    [
      'one body under two topics, with an id in the settings',
      [order, { 'x-topic': 'order.created' }],
      [order, { 'x-topic': 'order.updated' }],
      { fields: { id: 'id', type: 'header:X-Topic' } },
    ],
    // shopify.dev: several topics of one event carry the same event id.
    [
      'two topics under one event id of Shopify',
      [order, { 'x-shopify-event-id': 'e', 'x-shopify-topic': 'orders/create' }],
      [order, { 'x-shopify-event-id': 'e', 'x-shopify-topic': 'orders/paid' }],
    ],
    [
      'two deliveries of GitHub',
      [{ action: 'a' }, { 'x-github-event': 'star', 'x-github-delivery': '1' }],
      [{ action: 'a' }, { 'x-github-event': 'star', 'x-github-delivery': '2' }],
    ],
    // HubSpot's test button always sends the same ids.
    [
      'two changes under one event id of HubSpot',
      [[{ eventId: 100, subscriptionId: 1, portalId: 2, subscriptionType: 'contact.propertyChange', objectId: 1, occurredAt: now }]],
      [[{ eventId: 100, subscriptionId: 1, portalId: 2, subscriptionType: 'contact.propertyChange', objectId: 2, occurredAt: now }]],
    ],
    // Kiwify: the id is the order's.
    [
      'two events of an order of Kiwify',
      [{ order_id: 'a', webhook_event_type: 'order_approved' }],
      [{ order_id: 'a', webhook_event_type: 'order_refunded' }],
    ],
    ['two states of a message of Twilio', ['MessageSid=SM1&MessageStatus=sent'], ['MessageSid=SM1&MessageStatus=delivered']],
    [
      'two CloudEvents of two sources',
      [{ specversion: '1.0', id: '1', source: '/a', type: 'x.y' }],
      [{ specversion: '1.0', id: '1', source: '/b', type: 'x.y' }],
    ],
    [
      'two CloudEvents in binary mode',
      [{ a: 1 }, { 'ce-id': '1', 'ce-source': '/a', 'ce-type': 'x.y' }],
      [{ a: 1 }, { 'ce-id': '2', 'ce-source': '/a', 'ce-type': 'x.y' }],
    ],
    // The second attempt at a payment is another event, although only a counter tells them apart.
    [
      'two attempts at a payment',
      [{ event: 'payment.failed', invoice: 'i1', attempt: 1 }],
      [{ event: 'payment.failed', invoice: 'i1', attempt: 2 }],
    ],
    [
      'two visits that differ in their time only',
      [{ event: 'page.viewed', sent_at: '2026-03-01T10:00:00Z' }],
      [{ event: 'page.viewed', sent_at: '2026-03-01T10:00:01Z' }],
    ],
    ['an id of several fields', [{ a: 1, b: 1 }], [{ a: 1, b: 2 }], { fields: { id: 'a + b' } }],
  ];
  it.each(cases)('%s', (_, [first, firstHeaders], [second, secondHeaders], settings) => {
    expect(identity(second, secondHeaders, settings).key).not.toBe(identity(first, firstHeaders, settings).key);
  });
  it('the fingerprints of one body under two topics differ', () => {
    expect(identity(order, { 'x-shopify-topic': 'orders/create' }).fingerprint).not.toBe(
      identity(order, { 'x-shopify-topic': 'orders/updated' }).fingerprint,
    );
  });
});

describe('one event is never two, and no dead letter', () => {
  const cases: [title: string, first: [Json, Headers?], second: [Json, Headers?], settings?: Settings][] = [
    ['the same body in another order of keys', [{ id: 1, status: 'a' }], [{ status: 'a', id: 1 }]],
    [
      'an attempt counter and a send time of an envelope',
      [{ id: 'e1', type: 'a.b', data: {}, attempt: 1, sent_at: 1 }],
      [{ id: 'e1', type: 'a.b', data: {}, attempt: 2, sent_at: 2 }],
    ],
    [
      'an attempt counter that the settings name',
      [{ event: 'a', meta: { try: 1 } }],
      [{ event: 'a', meta: { try: 2 } }],
      { volatile: ['meta.try'] },
    ],
    [
      'an id that changes with each attempt, which the settings name',
      [{ id: 'x', type: 'pix.paid', data: { id: 7 } }],
      [{ id: 'y', type: 'pix.paid', data: { id: 7 } }],
      { volatile: ['id'] },
    ],
    ['an attempt of any name', [{ event: 'a', delivery_attempt: 1 }], [{ event: 'a', delivery_attempt: 2 }]],
    // developers.hubspot.com, webhooks: attemptNumber counts from 0.
    [
      'an attempt of HubSpot',
      [[{ eventId: 1, subscriptionId: 1, portalId: 2, subscriptionType: 'a', objectId: 1, occurredAt: now, attemptNumber: 0 }]],
      [[{ eventId: 1, subscriptionId: 1, portalId: 2, subscriptionType: 'a', objectId: 1, occurredAt: now, attemptNumber: 1 }]],
    ],
    [
      'an event of Stripe that another endpoint is still waiting for, rendered for another version',
      [{ id: 'evt_1', object: 'event', type: 'a.b', created: 1, data: { object: {} }, pending_webhooks: 2, api_version: '2024' }],
      [{ id: 'evt_1', object: 'event', type: 'a.b', created: 1, data: { object: {} }, pending_webhooks: 1, api_version: '2025' }],
    ],
    [
      'a send time of Eduzz',
      [{ id: 'a', event: 'myeduzz.invoice_paid', sentDate: '2026-01-01', data: {} }],
      [{ id: 'a', event: 'myeduzz.invoice_paid', sentDate: '2026-01-02', data: {} }],
    ],
    [
      'a send time of RD Station',
      [{ event_type: 'WEBHOOK.CONVERTED', entity_type: 'CONTACT', timestamp: 1 }],
      [{ event_type: 'WEBHOOK.CONVERTED', entity_type: 'CONTACT', timestamp: 2 }],
    ],
    [
      'a signature of Mailgun',
      [{ signature: { token: 'a' }, 'event-data': { id: 'm', event: 'opened' } }],
      [{ signature: { token: 'b' }, 'event-data': { id: 'm', event: 'opened' } }],
    ],
    [
      'an upload of Segment',
      [{ messageId: 'm', type: 'track', userId: 'u', event: 'a', sentAt: '2026-01-01T00:00:00Z' }],
      [{ messageId: 'm', type: 'track', userId: 'u', event: 'a', sentAt: '2026-01-02T00:00:00Z' }],
    ],
    [
      'a redelivery of GitHub',
      [{ a: 1 }, { 'x-github-event': 'star', 'x-github-delivery': '1' }],
      [{ a: 1 }, { 'x-github-event': 'star', 'x-github-delivery': '1' }],
    ],
    [
      'a retry with a header id of the settings',
      [{ a: 1 }, { 'x-id': '1' }],
      [{ a: 1 }, { 'x-id': '1' }],
      { fields: { id: 'header:x-id' } },
    ],
  ];
  it.each(cases)('%s', (_, [first, firstHeaders], [second, secondHeaders], settings) => {
    expect(identity(second, secondHeaders, settings)).toEqual(identity(first, firstHeaders, settings));
  });
  // The event has one row. The other body is a dead letter, which `volatile` of the settings heals.
  it.each([
    ['PayPal', { id: 'WH-1', event_type: 'A.B', resource_type: 'capture', resource: { a: 1 } }],
    ['Mercado Pago', { id: 1, action: 'payment.updated', api_version: 'v1', type: 'payment', data: { id: '2' }, live_mode: true }],
    ['Pagar.me', { id: 'hook_1', type: 'order.paid', data: { a: 1 } }],
    ['Slack', { type: 'event_callback', event_id: 'Ev1', event_time: 1, event: { type: 'x' } }],
    ['Typeform', { event_id: 'F1', event_type: 'form_response', form_response: {} }],
    ['SendGrid', { sg_event_id: 's', event: 'open' }],
    ['PostHog', { uuid: 'u', event: 'x', distinct_id: 'd' }],
    ['Zendesk', { id: 'z', type: 'zen:event-type:ticket.created', time: '2026-01-01T00:00:00Z' }],
    ['an unknown sender whose id is beside the name and apart from the payload', { id: 'e1', type: 'order.paid', data: { total: 1 } }],
    ['an unknown sender with the id of an event', { id: 'evt_9', event: 'PAYMENT_RECEIVED', payment: { status: 'RECEIVED' } }],
  ])('the id of an event of %s is its key', (_, record: JsonObject) => {
    const other = { ...record, something: 'new' };
    expect(identity(other).key).toBe(identity(record).key);
    expect(identity(other).fingerprint).not.toBe(identity(record).fingerprint);
  });
  it('names the id of the event, where it is one', () => {
    expect(read({ id: 'hook_1', type: 'order.paid', data: {} })).toMatchObject({ sourceEventId: 'hook_1', idempotencyKey: 'hook_1' });
    expect(read({ id: 55, status: 'paid' })).toMatchObject({ sourceEventId: undefined, idempotencyKey: undefined });
    expect(read({ id: 55 }, {}, { 'x-shopify-topic': 'orders/create', 'x-shopify-event-id': 'e-1' })).toMatchObject({
      type: 'webhook.orders_create',
      sourceEventId: 'e-1',
      idempotencyKey: 'orders/create e-1',
    });
  });
});

describe('the event’s time', () => {
  const iso = (record: JsonObject, settings: Settings = {}, headers: Headers = {}) => {
    const { eventTimeMs } = read(record, settings, headers);
    return eventTimeMs === undefined ? 'arrival' : new Date(eventTimeMs).toISOString();
  };
  it.each([
    [
      'an appointment in the future yields to the next guess',
      { time: '2026-04-01T10:00:00Z', created_at: '2026-03-01T10:00:00Z' },
      '2026-03-01T10:00:00.000Z',
    ],
    ['and in the end to the time of arrival', { time: '2026-04-01T10:00:00Z' }, 'arrival'],
    ['a clock that is a little ahead counts', { timestamp: '2026-03-02T12:04:00Z' }, '2026-03-02T12:04:00.000Z'],
    ['a clock that is far ahead does not', { timestamp: '2026-03-02T12:06:00Z' }, 'arrival'],
    ['a time of day yields to a time', { time: '14:30', created_at: 1_772_359_200 }, '2026-03-01T10:00:00.000Z'],
    [
      'the change of a thing goes before its making',
      { created_at: '2020-01-01T00:00:00Z', updated_at: '2026-03-01T10:00:00Z' },
      '2026-03-01T10:00:00.000Z',
    ],
    [
      'when it happened goes before when it was sent',
      { timestamp: '2026-03-02T00:00:00Z', occurred_at: '2026-03-01T10:00:00Z' },
      '2026-03-01T10:00:00.000Z',
    ],
    ['an offset of two digits, as Postgres writes it', { created_at: '2026-01-15 14:30:00+00' }, '2026-01-15T14:30:00.000Z'],
    ['microseconds', { timestamp: 1_772_359_200_000_000 }, '2026-03-01T10:00:00.000Z'],
    // https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks
    ['Mailchimp', { type: 'unsubscribe', fired_at: '2026-03-01 10:00:00', data: { action: 'unsub' } }, '2026-03-01T10:00:00.000Z'],
    [
      'a Portuguese name',
      { evento: 'venda', data_evento: '2026-03-01T10:00:00Z', criado_em: '2026-01-01T10:00:00Z' },
      '2026-03-01T10:00:00.000Z',
    ],
    [
      'and others',
      { evento: 'venda', criado_em: '2020-01-01T00:00:00Z', atualizado_em: '2026-03-01T10:00:00Z' },
      '2026-03-01T10:00:00.000Z',
    ],
    ['RFC 2822', { created_at: 'Sun, 01 Mar 2026 07:00:00 -0300' }, '2026-03-01T10:00:00.000Z'],
    [
      'Mailgun',
      { signature: { timestamp: '1' }, 'event-data': { id: 'a', event: 'opened', timestamp: 1_772_359_200.25 } },
      '2026-03-01T10:00:00.250Z',
    ],
    [
      'Typeform',
      { event_id: 'a', event_type: 'form_response', form_response: { submitted_at: '2026-03-01T10:00:00Z' } },
      '2026-03-01T10:00:00.000Z',
    ],
    [
      'RD Station',
      {
        event_type: 'WEBHOOK.CONVERTED',
        entity_type: 'CONTACT',
        timestamp: '2026-03-02T00:00:00Z',
        event_timestamp: '2026-03-01T07:00:00-03:00',
      },
      '2026-03-01T10:00:00.000Z',
    ],
    ['HubSpot', { subscriptionType: 'a', subscriptionId: 1, portalId: 1, occurredAt: 1_772_359_200_000 }, '2026-03-01T10:00:00.000Z'],
    ['Monetizze', { tipoEvento: { codigo: 2 }, venda: { dataFinalizada: '2026-03-01 10:00:00' } }, '2026-03-01T10:00:00.000Z'],
  ])('%s', (_, record, expected) => {
    expect(iso(record)).toBe(expected);
  });
  it('a time without a zone is read in the zone of the settings, also at a configured path', () => {
    const settings = { timeZone: 'America/Sao_Paulo' };
    expect(iso({ created_at: '2026-03-01 07:00' }, settings)).toBe('2026-03-01T10:00:00.000Z');
    expect(iso({ at: '01/03/2026 07:00' }, { ...settings, fields: { time: { path: 'at', unit: 'day-month-year' } } })).toBe(
      '2026-03-01T10:00:00.000Z',
    );
    // The clocks of Tokyo are nine hours ahead: without the zone the time would be in the future.
    expect(iso({ created_at: '2026-03-02 20:59' })).toBe('arrival');
    expect(iso({ created_at: '2026-03-02 20:59' }, { timeZone: 'Asia/Tokyo' })).toBe('2026-03-02T11:59:00.000Z');
  });
  it('a header of Shopify or a CloudEvent in binary mode is read', () => {
    expect(iso({ created_at: '2020-01-01' }, {}, { 'x-shopify-triggered-at': '2026-03-01T10:00:00.123456789Z' })).toBe(
      '2026-03-01T10:00:00.123Z',
    );
    expect(iso({}, {}, { 'ce-time': '2026-03-01T10:00:00Z' })).toBe('2026-03-01T10:00:00.000Z');
  });
  it.each([
    [
      { time: '2026-04-01T10:00:00Z', created_at: 'soon' },
      [
        { code: 'time_in_future', path: 'time', form: '0000-00-00a00:00:00a' },
        { code: 'time_unreadable', path: 'created_at', form: 'aaaa' },
        { code: 'time_of_arrival' },
      ],
    ],
    [
      { created_at: '15/01/2026 14:30' },
      [{ code: 'time_unreadable', path: 'created_at', form: '00/00/0000 00:00' }, { code: 'time_of_arrival' }],
    ],
    [{ created_at: '2026-01-15 14:30' }, [{ code: 'time_without_zone', path: 'created_at', form: '0000-00-00 00:00' }]],
    [{ created_at: '2026-01-15T14:30Z' }, []],
    [{}, [{ code: 'time_of_arrival' }]],
  ] as [JsonObject, ReadingNote[]][])('what cannot be read of %j says so, without a value', (record, notes) => {
    expect(read(record).notes).toEqual(notes);
  });
  it('a zone that is set leaves no note, and a zone that does not exist is refused', () => {
    expect(read({ created_at: '2026-01-15 14:30' }, { timeZone: 'America/Sao_Paulo' }).notes).toEqual([]);
    expect(() => configOf({ timeZone: 'Brasília' })).toThrow('time zone');
  });
});

describe('the person whom a record concerns', () => {
  it.each([
    [
      { client_name: 'A', client_email: 'a@x.example', client_cel: '11 95555-0101', client_documment: '00000000191' },
      { email: 'a@x.example', phone: '11 95555-0101', document: '00000000191' },
    ],
    [
      { order_id: 'o', Customer: { email: 'a@x.example', mobile: '+5511955550101', CPF: '529.982.247-25' } },
      { email: 'a@x.example', phone: '+5511955550101', document: '529.982.247-25' },
    ],
    [
      { comprador: { email: 'a@x.example', telefone: '11955550101', cnpj_cpf: '00000000191' }, produtor: { email: 'p@x.example' } },
      { email: 'a@x.example', phone: '11955550101', document: '00000000191' },
    ],
    [
      { data: { buyer: { email: 'a@x.example', cellphone: '11955550101', document: '1' } } },
      { email: 'a@x.example', phone: '11955550101' },
    ],
    [
      {
        data: {
          customer: { email: 'a@x.example', phones: { mobile_phone: { country_code: '55', area_code: '11', number: '955550101' } } },
        },
      },
      { email: 'a@x.example', phone: '+5511955550101' },
    ],
    [{ contact: { email: 'a@x.example', personal_phone: '48 30252598' } }, { email: 'a@x.example', phone: '48 30252598' }],
    [{ payload: { email: 'a@x.example', text_reminder_number: '+1 555 0100' } }, { email: 'a@x.example', phone: '+1 555 0100' }],
    [{ aluno: { email: 'a@x.example', celular: '11955550101' } }, { email: 'a@x.example', phone: '11955550101' }],
    [
      { contact_email: 'a@x.example', customer: { phone: '555-625-1199' } },
      { email: 'a@x.example', phone: '555-625-1199' },
    ],
    [{ type: 'email.sent', data: { from: 'Shop <shop@x.example>', to: ['Ana <a@x.example>'] } }, { email: 'a@x.example' }],
    [{ 'event-data': { recipient: 'a@x.example' } }, { email: 'a@x.example' }],
    [
      { traits: { email: 'a@x.example' }, userId: 'u-1' },
      { email: 'a@x.example', external_id: 'u-1' },
    ],
    [
      { event: 'x', distinct_id: 'u-1', properties: { $set: { email: 'a@x.example' } } },
      { email: 'a@x.example', external_id: 'u-1' },
    ],
    [
      {
        form_response: {
          answers: [
            { type: 'text', text: 'x' },
            { type: 'email', email: 'a@x.example' },
          ],
        },
      },
      { email: 'a@x.example' },
    ],
    [{ fields: [{ label: 'Seu e-mail', value: 'a@x.example' }] }, { email: 'a@x.example' }],
    [
      { payer: { email: 'a@x.example', identification: { type: 'CPF', number: '52998224725' } } },
      { email: 'a@x.example', document: '52998224725' },
    ],
    [{ MessageSid: 'SM1', SmsStatus: 'received', From: 'whatsapp:+5511955550101', To: '+15550100' }, { phone: '+5511955550101' }],
    [{ MessageSid: 'SM1', MessageStatus: 'delivered', From: '+15550100', To: '+5511955550101' }, { phone: '+5511955550101' }],
    [{ customer: { email: 'not an address' }, email: 'a@x.example' }, { email: 'a@x.example' }],
  ] as [JsonObject, object][])('%j', (record, expected) => {
    const found = Object.fromEntries(Object.entries(read(record).subject ?? {}).filter(([, value]) => value !== undefined));
    expect(found).toEqual(expected);
  });
  it('a configured path goes first, and alone', () => {
    expect(read({ email: 'wrong@x.example', who: { mail: 'a@x.example' } }, { fields: { email: 'who.mail' } }).subject?.email).toBe(
      'a@x.example',
    );
    expect(read({ email: 'wrong@x.example' }, { fields: { email: 'who.mail' } }).subject?.email).toBeUndefined();
  });
  it('a seller, a producer and an affiliate are not the person', () => {
    const record = { seller: { email: 's@x.example' }, data: { producer: { email: 'p@x.example' }, affiliate: { email: 'f@x.example' } } };
    expect(read(record).subject).toEqual({ email: undefined, phone: undefined, document: undefined, external_id: undefined });
  });
});

describe('campaign parameters', () => {
  const expected = { utm_source: 'meta', utm_campaign: 'aula' };
  it.each([
    [{ utm_source: 'meta', utm_campaign: 'aula' }],
    [{ data: { utm_source: 'meta', utm_campaign: 'aula' } }],
    [{ TrackingParameters: { utm_source: 'meta', utm_campaign: 'aula', src: null } }],
    [{ data: { tracking: { utm_source: 'meta', utm_campaign: 'aula' } } }],
    [{ data: { utm: { source: 'meta', campaign: 'aula' } } }],
    [{ venda: { utm_source: 'meta', utm_campaign: 'aula', utm_medium: '' } }],
    [{ form_response: { hidden: { utm_source: 'meta', utm_campaign: 'aula' } } }],
    [
      {
        note_attributes: [
          { name: 'utm_source', value: 'meta' },
          { name: 'utm_campaign', value: 'aula' },
        ],
      },
    ],
    [
      {
        meta_data: [
          { key: '_wc_order_attribution_utm_source', value: 'meta' },
          { key: '_utm_campaign', value: 'aula' },
        ],
      },
    ],
    [{ landing_site: '/?utm_source=meta&utm_campaign=aula#top' }],
    [{ context: { page: { url: 'https://x.example/?a=b&utm_source=meta&utm_campaign=aula' } } }],
  ] as [JsonObject][])('%j', (record) => {
    expect(read(record).attribution).toEqual(expected);
  });
  it('fields go before the address of a page, and the outer before the inner', () => {
    expect(read({ landing_site: '/?utm_source=old', tracking: { utm_source: 'new' } }).attribution).toEqual({ utm_source: 'new' });
    expect(read({ utm_source: 'outer', data: { utm_source: 'inner' } }).attribution).toEqual({ utm_source: 'outer' });
    expect(read({ landing_site: '%%%?&&&=', url: 'x'.repeat(9_000) }).attribution).toEqual({});
  });
});

describe('forms of GitHub and Slack', () => {
  it('are the record that they hold', () => {
    expect(read('payload=%7B%22action%22%3A%22opened%22%2C%22number%22%3A7%7D', {}, { 'x-github-event': 'issues' })).toMatchObject({
      type: 'webhook.issues',
    });
    expect(read('payload=%7B%22type%22%3A%22block_actions%22%7D')).toMatchObject({ type: 'webhook.block_actions' });
  });
});
