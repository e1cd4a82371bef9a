import { queryOptions } from '@tanstack/react-query';
import { Org, type UpdateOrg } from '@tributary/shared/api.ts';
import { OrgDeletion } from '@tributary/shared/org-deletion.ts';
import { api } from '../../lib/api.ts';

export const orgDetail = (orgId: string) =>
  queryOptions({ queryKey: ['org', orgId], queryFn: () => api(Org, 'GET', `/api/orgs/${orgId}`) });

export const updateOrg = (orgId: string, body: UpdateOrg) => api(Org, 'PATCH', `/api/orgs/${orgId}`, body);

/** Whether the org is going to be deleted, and how far its deletion has come. */
export const orgDeletion = (orgId: string) =>
  queryOptions({
    queryKey: ['org-deletion', orgId],
    queryFn: () => api(OrgDeletion, 'GET', `/api/orgs/${orgId}/deletion`),
    refetchInterval: ({ state }) => (state.data?.status === 'running' ? 5_000 : false),
  });

export const requestOrgDeletion = (orgId: string, name: string) =>
  api(OrgDeletion, 'POST', `/api/orgs/${orgId}/deletion`, { name, irreversible: true });

export const cancelOrgDeletion = (orgId: string) => api(OrgDeletion, 'DELETE', `/api/orgs/${orgId}/deletion`);
