import { queryOptions } from '@tanstack/react-query';
import { CreatedInvite, Invite, Org, type UpdateOrg } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { api } from '../../lib/api.ts';
import { read, supabase } from '../../lib/supabase.ts';

export type Role = Org['role'];

export const orgDetail = (orgId: string) =>
  queryOptions({ queryKey: ['org', orgId], queryFn: () => api(Org, 'GET', `/api/orgs/${orgId}`) });

export const updateOrg = (orgId: string, body: UpdateOrg) => api(Org, 'PATCH', `/api/orgs/${orgId}`, body);

/** How many connections each project has. */
export const connectionsPerProject = (orgId: string) =>
  queryOptions({
    queryKey: ['connections-per-project', orgId],
    queryFn: async () => {
      const rows = await read(supabase().data.from('source_connections').select('project_id').eq('org_id', orgId).is('deleted_at', null));
      return rows.reduce((counts, { project_id }) => counts.set(project_id, (counts.get(project_id) ?? 0) + 1), new Map<string, number>());
    },
  });

export const addProject = async (orgId: string, project: { name: string; slug: string }) => {
  await read(
    supabase()
      .data.from('projects')
      .insert({ org_id: orgId, ...project })
      .select('id'),
  );
};

/** False: nothing was changed, because the row is gone or not this person's to change. */
export const renameProject = async (id: string, name: string): Promise<boolean> =>
  (await read(supabase().data.from('projects').update({ name }).eq('id', id).select('id'))).length > 0;

export interface Person {
  userId: string;
  email: string;
  /** null: a former member, told to owners and admins only. */
  role: Role | null;
  joinedAt: string | null;
}

/** Members of the org, and former ones for whoever may read the audit log. */
export const orgPeople = (orgId: string) =>
  queryOptions({
    queryKey: ['people', orgId],
    queryFn: async (): Promise<Person[]> => {
      const rows = await read(supabase().data.rpc('org_people', { org_id: orgId }));
      return rows.map((row) => ({ userId: row.user_id, email: row.email, role: row.role as Role | null, joinedAt: row.created_at }));
    },
  });

/** False: no row was changed, because the member is gone or not this person's to change. */
export const changeRole = async (orgId: string, userId: string, role: Role): Promise<boolean> => {
  const rows = supabase().data.from('org_members').update({ role }).eq('org_id', orgId).eq('user_id', userId).select('user_id');
  return (await read(rows)).length > 0;
};

/** False: as {@link changeRole}. */
export const removeMember = async (orgId: string, userId: string): Promise<boolean> => {
  const rows = supabase().data.from('org_members').delete().eq('org_id', orgId).eq('user_id', userId).select('user_id');
  return (await read(rows)).length > 0;
};

export const orgInvites = (orgId: string) =>
  queryOptions({
    queryKey: ['invites', orgId],
    queryFn: async () => (await api(z.array(Invite), 'GET', `/api/invites?orgId=${orgId}`)).filter((invite) => invite.acceptedAt === null),
  });

export const createInvite = (orgId: string, email: string, role: 'admin' | 'analyst') =>
  api(CreatedInvite, 'POST', '/api/invites', { orgId, email, role });

export const revokeInvite = (id: string) => api(z.undefined(), 'DELETE', `/api/invites/${id}`);
