import { type DlqFilter, DlqStatus } from '@tributary/shared/dlq.ts';
import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import { openStatuses } from '../../lib/dead-letters.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';

export const statuses: readonly DlqStatus[] = DlqStatus.options;
export const classes = Object.keys(errorClasses) as ErrorClass[];

export const filterKeys = ['classes', 'connections', 'statuses', 'sourceEventType', 'from', 'to'] as const;
export const isFiltered = (search: DeadLettersSearch) => filterKeys.some((key) => search[key] !== undefined);

export function without<Key extends keyof DeadLettersSearch>(search: DeadLettersSearch, ...keys: Key[]): Omit<DeadLettersSearch, Key> {
  const rest = { ...search };
  for (const key of keys) delete rest[key];
  return rest;
}

const known = <Value extends string>(values: readonly string[] | undefined, all: readonly Value[]) =>
  all.filter((one) => values?.includes(one));

/**
 * The filter of the URL as the API takes it. Lists, counts and commands use the same filter, so that a command changes exactly the entries
 * that are shown. The statuses are always named: without them a purge would also delete resolved entries.
 */
export function toFilter(orgId: string, search: DeadLettersSearch, quarantine: boolean): DlqFilter {
  const wanted = { classes: known(search.classes, classes), statuses: known(search.statuses, statuses) };
  return {
    orgId,
    quarantine,
    statuses: wanted.statuses.length > 0 ? wanted.statuses : [...openStatuses],
    ...(wanted.classes.length > 0 ? { classes: wanted.classes } : {}),
    ...(search.connections ? { connectionIds: search.connections } : {}),
    ...(search.sourceEventType ? { sourceEventTypes: [search.sourceEventType] } : {}),
    ...(search.from ? { from: search.from } : {}),
    ...(search.to ? { to: search.to } : {}),
  };
}

/** The filter as a query string, in which a list is one parameter with commas. */
export const toQuery = (filter: DlqFilter, more: Record<string, string> = {}) =>
  new URLSearchParams({ ...Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, String(value)])), ...more }).toString();
