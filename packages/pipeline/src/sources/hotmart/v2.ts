import { at, firstText, isIdText, isObject, requireObject, requireText, text } from '../../reading/fields.ts';
import { canonicalJson } from '../../reading/json.ts';
import { currencyCode, minorUnits } from '../../reading/money.ts';
import { parseTime } from '../../reading/time.ts';
import { type JsonObject, type ReadContext, type Reading, RecordError } from '../../source.ts';
import type { HotmartConfig } from './config.ts';
import { compositeKey, hashedKey, isPanelTest, unmappedType } from './keys.ts';
import { joinPhone } from './phone.ts';
import { firstTime } from './times.ts';

interface KnownEvent {
  type: string;
  /** Whether the event is about one purchase, and so always has its transaction. */
  purchase: boolean;
  /** Where `data` has the time of what happened, for bodies without a time of the event. The purchase's dates are not those of its refund. */
  time: readonly string[];
}

const purchase = (type: string, ...time: string[]): KnownEvent => ({ type, purchase: true, time });
const other = (type: string, ...time: string[]): KnownEvent => ({ type, purchase: false, time });

const events = new Map<string, KnownEvent>([
  ['PURCHASE_APPROVED', purchase('order.paid', 'purchase.approved_date', 'purchase.order_date')],
  // The event marks the end of the guarantee period. It is not a second sale: counting it as paid would double the revenue.
  ['PURCHASE_COMPLETE', purchase('order.completed')],
  ['PURCHASE_CANCELED', purchase('order.canceled')],
  ['PURCHASE_BILLET_PRINTED', purchase('order.pending', 'purchase.order_date')],
  ['PURCHASE_PROTEST', purchase('order.dispute')],
  ['PURCHASE_REFUNDED', purchase('order.refunded')],
  ['PURCHASE_CHARGEBACK', purchase('order.chargeback')],
  ['PURCHASE_EXPIRED', purchase('order.expired')],
  ['PURCHASE_DELAYED', purchase('order.delayed')],
  ['ORDER_FULFILLMENT', purchase('order.fulfilled', 'purchase.approved_date')],
  ['PURCHASE_OUT_OF_SHOPPING_CART', other('cart.abandoned')],
  ['SUBSCRIPTION_CANCELLATION', other('subscription.canceled', 'cancellation_date')],
  ['SWITCH_PLAN', other('subscription.plan_changed', 'switch_plan_date')],
  ['UPDATE_SUBSCRIPTION_CHARGE_DATE', other('subscription.charge_date_changed')],
  ['CLUB_FIRST_ACCESS', other('course.first_access')],
  ['CLUB_MODULE_COMPLETED', other('course.module_completed')],
]);

/** Parts of an event that are objects wherever they occur in a known event. */
const objectParts = ['product', 'buyer', 'purchase', 'subscriber', 'subscription', 'user', 'offer', 'module'];

/** Whether the body says that it is version 2, or has its `data` envelope, which a later version may keep. */
export function isV2(value: JsonObject): boolean {
  return /^2\./.test(text(value, 'version') ?? '') || (text(value, 'event') !== undefined && isObject(value.data));
}

/**
 * Reads a v2 event. Throws MISSING_FIELD without event or data, or without the transaction of a purchase; SCHEMA_DRIFT when a part has an
 * unexpected form; VALIDATION_FAIL for impossible times and currencies. An unknown event becomes `hotmart.<event>`.
 */
export function readV2(value: JsonObject, { config: { defaultCountry }, receivedAtMs }: ReadContext<HotmartConfig>): Reading {
  const event = requireText(value, 'event');
  const known = events.get(event);
  const data = known ? requireObject(value, 'data') : isObject(value.data) ? value.data : {};
  if (known) checkShape(data);
  const transaction = known?.purchase ? requireText(value, 'data.purchase.transaction') : text(data, 'purchase.transaction');
  const created = at(value, 'creation_date') ?? at(value, 'creationDate');
  const email = firstText(
    data,
    'buyer.email',
    'subscriber.email',
    'user.email',
    'subscription.user.email',
    'purchase.shopper.email',
    'billing.email',
  );
  const id = text(value, 'id');
  const isTest = isPanelTest(value, transaction, email);
  const paid = known ? price(data) : {};
  return {
    type: known ? typeByState(known, data, paid.amountMinor) : unmappedType(event),
    sourceEventType: event,
    sourceEventId: id !== undefined && isIdText(id) ? id : undefined,
    // The documentation says milliseconds. Implementers also received seconds, which `auto` recognises by the magnitude.
    eventTimeMs:
      created === undefined || created === null
        ? firstTime(data, known?.time ?? [], receivedAtMs)
        : parseTime(created, 'auto', 'creation_date'),
    idempotencyKey: id === undefined ? secondaryKey(event, value, data, transaction) : compositeKey(id),
    subject: {
      email,
      phone: phoneOf(data, defaultCountry),
      document: firstText(
        data,
        'buyer.document',
        'subscriber.document',
        'user.document',
        'subscription.user.document',
        'purchase.shopper.document',
        'billing.document',
      ),
      external_id: subscriberCode(data),
    },
    ...(isPartialRefund(known, data) ? {} : paid),
    orderRef: transaction !== undefined && isIdText(transaction) ? transaction : undefined,
    attribution: attributionOf(data),
    isTest: isTest || undefined,
  };
}

/** The type of an event whose purchase says more than the event's name. */
function typeByState(known: KnownEvent, data: JsonObject, amountMinor: bigint | undefined): string {
  if (isPartialRefund(known, data)) return 'order.partially_refunded';
  // A free product or the beginning of a trial is approved too. Nothing was paid, so it is no sale.
  const isFree = amountMinor === 0n && !(Number(text(data, 'purchase.full_price.value') ?? 0) > 0);
  return known.type === 'order.paid' && isFree ? 'checkout.completed' : known.type;
}

/** Hotmart has one event for both kinds of refunds. It does not say how much was returned: the prices are those of the sale. */
function isPartialRefund(known: KnownEvent | undefined, data: JsonObject): boolean {
  return known?.type === 'order.refunded' && text(data, 'purchase.status')?.toUpperCase() === 'PARTIALLY_REFUNDED';
}

/*
 * `id` is "the identification code of the event received", so it is the key. Hotmart sends a sale once for each role: the configurations of
 * Producer, Co-producer and Affiliate each get a delivery with the `commissions` of their role, which stay in the properties. There is one hottok,
 * and so one connection, for each account, and keys count within a connection, so the roles of different accounts never collide. Two roles on one
 * connection are two events when Hotmart gives them two ids. If Hotmart gives them one id, the second is kept as DUPLICATE_EVENT for a person to
 * decide: v2 has no role that could be part of the key, and with the commissions in the key one sale would count twice whenever Hotmart corrects them.
 */
function secondaryKey(event: string, value: JsonObject, data: JsonObject, transaction: string | undefined): string | undefined {
  if (transaction !== undefined) {
    return compositeKey(event, transaction, text(data, 'purchase.status'), text(data, 'purchase.recurrence_number'));
  }
  const subscriber = subscriberCode(data);
  const date = firstText(data, 'cancellation_date', 'switch_plan_date', 'subscription.date_next_charge', 'subscription.dateNextCharge');
  if (subscriber !== undefined && date !== undefined) return hashedKey(event, subscriber, date);
  // The fingerprint leaves out when the event was made, and the same thing may happen to one person twice.
  const created = firstText(value, 'creation_date', 'creationDate');
  return created === undefined ? undefined : hashedKey(event, created, canonicalJson(data));
}

function checkShape(data: JsonObject): void {
  for (const part of objectParts) {
    const found = data[part];
    if (found !== undefined && found !== null && !isObject(found)) {
      throw new RecordError('SCHEMA_DRIFT', `"data.${part}" should be an object`, `data.${part}`);
    }
  }
}

function subscriberCode(data: JsonObject): string | undefined {
  return firstText(data, 'subscription.subscriber.code', 'subscriber.code', 'subscription.subscriber_code');
}

function phoneOf(data: JsonObject, defaultCountry: string): string | undefined {
  const pairs = [
    ['buyer.checkout_phone_code', 'buyer.checkout_phone'],
    ['buyer.phone_code', 'buyer.phone'],
    ['subscriber.phone.dddCell', 'subscriber.phone.cell'],
    ['subscriber.phone.dddPhone', 'subscriber.phone.phone'],
    ['purchase.shopper.phone_code', 'purchase.shopper.phone'],
    ['billing.phone_code', 'billing.phone'],
    ['user.phone_code', 'user.phone'],
    ['subscription.user.phone_code', 'subscription.user.phone'],
  ] as const;
  for (const [code, number] of pairs) {
    const phone = joinPhone(text(data, code), text(data, number), defaultCountry);
    if (phone !== undefined) return phone;
  }
  return undefined;
}

/** Paths are written once: a path that is joined for each event has to be hashed and split again. */
const prices = ['purchase.price', 'purchase.full_price', 'purchase.original_offer_price'].map((price) => ({
  value: `${price}.value`,
  currency: `${price}.currency_value`,
}));
const currencies = [...prices.map(({ currency }) => currency), 'commissions.0.currency_value'];

/** The price, in decimal major units. Bodies of 2022 have the currency with only one of their prices. */
function price(data: JsonObject): Pick<Reading, 'amountMinor' | 'currency'> {
  const paths = prices.find(({ value }) => at(data, value) !== undefined && at(data, value) !== null);
  if (paths === undefined) return {};
  const given = firstText(data, paths.currency, ...currencies);
  if (given === undefined) return {};
  const currency = currencyCode(given, `data.${paths.currency}`);
  const value = at(data, paths.value);
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw new RecordError('SCHEMA_DRIFT', `"data.${paths.value}" should be a decimal amount`, `data.${paths.value}`);
  }
  return { amountMinor: minorUnits(value, currency, `data.${paths.value}`), currency };
}

const campaignNames = ['src', 'sck', 'xcod', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'utm_id'];

const campaignParts = ['purchase.origin', 'purchase.tracking', 'origin', 'tracking'].map((part) => ({
  part,
  own: { src: `${part}.source`, sck: `${part}.source_sck`, xcod: `${part}.external_code` },
}));

/**
 * Campaign parameters. Real deliveries have them in `purchase.origin`, the documentation also in `tracking` and `sckPaymentLink`; the first
 * place that has a name wins.
 */
function attributionOf(data: JsonObject): Record<string, string> | undefined {
  const found: Record<string, string> = {};
  const take = (name: string, value: string | undefined) => {
    if (value !== undefined) found[name] ??= value;
  };
  for (const { part, own } of campaignParts) {
    const place = at(data, part);
    if (place === undefined) continue;
    for (const name of campaignNames) take(name, text(place, name));
    take('src', text(data, own.src));
    take('sck', text(data, own.sck));
    take('xcod', text(data, own.xcod));
  }
  take('sck', text(data, 'purchase.sckPaymentLink'));
  return Object.keys(found).length > 0 ? found : undefined;
}
