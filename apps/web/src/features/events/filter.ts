import { parseAmount } from '@tributary/shared/currency.ts';
import type { EventFilter } from '@tributary/shared/events.ts';
import { rangeMs } from '../../lib/range.ts';
import type { EventsSearch } from '../../lib/search.ts';

// What the URL says about which events are meant, and the same in the words of the API.

/** Hashes of one person, as the URL carries them. */
export const subjectHashes = (text: string | undefined): string[] => (text ?? '').split(',').filter((one) => isHash(one));
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** The filters, without the time and the open row: what "clear filters" takes away. */
export const filterKeys = ['connections', 'types', 'subject', 'order', 'amount', 'q', 'test'] as const satisfies (keyof EventsSearch)[];

export const isFiltered = (search: EventsSearch): boolean => filterKeys.some((key) => search[key] !== undefined);

/** What decides which events are meant: the search without the open event. */
export const filterOf = (search: EventsSearch) => without(search, 'event', 'tab');

/** The search without these keys. */
export function without<Key extends keyof EventsSearch>(search: EventsSearch, ...keys: readonly Key[]): Omit<EventsSearch, Key> {
  return Object.fromEntries(Object.entries(search).filter(([key]) => !keys.includes(key as Key))) as Omit<EventsSearch, Key>;
}

/** From when and to when; a range that ends now has no end, so that a clock that runs ahead hides nothing. */
export function timesOf({ from, to, range = '24h' }: EventsSearch, nowMs: number): { from?: string; to?: string } {
  if (from === undefined && to === undefined) return { from: new Date(nowMs - rangeMs(range)).toISOString() };
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

export function toWire(search: EventsSearch, nowMs: number): EventFilter {
  const { connections, types, order, test, q } = search;
  const subjects = subjectHashes(search.subject);
  return {
    ...timesOf(search, nowMs),
    ...(connections && { connectionIds: connections }),
    ...(types && { types }),
    ...(subjects.length > 0 && { subjects }),
    ...(order !== undefined && { orderRef: order }),
    ...parseAmount(search.amount ?? ''),
    ...(test && { test }),
    ...(q !== undefined && { q }),
  };
}

/** Lengths of a bar, in seconds: those that people count in. */
const steps = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000];
const barsMax = 96;
const withoutStartMs = 90 * 86_400_000;

/** The bars of a histogram: those of a range end on borders of the viewer's clock, so that a day's bar is a day. */
export function barsOf(search: EventsSearch, nowMs: number): { from: string; to: string; stepSeconds: number } {
  const own = search.from !== undefined || search.to !== undefined;
  const end = search.to === undefined ? nowMs : Date.parse(search.to);
  const start = own ? (search.from === undefined ? end - withoutStartMs : Date.parse(search.from)) : nowMs - rangeMs(search.range ?? '24h');
  const stepSeconds = steps.find((step) => (end - start) / 1000 / step <= barsMax) ?? 31_536_000;
  const iso = (ms: number) => new Date(ms).toISOString();
  if (own) return { from: iso(start), to: iso(Math.max(end, start + 1_000)), stepSeconds };
  const step = stepSeconds * 1_000;
  const offset = new Date(nowMs).getTimezoneOffset() * 60_000;
  const border = (ms: number) => Math.floor((ms - offset) / step) * step + offset;
  return { from: iso(border(start)), to: iso(border(end) + step), stepSeconds };
}
