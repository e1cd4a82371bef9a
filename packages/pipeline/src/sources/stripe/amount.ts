import { at, text } from '../../reading/fields.ts';
import { currencyCode, integerMinorUnits } from '../../reading/money.ts';
import { type Json, type JsonObject, type Reading, RecordError } from '../../source.ts';

/** The fields with the amount of an event: by event type where the type decides, otherwise by the kind of the object. */
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
 * Amount and currency of an event's object; empty for objects without a single amount (a subscription's amount depends on tiers, discounts and
 * taxes). The amount of a refund is what the event adds to `amount_refunded`, the sum of all refunds of the charge.
 * Throws SCHEMA_DRIFT when the amount is not an integer, MISSING_FIELD when an amount has no currency.
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
 * Stripe's units differ from those of ISO 4217 in three currencies (docs.stripe.com/currencies, zero-decimal and special cases): ISK and UGX have
 * no minor unit, but Stripe sends two decimals, which are always zero; MGA has two decimals in ISO 4217, but Stripe sends none.
 */
function toIsoUnits(amount: bigint, currency: string, path: string): bigint {
  if (currency === 'MGA') return integerMinorUnits(String(amount * 100n), path);
  if (currency === 'ISK' || currency === 'UGX') return amount / 100n;
  return amount;
}
