import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { EventsSearch } from '../../lib/search.ts';
import { live } from '../../ui/live.tsx';
import { type EventPage, eventPages, newestEvents, refetchList } from './queries.ts';

/**
 * The events of a filter, page after page, newest first. To find new events, the first page is fetched again; they are counted as `fresh`
 * until the reader wants them. `showFresh` then starts the list again from that page, so that no event is missing or shown twice.
 */
export function useEvents(orgId: string, search: EventsSearch) {
  const queryClient = useQueryClient();
  const options = eventPages(orgId, search);
  const pages = useInfiniteQuery(options);
  const newest = useQuery({ ...newestEvents(orgId, search), enabled: pages.isSuccess, ...live(10_000) });

  const rows = useMemo(() => pages.data?.pages.flatMap((page) => page.rows) ?? [], [pages.data]);
  const first = newest.data;
  const fresh = useMemo(() => {
    const known = new Set(rows.map((row) => row.id));
    return first?.rows.filter((row) => !known.has(row.id)).length ?? 0;
  }, [rows, first]);
  const { queryKey } = options;
  const showFresh = useCallback(() => {
    if (first) queryClient.setQueryData<InfiniteData<EventPage>>(queryKey, { pages: [first], pageParams: [null] });
  }, [queryClient, queryKey, first]);
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = pages;
  /** How far back a long search has come; it continues only on request. */
  const searchedTo = pages.data?.pages.at(-1)?.scannedTo ?? undefined;
  const fetchMore = useCallback(() => {
    if (hasNextPage && !isFetching && !isFetchNextPageError && searchedTo === undefined) void fetchNextPage();
  }, [hasNextPage, isFetching, isFetchNextPageError, searchedTo, fetchNextPage]);
  const refresh = useCallback(() => refetchList(queryClient, orgId), [queryClient, orgId]);
  return { pages, newest, rows, fresh, showFresh, fetchMore, searchedTo, refresh };
}
