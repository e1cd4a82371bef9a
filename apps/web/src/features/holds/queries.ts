import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { LegalHoldList } from '@tributary/shared/holds.ts';
import { api } from '../../lib/api.ts';

/** Newest first, including released holds. */
export const legalHolds = (orgId: string) =>
  queryOptions({
    queryKey: ['legal-holds', orgId],
    queryFn: async () => (await api(LegalHoldList, 'GET', `/api/legal-holds?orgId=${orgId}`)).holds,
  });

export const invalidateLegalHolds = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: legalHolds(orgId).queryKey });
