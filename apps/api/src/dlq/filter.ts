import type { DlqFilter, DlqOperationKind, DlqStatus } from '@tributary/shared/dlq.ts';

/**
 * Conditions on `d`, a row of dlq_events, with the values of {@link filterValues} as $1 to $12. Postgres plans the statement with the
 * values known, so that a condition without a value costs nothing.
 */
export const matchesFilter = `d.org_id = $1
  and ($2::uuid is null or d.project_id = $2)
  and ($3::uuid[] is null or d.source_connection_id = any ($3))
  and ($4::text[] is null or d.source_connection_id = any (array(select id from public.source_connections where org_id = $1 and type = any ($4))))
  and ($5::text[] is null or d.error_class = any ($5))
  and ($6::text[] is null or d.status = any ($6))
  and ($7::boolean is null or d.is_quarantine = $7)
  and ($8::text[] is null or d.source_event_type = any ($8))
  and ($9::text is null or d.field_path = $9)
  and ($10::timestamptz is null or d.created_at >= $10)
  and ($11::timestamptz is null or d.created_at < $11)
  and ($12::uuid[] is null or d.id = any ($12))`;

/** `olderThanDays` counts back from `nowMs`. */
export function filterValues(orgId: string, filter: DlqFilter, nowMs: number): unknown[] {
  const ends = filter.to === undefined ? [] : [Date.parse(filter.to)];
  if (filter.olderThanDays !== undefined) ends.push(nowMs - filter.olderThanDays * 86_400_000);
  return [
    orgId,
    filter.projectId ?? null,
    filter.connectionIds ?? null,
    filter.sources ?? null,
    filter.classes ?? null,
    filter.statuses ?? null,
    filter.quarantine ?? null,
    filter.sourceEventTypes ?? null,
    filter.fieldPath ?? null,
    filter.from ?? null,
    ends.length === 0 ? null : new Date(Math.min(...ends)).toISOString(),
    filter.ids ?? null,
  ];
}

/** The statuses of entries that are neither resolved nor discarded. */
export const openStatuses: DlqStatus[] = ['pending', 'retrying', 'exhausted'];

/**
 * The statuses that each kind of operation may change: `usually` without statuses in the filter, and `also` where the filter names them.
 */
const changeableStatuses: Record<DlqOperationKind, { usually: DlqStatus[]; also: DlqStatus[] }> = {
  redrive: { usually: ['pending', 'exhausted'], also: ['discarded'] },
  reverify: { usually: ['pending', 'exhausted'], also: ['discarded'] },
  discard: { usually: ['pending', 'exhausted'], also: [] },
  purge: { usually: ['pending', 'exhausted', 'discarded', 'resolved'], also: [] },
};

/**
 * The filter of an operation in its normal form, so that two requests with the same meaning are equal. `statuses` is empty when the
 * operation may not change any of the requested statuses.
 */
export function operationFilter(kind: DlqOperationKind, filter: DlqFilter): DlqFilter & { statuses: DlqStatus[] } {
  const { usually, also } = changeableStatuses[kind];
  const statuses = (filter.statuses ?? usually).filter((status) => usually.includes(status) || also.includes(status));
  const { orgId: _, ...rest } = { ...filter, statuses, ...(kind === 'reverify' ? { quarantine: true } : {}) };
  const sorted = Object.entries(rest).map(([name, value]) => [name, Array.isArray(value) ? [...new Set(value)].sort() : value]);
  return Object.fromEntries(sorted) as DlqFilter & { statuses: DlqStatus[] };
}

/** The filter without anything that depends on the time at which it is applied: entries that come later do not match it. */
export function fixedFilter({ olderThanDays, ...filter }: DlqFilter, nowMs: number): DlqFilter {
  return {
    ...filter,
    to: filterValues('', { ...filter, to: filter.to ?? new Date(nowMs).toISOString(), olderThanDays }, nowMs)[10] as string,
  };
}
