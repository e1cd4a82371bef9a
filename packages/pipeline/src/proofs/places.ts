import type { Delivery } from '../source.ts';

/** Where in a delivery its proof is: a header in lower case, or a parameter of the URL's query. */
export interface Placed {
  in: 'header' | 'query';
  name: string;
}

/**
 * Every value at a place, with one character for each byte, as Node gives headers: which bytes a text beyond ASCII becomes is the sender's choice
 * (see crypto/renderings.ts). In a query, `+` stays as it is. A proof that is given twice is ambiguous, so the verifiers refuse it.
 */
export function valuesAt(delivery: Pick<Delivery, 'headers' | 'url'>, place: Placed): readonly string[] {
  if (place.in === 'header') {
    const value = delivery.headers[place.name];
    return value === undefined ? [] : [value];
  }
  const [address = '', query = ''] = (delivery.url.split('#', 1)[0] ?? '').split(/\?(.*)/s);
  if (!URL.canParse(address)) return [];
  const pairs = query.split('&').map((pair) => pair.split(/=(.*)/s));
  const bytesOfName = Buffer.from(place.name, 'utf8').toString('latin1');
  return pairs.filter(([name = '']) => bytesOf(name.replaceAll('+', ' ')) === bytesOfName).map(([, value = '']) => bytesOf(value));
}

/** Percent-encoded text as its bytes, one character each. */
function bytesOf(component: string): string {
  return component.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The place as a message names it. */
export function placeName({ in: where, name }: Placed): string {
  return where === 'header' ? `header ${name}` : `query parameter ${name}`;
}
