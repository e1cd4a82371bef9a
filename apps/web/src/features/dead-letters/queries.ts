import { queryOptions } from '@tanstack/react-query';
import { read, supabase } from '../../lib/supabase.ts';

export const latestDeadLetters = (orgId: string) =>
  queryOptions({
    queryKey: ['dead-letters', orgId, 'latest'],
    queryFn: async () =>
      read(
        supabase()
          .data.from('dlq_events')
          .select('id, error_class, last_error_message, status, created_at')
          .eq('org_id', orgId)
          .order('created_at', { ascending: false })
          .limit(50),
      ),
  });
