import type pg from 'pg';
import type { Setup } from './setups.ts';

/** Inserts the org, the project and the connections that the setups name. */
export async function seedSetups(client: pg.Client, setups: readonly Setup[]): Promise<void> {
  const connections = setups.flatMap(({ connections: [first] }) => first ?? []);
  const [{ orgId, projectId } = { orgId: '', projectId: '' }] = connections;
  await client.query(`insert into public.orgs (id, name, slug) values ($1, 'Comparison', 'comparison')`, [orgId]);
  await client.query(`insert into public.projects (id, org_id, name, slug) values ($1, $2, 'Comparison', 'comparison')`, [
    projectId,
    orgId,
  ]);
  for (const { id, source, config } of connections) {
    await client.query(
      'insert into public.source_connections (id, org_id, project_id, name, type, config_json) values ($1, $2, $3, $4, $5, $6)',
      [id, orgId, projectId, `Comparison ${id}`, source.type, JSON.stringify(config)],
    );
  }
}
