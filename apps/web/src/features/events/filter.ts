import type { EventsSearch } from '../../app/search.ts';

// What the URL says about which events are meant, in the parts that are more than one word.

/** An amount of one currency, in its own units as people write them: `BRL:100..499.90`, `BRL:100..`, `BRL:..499.90`. */
export interface AmountRange {
  currency: string;
  min?: string;
  max?: string;
}

const decimal = /^\d{1,15}(\.\d{1,3})?$/;

export function parseAmount(text: string | undefined): AmountRange | undefined {
  const [, currency, min = '', max = ''] = /^([A-Z]{3}):([\d.]*?)\.\.([\d.]*)$/.exec(text ?? '') ?? [];
  if (!currency || (min === '' && max === '') || [min, max].some((one) => one !== '' && !decimal.test(one))) return undefined;
  return { currency, ...(min === '' ? {} : { min }), ...(max === '' ? {} : { max }) };
}

export const writeAmount = ({ currency, min = '', max = '' }: AmountRange): string => `${currency}:${min}..${max}`;

/** Units of a currency as its minor units, exactly: 149.9 BRL are 14990, 1500 JPY are 1500. */
export function toMinor(units: string, currency: string): string {
  const digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  const [whole = '0', fraction = ''] = units.split('.');
  return BigInt(whole + fraction.slice(0, digits).padEnd(digits, '0')).toString();
}

/** Hashes of one person, as the URL carries them. */
export const subjectHashes = (text: string | undefined): string[] => (text ?? '').split(',').filter((one) => isHash(one));
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** The filters, without the time and the open row: what "clear filters" takes away. */
export const filterKeys = ['connections', 'types', 'subject', 'order', 'amount', 'q', 'test'] as const satisfies (keyof EventsSearch)[];

export const isFiltered = (search: EventsSearch): boolean => filterKeys.some((key) => search[key] !== undefined);

/** The search without these keys. */
export function without<Key extends keyof EventsSearch>(search: EventsSearch, ...keys: readonly Key[]): Omit<EventsSearch, Key> {
  return Object.fromEntries(Object.entries(search).filter(([key]) => !keys.includes(key as Key))) as Omit<EventsSearch, Key>;
}
