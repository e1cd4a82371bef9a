import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { makeWorld, type World } from './make.ts';
import { severalProcesses, startProcess, type TestProcess } from './process.ts';

interface Line {
  msg: string;
  process: number;
  [field: string]: unknown;
}

export const until = (assertion: () => void | Promise<void>) => vi.waitFor(assertion, { timeout: 40_000, interval: 100 });

/** Starts a primary with its processes for each test of a file, on one database, and ends it after the test. */
export function useSeveralProcesses() {
  let world: World;
  let directory: string;
  let running: TestProcess | undefined;
  beforeAll(async () => {
    world = await makeWorld();
  });
  afterAll(() => world?.close());
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tributary-processes-'));
  });
  afterEach(async () => {
    running?.child.kill('SIGTERM');
    await running?.exited;
    running = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  const text = () => readFileSync(join(directory, 'log'), 'utf8');
  const logLines = (): Line[] =>
    text()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  const lines = (message: string): Line[] => logLines().filter(({ msg }) => msg === message);

  /** Starts without waiting for all processes. Rejects when the API does not start. */
  async function begin(
    processes: number | string,
    entry = severalProcesses,
    environment: Record<string, string> = {},
  ): Promise<TestProcess> {
    running = await startProcess(world, {
      entry,
      environment: { API_PROCESSES: String(processes), ...environment },
      output: openSync(join(directory, 'log'), 'a'),
    });
    return running;
  }

  return {
    world: () => world,
    text,
    logLines,
    lines,
    /** Writes the program that the primary and its processes run, and returns its path. */
    writeEntry(program: string): string {
      const path = join(directory, 'entry.mjs');
      writeFileSync(path, program);
      return path;
    },
    begin,
    async start(processes: number, entry?: string, environment?: Record<string, string>): Promise<TestProcess> {
      const started = await begin(processes, entry, environment);
      await until(() => expect(lines('listening')).toHaveLength(processes));
      return started;
    },
  };
}

/** The value of a metric, added up over its series. */
export async function metric(origin: string, name: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const found = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** The process ids of the processes that serve, oldest first. */
export function pidsOf(primary: number | undefined): number[] {
  return readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** A client with one connection, which stays at one process. */
export function keepConnection() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    /** Resolves with the status, or with the code of the error. */
    ask: (url: string, headers: Record<string, string> = {}, body?: string) =>
      new Promise<number | string>((resolve) => {
        const asking = request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode ?? 0));
        });
        asking.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
        asking.end(body);
      }),
    close: () => agent.destroy(),
  };
}
