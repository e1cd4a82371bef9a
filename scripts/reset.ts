import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { livePid } from '@tributary/supabase/local/local-files.ts';
import { removePartialClusters, stopLeftover } from '@tributary/supabase/local/postgres.ts';
import { recordedClusterDirectory, removeCluster } from '@tributary/supabase/local/postgres-home.ts';
import { endProcess } from '@tributary/supabase/local/processes.ts';
import { localDirectory } from '@tributary/supabase/local/stack-config.ts';

const directory = localDirectory(process.env, join(import.meta.dirname, '..'));

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

const running = livePid(join(directory, 'stack.pid'));
if (running !== undefined) refuse(`The stack is running (process ${running}): stop it with Ctrl-C first. Nothing was removed.`);
const orphan = livePid(join(directory, 'api.pid'));
if (orphan !== undefined) await endProcess(orphan, 'SIGTERM', 'SIGKILL', 10_000);

const cluster = recordedClusterDirectory(directory) ?? join(directory, 'postgres');
await stopLeftover(cluster);
// Only files that the stack made are removed, because LOCAL_DIR may name a directory with other files.
const own = ['postgres', 'postgres.location', 'logs', 'keys.json', 'demo.json', 'stack.json', 'stack.pid', 'api.pid'];
try {
  removePartialClusters(cluster);
  removeCluster(cluster);
  for (const name of own) rmSync(join(directory, name), { recursive: true, force: true });
} catch (error) {
  refuse(`The data in ${directory} could not be removed: ${(error as Error).message}; reset as the user who started the stack.`);
}
if (existsSync(directory) && readdirSync(directory).length === 0) rmSync(directory, { recursive: true });
console.log(`Removed the local data in ${directory}; the next \`npm start\` begins with an empty database.`);
