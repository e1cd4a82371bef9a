import { type Connection, ConnectionList } from '@tributary/shared/api.ts';
import { findByName } from './find-by-name.ts';
import type { Context } from './program.ts';

/** Every connection of the org, or of all the user's orgs, or those whose name or id contains `search`. */
export function listConnections({ client }: Context, orgId: string | undefined, search?: string): Promise<Connection[]> {
  return client.list('/api/connections', ConnectionList, { orgId, search });
}

/** Turns names or ids of an org's connections into ids. Returns undefined when `names` is undefined. */
export async function findConnectionIds(
  context: Context,
  orgId: string,
  names: readonly string[] | undefined,
): Promise<string[] | undefined> {
  if (!names) return undefined;
  const ids: string[] = [];
  for (const name of names) {
    const connections = await listConnections(context, orgId, name);
    ids.push(findByName(connections, name, 'connection', (connection) => [connection.name]).id);
  }
  return ids;
}
