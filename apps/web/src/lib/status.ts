import { queryOptions } from '@tanstack/react-query';
import { ServiceStatus } from '@tributary/shared/flow.ts';
import { api } from './api.ts';
import { queryKeys } from './query-keys.ts';

/** The service status of an org: the mode, and what it means for the org. */
export const serviceStatus = (orgId: string) =>
  queryOptions({
    queryKey: [...queryKeys.status, orgId],
    queryFn: () => api(ServiceStatus, 'GET', `/api/status?orgId=${orgId}`),
  });
