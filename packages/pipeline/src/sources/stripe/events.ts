import { text } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';

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
  ['payment_intent.amount_capturable_updated', 'payment.authorized'],
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
  ['customer.subscription.updated', 'subscription.updated'],
  ['customer.subscription.deleted', 'subscription.canceled'],
  ['customer.subscription.paused', 'subscription.paused'],
  ['customer.subscription.resumed', 'subscription.resumed'],
  ['customer.subscription.trial_will_end', 'subscription.trial_ending'],
  ['account.application.authorized', 'app.installed'],
  ['account.application.deauthorized', 'app.uninstalled'],
]);

/** Types of charges without a payment intent. A charge with one has no canonical type, since the intent's events report the same payment. */
const chargesWithoutIntent = new Map<string, string>([
  ['charge.succeeded', 'payment.succeeded'],
  ['charge.pending', 'payment.pending'],
  ['charge.failed', 'payment.failed'],
]);

/** The canonical type of a Stripe event type with its object; `stripe.<type>` for a type outside the vocabulary. */
export function canonicalType(type: string, object: JsonObject): string {
  if (type === 'checkout.session.completed') return completedSession(object);
  // `refunded` becomes true with the refund that returns the rest of the charge.
  if (type === 'charge.refunded') return object.refunded === false ? 'payment.partially_refunded' : 'payment.refunded';
  const lone = chargesWithoutIntent.get(type);
  if (lone !== undefined && text(object, 'payment_intent') === undefined && text(object, 'payment_intent.id') === undefined) return lone;
  return types.get(type) ?? unmappedType(type);
}

/** Completed means that the customer went through checkout: boleto and other delayed methods are paid days later, or never. */
function completedSession(object: JsonObject): string {
  // Nothing is sold in this mode: a card is stored for later.
  if (object.mode === 'setup') return 'checkout.completed';
  return object.payment_status === 'unpaid' ? 'order.pending' : 'order.paid';
}

function unmappedType(type: string): string {
  const name = type.toLowerCase().replace(/[^a-z0-9]+/g, '_');
  return `stripe.${name.slice(0, 100)}`;
}
