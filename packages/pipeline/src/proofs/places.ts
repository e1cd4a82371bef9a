import type { Delivery } from '../source.ts';

/** Where in a delivery its proof is: a header in lower case, or a parameter of the URL's query. */
export interface Placed {
  in: 'header' | 'query';
  name: string;
}

/** Every value at a place: a proof that is given twice is ambiguous, so the verifiers refuse it. */
export function valuesAt(delivery: Pick<Delivery, 'headers' | 'url'>, place: Placed): readonly string[] {
  if (place.in === 'header') {
    const value = delivery.headers[place.name];
    return value === undefined ? [] : [value];
  }
  return URL.canParse(delivery.url) ? new URL(delivery.url).searchParams.getAll(place.name) : [];
}

/** The place as a message names it. */
export function placeName({ in: where, name }: Placed): string {
  return where === 'header' ? `header ${name}` : `query parameter ${name}`;
}
