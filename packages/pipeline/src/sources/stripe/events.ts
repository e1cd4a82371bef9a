import { at, firstText, text } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';
import { integerAt, isReturnedInFull, returnedBy, wasCaptured } from './charges.ts';
import { updatedSubscription } from './subscriptions.ts';

/*
 * Stripe sends several events for one fact: a paid invoice is invoice.paid and invoice.payment_succeeded, a payment has events of its intent and
 * of its charge. Only one of them has a canonical type, so that an account that subscribes to all of them counts nothing twice. The others keep
 * Stripe's name.
 */
const types = new Map<string, string>([
  ['checkout.session.async_payment_succeeded', 'order.paid'],
  ['checkout.session.async_payment_failed', 'order.canceled'],
  ['checkout.session.expired', 'checkout.expired'],
  ['payment_intent.created', 'payment.created'],
  ['payment_intent.processing', 'payment.pending'],
  ['payment_intent.partially_funded', 'payment.pending'],
  ['payment_intent.succeeded', 'payment.succeeded'],
  ['payment_intent.payment_failed', 'payment.failed'],
  ['payment_intent.canceled', 'payment.canceled'],
  ['charge.dispute.created', 'payment.disputed'],
  ['charge.dispute.closed', 'payment.dispute_closed'],
  ['refund.created', 'refund.created'],
  ['refund.updated', 'refund.updated'],
  ['refund.failed', 'refund.failed'],
  ['payment_method.attached', 'payment_method.attached'],
  ['payment_method.updated', 'payment_method.updated'],
  ['payment_method.automatically_updated', 'payment_method.updated'],
  // The name of that event before API version 2020-08-27.
  ['payment_method.card_automatically_updated', 'payment_method.updated'],
  ['payment_method.detached', 'payment_method.detached'],
  ['invoice.created', 'invoice.created'],
  ['invoice.finalized', 'invoice.finalized'],
  ['invoice.sent', 'invoice.sent'],
  ['invoice.upcoming', 'invoice.upcoming'],
  ['invoice.updated', 'invoice.updated'],
  ['invoice.paid', 'invoice.paid'],
  ['invoice.payment_failed', 'invoice.payment_failed'],
  ['invoice.overdue', 'invoice.overdue'],
  ['invoice.voided', 'invoice.voided'],
  ['invoice.marked_uncollectible', 'invoice.voided'],
  ['payout.created', 'payout.created'],
  ['payout.paid', 'payout.paid'],
  ['payout.failed', 'payout.failed'],
  ['payout.canceled', 'payout.canceled'],
  ['product.created', 'product.created'],
  ['product.updated', 'product.updated'],
  ['product.deleted', 'product.deleted'],
  ['customer.created', 'customer.created'],
  ['customer.updated', 'customer.updated'],
  ['customer.deleted', 'customer.deleted'],
  ['customer.subscription.created', 'subscription.created'],
  ['customer.subscription.deleted', 'subscription.canceled'],
  ['customer.subscription.paused', 'subscription.paused'],
  ['customer.subscription.resumed', 'subscription.resumed'],
  ['customer.subscription.trial_will_end', 'subscription.trial_ending'],
  ['account.application.authorized', 'app.installed'],
  ['account.application.deauthorized', 'app.uninstalled'],
]);

/**
 * Types of charges without a payment intent. A charge with one has no canonical type, since the intent's events report the same payment. What was
 * only authorised is told by `captured`.
 */
const chargesWithoutIntent = new Map<string, { captured: string; authorized: string }>([
  ['charge.succeeded', { captured: 'payment.succeeded', authorized: 'payment.authorized' }],
  ['charge.captured', { captured: 'payment.succeeded', authorized: 'payment.authorized' }],
  ['charge.pending', { captured: 'payment.pending', authorized: 'payment.pending' }],
  ['charge.failed', { captured: 'payment.failed', authorized: 'payment.failed' }],
  ['charge.expired', { captured: 'payment.canceled', authorized: 'payment.canceled' }],
]);

/** The canonical type of an event with its object; `stripe.<type>` for an event outside the vocabulary. */
export function canonicalType(event: JsonObject, object: JsonObject): string {
  const type = text(event, 'type') ?? '';
  return typeByState(type, event, object) ?? types.get(type) ?? unmappedType(type);
}

/** The type of an event that Stripe sends for several facts, told apart by the state of its object. */
function typeByState(type: string, event: JsonObject, object: JsonObject): string | undefined {
  if (type === 'checkout.session.completed') return completedSession(object);
  if (type === 'charge.refunded') return refundedCharge(event, object);
  if (type === 'payment_intent.amount_capturable_updated') return authorizedIntent(object);
  if (type === 'customer.subscription.updated') return updatedSubscription(object, at(event, 'data.previous_attributes'));
  // A refund that was canceled has no other event. One that failed has refund.failed, which Stripe sends beside this event.
  if (type === 'refund.updated' && object.status === 'canceled') return 'refund.failed';
  const lone = chargesWithoutIntent.get(type);
  if (lone === undefined || firstText(object, 'payment_intent', 'payment_intent.id') !== undefined) return undefined;
  return wasCaptured(object) ? lone.captured : lone.authorized;
}

/**
 * Completed means that the customer went through checkout: boleto and other delayed methods are paid days later, or never. Nothing is paid when a
 * card is stored for later, a trial begins or a discount leaves nothing to pay (docs.stripe.com/payments/checkout/fulfillment, no-cost-orders).
 */
function completedSession(object: JsonObject): string {
  const status = text(object, 'payment_status');
  if (status === 'unpaid') return 'order.pending';
  const nothingToPay = object.mode === 'setup' || integerAt(object, 'amount_total') === 0n;
  // Before API version 2020-08-27 a session had no payment_status, and only what was paid at once could complete it.
  return nothingToPay || (status !== undefined && status !== 'paid') ? 'checkout.completed' : 'order.paid';
}

/** A charge that had taken nothing gives nothing back: its authorisation was cancelled (docs.stripe.com/api/charges/object, `captured`). */
function refundedCharge(event: JsonObject, charge: JsonObject): string {
  if (!wasCaptured(charge)) return 'payment.canceled';
  const returned = returnedBy(charge, at(event, 'data.previous_attributes'), event.api_version);
  if (returned !== undefined && returned <= 0n) return unmappedType('charge.refunded');
  return isReturnedInFull(charge, event.api_version) ? 'payment.refunded' : 'payment.partially_refunded';
}

/** With several captures the event also reports each part that was taken, which is no further authorisation (docs.stripe.com/payments/multicapture). */
function authorizedIntent(intent: JsonObject): string {
  const taken = integerAt(intent, 'amount_received') ?? 0n;
  return taken > 0n || integerAt(intent, 'amount_capturable') === 0n
    ? unmappedType('payment_intent.amount_capturable_updated')
    : 'payment.authorized';
}

function unmappedType(type: string): string {
  const name = type.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return `stripe.${name.slice(0, 100)}`;
}
