import { queryOptions } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { read, supabase } from './supabase.ts';

export type Role = 'owner' | 'admin' | 'analyst';

export interface Org {
  id: string;
  name: string;
  slug: string;
  role: Role;
  /** Owners and admins change things; analysts read. */
  canWrite: boolean;
  /** Why an operator has suspended the org; null: the org is active. */
  suspendedReason: string | null;
}

/** The signed-in user's orgs, by name. */
export const myOrgs = (userId: string) =>
  queryOptions({
    queryKey: ['orgs', userId],
    staleTime: 60_000,
    queryFn: async (): Promise<Org[]> => {
      const members = await read(
        supabase().data.from('org_members').select('org_id, role').eq('user_id', userId).order('created_at').limit(500),
      );
      const ids = members.map((member) => member.org_id);
      const orgs =
        ids.length === 0
          ? []
          : await read(supabase().data.from('orgs').select('id, name, slug, suspended_reason').in('id', ids).limit(500));
      return orgs
        .map(({ suspended_reason: suspendedReason, ...org }) => {
          const role = (members.find((member) => member.org_id === org.id)?.role ?? 'analyst') as Role;
          return { ...org, role, canWrite: role !== 'analyst', suspendedReason };
        })
        .sort((a, b) => a.name.localeCompare(b.name));
    },
  });

/** The org of the current page. The router finds it by the URL before the page is rendered, and only among the user's own orgs. */
export function useOrg(): Org {
  return useRouteContext({ from: '/signed-in/o/$org' }).org;
}
