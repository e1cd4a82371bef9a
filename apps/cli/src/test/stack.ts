import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiProcess, nodeCompileCache, startApi, waitUntilReady } from '@tributary/supabase/local/api-process.ts';
import { withClient } from '@tributary/supabase/local/database.ts';
import { writePrivateJson } from '@tributary/supabase/local/local-files.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { type DemoConnection, seedDemo } from '@tributary/supabase/local/seed.ts';
import type { StackInfo } from '@tributary/supabase/local/stack.ts';
import { generateSupabaseKeys } from '@tributary/supabase/local/supabase.ts';
import { createTestDatabase, startSupabase } from '@tributary/supabase/local/testing.ts';
import { type Bin, binFile, type Ended, runInside } from './programs.ts';

const apiEntry = join(import.meta.dirname, '..', '..', '..', 'api', 'src', 'main.ts');

interface Running {
  readonly stdout: string;
  readonly stderr: string;
  interrupt(): void;
  ended: Promise<Ended>;
}

/** A database, Supabase, the API as a process and the demo org. Commands get an empty home directory. */
export interface CliStack {
  info: StackInfo;
  /** Signs the demo user in by token. Signing in by password is slow on purpose. */
  demo: { TRIBUTARY_TOKEN: string };
  orgId: string;
  connections: Record<string, DemoConnection>;
  /** The home and working directory of commands, empty at first. */
  home: string;
  /** Starts a command as a process that a test can interrupt. */
  start(bin: Bin, args: readonly string[], options?: RunOptions): Running;
  /** Runs a command to its end: inside this process, or as a separate process where the command needs a terminal. */
  run(bin: Bin, args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs a command with --json and returns its result; throws unless the exit code is 0. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  json(bin: Bin, args: readonly string[], options?: RunOptions): Promise<any>;
  /** Signs up a new user, who owns a new org. */
  makeUser(email: string): Promise<{ id: string; email: string; password: string; token: string; orgId: string }>;
  /** Sends a request to the API as the demo user. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  api(method: string, path: string, body?: unknown): Promise<any>;
  /** Runs SQL as the owner of the tables. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  stopApi(): Promise<void>;
  startApi(): Promise<void>;
  close(): Promise<void>;
}

interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Without the stack.json that names the server and the demo user. */
  bare?: boolean;
  /** The command finds an interactive terminal. */
  terminal?: boolean;
}

const pretendTerminal = ['--import', 'data:text/javascript,process.stdin.isTTY=true;process.stderr.isTTY=true'];

export async function startCliStack(): Promise<CliStack> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-cli-'));
  const home = mkdtempSync(join(tmpdir(), 'tributary-home-'));
  // Supabase and the API start at the same time, so that keys and ports are chosen here.
  const [database, keys] = await Promise.all([createTestDatabase(), generateSupabaseKeys()]);
  const [port, supabasePort] = [await freePort(), await freePort()];
  const logFile = join(directory, 'api.log');
  const info: StackInfo = {
    apiUrl: `http://127.0.0.1:${port}`,
    supabaseUrl: `http://127.0.0.1:${supabasePort}`,
    publishableKey: keys.publishableKey,
    databaseUrl: database.adminUrl,
    operatorToken: randomBytes(24).toString('hex'),
    demo: { email: 'demo@tributary.local', password: randomBytes(12).toString('hex') },
  };
  const environment = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: nodeCompileCache,
    DATABASE_URL: database.apiUrl,
    SUPABASE_URL: info.supabaseUrl,
    SUPABASE_PUBLISHABLE_KEY: keys.publishableKey,
    SUPABASE_JWT_SECRET: keys.jwtSecret,
    MASTER_KEY: `v1:${randomBytes(32).toString('base64')}`,
    OPERATOR_TOKEN: info.operatorToken,
    PORT: String(port),
  };
  const starting = startSupabase({ databaseUrl: database.adminUrl, port: supabasePort, keys });
  let api: ApiProcess | undefined;
  const stopApi = async () => {
    await api?.stop();
    api = undefined;
  };
  const startIt = async () => {
    api = await startApi(apiEntry, environment, logFile);
    await waitUntilReady(api, info.apiUrl, logFile, AbortSignal.timeout(60_000));
  };
  const running = new Set<Running>();
  const close = async () => {
    for (const one of running) one.interrupt();
    await Promise.all([...running].map((one) => one.ended));
    await stopApi();
    await starting.then(
      (supabase) => supabase.close(),
      () => {},
    );
    await database.drop();
    for (const one of [directory, home]) rmSync(one, { recursive: true, force: true });
  };

  const environmentOf = ({ env = {}, bare = false }: RunOptions) => ({ ...(bare ? {} : { LOCAL_DIR: directory }), ...env });

  function start(bin: Bin, args: readonly string[], { env = {}, stdin, bare = false, terminal = false }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [...(terminal ? pretendTerminal : []), binFile(bin), ...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...environmentOf({ env, bare }) },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    child.stdin?.end(stdin);
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const one: Running = {
      get stdout() {
        return stdout;
      },
      get stderr() {
        return stderr;
      },
      interrupt: () => void child.kill('SIGINT'),
      ended: new Promise((resolve) =>
        child.once('close', (code) => {
          running.delete(one);
          resolve({ code, stdout, stderr });
        }),
      ),
    };
    running.add(one);
    return one;
  }

  const supabaseCall = (path: string, body: object, token?: string) =>
    callJson(
      info.supabaseUrl + path,
      'POST',
      { apikey: info.publishableKey, ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body,
    );
  const run: CliStack['run'] = (bin, args, options = {}) =>
    options.terminal ? start(bin, args, options).ended : runInside(bin, args, { env: environmentOf(options), home, stdin: options.stdin });
  try {
    await Promise.all([starting, startIt()]);
    const { orgId, connections } = await seedDemo(info, directory);
    writePrivateJson(join(directory, 'stack.json'), info);
    const demo = { TRIBUTARY_TOKEN: (await supabaseCall('/auth/v1/token?grant_type=password', info.demo)).access_token };
    return {
      info,
      demo,
      orgId,
      connections,
      home,
      start,
      run,
      async json(bin, args, options) {
        const { code, stdout, stderr } = await run(bin, [...args, '--json'], options);
        if (code !== 0) throw new Error(`${bin} ${args.join(' ')} exited with ${code}: ${stderr}`);
        return JSON.parse(stdout);
      },
      async makeUser(email) {
        const password = randomBytes(12).toString('hex');
        const { access_token: token, user } = await supabaseCall('/auth/v1/signup', { email, password });
        const org = await supabaseCall('/rest/v1/rpc/create_org', { name: `Org of ${email}`, project_name: 'Main' }, token);
        return { id: user.id, email, password, token, orgId: org.org_id };
      },
      async api(method, path, body) {
        return callJson(info.apiUrl + path, method, { authorization: `Bearer ${demo.TRIBUTARY_TOKEN}` }, body);
      },
      sql: (text, values) => withClient(info.databaseUrl, async (client) => (await client.query(text, values)).rows),
      stopApi,
      startApi: startIt,
      close,
    };
  } catch (error) {
    const log = existsSync(logFile) ? readFileSync(logFile, 'utf8').slice(-2_000) : '';
    await close();
    throw new Error(`the stack could not be started: ${(error as Error).message}\n${log}`);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the caller checks the result
async function callJson(url: string, method: string, headers: Record<string, string>, body: unknown): Promise<any> {
  const response = await fetch(url, { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Waits until something that another process does has happened. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out while waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

let purchases = 0;

/** Delivers a Hotmart purchase to the demo connection. */
export async function deliverPurchase(
  { connections }: CliStack,
  options: { hottok?: string } = {},
): Promise<{ status: number; body: { status?: string; records?: { eventId?: string; dlqId?: string; code?: string }[] } }> {
  const connection = connections.hotmart;
  if (!connection) throw new Error('there is no Hotmart connection');
  const now = Date.now();
  purchases++;
  const purchase = {
    transaction: `HP${now}${purchases}`,
    status: 'APPROVED',
    order_date: now - 60_000,
    approved_date: now,
    price: { value: 149.9, currency_value: 'BRL' },
    payment: { type: 'CREDIT_CARD', installments_number: 1 },
  };
  const response = await fetch(connection.webhookUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-hotmart-hottok': options.hottok ?? Object.values(connection.secrets)[0] ?? '' },
    body: JSON.stringify({
      id: crypto.randomUUID(),
      creation_date: now,
      event: 'PURCHASE_APPROVED',
      version: '2.0.0',
      data: { product: { id: 1, name: 'Course' }, buyer: { name: 'Ana Farias', email: 'ana@example.com' }, purchase },
    }),
  });
  return { status: response.status, body: (await response.json()) as Awaited<ReturnType<typeof deliverPurchase>>['body'] };
}
