import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
import type { Database } from '@tributary/shared/database.types.ts';
import {
  addHistograms,
  type EventCursor,
  EventDelivery,
  EventExport,
  type EventExportFormat,
  EventHistogram,
  EventPage,
  type EventRow,
  HashedSubject,
} from '@tributary/shared/events.ts';
import { ReplayedEntry, type ReplayMode } from '@tributary/shared/journal.ts';
import { api } from '../../lib/api.ts';
import { queryKeys } from '../../lib/query-keys.ts';
import type { EventsSearch } from '../../lib/search.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { barsOf, filterOf, toWire } from './filter.ts';

export type { EventPage, EventRow };
/** All columns of an event, as the panel shows it. */
export type EventDetail = Database['public']['Tables']['canonical_events']['Row'];

const pageSize = 100;

async function fetchPage(orgId: string, search: EventsSearch, before: EventCursor | null): Promise<EventPage> {
  const filter = toWire(search, Date.now());
  return EventPage.parse(await read(supabase().data.rpc('search_events', { org_id: orgId, filter, before, page_limit: pageSize })));
}

export const eventPages = (orgId: string, search: EventsSearch) =>
  infiniteQueryOptions({
    queryKey: [...queryKeys.events, orgId, 'pages', filterOf(search)],
    staleTime: Number.POSITIVE_INFINITY,
    initialPageParam: null as EventCursor | null,
    queryFn: ({ pageParam }) => fetchPage(orgId, search, pageParam),
    getNextPageParam: (page) => page.next,
  });

export const newestEvents = (orgId: string, search: EventsSearch) =>
  queryOptions({ queryKey: [...queryKeys.events, orgId, 'newest', filterOf(search)], queryFn: () => fetchPage(orgId, search, null) });

/** The most requests that one histogram may take; each counts for at most a quarter of a second in the database. */
const roundsMax = 12;

export const eventHistogram = (orgId: string, search: EventsSearch) =>
  queryOptions({
    queryKey: [...queryKeys.events, orgId, 'histogram', filterOf(search)],
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const now = Date.now();
      const { from, to, stepSeconds } = barsOf(search, now);
      const { from: _from, to: _to, ...filter } = toWire(search, now);
      const count = async (until: string) =>
        EventHistogram.parse(
          await read(supabase().data.rpc('events_histogram', { org_id: orgId, from, to: until, bucket_seconds: stepSeconds, filter })),
        );
      let histogram = await count(to);
      for (let round = 1; histogram.countedFrom !== null && round < roundsMax; round++)
        histogram = addHistograms(histogram, await count(histogram.countedFrom));
      const buckets = histogram.buckets.toSorted((a, b) => Date.parse(a.start) - Date.parse(b.start));
      return { buckets, countedFrom: histogram.countedFrom, stepSeconds };
    },
  });

/** The time of the org's latest event; null: the org has no event. */
export const latestEventTime = (orgId: string) =>
  queryOptions({
    queryKey: [...queryKeys.events, orgId, 'latest-time'],
    queryFn: async () => {
      const page = await read(supabase().data.rpc('search_events', { org_id: orgId, page_limit: 1 }));
      return EventPage.parse(page).rows[0]?.eventTime ?? null;
    },
  });

export const eventDetail = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...queryKeys.events, orgId, 'event', id],
    queryFn: async (): Promise<EventDetail | null> => {
      const [row] = await read(supabase().data.from('canonical_events').select('*').eq('org_id', orgId).eq('id', id).limit(1));
      return row ?? null;
    },
  });

export const eventDelivery = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...queryKeys.events, orgId, 'delivery', id],
    queryFn: () => api(EventDelivery, 'GET', `/api/events/${id}/delivery`),
  });

/** Fetches everything again that the events page shows for the current filter. */
export function refetchList(client: QueryClient, orgId: string): void {
  for (const part of ['pages', 'newest', 'histogram'])
    void client.refetchQueries({ queryKey: [...queryKeys.events, orgId, part], type: 'active' });
}

/** Invalidates what a replay changes, except the pages of the list: the reader decides when the list changes. */
export const invalidateAfterReplay = (client: QueryClient) =>
  client.invalidateQueries({ queryKey: queryKeys.events, predicate: ({ queryKey }) => queryKey[2] !== 'pages' });

export const replayEntry = (journalId: string, mode: ReplayMode) => api(ReplayedEntry, 'POST', `/api/replay/${journalId}`, { mode });

export const hashSubject = async (orgId: string, value: string): Promise<string[]> => {
  const { hashes } = await api(HashedSubject, 'POST', '/api/events/subject-hash', { orgId, value });
  return [...new Set(hashes.map(({ hash }) => hash))];
};

export const exportEvents = (orgId: string, search: EventsSearch, format: EventExportFormat) =>
  api(EventExport, 'POST', '/api/events/export', { orgId, filter: toWire(search, Date.now()), format });
