import { queryOptions } from '@tanstack/react-query';
import { Quotas } from '@tributary/shared/quotas.ts';
import { api } from '../../lib/api.ts';

export const orgQuotas = (orgId: string) =>
  queryOptions({ queryKey: ['quotas', orgId], queryFn: async () => (await api(Quotas, 'GET', `/api/orgs/${orgId}/quotas`)).quotas });
