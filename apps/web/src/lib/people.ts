import { type QueryClient, queryOptions } from '@tanstack/react-query';
import type { Role } from './orgs.ts';
import { read, supabase } from './supabase.ts';

export interface Person {
  userId: string;
  email: string;
  /** null: a former member, which only owners and admins are told about. */
  role: Role | null;
  joinedAt: string | null;
}

/** The members of the org, and for owners and admins, who may read the audit log, the former members too. */
export const orgPeople = (orgId: string) =>
  queryOptions({
    queryKey: ['people', orgId],
    queryFn: async (): Promise<Person[]> => {
      const rows = await read(supabase().data.rpc('org_people', { org_id: orgId }));
      return rows.map((row) => ({ userId: row.user_id, email: row.email, role: row.role as Role | null, joinedAt: row.created_at }));
    },
  });

export const invalidatePeople = (client: QueryClient, orgId: string) => client.invalidateQueries({ queryKey: orgPeople(orgId).queryKey });
