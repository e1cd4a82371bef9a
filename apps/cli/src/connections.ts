import { Connection } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { findByName } from './names.ts';
import type { Context } from './program.ts';

/** Every connection of the org, or of all the user's orgs. */
export async function listConnections({ client }: Context, orgId?: string): Promise<Connection[]> {
  const connections = await client.api('/api/connections', z.array(Connection));
  return connections.filter((connection) => orgId === undefined || connection.orgId === orgId);
}

/** Connections of an org by their names or ids, as ids. Nothing for nothing. */
export async function findConnectionIds(
  context: Context,
  orgId: string,
  names: readonly string[] | undefined,
): Promise<string[] | undefined> {
  if (!names) return undefined;
  const connections = await listConnections(context, orgId);
  return names.map((name) => findByName(connections, name, 'connection', (connection) => [connection.name]).id);
}
