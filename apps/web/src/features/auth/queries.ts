import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { supabase } from '../../lib/supabase.ts';

/** The second factors of the signed-in person that are verified. */
export const myFactors = (userId: string) =>
  queryOptions({
    queryKey: ['factors', userId],
    queryFn: async () => {
      const { data, error } = await supabase().auth.mfa.listFactors();
      if (error) throw error;
      return data.totp;
    },
  });

export const invalidateFactors = (client: QueryClient, userId: string) =>
  client.invalidateQueries({ queryKey: myFactors(userId).queryKey });
