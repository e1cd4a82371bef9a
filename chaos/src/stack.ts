import { spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiNodeEnvironment, apiNodeFlags, nodeCompileCache, waitUntilReady } from '@tributary/supabase/local/api-process.ts';
import { withClient } from '@tributary/supabase/local/database.ts';
import { lastLines, openLog } from '@tributary/supabase/local/logs.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import type { Postgres } from '@tributary/supabase/local/postgres.ts';
import { startTestCluster, type TestDatabase } from '@tributary/supabase/local/test-cluster.ts';
import { type ProofConnections, type ProofOrg, seedOrg } from './seed.ts';

const apiDirectory = join(import.meta.dirname, '..', '..', 'apps', 'api');
export const apiEntry = join(apiDirectory, 'src', 'main.ts');
/** Starts API_PROCESSES processes that share the port. */
export const severalProcessesEntry = join(apiDirectory, 'main.mjs');

/** One API process under test. */
export interface Api {
  readonly url: string;
  readonly pid: number;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** The end of its log when the process ended without being asked to; otherwise undefined. */
  crashLog(): string | undefined;
  /** Sends SIGKILL: the process can neither flush nor answer. */
  kill(): Promise<void>;
  /** Sends SIGTERM and resolves with the exit code and the duration. Sends SIGKILL after `timeoutMs`. */
  terminate(timeoutMs?: number): Promise<{ code: number | null; durationMs: number }>;
}

export interface ApiOptions {
  /** Set for a restart, so that clients keep their URL. */
  port?: number;
  environment?: Record<string, string>;
  /** The file that Node runs; one process of the API unless it is given. */
  entry?: string;
  /** Flags for Node itself, such as --cpu-prof. */
  nodeFlags?: readonly string[];
}

/** A throw-away Postgres with the durability of production, one org with a connection per source, and the API processes that a case starts. */
export interface ProofStack {
  database: TestDatabase;
  postgres: Postgres;
  org: ProofOrg;
  connections: ProofConnections;
  /** The MASTER_KEY of the API processes. */
  masterKey: string;
  /** Adds another tenant with its own connections and keys. */
  addOrg(): Promise<{ org: ProofOrg; connections: ProofConnections }>;
  /** An access token of a new member of the org, as Supabase Auth would issue it. */
  signIn(org: ProofOrg, role: 'owner' | 'admin' | 'analyst'): Promise<string>;
  startApi(options?: ApiOptions): Promise<Api>;
  /** The last log lines of API processes that ended without being asked to. */
  crashes: readonly string[];
  /** Runs SQL as a superuser in a separate session. */
  query<Row>(sql: string, values?: unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

/** `settings` are added to those of the cluster; fsync, full_page_writes and synchronous_commit stay on. */
async function startProofStack(settings: Record<string, string> = {}): Promise<ProofStack> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-proof-'));
  const cluster = await startTestCluster({ durable: true, settings });
  const apis = new Set<Api>();
  const crashes: string[] = [];
  const stop = async () => {
    await Promise.all([...apis].map((api) => api.terminate()));
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const database = await cluster.createDatabase();
    const masterKey = randomBytes(32).toString('base64');
    const { org, connections } = await withClient(database.superuserUrl, (client) => seedOrg(client, masterKey));
    const base = {
      ...apiNodeEnvironment,
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: nodeCompileCache,
      DATABASE_URL: database.apiUrl,
      // Ingestion never calls Supabase, so no server listens at this address.
      SUPABASE_URL: 'http://127.0.0.1:9',
      SUPABASE_PUBLISHABLE_KEY: 'unused',
      SUPABASE_JWT_SECRET: randomBytes(32).toString('hex'),
      MASTER_KEY: masterKey,
      OPERATOR_TOKEN: randomBytes(32).toString('hex'),
      // A case sends for one person what many people would send, unless it is about this limit.
      API_USER_BURST: '1000000',
      API_ORG_BURST: '1000000',
    };
    return {
      database,
      postgres: cluster.postgres,
      org,
      connections,
      masterKey,
      crashes,
      addOrg: () => withClient(database.superuserUrl, (client) => seedOrg(client, masterKey)),
      signIn: async (member, role) => {
        const userId = randomUUID();
        const email = `${role}-${userId}@example.com`;
        await withClient(database.superuserUrl, async (client) => {
          await client.query('insert into auth.users (id, email) values ($1, $2)', [userId, email]);
          await client.query('insert into public.org_members (org_id, user_id, role) values ($1, $2, $3)', [member.id, userId, role]);
        });
        return accessToken(base.SUPABASE_JWT_SECRET, userId, email);
      },
      startApi: async (options = {}) => {
        const port = options.port ?? (await freePort());
        const api = await startApi(
          port,
          { ...base, ...options.environment, PORT: String(port) },
          [...(options.nodeFlags ?? []), options.entry ?? apiEntry],
          directory,
        );
        apis.add(api);
        void api.exited.then(() => {
          apis.delete(api);
          const lines = api.crashLog();
          if (lines !== undefined) crashes.push(lines);
        });
        return api;
      },
      query: (sql, values = []) => withClient(database.superuserUrl, async (client) => (await client.query(sql, values)).rows),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function accessToken(secret: string, sub: string, email: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const signedPart = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub, email, exp, role: 'authenticated', aud: 'authenticated' })}`;
  return `${signedPart}.${createHmac('sha256', secret).update(signedPart).digest('base64url')}`;
}

/** Runs a case on its own stack, and removes the stack afterwards. */
export async function withProofStack<T>(run: (stack: ProofStack) => Promise<T>, settings?: Record<string, string>): Promise<T> {
  const stack = await startProofStack(settings);
  try {
    return await run(stack);
  } finally {
    await stack.stop();
  }
}

async function startApi(port: number, environment: NodeJS.ProcessEnv, command: readonly string[], directory: string): Promise<Api> {
  const logFile = join(directory, `api-${port}-${randomUUID()}.log`);
  const log = openLog(logFile);
  const child = spawn(process.execPath, [...apiNodeFlags, ...command], { env: environment, stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', reject);
  });
  const url = `http://127.0.0.1:${port}`;
  let asked = false;
  const end = async (signal: NodeJS.Signals) => {
    asked = true;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  const kill = async () => {
    await end('SIGKILL');
  };
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = child.pid ?? 0;
  try {
    await waitUntilReady({ pid, exited: exited.then(() => undefined), stop: kill }, url, logFile, AbortSignal.timeout(60_000));
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    url,
    pid,
    exited,
    crashLog: () => (asked || (child.exitCode === null && child.signalCode === null) ? undefined : lastLines(logFile)),
    kill,
    terminate: async (timeoutMs = 15_000) => {
      const started = performance.now();
      const slow = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      const code = await end('SIGTERM');
      clearTimeout(slow);
      return { code, durationMs: performance.now() - started };
    },
  };
}
