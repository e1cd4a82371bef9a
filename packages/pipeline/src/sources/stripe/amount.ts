import { at, text } from '../../reading/fields.ts';
import { currencyCode, integerMinorUnits } from '../../reading/money.ts';
import { type Json, type JsonObject, type Reading, RecordError } from '../../source.ts';

/** The field that says what an event is about in money, by event type where it depends on it, else by the object's kind. */
const fieldsByType = new Map<string, readonly string[]>([
  ['payment_intent.succeeded', ['amount_received', 'amount']],
  ['charge.refunded', ['amount_refunded']],
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
 * Amount and currency of an event's object; nothing for objects that are not about one amount (a subscription's depends on tiers,
 * discounts and taxes). Refunds: what this event adds to `amount_refunded`, which is the sum of all refunds of the charge.
 * Throws SCHEMA_DRIFT when the amount is no integer, MISSING_FIELD when an amount has no currency.
 */
export function amountOf(type: string, object: JsonObject, previous: Json | undefined): Pick<Reading, 'amountMinor' | 'currency'> {
  const fields = fieldsByType.get(type) ?? fieldsByKind.get(text(object, 'object') ?? '') ?? [];
  const field = fields.find((name) => object[name] !== undefined && object[name] !== null);
  if (field === undefined) return {};
  const path = `data.object.${field}`;
  const given = text(object, 'currency');
  if (given === undefined) throw new RecordError('MISSING_FIELD', '"data.object.currency" is missing', 'data.object.currency');
  const currency = currencyCode(given, 'data.object.currency');
  let amount = integer(object[field], path);
  const before = field === 'amount_refunded' ? at(previous, field) : undefined;
  if (before !== undefined && before !== null) amount -= integer(before, `data.previous_attributes.${field}`);
  return { amountMinor: toIsoUnits(amount, currency, path), currency };
}

function integer(value: Json | undefined, path: string): bigint {
  if (typeof value !== 'number' && typeof value !== 'string') {
    throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an integer of minor units`, path);
  }
  return integerMinorUnits(value, path);
}

/**
 * Stripe's units differ from ISO 4217's in three currencies (docs.stripe.com/currencies, zero-decimal and special cases): ISK and UGX have
 * no minor unit but come with two decimals, always zero; MGA has two decimals in ISO 4217 but comes with none.
 */
function toIsoUnits(amount: bigint, currency: string, path: string): bigint {
  if (currency === 'MGA') return integerMinorUnits(String(amount * 100n), path);
  if (currency === 'ISK' || currency === 'UGX') return amount / 100n;
  return amount;
}
