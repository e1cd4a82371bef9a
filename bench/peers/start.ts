import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tributary/supabase/local/ports.ts';

// What the bench tells the command of `--against`, and what such a command does: see docs/benchmarks.md.

const { PORT, DATABASE_URL, REQUESTS } = process.env;
const [program, ...rest] = process.argv.slice(2);
if (!PORT || !DATABASE_URL || !REQUESTS || !program)
  throw new Error('the bench starts this, with the program of the server as its argument');

export const [port, database, binary, more] = [PORT, new URL(DATABASE_URL), program, rest];

// When the bench is killed, everything that was started here ends too.
process.stdin.once('end', () => process.kill(0, 'SIGKILL')).resume();

/** A file beside REQUESTS; the bench removes the folder. */
export const fileNamed = (name: string) => join(dirname(REQUESTS), name);

/** Starts a program that runs until the bench ends the process group. When it ends by itself, this process ends too. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    cwd: dirname(REQUESTS ?? ''),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  child.once('error', (error) => fail(`${command}: ${error.message}`));
  child.once('exit', (code, signal) => fail(`${command} ended with ${code ?? signal}`));
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      cwd: dirname(REQUESTS ?? ''),
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

/** A Redis that has written every command to its disk before it answers, as Postgres has. Options of redis-server may change that. */
export async function startRedis(options: readonly string[]): Promise<string> {
  const redisPort = String(await freePort());
  const folder = fileNamed('redis');
  mkdirSync(folder);
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
  start('redis-server', ['--bind', '127.0.0.1', '--port', redisPort, '--dir', folder, ...durable, ...options]);
  return `redis://127.0.0.1:${redisPort}`;
}

/** Sends JSON until the server answers with 2xx, for at most a minute while it starts, and returns what it answers. */
export async function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }).catch(() => undefined);
    if (response?.ok) return (await response.json()) as T;
    if (response || performance.now() > deadline)
      fail(`POST ${path}: ${response ? `${response.status} ${await response.text()}` : 'no answer'}`);
    await sleep(100);
  }
}

/** Tells the bench that the server is ready, and how requests are sent. */
export function ready(requests: Record<string, unknown>): void {
  writeFileSync(`${REQUESTS}.new`, JSON.stringify(requests));
  renameSync(`${REQUESTS}.new`, REQUESTS ?? '');
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}
