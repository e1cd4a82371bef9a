import { queryOptions } from '@tanstack/react-query';
import { read, supabase } from '../../lib/supabase.ts';

export const latestEvents = (orgId: string) =>
  queryOptions({
    queryKey: ['events', orgId, 'latest'],
    queryFn: async () =>
      read(
        supabase()
          .data.from('canonical_events')
          .select('id, type, event_time, order_ref, amount_minor, currency')
          .eq('org_id', orgId)
          .order('event_time', { ascending: false })
          .order('id', { ascending: false })
          .limit(50),
      ),
  });
