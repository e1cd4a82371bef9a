import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { read, supabase } from './supabase.ts';

export interface Project {
  id: string;
  name: string;
  slug: string;
}

export const orgProjects = (orgId: string) =>
  queryOptions({
    queryKey: ['projects', orgId],
    staleTime: 60_000,
    queryFn: async (): Promise<Project[]> =>
      read(supabase().data.from('projects').select('id, name, slug').eq('org_id', orgId).order('created_at').order('id').limit(1_000)),
  });

export const invalidateProjects = (client: QueryClient, orgId: string) =>
  client.invalidateQueries({ queryKey: orgProjects(orgId).queryKey });
