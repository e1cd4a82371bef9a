import { type DlqFilter, DlqStatus } from '@tributary/shared/dlq.ts';
import { type ErrorClass, errorClasses } from '@tributary/shared/errors.ts';
import type { DeadLettersSearch } from '../../lib/search.ts';

/** What is still of concern: what the page shows where no status is asked for. */
const openStatuses: DlqStatus[] = ['pending', 'retrying', 'exhausted'];
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
 * What the URL asks for, as the API takes it: for lists, counts and commands alike, so that a command touches what is seen. The statuses are
 * always named: where none are, a purge would also delete what is resolved.
 */
export function toFilter(orgId: string, search: DeadLettersSearch, quarantine: boolean): DlqFilter {
  const wanted = { classes: known(search.classes, classes), statuses: known(search.statuses, statuses) };
  return {
    orgId,
    quarantine,
    statuses: wanted.statuses.length > 0 ? wanted.statuses : openStatuses,
    ...(wanted.classes.length > 0 ? { classes: wanted.classes } : {}),
    ...(search.connections ? { connectionIds: search.connections } : {}),
    ...(search.sourceEventType ? { sourceEventTypes: [search.sourceEventType] } : {}),
    ...(search.from ? { from: search.from } : {}),
    ...(search.to ? { to: search.to } : {}),
  };
}

/** In a query a list is one parameter with commas. */
export const toQuery = (filter: DlqFilter, more: Record<string, string> = {}) =>
  new URLSearchParams({ ...Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, String(value)])), ...more }).toString();
