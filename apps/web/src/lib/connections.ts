import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { queryKeys } from './query-keys.ts';
import { read, supabase } from './supabase.ts';

const keyOf = (orgId: string) => [...queryKeys.connectionHealth, orgId];

/**
 * The first thousand connections of the org by name, with their figures of the last 24 hours: filters and choices use the names. The list of
 * connections has pages and searches on the server.
 */
export const connectionHealth = (orgId: string) =>
  queryOptions({
    queryKey: keyOf(orgId),
    queryFn: async () => read(supabase().data.rpc('connection_health', { org_id: orgId })),
  });

/** The same of one connection, also of one that is not among the first thousand. */
export const healthOfConnection = (orgId: string, id: string) =>
  queryOptions({
    queryKey: [...keyOf(orgId), 'one', id],
    queryFn: async () => read(supabase().data.rpc('connection_health', { org_id: orgId, ids: [id] })),
  });

export const invalidateConnectionHealth = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: keyOf(orgId) });
