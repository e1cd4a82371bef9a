import { at, isObject, pickTexts } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';

const names = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'utm_id', 'src', 'sck', 'xcod'];

/** The most particular place last: an invoice carries its subscription's metadata (under `parent` since API version 2025-03-31). */
const places: readonly (readonly string[])[] = [
  ['data', 'object', 'parent', 'subscription_details', 'metadata'],
  ['data', 'object', 'subscription_details', 'metadata'],
  ['data', 'object', 'metadata'],
];

/**
 * Stripe knows no campaigns; shops put their parameters into metadata, among free text that is personal as a whole. They are moved out of
 * it to `campaign`, or they would be taken for personal data with the rest. An event without any is given back as it came.
 */
export function liftCampaign(event: JsonObject): JsonObject {
  const campaign: Record<string, string> = {};
  let rest = event;
  for (const place of places) {
    const metadata = at(event, place.join('.'));
    const found = pickTexts(metadata, names);
    if (!isObject(metadata) || Object.keys(found).length === 0) continue;
    Object.assign(campaign, found);
    rest = withValue(rest, place, Object.fromEntries(Object.entries(metadata).filter(([name]) => !Object.hasOwn(found, name))));
  }
  return rest === event ? event : { ...rest, campaign };
}

/** What {@link liftCampaign} found; undefined when it found nothing. */
export function campaignOf(event: JsonObject): Record<string, string> | undefined {
  const found = pickTexts(event.campaign, names);
  return Object.keys(found).length > 0 ? found : undefined;
}

function withValue(object: JsonObject, [key = '', ...path]: readonly string[], value: JsonObject): JsonObject {
  const inner = object[key];
  return { ...object, [key]: path.length === 0 || !isObject(inner) ? value : withValue(inner, path, value) };
}
