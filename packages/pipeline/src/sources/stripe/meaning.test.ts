import { describe, expect, it } from 'vitest';
import { recordFingerprint } from '../../reading/fingerprint.ts';
import { compilePaths } from '../../reading/paths.ts';
import type { JsonObject, Reading } from '../../source.ts';
import { stripe } from './index.ts';

const created = 1_788_264_000;

function eventOf(type: string, object: JsonObject, more: { previous?: JsonObject; version?: string; id?: string } = {}): JsonObject {
  const { previous, version = '2025-03-31.basil', id = 'evt_1' } = more;
  return {
    id,
    object: 'event',
    api_version: version,
    created,
    livemode: true,
    pending_webhooks: 1,
    type,
    data: { object, ...(previous ? { previous_attributes: previous } : {}) },
  };
}

function read(event: JsonObject): Reading {
  const [record] = stripe.split({ kind: 'json', value: event }, { toleranceSeconds: 300 });
  if (record === undefined) throw new Error('expected a record');
  return stripe.read(record, { config: { toleranceSeconds: 300 }, headers: {}, receivedAtMs: created * 1000 });
}

interface Meaning {
  what: string;
  /** The page of docs.stripe.com that says so. */
  page: string;
  event: string;
  object: JsonObject;
  previous?: JsonObject;
  version?: string;
  type: string;
  /** Undefined: the event has no amount. */
  amount?: bigint;
}

const charge = { id: 'ch_1', object: 'charge', currency: 'usd', payment_intent: 'pi_1' };
const lone = { ...charge, payment_intent: null };
const intent = { id: 'pi_1', object: 'payment_intent', currency: 'usd', amount: 500 };
const session = { id: 'cs_1', object: 'checkout.session', currency: 'usd', mode: 'payment', status: 'complete' };
const refund = { id: 're_1', object: 'refund', amount: 200, currency: 'usd', charge: 'ch_1', payment_intent: 'pi_1' };
const dispute = { id: 'dp_1', object: 'dispute', amount: 500, currency: 'usd', charge: 'ch_1', payment_intent: 'pi_1' };
const subscription = {
  id: 'sub_1',
  object: 'subscription',
  status: 'active',
  items: { data: [{ price: { id: 'price_month' }, quantity: 1 }] },
};
const released = 'changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow';
const acacia = '2024-10-28.acacia';

const charges: readonly Meaning[] = [
  {
    what: 'a voided authorisation returns nothing',
    page: 'payments/place-a-hold-on-a-payment-method',
    event: 'charge.refunded',
    object: { ...charge, amount: 50_000, amount_captured: 0, amount_refunded: 50_000, captured: false, refunded: true },
    type: 'payment.canceled',
    amount: 50_000n,
  },
  {
    what: 'a voided authorisation of an old version has no captured amount',
    page: released,
    event: 'charge.refunded',
    object: { ...lone, amount: 500, amount_captured: null, amount_refunded: 500, captured: false, refunded: true },
    version: acacia,
    type: 'payment.canceled',
    amount: 500n,
  },
  {
    what: 'what a partial capture released was not returned',
    page: released,
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 300, amount_refunded: 200, captured: true, refunded: false },
    previous: { amount_refunded: 0 },
    version: acacia,
    type: 'stripe.charge_refunded',
  },
  {
    what: 'a refund after a partial capture returns what was taken, without the part that was released',
    page: released,
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 300, amount_refunded: 500, captured: true, refunded: true },
    version: acacia,
    type: 'payment.refunded',
    amount: 300n,
  },
  {
    what: 'a part of a partial capture is returned after the release was counted',
    page: released,
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 300, amount_refunded: 250, captured: true, refunded: false },
    previous: { amount_refunded: 200 },
    version: acacia,
    type: 'payment.partially_refunded',
    amount: 50n,
  },
  {
    what: 'since version 2025-03-31 the sum of refunds counts refunds only',
    page: released,
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 300, amount_refunded: 200, captured: true, refunded: false },
    type: 'payment.partially_refunded',
    amount: 200n,
  },
  {
    what: 'all that was taken is returned, although less than was authorised',
    page: 'api/charges/object',
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 300, amount_refunded: 300, captured: true, refunded: false },
    type: 'payment.refunded',
    amount: 300n,
  },
  {
    what: 'the second refund of a charge returns only what it adds',
    page: 'api/events/object',
    event: 'charge.refunded',
    object: { ...charge, amount: 500, amount_captured: 500, amount_refunded: 500, captured: true, refunded: true },
    previous: { amount_refunded: 150, refunded: false },
    type: 'payment.refunded',
    amount: 350n,
  },
  {
    what: 'a charge that was captured in part counts what was captured',
    page: 'payments/place-a-hold-on-a-payment-method',
    event: 'charge.captured',
    object: { ...lone, amount: 500, amount_captured: 300, captured: true },
    type: 'payment.succeeded',
    amount: 300n,
  },
  {
    what: 'the capture of an intent’s charge is told by the intent',
    page: 'api/events/types',
    event: 'charge.captured',
    object: { ...charge, amount: 500, amount_captured: 300, captured: true },
    type: 'stripe.charge_captured',
    amount: 300n,
  },
  {
    what: 'a charge that waits for its capture is authorised only',
    page: 'api/charges/object',
    event: 'charge.succeeded',
    object: { ...lone, amount: 500, amount_captured: 0, captured: false },
    type: 'payment.authorized',
    amount: 500n,
  },
  {
    what: 'a charge that was taken at once is a payment',
    page: 'api/charges/object',
    event: 'charge.succeeded',
    object: { ...lone, amount: 500, amount_captured: 500, captured: true },
    type: 'payment.succeeded',
    amount: 500n,
  },
  {
    what: 'an authorisation that nobody captured expires',
    page: 'api/events/types',
    event: 'charge.expired',
    object: { ...lone, amount: 500, amount_captured: 0, captured: false },
    type: 'payment.canceled',
    amount: 500n,
  },
];

const intents: readonly Meaning[] = [
  {
    what: 'an intent that waits for its capture is authorised',
    page: 'payments/place-a-hold-on-a-payment-method',
    event: 'payment_intent.amount_capturable_updated',
    object: { ...intent, status: 'requires_capture', capture_method: 'manual', amount_capturable: 500, amount_received: 0 },
    type: 'payment.authorized',
    amount: 500n,
  },
  {
    what: 'one of several captures is no further authorisation',
    page: 'payments/multicapture',
    event: 'payment_intent.amount_capturable_updated',
    object: { ...intent, status: 'requires_capture', amount_capturable: 200, amount_received: 300 },
    type: 'stripe.payment_intent_amount_capturable_updated',
    amount: 200n,
  },
  {
    what: 'an intent that was captured in part counts what was received',
    page: 'api/payment_intents/object',
    event: 'payment_intent.succeeded',
    object: { ...intent, status: 'succeeded', amount_received: 300 },
    type: 'payment.succeeded',
    amount: 300n,
  },
  {
    what: 'a canceled authorisation took nothing',
    page: 'api/payment_intents/cancel',
    event: 'payment_intent.canceled',
    object: { ...intent, status: 'canceled', amount_received: 0, cancellation_reason: 'expired' },
    type: 'payment.canceled',
    amount: 500n,
  },
  {
    what: 'the rest of several captures is canceled, and what was captured stays',
    page: 'api/payment_intents/cancel',
    event: 'payment_intent.canceled',
    object: { ...intent, status: 'canceled', amount_received: 300 },
    type: 'payment.canceled',
    amount: 200n,
  },
  {
    what: 'a bank transfer that covers a part is awaited',
    page: 'payments/customer-balance',
    event: 'payment_intent.partially_funded',
    object: { ...intent, status: 'requires_action' },
    type: 'payment.pending',
    amount: 500n,
  },
];

const checkouts: readonly Meaning[] = [
  {
    what: 'a trial needs no payment and is no sale',
    page: 'payments/checkout/free-trials',
    event: 'checkout.session.completed',
    object: { ...session, mode: 'subscription', payment_status: 'no_payment_required', amount_total: 0 },
    type: 'checkout.completed',
    amount: 0n,
  },
  {
    what: 'a trial is no sale where an old version calls it paid',
    page: 'api/checkout/sessions/object',
    event: 'checkout.session.completed',
    object: { ...session, mode: 'subscription', payment_status: 'paid', amount_total: 0 },
    type: 'checkout.completed',
    amount: 0n,
  },
  {
    what: 'a discount of 100 % is no sale',
    page: 'payments/checkout/no-cost-orders',
    event: 'checkout.session.completed',
    object: { ...session, payment_status: 'no_payment_required', amount_total: 0, total_details: { amount_discount: 900 } },
    type: 'checkout.completed',
    amount: 0n,
  },
  {
    what: 'a first payment that is delayed is no sale yet, although it has an amount',
    page: 'api/checkout/sessions/object',
    event: 'checkout.session.completed',
    object: { ...session, mode: 'subscription', payment_status: 'no_payment_required', amount_total: 900 },
    type: 'checkout.completed',
    amount: 900n,
  },
  {
    what: 'a card that is stored for later is no sale',
    page: 'payments/save-and-reuse',
    event: 'checkout.session.completed',
    object: { ...session, mode: 'setup', payment_status: 'no_payment_required', amount_total: null },
    type: 'checkout.completed',
  },
  {
    what: 'a boleto is awaited',
    page: 'payments/checkout/fulfillment',
    event: 'checkout.session.completed',
    object: { ...session, payment_status: 'unpaid', amount_total: 900 },
    type: 'order.pending',
    amount: 900n,
  },
  {
    what: 'a boleto was paid days later',
    page: 'payments/checkout/fulfillment',
    event: 'checkout.session.async_payment_succeeded',
    object: { ...session, payment_status: 'paid', amount_total: 900 },
    type: 'order.paid',
    amount: 900n,
  },
  {
    what: 'a boleto was never paid',
    page: 'payments/checkout/fulfillment',
    event: 'checkout.session.async_payment_failed',
    object: { ...session, payment_status: 'unpaid', amount_total: 900 },
    type: 'order.canceled',
    amount: 900n,
  },
  {
    what: 'a checkout that was paid at once is a sale',
    page: 'payments/checkout/fulfillment',
    event: 'checkout.session.completed',
    object: { ...session, payment_status: 'paid', amount_total: 900 },
    type: 'order.paid',
    amount: 900n,
  },
  {
    what: 'an invoice of a trial is paid with nothing',
    page: 'billing/invoices/subscription',
    event: 'invoice.paid',
    object: { id: 'in_1', object: 'invoice', currency: 'usd', amount_due: 0, amount_paid: 0, status: 'paid' },
    type: 'invoice.paid',
    amount: 0n,
  },
];

const refundsAndDisputes: readonly Meaning[] = [
  ...['succeeded', 'pending', 'requires_action'].map((status) => ({
    what: `a refund that is ${status} was started`,
    page: 'api/refunds/object',
    event: 'refund.created',
    object: { ...refund, status },
    type: 'refund.created',
    amount: 200n,
  })),
  ...['succeeded', 'pending', 'requires_action', 'failed'].map((status) => ({
    what: `a refund changed its state to ${status}`,
    page: 'api/refunds/object',
    event: 'refund.updated',
    object: { ...refund, status },
    type: 'refund.updated',
    amount: 200n,
  })),
  {
    what: 'a refund that was canceled did not go through',
    page: 'api/refunds/cancel',
    event: 'refund.updated',
    object: { ...refund, status: 'canceled' },
    type: 'refund.failed',
    amount: 200n,
  },
  {
    what: 'a refund failed',
    page: 'refunds#failed-refunds',
    event: 'refund.failed',
    object: { ...refund, status: 'failed', failure_reason: 'expired_or_canceled_card' },
    type: 'refund.failed',
    amount: 200n,
  },
  {
    what: 'the older event about a refund is told by refund.updated too',
    page: 'api/events/types',
    event: 'charge.refund.updated',
    object: { ...refund, status: 'failed' },
    type: 'stripe.charge_refund_updated',
    amount: 200n,
  },
  ...['won', 'lost', 'warning_closed'].map((status) => ({
    what: `a dispute was ${status}`,
    page: 'disputes/how-disputes-work',
    event: 'charge.dispute.closed',
    object: { ...dispute, status },
    type: 'payment.dispute_closed',
    amount: 500n,
  })),
];

const subscriptions: readonly Meaning[] = [
  ...(
    [
      ['active', 'trialing', 'subscription.activated'],
      ['active', 'incomplete', 'subscription.activated'],
      ['active', 'past_due', 'subscription.updated'],
      ['trialing', 'incomplete', 'subscription.trial_started'],
      ['past_due', 'active', 'subscription.past_due'],
      ['unpaid', 'past_due', 'subscription.updated'],
      ['unpaid', 'active', 'subscription.past_due'],
      ['incomplete_expired', 'incomplete', 'subscription.expired'],
      // customer.subscription.paused and .deleted report these.
      ['paused', 'trialing', 'subscription.updated'],
      ['canceled', 'active', 'subscription.updated'],
    ] as const
  ).map(([status, before, type]) => ({
    what: `a subscription that was ${before} is ${status}`,
    page: 'billing/subscriptions/webhooks',
    event: 'customer.subscription.updated',
    object: { ...subscription, status },
    previous: { status: before },
    type,
  })),
  {
    what: 'the collection of a subscription was paused',
    page: 'billing/subscriptions/pause-payment',
    event: 'customer.subscription.updated',
    object: { ...subscription, pause_collection: { behavior: 'void', resumes_at: null } },
    previous: { pause_collection: null },
    type: 'subscription.paused',
  },
  {
    what: 'the collection of a subscription was resumed',
    page: 'billing/subscriptions/pause-payment',
    event: 'customer.subscription.updated',
    object: { ...subscription, pause_collection: null },
    previous: { pause_collection: { behavior: 'void', resumes_at: null } },
    type: 'subscription.resumed',
  },
  {
    what: 'the pause of a subscription got another end',
    page: 'billing/subscriptions/pause-payment',
    event: 'customer.subscription.updated',
    object: { ...subscription, pause_collection: { behavior: 'void', resumes_at: created } },
    previous: { pause_collection: { behavior: 'void', resumes_at: null } },
    type: 'subscription.updated',
  },
  {
    what: 'the subscriber switched to another price',
    page: 'billing/subscriptions/change-price',
    event: 'customer.subscription.updated',
    object: subscription,
    previous: { items: { data: [{ price: { id: 'price_year' } }] } },
    type: 'subscription.plan_changed',
  },
  {
    what: 'another quantity is no other plan',
    page: 'billing/subscriptions/quantities',
    event: 'customer.subscription.updated',
    object: subscription,
    previous: { items: { data: [{ price: { id: 'price_month' }, quantity: 3 }] }, quantity: 3 },
    type: 'subscription.updated',
  },
  {
    what: 'the date of the charges was moved',
    page: 'billing/subscriptions/billing-cycle',
    event: 'customer.subscription.updated',
    object: { ...subscription, billing_cycle_anchor: created + 86_400 },
    previous: { billing_cycle_anchor: created },
    type: 'subscription.charge_date_changed',
  },
  {
    what: 'a subscription that will end at the period’s end has not ended',
    page: 'billing/subscriptions/cancel',
    event: 'customer.subscription.updated',
    object: { ...subscription, cancel_at_period_end: true },
    previous: { cancel_at_period_end: false },
    type: 'subscription.updated',
  },
  ...(
    [
      ['paused', 'subscription.paused'],
      ['resumed', 'subscription.resumed'],
      ['deleted', 'subscription.canceled'],
      ['trial_will_end', 'subscription.trial_ending'],
    ] as const
  ).map(([name, type]) => ({
    what: `Stripe’s own event says that a subscription was ${name}`,
    page: 'api/events/types',
    event: `customer.subscription.${name}`,
    object: subscription,
    type,
  })),
  ...(
    [
      ['account.application.authorized', 'app.installed'],
      ['account.application.deauthorized', 'app.uninstalled'],
    ] as const
  ).map(([event, type]) => ({ what: event, page: 'api/events/types', event, object: { id: 'ca_1', object: 'application' }, type })),
];

describe.each([
  ['charges', charges],
  ['payment intents', intents],
  ['checkouts and invoices', checkouts],
  ['refunds and disputes', refundsAndDisputes],
  ['subscriptions and apps', subscriptions],
] as const)('what %s mean', (_, meanings) => {
  it.each(meanings)('$what (docs.stripe.com/$page)', ({ event, object, previous, version, type, amount }) => {
    const reading = read(eventOf(event, object, { ...(previous ? { previous } : {}), ...(version ? { version } : {}) }));
    expect({ type: reading.type, amount: reading.amountMinor }).toEqual({ type, amount });
  });
});

describe('who an event is about', () => {
  const tax = { id: 'txi_1', object: 'tax_id', type: 'br_cpf', value: '52998224725', country: 'BR', customer: 'cus_1' };
  it.each<[string, string, JsonObject, JsonObject]>([
    ['api/tax_ids/object', 'customer.tax_id.created', tax, { document: '52998224725', external_id: 'cus_1' }],
    [
      'payments/boleto',
      'charge.succeeded',
      { ...charge, amount: 1, payment_method_details: { type: 'boleto', boleto: { tax_id: '52998224725' } } },
      { document: '52998224725' },
    ],
    [
      'api/payment_methods/object',
      'payment_method.attached',
      { id: 'pm_1', object: 'payment_method', type: 'link', link: { email: 'ana@example.com' }, customer: 'cus_1' },
      { email: 'ana@example.com', external_id: 'cus_1' },
    ],
    [
      'payments/checkout/custom-fields',
      'checkout.session.completed',
      {
        ...session,
        custom_fields: [
          { key: 'cpf', label: { custom: 'CPF', type: 'custom' }, type: 'numeric', numeric: { value: '52998224725' } },
          { key: 'field2', label: { custom: 'WhatsApp', type: 'custom' }, type: 'text', text: { value: '+5511998765432' } },
        ],
      },
      { document: '52998224725', phone: '+5511998765432' },
    ],
    [
      'api/invoices/object',
      'invoice.paid',
      {
        id: 'in_1',
        object: 'invoice',
        currency: 'brl',
        customer_tax_ids: [
          { type: 'eu_vat', value: 'PT1' },
          { type: 'br_cnpj', value: '11222333000181' },
        ],
      },
      { document: '11222333000181' },
    ],
    [
      'api/identity/verification_sessions/object',
      'identity.verification_session.verified',
      {
        id: 'vs_1',
        object: 'identity.verification_session',
        verified_outputs: { id_number: '52998224725', email: 'ana@example.com', phone: '+5511998765432' },
      },
      { document: '52998224725', email: 'ana@example.com', phone: '+5511998765432' },
    ],
    [
      'api/metadata',
      'payment_intent.succeeded',
      { ...intent, amount_received: 500, metadata: { cpf: '529.982.247-25', telefone: '11 99876-5432', seller_email: 'igor@example.com' } },
      { document: '529.982.247-25', phone: '11 99876-5432' },
    ],
    [
      'api/disputes/object',
      'charge.dispute.created',
      { ...dispute, evidence: { customer_email_address: 'ana@example.com' } },
      { email: 'ana@example.com' },
    ],
  ])('finds them where docs.stripe.com/%s has them (%s)', (_page, type, object, subject) => {
    const found = Object.fromEntries(Object.entries(read(eventOf(type, object)).subject ?? {}).filter(([, value]) => value !== undefined));
    expect(found).toEqual(subject);
  });
});

describe('ids', () => {
  it('are shown only in the form of ids, since any other text may be about a person', () => {
    expect(read(eventOf('charge.succeeded', { ...charge, amount: 1, payment_intent: 'Ana Lima' })).orderRef).toBeUndefined();
    expect(read(eventOf('charge.succeeded', { ...charge, amount: 1 })).orderRef).toBe('pi_1');
    expect(() => read(eventOf('charge.succeeded', charge, { id: 'ana@example.com' }))).toThrow('not an id');
  });
});

describe('one event', () => {
  const omits = compilePaths(stripe.volatile);
  const fingerprint = (event: JsonObject) => recordFingerprint(event, omits);
  const event = eventOf('charge.refunded', { ...charge, amount: 500 });

  it.each<[string, JsonObject]>([
    ['another count of pending deliveries', { pending_webhooks: 3 }],
    ['the request of an old version', { request: 'req_1' }],
    ['the request of a later version', { request: { id: 'req_1', idempotency_key: 'key' } }],
    ['another version', { api_version: acacia }],
    ['the object as another version renders it', { data: { object: { ...charge, amount: 500, refunds: { data: [] } } } }],
    ['the account of a platform’s endpoint', { account: 'acct_1' }],
  ])('stays one event with %s (docs.stripe.com/webhooks/versioning)', (_, change) => {
    expect(fingerprint({ ...event, ...change })).toBe(fingerprint(event));
    expect(read({ ...event, ...change }).idempotencyKey).toBe(read(event).idempotencyKey);
  });

  it('is not another event with its id', () => {
    expect(fingerprint({ ...event, type: 'charge.succeeded' })).not.toBe(fingerprint(event));
    expect(fingerprint({ ...event, created: created + 1 })).not.toBe(fingerprint(event));
    expect(fingerprint({ ...event, id: 'evt_2' })).not.toBe(fingerprint(event));
  });
});
