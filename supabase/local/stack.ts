import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApi, waitUntilReady } from './api-process.ts';
import { applyMigrations, prepareDatabase, setApiPassword } from './database.ts';
import { StackError } from './errors.ts';
import { claimStack, livePid, openKeys, openLocalDirectory, type StackKeys, writePidFile, writePrivateJson } from './local-files.ts';
import { lastLines } from './logs.ts';
import { assertPortFree } from './ports.ts';
import {
  assertUsableCluster,
  createCluster,
  databaseUrl,
  partialClusters,
  removePartialClusters,
  startPostgres,
  stopLeftover,
  superuser,
} from './postgres.ts';
import { clusterDirectory, findPostgresHome } from './postgres-home.ts';
import { endProcess } from './processes.ts';
import { startSupabase } from './supabase.ts';

export type StackConfig = {
  port: number;
  supabasePort: number;
  dbPort: number;
  host: string;
  /** Whether only processes of this machine reach the stack. */
  isPrivate: boolean;
  localDirectory: string;
  /** The main file of the API, which this Node runs. */
  apiEntry: string;
  /** The environment that the API inherits. */
  environment: NodeJS.ProcessEnv;
};

/** The content of `stack.json`, which scripts, the CLI and tests read. */
export type StackInfo = {
  apiUrl: string;
  supabaseUrl: string;
  publishableKey: string;
  /** As the role `postgres`. */
  databaseUrl: string;
  operatorToken: string;
  demo: { email: string; password: string };
};

export type Stack = {
  info: StackInfo;
  keys: StackKeys;
  /** Resolves to a sentence when a part ends by itself. */
  failed: Promise<string>;
  announce(): void;
  stop(): Promise<void>;
};

const advice = 'restore it, or run `npm run reset` to begin with an empty one';
const demoEmail = 'demo@tributary.local';

/**
 * Starts Postgres, Supabase and the API, in this order, each ready before the next. `signal` interrupts a start. Throws `StackError` when the start is not
 * possible, after it has stopped the parts that were started.
 */
export async function startStack(config: StackConfig, say: (line: string) => void, signal: AbortSignal): Promise<Stack> {
  const undo: (() => Promise<void> | void)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      for (const step of undo.reverse()) await step();
    })();
    return stopping;
  };
  try {
    return await start(config, say, signal, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  config: StackConfig,
  say: (line: string) => void,
  signal: AbortSignal,
  undo: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<Stack> {
  const directory = config.localDirectory;
  const log = (name: string) => join(directory, 'logs', `${name}.log`);
  openLocalDirectory(directory);
  claimStack(directory);
  undo.push(() => rmSync(join(directory, 'stack.pid'), { force: true }));
  rmSync(join(directory, 'stack.json'), { force: true });

  const home = await findPostgresHome();
  const cluster = clusterDirectory(directory, home);
  await stopLeftovers(directory, cluster, say);
  await assertPortFree(config.port, 'PORT', 'API', config.host);
  await assertPortFree(config.supabasePort, 'SUPABASE_PORT', 'Supabase');
  await assertPortFree(config.dbPort, 'DB_PORT', 'Postgres');

  if (partialClusters(cluster).length > 0) say('The first start was interrupted while it created the database; creating it again.');
  const exists = existsSync(cluster);
  const keys = await openKeys(directory, exists);
  if (exists) {
    removePartialClusters(cluster);
    assertUsableCluster(cluster, home, advice);
  } else {
    say('Creating the database …');
    await createCluster({ home, directory: cluster, superuserPassword: keys.superuserPassword });
  }
  signal.throwIfAborted();

  const postgres = await startPostgres({
    home,
    directory: cluster,
    port: config.dbPort,
    superuserPassword: keys.superuserPassword,
    logFile: log('postgres'),
  }).catch((error) => {
    throw error instanceof StackError ? new StackError(`${error.message}\nIf the database is damaged, ${advice}.`) : error;
  });
  undo.push(() => postgres.stop());
  signal.throwIfAborted();

  const superuserUrl = databaseUrl({ port: config.dbPort, user: superuser, password: keys.superuserPassword });
  const adminUrl = databaseUrl({ port: config.dbPort, user: 'postgres', password: keys.postgresPassword });
  await prepareDatabase(superuserUrl, keys.postgresPassword);
  const applied = await applyMigrations(adminUrl);
  if (applied.length > 0) say(`Applied ${applied.length} migration${applied.length === 1 ? '' : 's'}.`);
  await setApiPassword(superuserUrl, keys.apiPassword);
  signal.throwIfAborted();

  const apiUrl = `http://127.0.0.1:${config.port}`;
  const supabase = await startSupabase({
    databaseUrl: adminUrl,
    port: config.supabasePort,
    keys,
    siteUrl: apiUrl,
    logFile: log('supabase'),
  });
  undo.push(() => supabase.close());
  signal.throwIfAborted();

  const api = await startApi(
    config.apiEntry,
    {
      ...config.environment,
      DATABASE_URL: databaseUrl({ port: config.dbPort, user: 'tributary_api', password: keys.apiPassword }),
      SUPABASE_URL: supabase.url,
      SUPABASE_PUBLISHABLE_KEY: keys.publishableKey,
      SUPABASE_JWT_SECRET: keys.jwtSecret,
      MASTER_KEY: keys.masterKey,
      OPERATOR_TOKEN: keys.operatorToken,
      PORT: String(config.port),
      HOST: config.host,
      PUBLIC_URL: config.environment.PUBLIC_URL || apiUrl,
      // This stack is for development: alerts may be sent to a receiver on this machine, unless others reach the stack.
      OUTBOUND_ALLOW_PRIVATE: config.environment.OUTBOUND_ALLOW_PRIVATE || String(config.isPrivate),
    },
    log('api'),
  );
  undo.push(async () => {
    await api.stop();
    rmSync(join(directory, 'api.pid'), { force: true });
  });
  writePidFile(join(directory, 'api.pid'), api.pid);
  await waitUntilReady(api, apiUrl, log('api'), signal);

  const info: StackInfo = {
    apiUrl,
    supabaseUrl: supabase.url,
    publishableKey: keys.publishableKey,
    databaseUrl: adminUrl,
    operatorToken: keys.operatorToken,
    demo: { email: demoEmail, password: keys.demoPassword },
  };
  const failed = Promise.race([
    api.exited.then(() => `The API ended unexpectedly; the last lines of ${log('api')}:\n${lastLines(log('api'))}`),
    postgres.exited.then(() => `Postgres ended unexpectedly; the last lines of ${log('postgres')}:\n${lastLines(log('postgres'))}`),
    supabase.exited.then(() => `The embedded Supabase ended unexpectedly; see ${log('supabase')}.`),
  ]);
  const announce = () => {
    writePrivateJson(join(directory, 'stack.json'), info);
    undo.push(() => rmSync(join(directory, 'stack.json'), { force: true }));
  };
  return { info, keys, failed, announce, stop };
}

async function stopLeftovers(directory: string, cluster: string, say: (line: string) => void): Promise<void> {
  const orphan = livePid(join(directory, 'api.pid'));
  if (orphan !== undefined) {
    say('Stopping the API that an earlier, killed run left behind.');
    await endProcess(orphan, 'SIGTERM', 'SIGKILL', 10_000);
  }
  rmSync(join(directory, 'api.pid'), { force: true });
  if (await stopLeftover(cluster)) say('Stopped the Postgres that an earlier, killed run left behind.');
}
