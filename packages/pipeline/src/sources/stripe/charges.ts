import { at } from '../../reading/fields.ts';
import type { Json, JsonObject } from '../../source.ts';

/**
 * The first API version in which `amount_refunded` counts refunds only. Before it, what an authorisation held and a capture did not take counted as
 * refunded too, and Stripe sent `charge.refunded` for it
 * (docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow).
 */
const refundsOnlySince = '2025-03-31';

/** Whether money was taken: a charge that was only authorised holds an amount on the card and has taken nothing. */
export function wasCaptured(charge: JsonObject): boolean {
  if (charge.captured === false) return false;
  return integerAt(charge, 'amount_captured') !== 0n || integerAt(charge, 'amount') === 0n;
}

/**
 * What a `charge.refunded` gave back to the payer: the growth of `amount_refunded`, without what a partial capture released. Zero when the event
 * reports such a release only; undefined where the charge does not say.
 */
export function returnedBy(charge: JsonObject, previous: Json | undefined, apiVersion: Json | undefined): bigint | undefined {
  const now = integerAt(charge, 'amount_refunded');
  if (now === undefined) return undefined;
  const released = releasedOf(charge, now, apiVersion);
  const returned = (sum: bigint) => (sum > released ? sum - released : 0n);
  return returned(now) - returned(integerAt(previous, 'amount_refunded') ?? 0n);
}

/** Whether nothing of the charge is left with the merchant. */
export function isReturnedInFull(charge: JsonObject, apiVersion: Json | undefined): boolean {
  if (charge.refunded !== false) return true;
  const taken = integerAt(charge, 'amount_captured');
  const now = integerAt(charge, 'amount_refunded');
  return taken !== undefined && now !== undefined && now - releasedOf(charge, now, apiVersion) >= taken;
}

/** The part of `amount_refunded` that a partial capture released. */
function releasedOf(charge: JsonObject, refunded: bigint, apiVersion: Json | undefined): bigint {
  const amount = integerAt(charge, 'amount');
  const taken = integerAt(charge, 'amount_captured');
  if (amount === undefined || taken === undefined || taken >= amount) return 0n;
  // More than was taken cannot have been returned, so the sum contains the release, although the version says otherwise.
  const countsReleases = refunded > taken || (typeof apiVersion === 'string' && apiVersion < refundsOnlySince);
  return countsReleases ? amount - taken : 0n;
}

/** The integer at a path; undefined for anything else. Numbers beyond 2^53 arrive as text. */
export function integerAt(value: Json | undefined, path: string): bigint | undefined {
  const found = at(value, path);
  return (typeof found === 'number' && Number.isSafeInteger(found)) || (typeof found === 'string' && /^-?\d{1,30}$/.test(found))
    ? BigInt(found)
    : undefined;
}
