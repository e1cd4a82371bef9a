import { queryOptions } from '@tanstack/react-query';
import { read, supabase } from '../../lib/supabase.ts';

/** The number of connections of each project, of the org's first thousand connections. */
export const connectionsPerProject = (orgId: string) =>
  queryOptions({
    queryKey: ['connections-per-project', orgId],
    queryFn: async () => {
      const rows = await read(
        supabase().data.from('source_connections').select('project_id').eq('org_id', orgId).is('deleted_at', null).limit(1_000),
      );
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

/** False: nothing was changed, because the project is gone or this person may not change it. */
export const renameProject = async (id: string, name: string): Promise<boolean> =>
  (await read(supabase().data.from('projects').update({ name }).eq('id', id).select('id'))).length > 0;
