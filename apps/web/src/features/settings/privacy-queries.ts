import { queryOptions } from '@tanstack/react-query';
import { OrgKeys } from '@tributary/shared/api.ts';
import { ErasureList } from '@tributary/shared/erasures.ts';
import { LegalHoldList } from '@tributary/shared/holds.ts';
import { api } from '../../lib/api.ts';
import { read, supabase } from '../../lib/supabase.ts';

export const orgKeys = (orgId: string) =>
  queryOptions({ queryKey: ['org-keys', orgId], queryFn: async () => (await api(OrgKeys, 'GET', `/api/orgs/${orgId}/keys`)).keys });

/** The newest first, released ones too. */
export const legalHolds = (orgId: string) =>
  queryOptions({
    queryKey: ['legal-holds', orgId],
    queryFn: async () => (await api(LegalHoldList, 'GET', `/api/legal-holds?orgId=${orgId}`)).holds,
  });

/** The newest first. */
export const erasures = (orgId: string) =>
  queryOptions({
    queryKey: ['erasures', orgId],
    queryFn: async () => (await api(ErasureList, 'GET', `/api/erasures?orgId=${orgId}`)).erasures,
  });

/** Days by table: rules of the installation, the same for every org. */
export const retention = queryOptions({
  queryKey: ['retention'],
  staleTime: 600_000,
  queryFn: async () => read(supabase().data.rpc('data_retention')),
});
