import { text } from '../../reading/fields.ts';
import type { JsonObject, KeptFields } from '../../source.ts';

/*
 * The fields of both versions: those of the documentation (developers.hotmart.com, webhook pages 1.0.0 and 2.0.0) and those that only real
 * deliveries have. Amounts, times, currencies and flags are kept by their form.
 */

const words = [
  'event',
  'version',
  ...[
    'data.purchase.status',
    'data.purchase.payment.type',
    'data.purchase.business_model',
    'data.purchase.invoice_by',
    'data.purchase.offer.code',
    'data.purchase.offer.payment_mode',
    'data.purchase.checkout_country.iso',
    'data.checkout_country.iso',
    'data.offer.code',
    'data.plan.offer.code',
    'data.plan.offer.key',
    'data.plans.*.offer.code',
    'data.plans.*.offer.key',
    'data.subscription.status',
    'data.subscription.plan.offer.code',
    'data.subscription.plan.recurrency_period',
    'data.commissions.*.source',
    'data.affiliates.*.affiliate_code',
    'data.product.format',
    'data.module.id',
  ],
  // Physical products.
  ...[
    'data.line_items.*.offer.code',
    'data.line_items.*.product.format',
    'data.line_items.*.product.ucode',
    'data.line_items.*.variant.id',
    'data.line_items.*.variant.sku',
    'data.delivery.method_type',
    'data.shipping.type',
    'data.shipping.carrier.code',
    'data.shipping.carrier_options.code',
    'data.shipping.carrier_options.service',
    'data.fulfillment_service.service_type',
  ],
  // The legacy format.
  ...[
    'status',
    'off',
    'aff',
    'hotkey',
    'payment_engine',
    'payment_type',
    'callback_type',
    'subscription_status',
    'signature_status',
    'receiver_type',
    'productOfferPaymentMode',
    'producer_legal_nature',
  ],
];

const ids = [
  'id',
  'data.product.id',
  'data.product.ucode',
  'data.product.content.products.*.id',
  'data.product.content.products.*.ucode',
  'data.purchase.id',
  'data.purchase.transaction',
  'data.purchase.order_bump.parent_purchase_transaction',
  'data.subscription.id',
  'data.subscription.product.id',
  'data.subscription.plan.id',
  'data.plan.id',
  'data.plans.*.id',
  'data.line_items.*.product.id',
  ...['transaction', 'transaction_ext', 'prod', 'productId', 'productUcode', 'subscriptionId', 'subscriptionPlanId'],
];

/**
 * Transactions, UUIDs, the 24 hexadecimal digits of platforms that copy the legacy format, and numbers. Numbers have fewer digits than a telephone
 * number with its area code and a document, or the 19 digits of the documentation's event.
 */
const idForm = /^(?:HP\d{5,20}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24}|\d{1,9}|\d{19})$/i;

const texts = [
  'data.product.name',
  'data.product.content.products.*.name',
  'data.subscription.product.name',
  'data.subscription.plan.name',
  'data.plan.name',
  'data.plans.*.name',
  'data.module.name',
  'data.offer.name',
  'data.purchase.offer.name',
  'data.purchase.offer.description',
  'data.purchase.offer.coupon_code',
  'data.purchase.payment.refusal_reason',
  'data.purchase.checkout_country.name',
  'data.checkout_country.name',
  'data.producer.legal_nature',
  'data.line_items.*.product.name',
  'data.line_items.*.variant.name',
  'data.line_items.*.variant.attributes',
  'data.shipping.carrier.name',
  'data.shipping.carrier.provider',
  // Campaigns.
  ...['data.purchase.origin', 'data.purchase.tracking', 'data.purchase.sckPaymentLink', 'data.origin', 'data.tracking'],
  ...['src', 'sck', 'xcod', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'utm_id'],
  // The legacy format.
  ...['prod_name', 'name_subscription_plan', 'coupon_code', 'refusal_reason', 'productName', 'subscriptionPlanName'],
];

/** Whole branches, so that a field that Hotmart adds to one of them is dropped from its first delivery on. */
const people = [
  'data.buyer',
  'data.buyer_ip',
  'data.purchase.buyer_ip',
  'data.subscriber',
  'data.subscription.subscriber',
  'data.subscription.subscriber_code',
  'data.subscription.user',
  'data.user',
  'data.purchase.shopper',
  'data.billing',
  'data.delivery.destination',
  'data.producer.document',
  'data.producer.email',
  'data.affiliates.*.email',
  'data.line_items.*.product.seller.email',
  // What pays the billet or the Pix of one buyer.
  'data.purchase.payment.billet_barcode',
  'data.purchase.payment.billet_url',
  'data.purchase.payment.pix_code',
  'data.purchase.payment.pix_qrcode',
  // The legacy format.
  ...[
    'email',
    'name',
    'first_name',
    'last_name',
    'doc',
    'doc_type',
    'buyerVO',
    'userName',
    'userEmail',
    'subscriber_code',
    'subscriberCode',
  ],
  ...['phone_local_code', 'phone_number', 'phone_checkout_local_code', 'phone_checkout_number', 'producer_document'],
  ...[
    'address',
    'address_number',
    'address_country',
    'address_district',
    'address_comp',
    'address_city',
    'address_state',
    'address_zip_code',
  ],
  ...['billet_url', 'billet_barcode'],
];

/** Those who sell: the affiliates of a sale, and the seller of a physical product. */
const staff = ['data.affiliates.*.name', 'data.line_items.*.product.seller', 'aff_name'];
const producer = ['data.producer.name', 'producer_name'];

const shared = { words, ids, idForm, people, plain: 'everywhere' } as const;
const ofPerson: KeptFields = { ...shared, texts, staff: [...staff, ...producer] };
const ofCompany: KeptFields = { ...shared, texts: [...texts, ...producer], staff };

/** What is kept of a record. The producer's name is that of a business where Hotmart says that the producer is a legal entity. */
export function keptFields(record: JsonObject): KeptFields {
  const nature = text(record, 'data.producer.legal_nature') ?? text(record, 'producer_legal_nature') ?? '';
  return /^(?:pessoa jur[ií]dica|legal (?:person|entity)|persona jur[ií]dica|cnpj)$/i.test(nature) ? ofCompany : ofPerson;
}
