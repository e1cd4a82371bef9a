import { queryOptions } from '@tanstack/react-query';
import { read, supabase } from './supabase.ts';

/** Every connection of the org that is not deleted, with its last 24 hours: names for filters, figures for lists. */
export const connectionHealth = (orgId: string) =>
  queryOptions({
    queryKey: ['connection-health', orgId],
    queryFn: async () => read(supabase().data.rpc('connection_health', { org_id: orgId })),
  });
