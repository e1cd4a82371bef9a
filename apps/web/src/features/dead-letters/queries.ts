import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import {
  DlqAnalysis,
  DlqDryRun,
  type DlqEntry,
  DlqEntryDetail,
  type DlqFilter,
  DlqList,
  DlqOperation,
  type DlqOperationKind,
  DlqOperations,
  DlqRetried,
  DlqSamples,
  DlqStarted,
  DlqSummary,
} from '@tributary/shared/dlq.ts';
import { api } from '../../lib/api.ts';
import type { Language } from '../../lib/i18n.ts';
import { queryKeys } from '../../lib/query-keys.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { toQuery } from './filter.ts';

const key = queryKeys.deadLetters;

/** Groups by class and connection, with their counts per hour. */
export const summary = (filter: DlqFilter) =>
  queryOptions({
    queryKey: [...key, 'summary', filter],
    queryFn: () => api(DlqSummary, 'GET', `/api/dlq/summary?${toQuery(filter)}`),
  });

/**
 * Clusters of similar failures, each with cause and fix in the language of the page. `of` is part of the key, so that the analysis is
 * fetched again when the groups or the entry change.
 */
export const analysis = (filter: DlqFilter, language: Language, of: readonly string[]) =>
  queryOptions({
    queryKey: [...key, 'analysis', language, filter, of],
    staleTime: 60_000,
    queryFn: () => api(DlqAnalysis, 'GET', `/api/dlq/analyze?${toQuery(filter, { language })}`),
  });

export const entryPages = (filter: DlqFilter) =>
  infiniteQueryOptions({
    queryKey: [...key, 'entries', filter],
    initialPageParam: '',
    queryFn: ({ pageParam: cursor }) => api(DlqList, 'GET', `/api/dlq?${toQuery(filter, { limit: '50', ...(cursor ? { cursor } : {}) })}`),
    getNextPageParam: (page) => page.nextCursor,
  });

export const entryDetail = (id: string) =>
  queryOptions({
    queryKey: [...key, 'entry', id],
    queryFn: () => api(DlqEntryDetail, 'GET', `/api/dlq/${encodeURIComponent(id)}`),
  });

/** The events of a dead letter that was retried: events of its own delivery and of the replays of that delivery. */
export const eventsOfEntry = ({ id, journalId, idempotencyKey }: DlqEntry) =>
  queryOptions({
    queryKey: [...key, 'events', id],
    queryFn: async () => {
      const { data } = supabase();
      const replays = await read(data.from('event_journal').select('id').eq('replay_of', journalId).limit(50));
      const events = data
        .from('canonical_events')
        .select('id, type, event_time')
        .in('journal_id', [journalId, ...replays.map((replay) => replay.id)]);
      const ours = idempotencyKey === null ? events : events.eq('idempotency_key', idempotencyKey);
      return read(ours.order('event_time', { ascending: false }).limit(20));
    },
  });

export const operations = (orgId: string) =>
  queryOptions({
    queryKey: [...key, 'operations', orgId],
    queryFn: async () => (await api(DlqOperations, 'GET', `/api/dlq/operations?orgId=${orgId}`)).operations,
  });

/** The delivery with its personal data. Every call is recorded in the audit log. */
export const fullDelivery = async ({ id, orgId, status }: DlqEntry) =>
  (await api(DlqSamples, 'GET', `/api/dlq/sample?${toQuery({ orgId, ids: [id], statuses: [status] }, { limit: '1', full: 'true' })}`))
    .entries[0]?.payload;

export const retryEntry = (id: string) => api(DlqRetried, 'POST', `/api/dlq/${id}/retry`);
export const discardEntry = (id: string) => api(DlqRetried, 'POST', `/api/dlq/${id}/discard`);
/** Counts what an operation would change, and for a redrive or re-verification tries some of the entries. */
export const countMatching = (kind: DlqOperationKind, filter: DlqFilter) =>
  api(DlqDryRun, 'POST', `/api/dlq/${kind}`, { ...filter, dryRun: true });
export const startOperation = async (kind: DlqOperationKind, filter: DlqFilter) =>
  (await api(DlqStarted, 'POST', `/api/dlq/${kind}`, filter)).operation;
export const cancelOperation = (id: string) => api(DlqOperation, 'POST', `/api/dlq/operations/${id}/cancel`);

export const invalidateDeadLetters = (client: QueryClient) => client.invalidateQueries({ queryKey: key });

/** Invalidates what a retry changes: dead letters, and the events, activity and figures of connections. */
export const invalidateAfterRetry = (client: QueryClient) =>
  Promise.all([
    invalidateDeadLetters(client),
    ...[queryKeys.events, queryKeys.activity, queryKeys.connections, queryKeys.connectionHealth].map((queryKey) =>
      client.invalidateQueries({ queryKey }),
    ),
  ]);
