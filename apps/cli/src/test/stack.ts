import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiProcess, startApi, waitUntilReady } from '@tributary/supabase/local/api-process.ts';
import { withClient } from '@tributary/supabase/local/database.ts';
import { writePrivateJson } from '@tributary/supabase/local/local-files.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { type DemoConnection, seedDemo } from '@tributary/supabase/local/seed.ts';
import type { StackInfo } from '@tributary/supabase/local/stack.ts';
import { createTestDatabase, startSupabase } from '@tributary/supabase/local/testing.ts';

const apiEntry = join(import.meta.dirname, '..', '..', '..', 'api', 'src', 'main.ts');

export type Bin = 'tributary' | 'replayctl' | 'dlqtriage';
export const binFile = (bin: Bin) => join(import.meta.dirname, '..', '..', 'bin', `${bin}.mjs`);

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Running {
  readonly stdout: string;
  readonly stderr: string;
  interrupt(): void;
  ended: Promise<Ended>;
}

/** The real thing: database, Supabase, the API as a process of its own, the demo org; and the commands as processes in a home of their own. */
export interface CliStack {
  info: StackInfo;
  /** The environment that signs the demo user in without asking for a password each time, which is slow on purpose. */
  demo: { TRIBUTARY_TOKEN: string };
  orgId: string;
  connections: Record<string, DemoConnection>;
  /** Empty directory; what HOME and the working directory of commands are. */
  home: string;
  start(bin: Bin, args: readonly string[], options?: RunOptions): Running;
  run(bin: Bin, args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs with --json; throws unless it exits with 0. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  json(bin: Bin, args: readonly string[], options?: RunOptions): Promise<any>;
  /** A user of their own, signed up as people do, with an org of their own. */
  makeUser(email: string): Promise<{ id: string; email: string; password: string; token: string; orgId: string }>;
  /** The API, asked by hand as the demo user. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on it field by field
  api(method: string, path: string, body?: unknown): Promise<any>;
  /** As the owner of the tables. */
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
  /** As if a person looked on and could be asked. */
  terminal?: boolean;
}

const pretendTerminal = ['--import', 'data:text/javascript,process.stdin.isTTY=true;process.stderr.isTTY=true'];

export async function startCliStack(): Promise<CliStack> {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-cli-'));
  const home = mkdtempSync(join(tmpdir(), 'tributary-home-'));
  const database = await createTestDatabase();
  const supabase = await startSupabase({ databaseUrl: database.adminUrl });
  const port = await freePort();
  const logFile = join(directory, 'api.log');
  const info: StackInfo = {
    apiUrl: `http://127.0.0.1:${port}`,
    supabaseUrl: supabase.url,
    publishableKey: supabase.publishableKey,
    databaseUrl: database.adminUrl,
    operatorToken: randomBytes(24).toString('hex'),
    demo: { email: 'demo@tributary.local', password: randomBytes(12).toString('hex') },
  };
  const environment = {
    PATH: process.env.PATH,
    DATABASE_URL: database.apiUrl,
    SUPABASE_URL: supabase.url,
    SUPABASE_PUBLISHABLE_KEY: supabase.publishableKey,
    SUPABASE_JWT_SECRET: supabase.jwtSecret,
    MASTER_KEY: `v1:${randomBytes(32).toString('base64')}`,
    OPERATOR_TOKEN: info.operatorToken,
    PORT: String(port),
  };
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
    await supabase.close();
    await database.drop();
    for (const one of [directory, home]) rmSync(one, { recursive: true, force: true });
  };

  function start(bin: Bin, args: readonly string[], { env = {}, stdin, bare = false, terminal = false }: RunOptions = {}): Running {
    const child = spawn(process.execPath, [...(terminal ? pretendTerminal : []), binFile(bin), ...args], {
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, ...(bare ? {} : { LOCAL_DIR: directory }), ...env },
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
  const run: CliStack['run'] = (...args) => start(...args).ended;
  try {
    await startIt();
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

// biome-ignore lint/suspicious/noExplicitAny: checked by what follows
async function callJson(url: string, method: string, headers: Record<string, string>, body: unknown): Promise<any> {
  const response = await fetch(url, { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Waits for something that another process does. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
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
