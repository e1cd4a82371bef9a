import { at, isObject, text } from '../../reading/fields.ts';
import type { Json, JsonObject } from '../../source.ts';

/**
 * States that a subscription reaches without an event of its own name. The end (`canceled`) and the pause for want of a means of payment
 * (`paused`) have such events, which count.
 */
const typesByStatus = new Map<string, string>([
  ['trialing', 'subscription.trial_started'],
  ['past_due', 'subscription.past_due'],
  ['unpaid', 'subscription.past_due'],
  ['incomplete_expired', 'subscription.expired'],
]);

/**
 * What `customer.subscription.updated` reports, by the fields that changed (docs.stripe.com/billing/subscriptions/webhooks). A pause of the collection
 * is told by this event only: `customer.subscription.paused` is about the status `paused` (docs.stripe.com/api/events/types).
 */
export function updatedSubscription(subscription: JsonObject, previous: Json | undefined): string {
  return (
    typeOfStatus(text(subscription, 'status'), text(previous, 'status')) ??
    typeOfPause(subscription, previous) ??
    (changedPlan(subscription, previous) ? 'subscription.plan_changed' : undefined) ??
    (changed(subscription, previous, 'billing_cycle_anchor') ? 'subscription.charge_date_changed' : undefined) ??
    'subscription.updated'
  );
}

function typeOfStatus(now: string | undefined, before: string | undefined): string | undefined {
  if (now === undefined || before === undefined || now === before) return undefined;
  if (now === 'active') return before === 'incomplete' || before === 'trialing' ? 'subscription.activated' : undefined;
  // From one state of being late to the other, nothing new happened.
  if (typesByStatus.get(now) === typesByStatus.get(before)) return undefined;
  return typesByStatus.get(now);
}

function typeOfPause(subscription: JsonObject, previous: Json | undefined): string | undefined {
  if (!isObject(previous) || !Object.hasOwn(previous, 'pause_collection')) return undefined;
  const [now, before] = [isObject(subscription.pause_collection), isObject(previous.pause_collection)];
  if (now === before) return undefined;
  return now ? 'subscription.paused' : 'subscription.resumed';
}

/** Whether the subscription has other prices than before. Another quantity of the same prices is no other plan. */
function changedPlan(subscription: JsonObject, previous: Json | undefined): boolean {
  const before = pricesOf(at(previous, 'items.data'));
  if (before.length > 0) return before.join() !== pricesOf(at(subscription, 'items.data')).join();
  return changed(subscription, previous, 'plan.id');
}

function pricesOf(items: Json | undefined): string[] {
  if (!Array.isArray(items)) return [];
  return items
    .map((item) => text(item, 'price.id') ?? text(item, 'plan.id'))
    .filter((id) => id !== undefined)
    .sort();
}

function changed(subscription: JsonObject, previous: Json | undefined, path: string): boolean {
  const before = text(previous, path);
  return before !== undefined && before !== text(subscription, path);
}
