import { createHash } from 'node:crypto';
import type { JsonObject, Sample } from '../../source.ts';

type Fill = { id: string; nowMs: number };

const dayMs = 86_400_000;

/** Invented: the domain is reserved (RFC 2606) and the CPF's check digits are wrong. */
const buyer = {
  email: 'marina.prado@example.com',
  name: 'Marina Prado',
  first_name: 'Marina',
  last_name: 'Prado',
  checkout_phone_code: '11',
  checkout_phone: '912345678',
  document: '12345678900',
  document_type: 'CPF',
  address: {
    address: 'Rua das Amostras',
    number: '1234',
    complement: 'Sala 56',
    neighborhood: 'Bairro Modelo',
    city: 'São Paulo',
    state: 'São Paulo',
    zipcode: '01234567',
    country: 'Brasil',
    country_iso: 'BR',
  },
};

const product = { id: 5512340, ucode: '3f0f6c1e-6f52-4a7e-9f0b-0d9f3f1c2b7a', name: 'Curso de Cerâmica', has_co_production: true };
const subscriber = { code: 'TRB0SUB1', name: buyer.name, email: buyer.email };

/** A transaction in the platform's form, a different one for every id. */
function transactionOf(id: string): string {
  return `HP${BigInt(`0x${createHash('sha256').update(id).digest('hex').slice(0, 12)}`)
    .toString()
    .padStart(15, '0')}`;
}

function brl(value: number) {
  return { value, currency_value: 'BRL' };
}

function event(name: string, label: string, becomes: string, data: (fill: Fill) => JsonObject): Sample {
  return {
    name,
    label,
    becomes,
    contentType: 'application/json',
    body: (fill) => JSON.stringify({ id: fill.id, creation_date: fill.nowMs, event: name, version: '2.0.0', data: data(fill) }),
  };
}

function purchase(
  name: string,
  label: string,
  becomes: string,
  status: string,
  payment: JsonObject = { type: 'CREDIT_CARD', installments_number: 3 },
): Sample {
  return event(name, label, becomes, ({ id, nowMs }) => ({
    product,
    buyer,
    affiliates: [{ affiliate_code: 'A11223344B', name: 'Otávio Lemos' }],
    producer: { name: 'Ateliê Modelo Ltda', document: '11222333000100', legal_nature: 'Pessoa Jurídica' },
    commissions: [
      { value: 19.7, source: 'MARKETPLACE', currency_value: 'BRL' },
      { value: 138.1, source: 'PRODUCER', currency_value: 'BRL' },
      { value: 39.2, source: 'AFFILIATE', currency_value: 'BRL' },
    ],
    purchase: {
      transaction: transactionOf(id),
      status,
      order_date: nowMs - 60_000,
      approved_date: nowMs,
      price: brl(197),
      full_price: brl(212.4),
      original_offer_price: brl(197),
      checkout_country: { name: 'Brasil', iso: 'BR' },
      offer: { code: 'of3rta1' },
      order_bump: { is_order_bump: false },
      payment,
      origin: { src: 'newsletter', sck: 'aula-aberta', xcod: 'campanha-7' },
      is_funnel: false,
      business_model: 'I',
    },
    subscription: { status: 'ACTIVE', plan: { id: 77001, name: 'Plano Mensal' }, subscriber: { code: subscriber.code } },
  }));
}

const shopper = {
  name: buyer.name,
  email: buyer.email,
  phone: '11912345678',
  document: buyer.document,
  ucode: '7d3b8f5a-1111-4222-8333-944445555666',
  country: 'Brasil',
  locale: 'pt_BR',
  time_zone: 'America/Sao_Paulo',
};

const v2Samples: readonly Sample[] = [
  purchase('PURCHASE_APPROVED', 'Purchase approved', 'order.paid', 'APPROVED'),
  purchase('PURCHASE_COMPLETE', 'Purchase complete (guarantee over)', 'order.completed', 'COMPLETED'),
  purchase('PURCHASE_CANCELED', 'Purchase canceled', 'order.canceled', 'CANCELED'),
  purchase('PURCHASE_BILLET_PRINTED', 'Waiting for payment (billet printed)', 'order.pending', 'BILLET_PRINTED', {
    type: 'BILLET',
    installments_number: 1,
    billet_barcode: '00000000000000000000000000000000000000000000000',
    billet_url: 'https://billets.example.com/4f1c',
  }),
  purchase('PURCHASE_PROTEST', 'Refund requested (protest)', 'order.dispute', 'DISPUTE'),
  purchase('PURCHASE_REFUNDED', 'Purchase refunded', 'order.refunded', 'REFUNDED'),
  purchase('PURCHASE_CHARGEBACK', 'Chargeback', 'order.chargeback', 'CHARGEBACK'),
  purchase('PURCHASE_EXPIRED', 'Purchase expired', 'order.expired', 'EXPIRED'),
  purchase('PURCHASE_DELAYED', 'Payment delayed', 'order.delayed', 'DELAYED'),
  event('PURCHASE_OUT_OF_SHOPPING_CART', 'Cart abandoned', 'cart.abandoned', () => ({
    affiliate: false,
    product: { id: product.id, name: product.name },
    buyer_ip: '192.0.2.44',
    buyer: { name: buyer.name, email: buyer.email, phone: '11912345678' },
    offer: { code: 'of3rta1' },
    checkout_country: { name: 'Brasil', iso: 'BR' },
  })),
  event('SUBSCRIPTION_CANCELLATION', 'Subscription canceled', 'subscription.canceled', ({ nowMs }) => ({
    actual_recurrence_value: 49.9,
    cancellation_date: nowMs,
    date_next_charge: nowMs + 12 * dayMs,
    product: { id: product.id, name: product.name },
    subscriber: { ...subscriber, phone: { dddPhone: '', phone: '', dddCell: '11', cell: '912345678' } },
    subscription: { id: 880123, plan: { id: 77001, name: 'Plano Mensal' } },
  })),
  event('SWITCH_PLAN', 'Plan switched', 'subscription.plan_changed', ({ nowMs }) => ({
    switch_plan_date: nowMs,
    subscription: {
      subscriber_code: subscriber.code,
      status: 'ACTIVE',
      product: { id: product.id, name: product.name },
      user: { email: buyer.email },
    },
    plans: [
      { id: 77002, name: 'Plano Anual', offer: { key: 'anual01' }, current: true },
      { id: 77001, name: 'Plano Mensal', offer: { key: 'mensal01' }, current: false },
    ],
  })),
  event('UPDATE_SUBSCRIPTION_CHARGE_DATE', 'Charge date changed', 'subscription.charge_date_changed', ({ nowMs }) => ({
    subscriber,
    subscription: {
      product: { id: product.id, name: product.name },
      old_charge_day: 7,
      new_charge_day: 15,
      date_next_charge: new Date(nowMs + 15 * dayMs).toISOString(),
      status: 'ACTIVE',
    },
  })),
  {
    name: 'CLUB_FIRST_ACCESS',
    label: 'First access to the members area',
    becomes: 'course.first_access',
    contentType: 'application/json',
    // Real deliveries of this event have `creationDate` instead of `creation_date`.
    body: ({ id, nowMs }) =>
      JSON.stringify({
        id,
        creationDate: nowMs,
        event: 'CLUB_FIRST_ACCESS',
        version: '2.0.0',
        data: { product: { id: product.id, name: product.name }, user: { name: buyer.name, email: buyer.email } },
      }),
  },
  event('CLUB_MODULE_COMPLETED', 'Module completed', 'course.module_completed', () => ({
    product: { id: String(product.id), name: product.name },
    user: { name: buyer.name, email: buyer.email },
    module: { id: 'k3Rm0dU1', name: 'Módulo 1: o torno' },
  })),
  event('ORDER_FULFILLMENT', 'Order to fulfil (physical product)', 'order.fulfilled', ({ id, nowMs }) => ({
    purchase: {
      id: 90210077,
      transaction: transactionOf(id),
      status: 'APPROVED',
      order_date: nowMs - 120_000,
      approved_date: nowMs - 60_000,
      price: brl(89.9),
      full_price: brl(105.8),
      shopper: { ...shopper, address: buyer.address },
    },
    line_items: [
      {
        quantity: 2,
        offer: { code: 'of3rta9', price: brl(89.9) },
        product: {
          id: 5512399,
          name: 'Kit de Esteca',
          format: 'PHYSICAL',
          seller: { name: 'Otávio Lemos', email: 'otavio.lemos@example.com' },
        },
        variant: { id: 'var_1', name: 'Madeira clara', sku: 'KIT-01' },
      },
    ],
    delivery: { method_type: 'SHIPPING', delivery_time: 5, destination: buyer.address },
    shipping: { type: 'FLAT_RATE', shipping_total_value: brl(15.9), carrier: { name: 'CORREIOS', code: 'COR' } },
    fulfillment_service: { service_type: 'MANUAL' },
    billing: { ...shopper, address: buyer.address },
  })),
];

function postback(name: string, label: string, becomes: string, status: string): Sample {
  return {
    name,
    label,
    becomes,
    contentType: 'application/x-www-form-urlencoded',
    body: ({ id, nowMs }) =>
      new URLSearchParams({
        prod: String(product.id),
        prod_name: product.name,
        off: 'of3rta1',
        price: '197.00',
        currency: 'BRL',
        full_price: '212.40',
        email: buyer.email,
        name: buyer.name,
        first_name: buyer.first_name,
        last_name: buyer.last_name,
        doc: buyer.document,
        doc_type: 'CPF',
        phone_checkout_local_code: '11',
        phone_checkout_number: '912345678',
        address: buyer.address.address,
        address_number: buyer.address.number,
        address_city: buyer.address.city,
        address_state: buyer.address.state,
        address_country: 'Brasil',
        address_zip_code: buyer.address.zipcode,
        transaction: transactionOf(id),
        status,
        payment_engine: 'hotpay',
        payment_type: 'credit_card',
        name_subscription_plan: 'Plano Mensal',
        subscriber_code: subscriber.code,
        recurrency: '1',
        callback_type: '1',
        subscription_status: 'active',
        purchase_date: new Date(nowMs - 60_000).toISOString(),
        confirmation_purchase_date: new Date(nowMs).toISOString(),
        src: 'newsletter',
        sck: 'aula-aberta',
        xcod: 'campanha-7',
        receiver_type: 'SELLER',
        cms_marketplace: '19.70',
        cms_vendor: '177.30',
      }).toString(),
  };
}

const v1Samples: readonly Sample[] = [
  postback('v1_approved', 'Legacy postback 1.0: approved', 'order.paid', 'approved'),
  postback('v1_refunded', 'Legacy postback 1.0: refunded', 'order.refunded', 'refunded'),
  {
    name: 'v1_cart_abandoned',
    label: 'Legacy 1.0: cart abandoned',
    becomes: 'cart.abandoned',
    contentType: 'application/json',
    // This body has no id, so the e-mail address makes each send a new event.
    body: ({ id }) =>
      JSON.stringify({
        affiliate: false,
        productName: product.name,
        productId: product.id,
        productUcode: product.ucode,
        buyerVO: { name: buyer.name, email: `marina.prado+${id}@example.com`, phone: '11 912345678' },
        hasNegotiate: false,
      }),
  },
  {
    name: 'v1_subscription_canceled',
    label: 'Legacy 1.0: subscription canceled',
    becomes: 'subscription.canceled',
    contentType: 'application/json',
    body: ({ id, nowMs }) =>
      JSON.stringify({
        subscriptionId: Number(transactionOf(id).slice(-8)),
        subscriberCode: subscriber.code,
        cancellationDate: new Date(nowMs).toISOString(),
        userName: buyer.name,
        userEmail: buyer.email,
        actualRecurrenceValue: 49.9,
        productName: product.name,
        subscriptionPlanName: 'Plano Mensal',
        dateNextCharge: new Date(nowMs + 12 * dayMs).toISOString(),
      }),
  },
];

/** One synthetic payload for each of the 16 events of version 2, and the legacy forms. `sign` adds the hottok. */
export const samples: readonly Sample[] = [...v2Samples, ...v1Samples];
