import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeWorld, type World } from '../test/make.ts';
import { severalProcesses, startProcess, type TestProcess } from '../test/process.ts';

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

interface Line {
  msg: string;
  process: number;
  [field: string]: unknown;
}
const logLines = (): Line[] =>
  readFileSync(join(directory, 'log'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
const lines = (message: string): Line[] => logLines().filter(({ msg }) => msg === message);
const until = (assertion: () => void | Promise<void>) => vi.waitFor(assertion, { timeout: 40_000, interval: 100 });

async function start(processes: number, entry = severalProcesses, environment: Record<string, string> = {}): Promise<TestProcess> {
  running = await startProcess(world, {
    entry,
    environment: { API_PROCESSES: String(processes), ...environment },
    output: openSync(join(directory, 'log'), 'a'),
  });
  await until(() => expect(lines('listening')).toHaveLength(processes));
  return running;
}

/** The value of a metric, added up over its series. */
async function metric(origin: string, name: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const found = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** The process ids of the processes that serve, oldest first. */
async function pidsOf(primary: number): Promise<number[]> {
  return readFileSync(`/proc/${primary}/task/${primary}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

describe.skipIf(process.platform !== 'linux')('several processes, which this test finds in /proc of Linux', () => {
  it('share the port, add up their metrics in one scrape, and keep what an ended process has counted', async () => {
    const { origin, child } = await start(3);
    const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const ask = (agent: Agent) =>
      new Promise<number>((resolve, reject) => {
        get(`${origin}/health`, { agent }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode ?? 0));
        }).once('error', reject);
      });
    for (let round = 0; round < 5; round++) expect(await Promise.all(agents.map(ask))).toEqual(agents.map(() => 200));
    const answered = 'ingest_request_duration_seconds_count{route="/health",status_class="2xx"}';
    expect(await metric(origin, answered)).toBe(60);
    expect(await metric(origin, 'api_processes')).toBe(3);
    // Every process has answered some of them.
    await until(() => expect(new Set(lines('request').map((line) => line.process)).size).toBe(3));

    const [victim] = await pidsOf(child.pid as number);
    process.kill(victim as number, 'SIGKILL');
    await until(() => expect(lines('listening')).toHaveLength(4));
    await until(async () => expect(await metric(origin, 'api_processes')).toBe(3));
    expect(await metric(origin, answered)).toBe(60);
    expect(await metric(origin, 'api_process_ends_total{reason="failed"}')).toBe(1);
    for (const agent of agents) agent.destroy();
  }, 90_000);

  it('are replaced at SIGHUP by the code on the disk, without a refused or lost request', async () => {
    const entry = join(directory, 'entry.mjs');
    const version = (url: string) => writeFileSync(entry, `process.env.PUBLIC_URL = '${url}';\nawait import('${severalProcesses}');\n`);
    version('https://one.example.com');
    const { origin, child } = await start(2, entry);
    const shown = async () => ((await (await fetch(`${origin}/openapi.json`)).json()) as { servers: { url: string }[] }).servers[0]?.url;
    expect(await shown()).toBe('https://one.example.com');

    const outcomes = new Map<string, number>();
    let isOver = false;
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const askOn = async () => {
      while (!isOver) {
        const outcome = await new Promise<string>((resolve) => {
          get(`${origin}/ready`, { agent }, (answer) => {
            answer.resume();
            answer.once('end', () => resolve(String(answer.statusCode)));
          }).once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
        });
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        await sleep(5);
      }
    };
    const clients = Array.from({ length: 8 }, askOn);

    version('https://two.example.com');
    child.kill('SIGHUP');
    await until(() => expect(lines('reload: all processes were replaced')).toHaveLength(1));
    expect(await shown()).toBe('https://two.example.com');

    writeFileSync(entry, `import cluster from 'node:cluster';\nif (cluster.isWorker) throw new Error('broken');`);
    child.kill('SIGHUP');
    await until(() =>
      expect(logLines().filter(({ msg }) => msg.startsWith('reload: a process with the code on the disk could'))).toHaveLength(1),
    );
    expect(await shown()).toBe('https://two.example.com');
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    expect([...outcomes.keys()]).toEqual(['200']);
    expect(await metric(origin, 'api_processes')).toBe(2);
  }, 120_000);

  it('stop at SIGTERM in good order, and end when the primary is killed', async () => {
    const instances = async () => (await world.admin<{ id: string }>('select id from private.instances')).map(({ id }) => id);
    const before = await instances();
    const { child, exited } = await start(2);
    expect(await instances()).toHaveLength(before.length + 2);
    const pids = await pidsOf(child.pid as number);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    // The processes have given back their leases, so that other instances need not wait until they count as dead.
    expect(await instances()).toEqual(before);
    expect(lines('stopped')).toHaveLength(2);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');

    rmSync(join(directory, 'log'));
    const second = await start(2);
    const left = await pidsOf(second.child.pid as number);
    second.child.kill('SIGKILL');
    await second.exited;
    await until(() => {
      for (const pid of left) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    });
    expect(lines('stopped')).toHaveLength(2);
  }, 90_000);

  it('do not start with a configuration that is wrong: it is said once, and the exit code is 1', async () => {
    const output = openSync(join(directory, 'log'), 'a');
    const started = startProcess(world, { entry: severalProcesses, environment: { API_PROCESSES: 'many', PORT: '0' }, output });
    await expect(started).rejects.toThrow();
    expect(readFileSync(join(directory, 'log'), 'utf8').match(/API_PROCESSES/g)).toHaveLength(1);
  }, 60_000);
});
