import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { apiNodeEnvironment, apiNodeFlags, nodeCompileCache } from '@tributary/supabase/local/api-process.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { vi } from 'vitest';
import { jwtSecret, type World } from './make.ts';

export interface TestProcess {
  origin: string;
  child: ChildProcess;
  /** Resolves with the exit code; null after a signal. */
  exited: Promise<number | null>;
}

export interface StartOptions {
  entry?: string;
  environment?: Record<string, string>;
  /** Where the log goes: the descriptor of a file. */
  output?: number | 'ignore' | 'pipe';
}

/** The file that starts the primary, which starts API_PROCESSES processes. */
export const severalProcesses = join(import.meta.dirname, '..', '..', 'main.mjs');

/**
 * Starts the API with the documented heap on the database of `world`, as one process unless `entry` says otherwise. Resolves when it is
 * ready.
 */
export async function startProcess(
  world: World,
  { entry = join(import.meta.dirname, '..', 'main.ts'), environment = {}, output = 'ignore' }: StartOptions = {},
): Promise<TestProcess> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [...apiNodeFlags, entry], {
    env: {
      ...apiNodeEnvironment,
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: nodeCompileCache,
      DATABASE_URL: world.databaseUrl,
      SUPABASE_URL: 'http://127.0.0.1:1',
      SUPABASE_PUBLISHABLE_KEY: 'unused',
      SUPABASE_JWT_SECRET: jwtSecret,
      MASTER_KEY: `v1:${Buffer.from(world.masterKeys.keys.get(1) ?? []).toString('base64')}`,
      OPERATOR_TOKEN: 'operator-token-for-tests-000000',
      PORT: String(port),
      ...environment,
    },
    stdio: ['ignore', output, output],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await vi.waitFor(
      async () => {
        if (child.exitCode !== null) return;
        const { status } = await fetch(`${origin}/ready`);
        if (status !== 200) throw new Error(`/ready answers ${status}`);
      },
      { timeout: 25_000, interval: 100 },
    );
    if (child.exitCode !== null) throw new Error(`the API ended with the exit code ${child.exitCode}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { origin, child, exited };
}
