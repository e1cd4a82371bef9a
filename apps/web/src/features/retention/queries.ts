import { queryOptions } from '@tanstack/react-query';
import { Retention, type SetRetention } from '@tributary/shared/retention.ts';
import { api } from '../../lib/api.ts';

/** How long the org keeps its data, and the maximum of the platform. */
export const retention = (orgId: string) =>
  queryOptions({ queryKey: ['retention', orgId], queryFn: () => api(Retention, 'GET', `/api/orgs/${orgId}/retention`) });

export const setRetention = (orgId: string, body: SetRetention) => api(Retention, 'PATCH', `/api/orgs/${orgId}/retention`, body);
