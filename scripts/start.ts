import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { apiNodeEnvironment, apiNodeFlags } from '@tributary/supabase/local/api-process.ts';
import { runStack } from '@tributary/supabase/local/run.ts';
import { readStackConfig } from '@tributary/supabase/local/stack-config.ts';

const root = join(import.meta.dirname, '..');
/** One process: the embedded database and its other services need the other cores. */
const apiEntry = join(root, 'apps', 'api', 'src', 'main.ts');
/** Several processes: API_PROCESSES. */
const hostedEntry = join(root, 'apps', 'api', 'main.mjs');

/** Runs only the API, when the environment names a hosted or self-hosted Supabase. Its migrations are applied by `supabase db push`. */
function runHosted(): Promise<number> {
  const env = { ...apiNodeEnvironment, ...process.env };
  const child = spawn(process.execPath, [...apiNodeFlags, hostedEntry], { env, stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

// The build runs in a separate process, because a bundler keeps hundreds of megabytes that are not needed afterwards.
const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build-web.ts')], { stdio: 'inherit' });
if (built.status !== 0) console.error('The dashboard could not be built; the other parts start without it.');
process.exit(await (process.env.DATABASE_URL ? runHosted() : runStack(() => readStackConfig(process.env, root, apiEntry))));
