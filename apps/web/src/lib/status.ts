import { queryOptions } from '@tanstack/react-query';
import { ServiceStatus } from '@tributary/shared/flow.ts';
import { api } from './api.ts';
import { queryKeys } from './query-keys.ts';

/** Whether all is taken as usual, as far as the org is concerned. */
export const serviceStatus = (orgId: string) =>
  queryOptions({
    queryKey: [...queryKeys.status, orgId],
    queryFn: () => api(ServiceStatus, 'GET', `/api/status?orgId=${orgId}`),
  });
