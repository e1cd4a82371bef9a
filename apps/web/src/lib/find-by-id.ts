import { queryOptions } from '@tanstack/react-query';
import { FoundById } from '@tributary/shared/events.ts';
import { queryKeys } from './query-keys.ts';
import { read, supabase } from './supabase.ts';

/** Whether a search text may be an id: one word of some length, or a UUID that was pasted in groups. */
export const mayBeId = (text: string): boolean => /^\S{6,255}$/.test(text) || /^[0-9a-f\s-]{32,60}$/i.test(text);

/** What an id names in the org, however old it is: events, dead letters, connections, operations, plans, incidents. */
export const foundById = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...queryKeys.events, orgId, 'by-id', id],
    queryFn: async () => FoundById.parse(await read(supabase().data.rpc('find_by_id', { org_id: orgId, id }))),
  });
