import { at, firstText, pickTexts, requireText, text } from '../../reading/fields.ts';
import { currencyCode, minorUnits } from '../../reading/money.ts';
import { parseTime } from '../../reading/time.ts';
import { type JsonObject, type ReadContext, type Reading, RecordError, type Subject } from '../../source.ts';
import type { HotmartConfig } from './config.ts';
import { compositeKey, hashedKey, isPanelTest, unmappedType } from './keys.ts';
import { joinPhone } from './phone.ts';
import { firstTime } from './times.ts';

/*
 * The meaning of each status, and the field with the time when the status began. A postback has the dates of the purchase only: for a refund, a
 * chargeback or the end of the guarantee it has no time, and the time of the purchase would put the event into the wrong month.
 */
const statuses = new Map<string, { type: string; time: readonly string[] }>([
  ['approved', { type: 'order.paid', time: ['confirmation_purchase_date', 'purchase_date'] }],
  ['canceled', { type: 'order.canceled', time: ['purchase_date'] }],
  ['cancelled', { type: 'order.canceled', time: ['purchase_date'] }],
  ['billet_printed', { type: 'order.pending', time: ['purchase_date'] }],
  // Hotmart's spelling, and the corrected spelling of platforms that copy its postback.
  ['wayting_payment', { type: 'order.pending', time: ['purchase_date'] }],
  ['waiting_payment', { type: 'order.pending', time: ['purchase_date'] }],
  ['printed_billet', { type: 'order.pending', time: ['purchase_date'] }],
  ['completed', { type: 'order.completed', time: [] }],
  ['complete', { type: 'order.completed', time: [] }],
  ['blocked', { type: 'order.canceled', time: [] }],
  ['refunded', { type: 'order.refunded', time: [] }],
  ['partially_refunded', { type: 'order.partially_refunded', time: [] }],
  ['dispute', { type: 'order.dispute', time: [] }],
  ['protested', { type: 'order.dispute', time: [] }],
  ['chargeback', { type: 'order.chargeback', time: [] }],
  ['delayed', { type: 'order.delayed', time: [] }],
  ['overdue', { type: 'order.delayed', time: [] }],
  ['expired', { type: 'order.expired', time: [] }],
]);

const campaignNames = ['src', 'sck', 'xcod', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'];

/**
 * Reads a legacy postback: a flat form (or the same names as JSON), or the JSON of an abandoned cart, a switched plan or a canceled
 * subscription, which has no event name and is recognised by its fields. Other platforms copy the form, so an id may be any text.
 * Throws MISSING_FIELD, SCHEMA_DRIFT or VALIDATION_FAIL.
 */
export function readV1(value: JsonObject, context: ReadContext<HotmartConfig>): Reading {
  const { defaultCountry } = context.config;
  if (text(value, 'callback_type') === '2' || text(value, 'cancellationDate') !== undefined)
    return readSubscription(value, context, 'SUBSCRIPTION_CANCELLATION', 'subscription.canceled', 'cancellationDate');
  if (text(value, 'switchPlanDate') !== undefined)
    return readSubscription(value, context, 'SWITCH_PLAN', 'subscription.plan_changed', 'switchPlanDate');
  if (text(value, 'status') === undefined && at(value, 'buyerVO') !== undefined) return readCart(value, defaultCountry);
  return readPurchase(value, context);
}

function readPurchase(value: JsonObject, { config: { defaultCountry }, receivedAtMs }: ReadContext<HotmartConfig>): Reading {
  const status = requireText(value, 'status');
  const transaction = requireText(value, 'transaction');
  const known = statuses.get(status.toLowerCase());
  const subject = subjectOf(value, defaultCountry);
  const isTest = isPanelTest(value, transaction, subject.email);
  const paid = price(value);
  const isFree = paid.amountMinor === 0n && !(Number(text(value, 'full_price') ?? 0) > 0);
  return {
    // Nothing was paid for a free product or a trial, so its approval is no sale.
    type: known?.type === 'order.paid' && isFree ? 'checkout.completed' : (known?.type ?? unmappedType(status)),
    sourceEventType: status,
    eventTimeMs: time(value, known?.time ?? [], receivedAtMs),
    /*
     * A postback has no event id. The key is transaction, status and the number of the charge, since all charges of a subscription may share
     * one transaction. Hotmart posts a sale to the seller and to the affiliate with different amounts: `receiver_type` keeps the two apart, in the
     * key as in the properties.
     */
    idempotencyKey: compositeKey(transaction, status.toLowerCase(), text(value, 'recurrency'), text(value, 'receiver_type')),
    subject,
    // The prices of a sale that was refunded in part do not say how much was returned.
    ...(known?.type === 'order.partially_refunded' ? {} : paid),
    orderRef: transaction,
    attribution: attributionOf(value),
    isTest: isTest || undefined,
  };
}

function readSubscription(
  value: JsonObject,
  { config: { defaultCountry }, receivedAtMs }: ReadContext<HotmartConfig>,
  event: string,
  type: string,
  dateField: string,
): Reading {
  const subject = subjectOf(value, defaultCountry);
  const transaction = text(value, 'transaction');
  const isTest = isPanelTest(value, transaction, subject.email);
  const reference = firstText(value, 'subscriptionId', 'subscriberCode', 'subscriber_code', 'transaction');
  const date = firstText(value, dateField, 'recurrency', 'subscription_date_next_charge');
  return {
    type,
    sourceEventType: event,
    eventTimeMs: time(value, [dateField], receivedAtMs),
    idempotencyKey: reference === undefined || date === undefined ? undefined : hashedKey(event, reference, date),
    subject,
    ...price(value),
    orderRef: transaction,
    attribution: attributionOf(value),
    isTest: isTest || undefined,
  };
}

function readCart(value: JsonObject, defaultCountry: string): Reading {
  const subject = subjectOf(value, defaultCountry);
  return {
    // This event has neither id nor time: its key is the fingerprint, and its time is the arrival.
    type: 'cart.abandoned',
    sourceEventType: 'PURCHASE_OUT_OF_SHOPPING_CART',
    subject,
    attribution: attributionOf(value),
    isTest: isPanelTest(value, undefined, subject.email) || undefined,
  };
}

function subjectOf(value: JsonObject, defaultCountry: string): Subject {
  const pairs = [
    ['phone_checkout_local_code', 'phone_checkout_number'],
    ['phone_local_code', 'phone_number'],
    ['buyerVO.phone_local_code', 'buyerVO.phone'],
  ] as const;
  const phones = pairs.map(([code, number]) => joinPhone(text(value, code), text(value, number), defaultCountry));
  return {
    email: firstText(value, 'email', 'buyerVO.email', 'userEmail'),
    phone: phones.find((phone) => phone !== undefined),
    document: text(value, 'doc'),
    external_id: firstText(value, 'subscriber_code', 'subscriberCode'),
  };
}

/** The first date that is not ahead. A date that cannot be read is an error: the legacy format has no other time. */
function time(value: JsonObject, fields: readonly string[], receivedAtMs: number): number | undefined {
  for (const field of fields) if (text(value, field) !== undefined) parseTime(at(value, field) ?? '', 'auto', field);
  return firstTime(value, fields, receivedAtMs);
}

function price(value: JsonObject): Pick<Reading, 'amountMinor' | 'currency'> {
  const given = firstText(value, 'currency', 'currency_code_from');
  const amount = at(value, 'price');
  if (given === undefined || amount === undefined || amount === null || amount === '') return {};
  if (typeof amount !== 'number' && typeof amount !== 'string')
    throw new RecordError('SCHEMA_DRIFT', '"price" should be a decimal amount', 'price');
  const currency = currencyCode(given, 'currency');
  return { amountMinor: minorUnits(amount, currency, 'price'), currency };
}

function attributionOf(value: JsonObject): Record<string, string> | undefined {
  const found = pickTexts(value, campaignNames);
  return Object.keys(found).length > 0 ? found : undefined;
}
