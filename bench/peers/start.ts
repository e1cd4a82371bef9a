import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tributary/supabase/local/ports.ts';

// What the bench tells the command of `--against`, and what such a command does: see docs/benchmarks.md.

const { PORT, DATABASE_URL, REQUESTS } = process.env;
const [program, ...rest] = process.argv.slice(2);
if (!PORT || !DATABASE_URL || !REQUESTS || !program)
  throw new Error('the bench starts this, with the program of the server as its argument');

export const port = PORT;
export const database = new URL(DATABASE_URL);
export const binary = resolve(program);
/** The arguments after the program. */
export const more = rest;

/** A folder that the bench removes. */
const folder = dirname(REQUESTS);
export const fileNamed = (name: string) => join(folder, name);

// When the bench is killed, everything that was started here ends too.
process.stdin.once('end', () => process.kill(0, 'SIGKILL')).resume();

/** Runs a program to its end, and returns its exit code or the signal that ended it. */
async function run(command: string, args: readonly string[], env: Record<string, string>): Promise<unknown> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code, signal] = await once(child, 'exit');
  return code ?? signal;
}

/** Runs a program that prepares something. */
export async function prepare(command: string, args: readonly string[], env: Record<string, string>): Promise<void> {
  const result = await run(command, args, env);
  if (result !== 0) fail(`${command} ended with ${result}`);
}

/** Starts a program that runs until the bench ends the process group. When it ends by itself, this process ends too. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  run(command, args, env).then(
    (result) => fail(`${command} ended with ${result}`),
    (error: Error) => fail(`${command}: ${error.message}`),
  );
}

/** A Redis that has every command on its disk before it answers, as Postgres has. */
export async function startRedis(): Promise<string> {
  const redisPort = String(await freePort());
  mkdirSync(fileNamed('redis'));
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
  start('redis-server', ['--bind', '127.0.0.1', '--port', redisPort, '--dir', fileNamed('redis'), ...durable]);
  return `redis://127.0.0.1:${redisPort}`;
}

/** Sends JSON as soon as the server listens, for which it has a minute, and returns what it answers. */
export async function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(100)) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, request).catch(() => undefined);
    if (response?.ok) return (await response.json()) as T;
    if (response) fail(`POST ${path}: ${response.status} ${await response.text()}`);
  }
  fail(`POST ${path}: no answer within a minute`);
}

/** Tells the bench that the server is ready, and how requests are sent. */
export function ready(requests: Record<string, unknown>): void {
  writeFileSync(fileNamed('requests.new'), JSON.stringify(requests));
  renameSync(fileNamed('requests.new'), REQUESTS ?? '');
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}
