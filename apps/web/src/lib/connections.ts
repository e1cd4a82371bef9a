import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { queryKeys } from './query-keys.ts';
import { read, supabase } from './supabase.ts';

const keyOf = (orgId: string) => [...queryKeys.connectionHealth, orgId];

/** Every connection of the org that is not deleted, with its figures of the last 24 hours: filters use the names, lists the figures. */
export const connectionHealth = (orgId: string) =>
  queryOptions({
    queryKey: keyOf(orgId),
    queryFn: async () => read(supabase().data.rpc('connection_health', { org_id: orgId })),
  });

export const invalidateConnectionHealth = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: keyOf(orgId) });
