import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@supabase/supabase-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from './database.ts';
import { freePort } from './ports.ts';
import { partialClusters } from './postgres.ts';
import { recordedClusterDirectory } from './postgres-home.ts';
import { commandLineOf, isAlive, signal } from './processes.ts';
import type { StackInfo } from './stack.ts';

// a minimal stand-in for the API, which answers the requests of a start and logs that it was asked to stop
const standIn = `
import { createServer } from 'node:http';
const server = createServer((request, response) => {
  const send = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (request.url === '/ready') return send(200, {});
  if (request.url === '/api/sources')
    return send(200, [{ type: 'hotmart', label: 'Hotmart', exampleConfig: {}, secrets: [{ name: 'hottok', issuedBy: 'platform', required: true }] }]);
  if (request.url === '/api/connections') return send(201, { id: 'c1', webhookUrl: 'http://127.0.0.1/hook', missingSecrets: [] });
  if (request.url === '/environment') return send(200, process.env);
  send(404, {});
});
server.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => { console.log('asked to stop'); server.close(() => process.exit(0)); server.closeAllConnections(); });
`;

type Run = { child: ChildProcess; output(): string; exited: Promise<number | null> };

let directory: string;
let local: string;
let ports: Record<'PORT' | 'SUPABASE_PORT' | 'DB_PORT', number>;
const runs: Run[] = [];

function start(overrides: Record<string, string | number> = {}): Run {
  const env = { ...process.env, DATABASE_URL: '', HOST: '', LOCAL_DIR: local, ...ports, ...overrides };
  const child = spawn(process.execPath, [join(directory, 'start.ts')], {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  const run: Run = { child, output: () => text, exited: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
  runs.push(run);
  return run;
}

async function ready(run: Run): Promise<StackInfo> {
  while (!run.output().includes('Ctrl-C stops everything')) {
    if (run.child.exitCode !== null) throw new Error(`the stack ended with ${run.child.exitCode}:\n${run.output()}`);
    await sleep(50);
  }
  return JSON.parse(readFileSync(join(local, 'stack.json'), 'utf8'));
}

async function stop(run: Run, name: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
  run.child.kill(name);
  return run.exited;
}

const cluster = () => recordedClusterDirectory(local) ?? join(local, 'postgres');
const postmaster = () => Number(readFileSync(join(cluster(), 'postmaster.pid'), 'utf8').split('\n')[0]);
const apiPid = (): number => JSON.parse(readFileSync(join(local, 'api.pid'), 'utf8')).pid;

function reset(): { status: number | null; output: string } {
  const result = spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', 'scripts', 'reset.ts')], {
    env: { ...process.env, LOCAL_DIR: local },
    encoding: 'utf8',
  });
  return { status: result.status, output: result.stdout + result.stderr };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'stack-'));
  local = join(directory, 'local');
  ports = { PORT: await freePort(), SUPABASE_PORT: await freePort(), DB_PORT: await freePort() };
  writeFileSync(join(directory, 'api.mjs'), standIn);
  writeFileSync(
    join(directory, 'start.ts'),
    `import { runStack } from ${JSON.stringify(join(import.meta.dirname, 'run.ts'))};
     import { readStackConfig } from ${JSON.stringify(join(import.meta.dirname, 'stack-config.ts'))};
     process.exit(await runStack(() => readStackConfig(process.env, ${JSON.stringify(directory)}, ${JSON.stringify(join(directory, 'api.mjs'))})));`,
  );
});

afterEach(async () => {
  for (const run of runs.splice(0)) if (run.child.exitCode === null && run.child.signalCode === null) await stop(run);
});

afterAll(() => {
  reset();
  rmSync(directory, { recursive: true, force: true });
});

describe('npm start', () => {
  it('starts everything, keeps the data over a restart and leaves no process behind', async () => {
    const first = start();
    const info = await ready(first);
    expect(Object.keys(info)).toEqual(['apiUrl', 'supabaseUrl', 'publishableKey', 'databaseUrl', 'operatorToken', 'demo']);
    for (const file of ['stack.json', 'keys.json', 'demo.json', 'stack.pid'])
      expect(statSync(join(local, file)).mode & 0o777, file).toBe(0o600);
    const pids = [postmaster(), apiPid()];
    const signedIn = await createClient(info.supabaseUrl, info.publishableKey).auth.signInWithPassword(info.demo);
    expect(signedIn.error).toBeNull();
    const { rows } = await withClient(info.databaseUrl, (client) =>
      client.query(`select name, current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync from public.orgs`),
    );
    expect(rows).toEqual([{ name: 'Demo', fsync: 'on', sync: 'on' }]);
    expect(await stop(first)).toBe(0);
    expect(pids.map((pid) => commandLineOf(pid))).toEqual(['', '']);
    expect(existsSync(join(local, 'stack.json'))).toBe(false);
    expect(readFileSync(join(local, 'logs', 'api.log'), 'utf8')).toContain('asked to stop');

    const second = start();
    const again = await ready(second);
    expect(again).toEqual(info);
    const { rows: orgs } = await withClient(again.databaseUrl, (client) => client.query('select name from public.orgs'));
    expect(orgs).toEqual([{ name: 'Demo' }]);
    expect(await stop(second, 'SIGTERM')).toBe(0);
  }, 60_000);

  it('gives the API the password of its login role, but neither that of the owner nor the secret key', async () => {
    const run = start();
    const info = await ready(run);
    const environment = (await (await fetch(`${info.apiUrl}/environment`)).json()) as Record<string, string>;
    expect(environment.DATABASE_URL).toContain('tributary_api:');
    const { rows } = await withClient(environment.DATABASE_URL ?? '', (client) => client.query('select current_user'));
    expect(rows).toEqual([{ current_user: 'tributary_api' }]);
    const keys = JSON.parse(readFileSync(join(local, 'keys.json'), 'utf8'));
    const values = Object.values(environment).join('\n');
    for (const name of ['superuserPassword', 'postgresPassword', 'secretKey', 'demoPassword'])
      expect(values, name).not.toContain(keys[name]);
  }, 60_000);

  it('refuses a second start, and a reset while it runs', async () => {
    const run = start();
    await ready(run);
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(/^This stack is already running at http:\/\/127\.0\.0\.1:\d+ \(process \d+\): stop it with Ctrl-C/);
    const refused = reset();
    expect(refused.status).toBe(1);
    expect(refused.output).toContain('The stack is running');
    expect(await stop(run)).toBe(0);
  }, 60_000);

  it.each(['PORT', 'SUPABASE_PORT', 'DB_PORT'] as const)(
    'names a port that is in use, and the variable %s that changes it',
    async (variable) => {
      const server = createServer().listen(ports[variable], '127.0.0.1');
      try {
        const run = start();
        expect(await run.exited).toBe(1);
        expect(run.output().trim()).toMatch(
          new RegExp(`^Port ${ports[variable]} \\(.+\\) is already used by another program; .* set ${variable} to`),
        );
        expect(run.output().trim().split('\n')).toHaveLength(1);
      } finally {
        server.close();
      }
    },
    30_000,
  );

  it('starts again after a SIGKILL that left its API and Postgres running', async () => {
    const killed = start();
    const info = await ready(killed);
    const [oldPostgres, oldApi] = [postmaster(), apiPid()];
    await stop(killed, 'SIGKILL');
    expect(isAlive(oldPostgres)).toBe(true);
    const run = start();
    expect(await ready(run)).toEqual(info);
    expect(run.output()).toContain('an earlier, killed run left behind');
    expect(commandLineOf(oldPostgres)).toBe('');
    expect(commandLineOf(oldApi)).toBe('');
    expect(await stop(run)).toBe(0);
  }, 60_000);

  it.each(['API', 'Postgres'] as const)(
    'stops everything and exits with 1 when %s dies',
    async (part) => {
      const run = start();
      await ready(run);
      const pids = [postmaster(), apiPid()];
      signal(part === 'API' ? apiPid() : postmaster(), 'SIGKILL');
      expect(await run.exited).toBe(1);
      expect(run.output()).toContain(`${part === 'API' ? 'The API' : 'Postgres'} ended unexpectedly`);
      expect(pids.map((pid) => commandLineOf(pid))).toEqual(['', '']);
    },
    60_000,
  );

  it('stops cleanly when it is interrupted while it starts', async () => {
    rmSync(join(cluster(), 'postmaster.pid'), { force: true });
    const run = start();
    while (!existsSync(join(cluster(), 'postmaster.pid'))) await sleep(10);
    expect(await stop(run)).toBe(0);
    expect(existsSync(join(cluster(), 'postmaster.pid'))).toBe(false);
    expect(existsSync(join(local, 'stack.pid'))).toBe(false);
  }, 60_000);

  it('says in one sentence that the data directory is damaged, and starts again after a reset', async () => {
    rmSync(join(cluster(), 'PG_VERSION'));
    const run = start();
    expect(await run.exited).toBe(1);
    expect(run.output().trim()).toMatch(/is damaged: its PG_VERSION file is missing; .*npm run reset/);
    writeFileSync(join(cluster(), 'PG_VERSION'), '15\n');
    const old = start();
    expect(await old.exited).toBe(1);
    expect(old.output().trim()).toMatch(/belongs to PostgreSQL 15, not 17; .*npm run reset/);
    writeFileSync(join(cluster(), 'PG_VERSION'), '17\n');
    writeFileSync(join(cluster(), 'global', 'pg_control'), 'nonsense');
    const broken = start();
    expect(await broken.exited).toBe(1);
    expect(broken.output()).toMatch(/PostgreSQL did not start from .*postgres\.log/);
    expect(broken.output()).toContain('npm run reset');
    expect(reset()).toMatchObject({ status: 0 });
    expect(existsSync(cluster())).toBe(false);
  }, 60_000);

  it('creates the database again when the first start was interrupted while it created the database', async () => {
    const killed = start();
    while (partialClusters(cluster()).length === 0) await sleep(5);
    await stop(killed, 'SIGKILL');
    expect(existsSync(cluster())).toBe(false);
    const run = start();
    await ready(run);
    expect(run.output()).toContain('The first start was interrupted while it created the database; creating it again.');
    expect(partialClusters(cluster())).toEqual([]);
    expect(await stop(run)).toBe(0);
  }, 60_000);

  it('does not generate new keys for a database whose keys are lost', async () => {
    rmSync(join(local, 'keys.json'));
    const run = start();
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(/keys\.json is missing\. It contains the keys of the existing database/);
  }, 30_000);

  it.each([
    [{ PORT: 'eighty' }, 'PORT must be a port number between 1 and 65535, not "eighty".'],
    [{ PORT: 4000, DB_PORT: 4000 }, 'PORT and DB_PORT are both 4000; give each a different port.'],
  ])(
    'explains a wrong setting: %o',
    async (overrides, sentence) => {
      const run = start(overrides);
      expect(await run.exited).toBe(1);
      expect(run.output().trim()).toBe(sentence);
    },
    30_000,
  );
});
