import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './errors.ts';
import { lastLines, openLog } from './logs.ts';
import { whenSpawned } from './processes.ts';

export type ApiProcess = {
  readonly pid: number;
  readonly exited: Promise<void>;
  /** Sends SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
};

/**
 * The flags with which Node runs the API, here and in ops/Dockerfile. Without a limit V8 sizes its heap by the memory of the machine: on 24 GB the heap grew
 * to half a gigabyte under overload, of which a third was in use. With the limit alone it collects the whole heap every 600 deliveries, because it lets so
 * small a heap grow by a third only; at 200 % it does so four times less often (measured: 16 to 25 % less processor time of all threads, 9 % of the main
 * thread, p99 145 → 95 ms on a busy machine, 75 MB more memory).
 */
export const apiNodeFlags: readonly string[] = wordsOf('node-flags.txt');

/**
 * The variables with which Node runs the API, here and in ops/Dockerfile. They give a buffer of a megabyte or more back to the system when it is freed. By
 * default glibc keeps such buffers after the first of them was freed, in pieces between others that are in use (measured in the case `value-bombs`, with
 * two seeds: 501 and 491 MB of memory, now 446 and 445).
 */
export const apiNodeEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  wordsOf('node-environment.txt').map((word) => word.split('=', 2) as [string, string]),
);

function wordsOf(file: string): string[] {
  return readFileSync(join(import.meta.dirname, '..', '..', 'apps', 'api', file), 'utf8')
    .trim()
    .split(/\s+/);
}

/** As NODE_COMPILE_CACHE it halves the work of starting an API, which the tests do some forty times. */
export const nodeCompileCache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'tributary');

/** Runs `node <entry>` with the variables of `environment` and {@link apiNodeEnvironment} only; its output goes to `logFile`. */
export async function startApi(entry: string, environment: NodeJS.ProcessEnv, logFile: string): Promise<ApiProcess> {
  const log = openLog(logFile);
  // detached: Ctrl-C must reach the API through stop(), so that it drains before the database stops
  const env = { ...apiNodeEnvironment, ...environment };
  const child = spawn(process.execPath, [...apiNodeFlags, entry], { detached: true, env, stdio: ['ignore', log, log] });
  closeSync(log);
  const { exited, failure } = await whenSpawned(child);
  if (failure || child.pid === undefined) throw new StackError(`The API could not be run: ${failure?.message}.`);
  return {
    pid: child.pid,
    exited,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const slow = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(slow);
    },
  };
}

/** Returns when `GET /ready` answers 200. Throws when the process ends before that, and after a minute. */
export async function waitUntilReady(api: ApiProcess, url: string, logFile: string, signal: AbortSignal): Promise<void> {
  let ended = false;
  void api.exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + 60_000;
  while (!ended && Date.now() < deadline) {
    signal.throwIfAborted();
    const status = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2000) }).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
    if (status === 200) return;
    await sleep(100);
  }
  throw new StackError(
    `The API ${ended ? 'ended while it started' : 'was not ready after a minute'}; the last lines of ${logFile}:\n${lastLines(logFile)}`,
  );
}
