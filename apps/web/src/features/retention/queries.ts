import { queryOptions } from '@tanstack/react-query';
import { read, supabase } from '../../lib/supabase.ts';

/** The days that each table is kept: a setting of the installation, the same for every org. */
export const retention = queryOptions({
  queryKey: ['retention'],
  staleTime: 600_000,
  queryFn: async () => read(supabase().data.rpc('data_retention')),
});
