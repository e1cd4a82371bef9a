import { queryOptions } from '@tanstack/react-query';
import { OrgKeys } from '@tributary/shared/api.ts';
import { api } from '../../lib/api.ts';

export const orgKeys = (orgId: string) =>
  queryOptions({ queryKey: ['org-keys', orgId], queryFn: async () => (await api(OrgKeys, 'GET', `/api/orgs/${orgId}/keys`)).keys });
