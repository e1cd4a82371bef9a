import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Secret } from '@tributary/pipeline/source.ts';
import type { withProofStack } from '../../chaos/src/stack.ts';
import { argument } from './process.ts';

export interface CheckoutServerRequest {
  folder: string;
  settings: Record<string, string>;
}

interface StartedConnection {
  id: string;
  path: string;
  type: string;
  config: unknown;
  secrets: readonly Secret[];
}

export interface CheckoutServer {
  url: string;
  pid: number;
  postgresPid: number;
  superuserUrl: string;
  apiUrl: string;
  org: { id: string; projectId: string };
  connections: Record<'hotmart' | 'webhook', StartedConnection>;
}

// Runs the API of a checkout on a throw-away Postgres, with that checkout's migrations, settings and flags, until it is stopped.
const { folder, settings } = argument<CheckoutServerRequest>();
const stack: { withProofStack: typeof withProofStack } = await import(pathToFileURL(join(folder, 'chaos', 'src', 'stack.ts')).href);
await stack.withProofStack(async ({ startApi, postgres, database, org, connections }) => {
  const api = await startApi();
  const started = ({ id, path, source, config, secrets }: (typeof connections)['hotmart']): StartedConnection => ({
    id,
    path,
    type: source.type,
    config,
    secrets,
  });
  const ready: CheckoutServer = {
    url: api.url,
    pid: api.pid,
    postgresPid: postgres.pid,
    superuserUrl: database.superuserUrl,
    apiUrl: database.apiUrl,
    org: { id: org.id, projectId: org.projectId },
    connections: { hotmart: started(connections.hotmart), webhook: started(connections.webhook) },
  };
  process.send?.(ready);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('disconnect', resolve);
  });
}, settings);
process.exit(0);
