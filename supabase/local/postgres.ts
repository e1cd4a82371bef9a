import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StackError } from './errors.ts';
import { lastLines, openLog } from './logs.ts';
import type { PostgresHome } from './postgres-home.ts';
import { commandLineOf, endProcess, whenSpawned } from './processes.ts';

/** The superuser is `supabase_admin`, as on Supabase. People and migrations use `postgres`, which is not a superuser. */
export const superuser = 'supabase_admin';
const majorVersion = '17';

export type StopMode = 'fast' | 'immediate';

export type Postgres = {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the server process ends, for any reason. */
  readonly exited: Promise<void>;
  stop(mode?: StopMode): Promise<void>;
  /** `immediate` is a crash: the server writes no checkpoint and recovers from its log at the next start. */
  restart(mode?: StopMode): Promise<void>;
};

export type PostgresOptions = {
  home: PostgresHome;
  directory: string;
  port: number;
  superuserPassword: string;
  logFile: string;
  settings?: Record<string, string>;
};

const defaultSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  // After each checkpoint, the first change of a page writes the whole page into the log, and idempotency keys are random: with 1.5 million keys there is
  // one such page for each event. Measured: 120 µs and more of processor time for its compression, half as much as the event itself.
  wal_compression: 'off',
  max_connections: '100',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export function databaseUrl(options: { port: number; user: string; password: string; database?: string }): string {
  return `postgresql://${options.user}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${options.database ?? 'postgres'}`;
}

const partialPrefix = (directory: string) => `${basename(directory)}.partial-`;

/** The incomplete clusters that interrupted runs left behind. */
export function partialClusters(directory: string): string[] {
  const parent = dirname(directory);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => name.startsWith(partialPrefix(directory)))
    .map((name) => join(parent, name));
}

/**
 * Removes incomplete clusters. The initdb of a killed run may still be writing into one, hence the retries and a different name for each.
 */
export function removePartialClusters(directory: string): void {
  for (const partial of partialClusters(directory)) rmSync(partial, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

/**
 * Creates a cluster. The directory gets its final name only when the cluster is complete, so that an interrupted run leaves nothing that
 * looks usable.
 */
export async function createCluster(
  options: Pick<PostgresOptions, 'home' | 'directory' | 'superuserPassword'> & { durable?: boolean },
): Promise<void> {
  const { home, directory } = options;
  removePartialClusters(directory);
  const partial = join(dirname(directory), partialPrefix(directory) + randomBytes(4).toString('hex'));
  const data = join(partial, 'data');
  const passwordFile = join(partial, 'password');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${options.superuserPassword}\n`, { mode: 0o600 });
  if (home.user) for (const path of [partial, data, passwordFile]) chownSync(path, home.user.uid, home.user.gid);
  // the builtin C.UTF-8 is the same on every system and needs no locale installed
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const flags = [
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    ...(options.durable === false ? ['--no-sync'] : []),
  ];
  // detached: on Ctrl-C initdb finishes, which takes seconds, and the caller handles the interruption afterwards
  const child = spawn(join(home.bin, 'initdb'), ['-D', data, ...locale, ...flags], {
    ...home.user,
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const outcome = await new Promise<string | number | null>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ? `ended by ${signal}` : code));
  });
  if (outcome !== 0) {
    rmSync(partial, { recursive: true, force: true });
    const reason = typeof outcome === 'string' ? outcome : errors.trim().split('\n').at(-1) || `exit code ${outcome}`;
    throw new StackError(`initdb could not create the database in ${directory}: ${reason}.`);
  }
  renameSync(data, directory);
  // Removed a second time, because the initdb of a killed run creates its directory again when it is missing; by now that initdb has ended.
  removePartialClusters(directory);
}

/** Throws for a directory from which PostgreSQL could not, or must not, start. */
export function assertUsableCluster(directory: string, home: PostgresHome, advice: string): void {
  let version = '';
  try {
    version = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new StackError(`The database in ${directory} cannot be read (${(error as Error).message}); start as the user who created it.`);
  }
  if (version !== majorVersion)
    throw new StackError(
      version === ''
        ? `The database in ${directory} is damaged: its PG_VERSION file is missing; ${advice}.`
        : `The database in ${directory} belongs to PostgreSQL ${version}, not ${majorVersion}; ${advice}.`,
    );
  const owner = statSync(directory).uid;
  const uid = home.user?.uid ?? process.getuid?.();
  if (uid !== undefined && owner !== uid)
    throw new StackError(
      `The database in ${directory} belongs to user id ${owner} and this start would run it as ${uid}; start as the user who created it.`,
    );
}

/** Ends the server that an earlier, killed run left on this directory. Returns true when there was one. */
export async function stopLeftover(directory: string): Promise<boolean> {
  let pid: number;
  try {
    pid = Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return false;
  }
  if (!Number.isInteger(pid) || pid <= 1 || !commandLineOf(pid).includes(directory)) return false;
  await endProcess(pid, 'SIGINT', 'SIGQUIT', 20_000);
  return true;
}

async function waitUntilReady(child: ChildProcess, options: PostgresOptions): Promise<void> {
  // after a crash, the server may first replay gigabytes of log; it makes progress as long as its process runs
  const deadline = Date.now() + 10 * 60_000;
  const connectionString = databaseUrl({ port: options.port, user: superuser, password: options.superuserPassword });
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new StackError(
        `PostgreSQL did not start from ${options.directory}; the last lines of ${options.logFile}:\n${lastLines(options.logFile)}`,
      );
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === '28P01')
        throw new StackError(`The database in ${options.directory} does not accept the password that is stored beside it.`);
    } finally {
      await client.end().catch(() => {});
    }
    await sleep(50);
  }
  throw new StackError(`PostgreSQL was not ready after ten minutes; see ${options.logFile}.`);
}

async function launch(options: PostgresOptions): Promise<{ child: ChildProcess; pid: number; exited: Promise<void> }> {
  const settings = { ...defaultSettings, port: String(options.port), ...options.settings };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openLog(options.logFile);
  // detached: Ctrl-C must not stop the server before the API has stopped using it
  const child = spawn(join(options.home.bin, 'postgres'), ['-D', options.directory, ...args], {
    ...options.home.user,
    cwd: '/',
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const { exited, failure } = await whenSpawned(child);
  if (failure || child.pid === undefined) throw new StackError(`PostgreSQL could not be run: ${failure?.message}.`);
  try {
    await waitUntilReady(child, options);
  } catch (error) {
    child.kill('SIGQUIT');
    await exited;
    throw error;
  }
  return { child, pid: child.pid, exited };
}

async function stop(server: { child: ChildProcess; pid: number; exited: Promise<void> }, mode: StopMode): Promise<void> {
  if (server.child.exitCode !== null || server.child.signalCode !== null) return;
  server.child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  const slow = setTimeout(() => server.child.kill('SIGQUIT'), 30_000);
  await server.exited;
  clearTimeout(slow);
}

/**
 * Starts a server on an existing cluster and returns when it accepts connections. Throws `StackError` with the log's last lines when it
 * does not.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  let server = await launch(options);
  return {
    get pid() {
      return server.pid;
    },
    get port() {
      return options.port;
    },
    get exited() {
      return server.exited;
    },
    stop: (mode = 'fast') => stop(server, mode),
    restart: async (mode = 'fast') => {
      await stop(server, mode);
      server = await launch(options);
    },
  };
}
