import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { ErasureList } from '@tributary/shared/erasures.ts';
import { api } from '../../lib/api.ts';

/** Newest first. */
export const erasures = (orgId: string) =>
  queryOptions({
    queryKey: ['erasures', orgId],
    queryFn: async () => (await api(ErasureList, 'GET', `/api/erasures?orgId=${orgId}`)).erasures,
  });

export const invalidateErasures = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: erasures(orgId).queryKey });
