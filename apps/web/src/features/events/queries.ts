import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Database } from '@tributary/shared/database.types.ts';
import { ReplayedEntry, type ReplayMode } from '@tributary/shared/journal.ts';
import type { EventsSearch } from '../../app/search.ts';
import { api } from '../../lib/api.ts';
import { read, supabase } from '../../lib/supabase.ts';
import { parseAmount, subjectHashes, toMinor } from './filter.ts';

export type EventRow = Database['public']['Tables']['canonical_events']['Row'];

interface Cursor {
  time: string;
  id: string;
}
export interface EventPage {
  rows: EventRow[];
  next: Cursor | undefined;
}

const pageSize = 100;
const rangeSeconds = { '1h': 3_600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000, '90d': 7_776_000 } as const;

/** What of the URL decides which events are meant. */
function keyOf({ event: _event, tab: _tab, ...filter }: EventsSearch) {
  return filter;
}

async function fetchPage(orgId: string, search: EventsSearch, after: Cursor | undefined): Promise<EventPage> {
  const [hash] = subjectHashes(search.subject);
  const { data } = supabase();
  let query = (hash ? data.rpc('events_of_subject', { org_id: orgId, hash }) : data.from('canonical_events'))
    .select('*')
    .eq('org_id', orgId);
  const own = search.from !== undefined || search.to !== undefined;
  const from = own ? search.from : new Date(Date.now() - rangeSeconds[search.range ?? '24h'] * 1000).toISOString();
  if (from) query = query.gte('event_time', from);
  if (search.to) query = query.lt('event_time', search.to);
  if (search.types) query = query.in('type', search.types);
  if (search.connections) query = query.in('source_connection_id', search.connections);
  if (search.order) query = query.eq('order_ref', search.order);
  if (search.test) query = query.eq('is_test', search.test === 'only');
  const amount = parseAmount(search.amount);
  if (amount) {
    query = query.eq('currency', amount.currency);
    if (amount.min) query = query.gte('amount_minor', toMinor(amount.min, amount.currency));
    if (amount.max) query = query.lte('amount_minor', toMinor(amount.max, amount.currency));
  }
  if (after) query = query.or(`event_time.lt."${after.time}",and(event_time.eq."${after.time}",id.lt.${after.id})`);
  const rows = await read(query.order('event_time', { ascending: false }).order('id', { ascending: false }).limit(pageSize));
  const last = rows.at(-1);
  return { rows, next: rows.length === pageSize && last ? { time: last.event_time, id: last.id } : undefined };
}

export const eventPages = (orgId: string, search: EventsSearch) =>
  infiniteQueryOptions({
    queryKey: ['events', orgId, 'pages', keyOf(search)],
    staleTime: Number.POSITIVE_INFINITY,
    initialPageParam: undefined as Cursor | undefined,
    queryFn: ({ pageParam }) => fetchPage(orgId, search, pageParam),
    getNextPageParam: (page) => page.next,
  });

export const newestEvents = (orgId: string, search: EventsSearch) =>
  queryOptions({
    queryKey: ['events', orgId, 'newest', keyOf(search)],
    queryFn: () => fetchPage(orgId, search, undefined),
  });

/** When the org's latest event happened; null: it has none. */
export const latestEventTime = (orgId: string) =>
  queryOptions({
    queryKey: ['events', orgId, 'latest-time'],
    queryFn: async () => {
      const [row] = await read(
        supabase()
          .data.from('canonical_events')
          .select('event_time')
          .eq('org_id', orgId)
          .order('event_time', { ascending: false })
          .limit(1),
      );
      return row?.event_time ?? null;
    },
  });

export const eventDetail = (orgId: string, id: string) =>
  queryOptions({
    queryKey: ['events', orgId, 'event', id],
    queryFn: async () => {
      const [row] = await read(supabase().data.from('canonical_events').select('*').eq('org_id', orgId).eq('id', id).limit(1));
      return row ?? null;
    },
  });

export const replayEntry = (journalId: string, mode: ReplayMode) => api(ReplayedEntry, 'POST', `/api/replay/${journalId}`, { mode });

export const journalEntry = (orgId: string, id: string) =>
  queryOptions({
    queryKey: ['events', orgId, 'journal', id],
    queryFn: async () => {
      const [row] = await read(supabase().data.from('event_journal').select('*').eq('org_id', orgId).eq('id', id).limit(1));
      return row ?? null;
    },
  });
