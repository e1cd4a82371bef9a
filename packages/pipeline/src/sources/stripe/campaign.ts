import { at, isObject, pickTexts } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';

const names = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'utm_id', 'src', 'sck', 'xcod'];

/**
 * Places of metadata, the most specific one last: an invoice has its subscription's metadata too (under `parent` since API version
 * 2025-03-31).
 */
const places: readonly (readonly string[])[] = [
  ['data', 'object', 'parent', 'subscription_details', 'metadata'],
  ['data', 'object', 'subscription_details', 'metadata'],
  ['data', 'object', 'metadata'],
];

/**
 * Moves campaign parameters from metadata to `campaign`. Stripe has no field for campaigns, so shops put the parameters into metadata, which is
 * free text and removed as personal data. An event without campaign parameters is returned unchanged.
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

/** The parameters that {@link liftCampaign} found; undefined without any. */
export function campaignOf(event: JsonObject): Record<string, string> | undefined {
  const found = pickTexts(event.campaign, names);
  return Object.keys(found).length > 0 ? found : undefined;
}

function withValue(object: JsonObject, [key = '', ...path]: readonly string[], value: JsonObject): JsonObject {
  const inner = object[key];
  return { ...object, [key]: path.length === 0 || !isObject(inner) ? value : withValue(inner, path, value) };
}
