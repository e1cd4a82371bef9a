import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyMigrations, prepareDatabase, setApiPassword, withClient } from './database.ts';
import { livePid, writePidFile } from './local-files.ts';
import { freePort } from './ports.ts';
import { createCluster, databaseUrl, type Postgres, startPostgres, stopLeftover, superuser } from './postgres.ts';
import { clusterDirectory, findPostgresHome, recordedClusterDirectory, removeCluster } from './postgres-home.ts';

const prefix = 'tributary-test-';
const template = 'tributary_template';

/** What another process needs to make databases on the cluster; plain data. */
export type TestClusterInfo = { port: number; password: string };

export type TestDatabase = {
  name: string;
  /** As the role `postgres`: owner of everything the migrations made, past row level security, not a superuser. */
  adminUrl: string;
  /** As the API's login role. */
  apiUrl: string;
  /** For what only a superuser may do, such as looking at another session or switching triggers off. */
  superuserUrl: string;
  drop(): Promise<void>;
};

export type TestCluster = {
  info: TestClusterInfo;
  postgres: Postgres;
  createDatabase(): Promise<TestDatabase>;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
};

/**
 * Starts a throw-away Postgres with a migrated template database. `durable` keeps fsync on, for tests that crash it; otherwise writes are not synced,
 * which is faster and survives everything but a power cut.
 */
export async function startTestCluster(
  options: { durable?: boolean; migrations?: string; settings?: Record<string, string> } = {},
): Promise<TestCluster> {
  await removeAbandoned();
  const home = await findPostgresHome();
  const parent = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(parent, 0o711);
  writePidFile(join(parent, 'owner'), process.pid);
  const directory = clusterDirectory(parent, home);
  const remove = () => {
    removeCluster(directory);
    rmSync(parent, { recursive: true, force: true });
  };
  const password = randomBytes(18).toString('base64url');
  let postgres: Postgres | undefined;
  try {
    await createCluster({ home, directory, superuserPassword: password, durable: options.durable ?? false });
    const speed = options.durable ? {} : { fsync: 'off', full_page_writes: 'off' };
    const port = await freePort();
    const settings = { max_connections: '300', ...speed, ...options.settings };
    postgres = await startPostgres({ home, directory, port, superuserPassword: password, logFile: join(parent, 'postgres.log'), settings });
    const info = { port, password };
    await createTemplate(info, options.migrations);
    const running = postgres;
    return {
      info,
      postgres: running,
      createDatabase: () => createDatabaseOn(info),
      stop: async () => {
        await running.stop('immediate');
        remove();
      },
    };
  } catch (error) {
    await postgres?.stop('immediate');
    remove();
    throw error;
  }
}

const urlOn = ({ port, password }: TestClusterInfo, user: string, database: string) => databaseUrl({ port, user, password, database });

async function createTemplate(info: TestClusterInfo, migrations: string | undefined): Promise<void> {
  const maintenance = urlOn(info, superuser, 'template1');
  await withClient(maintenance, (client) => client.query(`create database ${template}`));
  const superuserUrl = urlOn(info, superuser, template);
  await prepareDatabase(superuserUrl, info.password);
  await applyMigrations(urlOn(info, 'postgres', template), ...(migrations ? [migrations] : []));
  await setApiPassword(superuserUrl, info.password);
  // without connections no session of a stray client can keep a clone from being made
  await withClient(maintenance, (client) => client.query(`alter database ${template} with is_template true allow_connections false`));
}

/** A fresh copy of the migrated template, as the migrations left it. */
export async function createDatabaseOn(info: TestClusterInfo): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const maintenance = urlOn(info, superuser, 'template1');
  await withClient(maintenance, (client) => client.query(`create database ${name} template ${template} owner postgres strategy file_copy`));
  return {
    name,
    adminUrl: urlOn(info, 'postgres', name),
    apiUrl: urlOn(info, 'tributary_api', name),
    superuserUrl: urlOn(info, superuser, name),
    drop: async () => {
      await withClient(maintenance, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Clears away the clusters of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const parent = join(tmpdir(), name);
    try {
      // a run that began this minute may not have noted its process yet
      if (livePid(join(parent, 'owner')) !== undefined || Date.now() - statSync(parent).mtimeMs < 60_000) continue;
      const directory = recordedClusterDirectory(parent) ?? join(parent, 'postgres');
      await stopLeftover(directory);
      removeCluster(directory);
      rmSync(parent, { recursive: true, force: true });
    } catch {
      // another user's: theirs to clear
    }
  }
}
