import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { Approval, ApprovalList, OrgSecurity, type UpdateOrgSecurity } from '@tributary/shared/approvals.ts';
import { api } from '../../lib/api.ts';

/** The security rules of the org: a second factor for commands, and acts that need a second person. */
export const orgSecurity = (orgId: string) =>
  queryOptions({
    queryKey: ['org-security', orgId],
    queryFn: () => api(OrgSecurity, 'GET', `/api/orgs/${orgId}/security`),
  });

/** The acts that wait for a second person, and with `all` also the decided ones; newest first, at most 50. Only for owners and admins. */
export const approvals = (orgId: string, status: 'pending' | 'all') =>
  queryOptions({
    queryKey: ['approvals', orgId, status],
    queryFn: async () => (await api(ApprovalList, 'GET', `/api/approvals?orgId=${orgId}&status=${status}&limit=50`)).approvals,
  });

export const changeSecurity = (orgId: string, changes: UpdateOrgSecurity) =>
  api(OrgSecurity, 'PATCH', `/api/orgs/${orgId}/security`, changes);

export const decide = (id: string, decision: 'approve' | 'reject' | 'withdraw') =>
  api(Approval, 'POST', `/api/approvals/${id}/${decision}`);

/** Call it after a change of the settings or a decision. A decided act may have changed anything in the org. */
export const invalidateSecurity = (client: QueryClient) => client.invalidateQueries();
