import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { CreatedInvite, Invite } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { api } from '../../lib/api.ts';

export const orgInvites = (orgId: string) =>
  queryOptions({
    queryKey: ['invites', orgId],
    queryFn: async () => (await api(z.array(Invite), 'GET', `/api/invites?orgId=${orgId}`)).filter((invite) => invite.acceptedAt === null),
  });

export const invalidateInvites = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: orgInvites(orgId).queryKey });

export const createInvite = (orgId: string, email: string, role: 'admin' | 'analyst') =>
  api(CreatedInvite, 'POST', '/api/invites', { orgId, email, role });

export const revokeInvite = (id: string) => api(z.undefined(), 'DELETE', `/api/invites/${id}`);
