import { createHash } from 'node:crypto';
import type { JsonObject, Sample } from '../../source.ts';

interface Fill {
  /** The suffix of ids in Stripe's form, a different one for every send. */
  tail: string;
  /** Seconds since the epoch, as Stripe counts. */
  now: number;
}

/** Invented: the domain is reserved (RFC 2606) and the CPF's check digits are wrong. */
const person = { email: 'rafael.nunes@example.com', name: 'Rafael Nunes', phone: '+5511998765432' };
const address = { city: 'São Paulo', country: 'BR', line1: 'Rua das Amostras 1234', line2: null, postal_code: '01234-567', state: 'SP' };
const billing = { ...person, address };
const customer = 'cus_TributarySample';
const daySeconds = 86_400;

function event(type: string, label: string, becomes: string, object: (fill: Fill) => JsonObject, previous?: JsonObject): Sample {
  return {
    name: type,
    label,
    becomes,
    contentType: 'application/json',
    body: ({ id, nowMs }) => {
      const now = Math.floor(nowMs / 1000);
      const tail = createHash('sha256').update(id).digest('hex').slice(0, 24);
      return JSON.stringify({
        id: `evt_${tail}`,
        object: 'event',
        api_version: '2025-09-30.clover',
        created: now,
        data: { object: object({ tail, now }), ...(previous ? { previous_attributes: previous } : {}) },
        livemode: true,
        pending_webhooks: 1,
        request: { id: `req_${tail.slice(0, 14)}`, idempotency_key: null },
        type,
      });
    },
  };
}

function paymentIntent({ tail, now }: Fill, received: number, status: string): JsonObject {
  return {
    id: `pi_${tail}`,
    object: 'payment_intent',
    amount: 19_700,
    amount_received: received,
    currency: 'brl',
    created: now,
    customer,
    description: 'Curso de Cerâmica',
    latest_charge: `ch_${tail}`,
    livemode: true,
    metadata: { utm_source: 'newsletter', utm_campaign: 'aula-aberta' },
    payment_method_types: ['card'],
    receipt_email: person.email,
    status,
  };
}

function invoice({ tail, now }: Fill, paid: number, status: string): JsonObject {
  return {
    id: `in_${tail}`,
    object: 'invoice',
    amount_due: 4990,
    amount_paid: paid,
    amount_remaining: 4990 - paid,
    attempt_count: 1,
    billing_reason: 'subscription_cycle',
    collection_method: 'charge_automatically',
    created: now,
    currency: 'brl',
    customer,
    customer_address: address,
    customer_email: person.email,
    customer_name: person.name,
    customer_phone: person.phone,
    hosted_invoice_url: `https://invoices.example.com/i/${tail}`,
    lines: {
      object: 'list',
      data: [{ id: `il_${tail}`, object: 'line_item', amount: 4990, currency: 'brl', description: '1 × Plano Mensal' }],
    },
    livemode: true,
    metadata: {},
    number: 'TRB-0001',
    parent: { type: 'subscription_details', subscription_details: { subscription: `sub_${tail}`, metadata: { utm_source: 'newsletter' } } },
    status,
    total: 4990,
  };
}

function subscription({ tail, now }: Fill, status: string, more: JsonObject = {}): JsonObject {
  return {
    id: `sub_${tail}`,
    object: 'subscription',
    cancel_at_period_end: false,
    collection_method: 'charge_automatically',
    created: now,
    currency: 'brl',
    customer,
    items: {
      object: 'list',
      data: [
        {
          id: `si_${tail}`,
          object: 'subscription_item',
          current_period_start: now,
          current_period_end: now + 30 * daySeconds,
          price: {
            id: 'price_TributaryMonthly',
            object: 'price',
            currency: 'brl',
            nickname: 'Plano Mensal',
            product: 'prod_TributarySample',
            recurring: { interval: 'month', interval_count: 1 },
            unit_amount: 4990,
          },
          quantity: 1,
        },
      ],
    },
    livemode: true,
    metadata: {},
    status,
    ...more,
  };
}

/** One synthetic payload for each of the usual events. */
export const samples: readonly Sample[] = [
  event('checkout.session.completed', 'Checkout completed and paid', 'order.paid', ({ tail, now }) => ({
    id: `cs_live_${tail}`,
    object: 'checkout.session',
    amount_subtotal: 19_700,
    amount_total: 19_700,
    client_reference_id: null,
    created: now,
    currency: 'brl',
    customer,
    customer_details: { ...billing, tax_exempt: 'none', tax_ids: [{ type: 'br_cpf', value: '123.456.789-00' }] },
    livemode: true,
    metadata: { utm_source: 'newsletter', utm_campaign: 'aula-aberta' },
    mode: 'payment',
    payment_intent: `pi_${tail}`,
    payment_method_types: ['card', 'boleto', 'pix'],
    payment_status: 'paid',
    status: 'complete',
  })),
  event('payment_intent.succeeded', 'Payment succeeded', 'payment.succeeded', (fill) => paymentIntent(fill, 19_700, 'succeeded')),
  event('payment_intent.payment_failed', 'Payment failed', 'payment.failed', (fill) => ({
    ...paymentIntent(fill, 0, 'requires_payment_method'),
    last_payment_error: {
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      type: 'card_error',
      payment_method: {
        id: `pm_${fill.tail}`,
        object: 'payment_method',
        type: 'card',
        billing_details: billing,
        card: { brand: 'visa', last4: '0341' },
      },
    },
  })),
  event(
    'charge.refunded',
    'Charge refunded in part',
    'payment.partially_refunded',
    ({ tail, now }) => ({
      id: `ch_${tail}`,
      object: 'charge',
      amount: 19_700,
      amount_captured: 19_700,
      amount_refunded: 5000,
      billing_details: billing,
      created: now - daySeconds,
      currency: 'brl',
      customer,
      livemode: true,
      metadata: {},
      paid: true,
      payment_intent: `pi_${tail}`,
      payment_method_details: { type: 'card', card: { brand: 'visa', country: 'BR', funding: 'credit', last4: '4242' } },
      receipt_email: person.email,
      refunded: false,
      status: 'succeeded',
    }),
    { amount_refunded: 1500 },
  ),
  event('charge.dispute.created', 'Payment disputed', 'payment.disputed', ({ tail, now }) => ({
    id: `dp_${tail}`,
    object: 'dispute',
    amount: 19_700,
    charge: `ch_${tail}`,
    created: now,
    currency: 'brl',
    evidence: { customer_email_address: person.email, customer_name: person.name, customer_purchase_ip: '192.0.2.44' },
    livemode: true,
    metadata: {},
    payment_intent: `pi_${tail}`,
    reason: 'fraudulent',
    status: 'needs_response',
  })),
  event('invoice.paid', 'Invoice paid', 'invoice.paid', (fill) => invoice(fill, 4990, 'paid')),
  event('invoice.payment_failed', 'Invoice payment failed', 'invoice.payment_failed', (fill) => invoice(fill, 0, 'open')),
  event('customer.subscription.created', 'Subscription created', 'subscription.created', (fill) => subscription(fill, 'active')),
  event(
    'customer.subscription.updated',
    'Subscription payment overdue',
    'subscription.past_due',
    (fill) => subscription(fill, 'past_due'),
    {
      status: 'active',
    },
  ),
  event('customer.subscription.deleted', 'Subscription canceled', 'subscription.canceled', (fill) =>
    subscription(fill, 'canceled', {
      canceled_at: fill.now,
      ended_at: fill.now,
      cancellation_details: { reason: 'cancellation_requested' },
    }),
  ),
  event('customer.subscription.trial_will_end', 'Trial ends in three days', 'subscription.trial_ending', (fill) =>
    subscription(fill, 'trialing', { trial_start: fill.now - 4 * daySeconds, trial_end: fill.now + 3 * daySeconds }),
  ),
  event('customer.created', 'Customer created', 'customer.created', ({ now }) => ({
    id: customer,
    object: 'customer',
    ...person,
    address,
    created: now,
    currency: 'brl',
    livemode: true,
    metadata: {},
    preferred_locales: ['pt-BR'],
  })),
];
