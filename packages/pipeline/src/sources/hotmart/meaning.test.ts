import { describe, expect, it } from 'vitest';
import { recordFingerprint } from '../../reading/fingerprint.ts';
import { compilePaths } from '../../reading/paths.ts';
import type { JsonObject, Reading } from '../../source.ts';
import { hotmart } from './index.ts';

const nowMs = Date.UTC(2026, 8, 1, 12);
const hourMs = 3_600_000;

function read(value: JsonObject): Reading {
  return hotmart.read({ value }, { config: hotmart.config.parse({}), headers: {}, receivedAtMs: nowMs });
}

function eventOf(event: string, data: JsonObject, envelope: JsonObject = {}): JsonObject {
  return { id: 'a8f5', creation_date: nowMs, event, version: '2.0.0', data, ...envelope };
}

const brl = (value: number) => ({ value, currency_value: 'BRL' });
const sale = (status: string, more: JsonObject = {}): JsonObject => ({
  product: { id: 7, name: 'Curso' },
  buyer: { email: 'ana@example.com', name: 'Ana Lima' },
  purchase: { transaction: 'HP7', status, price: brl(97), approved_date: nowMs - hourMs, order_date: nowMs - 2 * hourMs, ...more },
});

/** The pages are those of developers.hotmart.com/docs/en/2.0.0/webhook and of its version 1.0.0. */
interface Meaning {
  what: string;
  page: string;
  body: JsonObject;
  type: string;
  amount?: bigint;
}

const page = '2.0.0/webhook/purchase-webhook';
const purchases: readonly Meaning[] = [
  { what: 'an approved purchase is a sale', page, body: eventOf('PURCHASE_APPROVED', sale('APPROVED')), type: 'order.paid', amount: 9700n },
  {
    what: 'the next charge of a subscription is a sale too',
    page,
    body: eventOf('PURCHASE_APPROVED', sale('APPROVED', { recurrence_number: 2 })),
    type: 'order.paid',
    amount: 9700n,
  },
  {
    what: 'the end of the guarantee is no second sale',
    page,
    body: eventOf('PURCHASE_COMPLETE', sale('COMPLETED')),
    type: 'order.completed',
    amount: 9700n,
  },
  {
    what: 'a free product is approved without a payment',
    page,
    body: eventOf('PURCHASE_APPROVED', sale('APPROVED', { price: brl(0), full_price: brl(0) })),
    type: 'checkout.completed',
    amount: 0n,
  },
  {
    what: 'a refund in part returns less than the price, and does not say how much',
    page,
    body: eventOf('PURCHASE_REFUNDED', sale('PARTIALLY_REFUNDED')),
    type: 'order.partially_refunded',
  },
  { what: 'a refund returns the price', page, body: eventOf('PURCHASE_REFUNDED', sale('REFUNDED')), type: 'order.refunded', amount: 9700n },
  {
    what: 'a protest asks for the money, which is still with the merchant',
    page,
    body: eventOf('PURCHASE_PROTEST', sale('DISPUTE')),
    type: 'order.dispute',
    amount: 9700n,
  },
  {
    what: 'a chargeback takes the money back',
    page,
    body: eventOf('PURCHASE_CHARGEBACK', sale('CHARGEBACK')),
    type: 'order.chargeback',
    amount: 9700n,
  },
  {
    what: 'a printed billet is awaited',
    page,
    body: eventOf('PURCHASE_BILLET_PRINTED', sale('BILLET_PRINTED')),
    type: 'order.pending',
    amount: 9700n,
  },
  { what: 'the time to pay ran out', page, body: eventOf('PURCHASE_EXPIRED', sale('EXPIRED')), type: 'order.expired', amount: 9700n },
  { what: 'a payment is overdue', page, body: eventOf('PURCHASE_DELAYED', sale('OVERDUE')), type: 'order.delayed', amount: 9700n },
  { what: 'a purchase was canceled', page, body: eventOf('PURCHASE_CANCELED', sale('CANCELED')), type: 'order.canceled', amount: 9700n },
  {
    what: 'the amount is in the currency that the buyer paid',
    page,
    body: eventOf('PURCHASE_APPROVED', {
      ...sale('APPROVED', { price: { value: 19.9, currency_value: 'USD' }, original_offer_price: brl(97) }),
      commissions: [{ value: 80, source: 'PRODUCER', currency_value: 'BRL' }],
    }),
    type: 'order.paid',
    amount: 1990n,
  },
];

const postback = (fields: JsonObject): JsonObject => ({
  transaction: 'HP7',
  price: '97.00',
  currency: 'BRL',
  purchase_date: '2026-09-01T10:00:00Z',
  ...fields,
});
const legacy: readonly Meaning[] = [
  ...(
    [
      ['approved', 'order.paid', 9700n],
      ['partially_refunded', 'order.partially_refunded', undefined],
      ['refunded', 'order.refunded', 9700n],
      ['protested', 'order.dispute', 9700n],
      ['complete', 'order.completed', 9700n],
      ['printed_billet', 'order.pending', 9700n],
      ['overdue', 'order.delayed', 9700n],
      ['cancelled', 'order.canceled', 9700n],
    ] as const
  ).map(([status, type, amount]) => ({
    what: `the status ${status}`,
    page: '1.0.0/webhook/purchase-webhook',
    body: postback({ status }),
    type,
    ...(amount === undefined ? {} : { amount }),
  })),
  {
    what: 'a free product is approved without a payment',
    page: '1.0.0/webhook/purchase-webhook',
    body: postback({ status: 'approved', price: '0.00', full_price: '0.00' }),
    type: 'checkout.completed',
    amount: 0n,
  },
];

describe.each([
  ['purchases', purchases],
  ['legacy postbacks', legacy],
] as const)('what %s mean', (_, meanings) => {
  it.each(meanings)('$what (developers.hotmart.com/docs/en/$page)', ({ body, type, amount }) => {
    const reading = read(body);
    expect({ type: reading.type, amount: reading.amountMinor }).toEqual({ type, amount });
  });
});

describe('the time of an event', () => {
  const withoutTime = { creation_date: undefined } as unknown as JsonObject;

  it.each<[string, JsonObject, number | undefined]>([
    ['creation_date', eventOf('PURCHASE_APPROVED', sale('APPROVED')), nowMs],
    ['approved_date', eventOf('PURCHASE_APPROVED', sale('APPROVED'), withoutTime), nowMs - hourMs],
    [
      'order_date, since approved_date lies ahead',
      eventOf('PURCHASE_APPROVED', sale('APPROVED', { approved_date: nowMs + hourMs }), withoutTime),
      nowMs - 2 * hourMs,
    ],
    [
      'order_date, since approved_date is no time',
      eventOf('PURCHASE_APPROVED', sale('APPROVED', { approved_date: 'soon' }), withoutTime),
      nowMs - 2 * hourMs,
    ],
    ['order_date', eventOf('PURCHASE_BILLET_PRINTED', sale('BILLET_PRINTED'), withoutTime), nowMs - 2 * hourMs],
    [
      'the arrival, since a refund is not made at the time of the sale',
      eventOf('PURCHASE_REFUNDED', sale('REFUNDED'), withoutTime),
      undefined,
    ],
    [
      'cancellation_date',
      eventOf('SUBSCRIPTION_CANCELLATION', { cancellation_date: nowMs - hourMs, subscriber: { code: 'S1' } }, withoutTime),
      nowMs - hourMs,
    ],
    ['switch_plan_date', eventOf('SWITCH_PLAN', { switch_plan_date: nowMs - hourMs }, withoutTime), nowMs - hourMs],
    ['purchase_date of a postback', postback({ status: 'approved' }), Date.UTC(2026, 8, 1, 10)],
    [
      'purchase_date of a postback whose confirmation lies ahead',
      postback({ status: 'approved', confirmation_purchase_date: '2026-09-02T10:00:00Z' }),
      Date.UTC(2026, 8, 1, 10),
    ],
  ])('is %s', (_, body, time) => {
    expect(read(body).eventTimeMs).toBe(time);
  });
});

describe('ids', () => {
  it('are shown only in the form of ids, since any other text may be about a person', () => {
    const reading = read(eventOf('PURCHASE_APPROVED', sale('APPROVED', { transaction: 'Ana Lima' }), { id: 'ana@example.com' }));
    expect(reading).toMatchObject({
      sourceEventId: undefined,
      orderRef: undefined,
      idempotencyKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(read(postback({ status: 'approved', transaction: 'Ana Lima' })).orderRef).toBeUndefined();
  });
});

describe('one event', () => {
  const fingerprint = (value: JsonObject) => recordFingerprint(value, compilePaths(hotmart.volatile));
  const event = eventOf('PURCHASE_APPROVED', sale('APPROVED'));

  it.each<[string, JsonObject]>([
    ['another hottok in the body', { hottok: 'a' }],
    ['another time of the envelope', { creation_date: nowMs + 1 }],
    ['the other spelling of that time', { creation_date: undefined, creationDate: nowMs } as unknown as JsonObject],
    ['another version of the envelope', { version: '2.0.1' }],
  ])('stays one event with %s', (_, change) => {
    const again = { ...event, ...change };
    expect(fingerprint(Object.fromEntries(Object.entries(again).filter(([, value]) => value !== undefined)))).toBe(fingerprint(event));
    expect(read(again).idempotencyKey).toBe(read(event).idempotencyKey);
  });

  it('is not another event, charge or role', () => {
    const id = { id: undefined } as unknown as JsonObject;
    const events = [
      eventOf('PURCHASE_APPROVED', sale('APPROVED'), id),
      eventOf('PURCHASE_COMPLETE', sale('COMPLETED'), id),
      eventOf('PURCHASE_APPROVED', sale('APPROVED', { recurrence_number: 2 }), id),
      postback({ status: 'approved', receiver_type: 'SELLER' }),
      postback({ status: 'approved', receiver_type: 'AFFILIATE' }),
      ...[1, 2].map((visit) =>
        eventOf('CLUB_FIRST_ACCESS', { user: { email: 'ana@example.com' } }, {
          id: undefined,
          creation_date: nowMs - visit,
        } as unknown as JsonObject),
      ),
    ];
    expect(new Set(events.map((value) => read(value).idempotencyKey)).size).toBe(events.length);
  });
});
