import { Connection } from '@tributary/shared/api.ts';
import { z } from 'zod';
import { findByName } from './find-by-name.ts';
import type { Context } from './program.ts';

/** Every connection of the org, or of all the user's orgs. */
export async function listConnections({ client }: Context, orgId?: string): Promise<Connection[]> {
  const connections = await client.api('/api/connections', z.array(Connection));
  return connections.filter((connection) => orgId === undefined || connection.orgId === orgId);
}

/** Turns names or ids of an org's connections into ids. Returns undefined when `names` is undefined. */
export async function findConnectionIds(
  context: Context,
  orgId: string,
  names: readonly string[] | undefined,
): Promise<string[] | undefined> {
  if (!names) return undefined;
  const connections = await listConnections(context, orgId);
  return names.map((name) => findByName(connections, name, 'connection', (connection) => [connection.name]).id);
}
