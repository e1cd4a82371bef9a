import { queryOptions } from '@tanstack/react-query';
import { Org, type UpdateOrg } from '@tributary/shared/api.ts';
import { api } from '../../lib/api.ts';

export const orgDetail = (orgId: string) =>
  queryOptions({ queryKey: ['org', orgId], queryFn: () => api(Org, 'GET', `/api/orgs/${orgId}`) });

export const updateOrg = (orgId: string, body: UpdateOrg) => api(Org, 'PATCH', `/api/orgs/${orgId}`, body);
