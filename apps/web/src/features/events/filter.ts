import { parseAmount } from '@tributary/shared/currency.ts';
import type { EventFilter } from '@tributary/shared/events.ts';
import { rangeMs } from '../../lib/range.ts';
import type { EventsSearch } from '../../lib/search.ts';

// The filter of the events page: as the URL carries it, and as the API takes it.

/** The hashes of one person that the URL contains. */
export const subjectHashes = (text: string | undefined): string[] => (text ?? '').split(',').filter((one) => isHash(one));
export const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** The filters that "clear filters" removes; the time and the open row are not among them. */
export const filterKeys = ['connections', 'types', 'subject', 'order', 'amount', 'q', 'test'] as const satisfies (keyof EventsSearch)[];

export const isFiltered = (search: EventsSearch): boolean => filterKeys.some((key) => search[key] !== undefined);

/** The part of the search that selects events: everything except the open event and its tab. */
export const filterOf = (search: EventsSearch) => without(search, 'event', 'tab');

/** The search without these keys. */
export function without<Key extends keyof EventsSearch>(search: EventsSearch, ...keys: readonly Key[]): Omit<EventsSearch, Key> {
  return Object.fromEntries(Object.entries(search).filter(([key]) => !keys.includes(key as Key))) as Omit<EventsSearch, Key>;
}

/** The start and end of the selected time. A range that ends now has no end, so that a server clock that is ahead hides no event. */
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

/** The lengths of a bar, in seconds. */
const steps = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 31_536_000];
const barsMax = 96;
const withoutStartMs = 90 * 86_400_000;

/** The bars of a histogram. Those of a range start and end on round times of the viewer's clock, so that the bar of a day is a day. */
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

export interface FilterProps {
  search: EventsSearch;
  /** `replace` where the change should not become a step of the browser's history, as with every typed letter. */
  onChange: (search: EventsSearch, options?: { replace?: boolean }) => void;
}

/** What the form of a filter gets: `close` closes the pill that it opened from. */
export interface FilterFormProps extends FilterProps {
  close: () => void;
}
