import { at, text } from '../../reading/fields.ts';
import { currencyCode, integerMinorUnits } from '../../reading/money.ts';
import { type Json, type JsonObject, type Reading, RecordError } from '../../source.ts';
import { integerAt, returnedBy, wasCaptured } from './charges.ts';

/** The fields with the amount of an event: by event type where the type decides, otherwise by the kind of the object. */
const fieldsByType = new Map<string, readonly string[]>([
  ['payment_intent.succeeded', ['amount_received', 'amount']],
  ['payment_intent.amount_capturable_updated', ['amount_capturable', 'amount']],
  ['charge.captured', ['amount_captured', 'amount']],
  ['invoice.paid', ['amount_paid', 'total']],
  ['invoice.payment_succeeded', ['amount_paid', 'total']],
]);
const fieldsByKind = new Map<string, readonly string[]>([
  ['checkout.session', ['amount_total']],
  ['payment_intent', ['amount']],
  ['charge', ['amount']],
  ['refund', ['amount']],
  ['dispute', ['amount']],
  ['payout', ['amount']],
  ['invoice', ['amount_due', 'total']],
]);

/**
 * Amount and currency of an event's object; empty for objects without a single amount (a subscription's amount depends on tiers, discounts and
 * taxes), and for a `charge.refunded` by which nothing was returned. The amount of a refund is what this event returned, and that of a canceled
 * payment is what was not taken. Throws SCHEMA_DRIFT when the amount is not an integer, MISSING_FIELD when an amount has no currency.
 */
export function amountOf(event: JsonObject, object: JsonObject): Pick<Reading, 'amountMinor' | 'currency'> {
  const type = text(event, 'type') ?? '';
  const isRefund = type === 'charge.refunded' && wasCaptured(object);
  const fields = isRefund ? ['amount_refunded'] : (fieldsByType.get(type) ?? fieldsByKind.get(text(object, 'object') ?? '') ?? []);
  const field = fields.find((name) => object[name] !== undefined && object[name] !== null);
  if (field === undefined) return {};
  const path = `data.object.${field}`;
  const given = text(object, 'currency');
  if (given === undefined) throw new RecordError('MISSING_FIELD', '"data.object.currency" is missing', 'data.object.currency');
  const currency = currencyCode(given, 'data.object.currency');
  let amount = integer(object[field], path);
  if (isRefund) {
    const previous = at(event, 'data.previous_attributes');
    const before = at(previous, field);
    if (before !== undefined && before !== null) integer(before, `data.previous_attributes.${field}`);
    amount = returnedBy(object, previous, event.api_version) ?? amount;
    if (amount <= 0n) return {};
  }
  // Parts that were captured before the rest was canceled stay with the merchant.
  if (type === 'payment_intent.canceled') amount -= integerAt(object, 'amount_received') ?? 0n;
  return { amountMinor: toIsoUnits(amount, currency, path), currency };
}

function integer(value: Json | undefined, path: string): bigint {
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an integer of minor units`, path);
  }
  return integerMinorUnits(value, path);
}

/**
 * Stripe's units differ from those of ISO 4217 in three currencies (docs.stripe.com/currencies, zero-decimal and special cases): ISK and UGX have
 * no minor unit, but Stripe sends two decimals, which are always zero; MGA has two decimals in ISO 4217, but Stripe sends none.
 */
function toIsoUnits(amount: bigint, currency: string, path: string): bigint {
  if (currency === 'MGA') return integerMinorUnits(String(amount * 100n), path);
  if (currency === 'ISK' || currency === 'UGX') return amount / 100n;
  return amount;
}
