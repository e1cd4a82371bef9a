import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tributary/supabase/local/ports.ts';

/** Starts the whole product as a user does, on free ports, and stops it at the end. Uses a running stack instead when E2E_STACK names its stack.json. */
export default async function globalSetup(): Promise<() => Promise<void>> {
  if (process.env.E2E_STACK) return async () => {};
  const directory = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  const file = join(directory, 'stack.json');
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'scripts', 'start.ts')], {
    env: {
      ...process.env,
      LOCAL_DIR: directory,
      PORT: String(await freePort()),
      SUPABASE_PORT: String(await freePort()),
      DB_PORT: String(await freePort()),
      // The receivers of alerts run on this machine, so the API must be allowed to call it.
      OUTBOUND_ALLOW_PRIVATE: 'true',
      // Low enough for a journey to make a plan that needs a second person.
      REPLAY_APPROVAL_THRESHOLD: '20',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const deadline = Date.now() + 120_000; !existsSync(file); await sleep(100)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the stack did not start:\n${output}`);
    }
  }
  process.env.E2E_STACK = file;
  process.env.E2E_DEMO = join(directory, 'demo.json');
  return async () => {
    child.kill('SIGTERM');
    await exited;
    if (process.env.E2E_KEEP_LOGS && existsSync(join(directory, 'logs', 'api.log')))
      console.log(readFileSync(join(directory, 'logs', 'api.log'), 'utf8'));
    rmSync(directory, { recursive: true, force: true });
  };
}
