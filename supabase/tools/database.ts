import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from '../local/errors.ts';
import { startTestCluster, type TestCluster, type TestDatabase } from '../local/test-cluster.ts';

/** Runs a tool on a freshly migrated database, without Docker or network, and removes the database afterwards. */
export async function withFreshDatabase<T>(run: (database: TestDatabase, cluster: TestCluster) => Promise<T>): Promise<T> {
  const cluster = await startTestCluster();
  try {
    return await run(await cluster.createDatabase(), cluster);
  } finally {
    await cluster.stop();
  }
}

/** The main program of a tool: a `StackError` prints one sentence, any other error its stack; both end with exit code 1. */
export async function runTool(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof StackError ? error.message : error);
    process.exitCode = 1;
  }
}

export type CliResult = { code: number; stdout: string; stderr: string };

/** Runs the `supabase` command of the npm package, without telemetry and outside any linked project. */
export async function supabaseCli(args: readonly string[], options: { workdir?: string } = {}): Promise<CliResult> {
  const manifest = createRequire(import.meta.url).resolve('supabase/package.json');
  const { bin } = createRequire(import.meta.url)(manifest) as { bin: { supabase: string } };
  const env = { ...process.env, SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', CI: '1', NO_COLOR: '1' };
  try {
    const command = [join(dirname(manifest), bin.supabase), ...args, '--workdir', options.workdir ?? tmpdir()];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { env, maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}
