import { isObject, own, text, textOf } from '../../reading/fields.ts';
import type { Json, JsonObject } from '../../source.ts';
import { byShape, objectsIn, present } from './shape.ts';

const names = [
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_term',
  'utm_content',
  'utm_id',
  'src',
  'sck',
  'xcod',
  's1',
  's2',
  's3',
] as const;
/** The same parameters without their `utm_`, in an object called `utm` or `campaign`. */
const bareNames = ['source', 'medium', 'campaign', 'term', 'content'] as const;

const rootsPresent = present([
  'data',
  'payload',
  'order',
  'data.order',
  'lead',
  'data.lead',
  'purchase',
  'venda',
  'properties',
  'form_response',
  'context',
]);
/** Objects, or lists of pairs such as `{ name, value }`, that hold campaign parameters. */
const holdersPresent = present([
  ...['tracking', 'tracking_parameters', 'trackingParameters', 'TrackingParameters', 'attribution', 'utm_params', 'utmParams', 'utms'],
  ...[
    'query',
    'query_params',
    'queryParams',
    'params',
    'hidden',
    'origin',
    'note_attributes',
    'custom_attributes',
    'meta_data',
    'metadata',
  ],
]);
const bareHoldersPresent = present(['utm', 'utms', 'campaign', 'conversion_origin', 'attribution']);
/** Addresses of the page that a visitor came to, whose query has the parameters. */
const addressesPresent = present([
  ...['landing_site', 'landing_page', 'landingPage', 'landing_url', 'page_url', 'pageUrl', 'page.url', 'event_source_url', 'source_url'],
  ...['conversion_url', 'current_url', '$current_url', 'url'],
]);

/** The campaign parameters of a record: from its fields, or else from the query of the page's address. */
export function campaignOf(value: JsonObject): Record<string, string> {
  const found: Record<string, string> = {};
  const objects = objectsIn(value, rootsPresent);
  for (const object of objects) {
    take(found, object, '');
    for (const holder of byShape(object, holdersPresent)) take(found, asObject(object[holder]), '');
    for (const holder of byShape(object, bareHoldersPresent)) take(found, asObject(object[holder]), 'utm_');
  }
  if (Object.keys(found).length > 0) return found;
  for (const object of objects) for (const address of byShape(object, addressesPresent)) takeQuery(found, text(object, address));
  return found;
}

function take(into: Record<string, string>, from: JsonObject | undefined, prefix: '' | 'utm_'): void {
  if (from === undefined) return;
  for (const name of prefix === '' ? names : bareNames) {
    const found = textOf(own(from, name));
    if (found !== undefined) into[`${prefix}${name}`] ??= found;
  }
}

/** The object, or a list of pairs as an object. WooCommerce writes `_` before the names of fields that its pages hide. */
function asObject(value: Json | undefined): JsonObject | undefined {
  if (isObject(value)) return value;
  if (!Array.isArray(value)) return undefined;
  const pairs: JsonObject = {};
  for (const pair of value.slice(0, 100)) {
    const name = text(pair, 'name') ?? text(pair, 'key');
    const found = isObject(pair) ? pair.value : undefined;
    if (name !== undefined && name !== '__proto__' && found !== undefined) pairs[name.replace(/^_(?:wc_order_attribution_)?/, '')] = found;
  }
  return pairs;
}

function takeQuery(into: Record<string, string>, address: string | undefined): void {
  const start = address?.indexOf('?') ?? -1;
  if (address === undefined || start === -1 || address.length > 8_000) return;
  const query = new URLSearchParams(address.slice(start + 1).split('#', 1)[0]);
  for (const name of names) {
    const found = query.get(name)?.trim();
    if (found) into[name] ??= found;
  }
}
