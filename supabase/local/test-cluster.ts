import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterKey, restoreCluster, saveCluster } from './cluster-cache.ts';
import { applyMigrations, prepareDatabase, setApiPassword, withClient } from './database.ts';
import { livePid, writePidFile } from './local-files.ts';
import { freePort } from './ports.ts';
import { createCluster, databaseUrl, type Postgres, startPostgres, stopLeftover, superuser } from './postgres.ts';
import { clusterDirectory, findPostgresHome, recordedClusterDirectory, removeCluster } from './postgres-home.ts';

const prefix = 'tributary-test-';
const template = 'tributary_template';
const unsynced = { fsync: 'off', full_page_writes: 'off' };

/** Plain data with which another process can create databases on the cluster. */
export type TestClusterInfo = { port: number; password: string };

export type TestDatabase = {
  name: string;
  /** Logs in as the role `postgres`: the owner of everything that migrations create, not bound by row level security, not a superuser. */
  adminUrl: string;
  /** Logs in as the role of the API. */
  apiUrl: string;
  /** Logs in as a superuser, who may look at other sessions and disable triggers. */
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
 * Starts a throw-away Postgres with a migrated template database, copied from the cache when an earlier run has made the same one. `durable` keeps fsync on,
 * for tests that crash the server; otherwise writes are not synced, which is faster and survives everything but a power cut.
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
  const startOn = async (superuserPassword: string, settings: Record<string, string>) =>
    startPostgres({ home, directory, port: await freePort(), superuserPassword, logFile: join(parent, 'postgres.log'), settings });
  let postgres: Postgres | undefined;
  try {
    const key = clusterKey(home, options.migrations);
    let password = restoreCluster(key, directory, home);
    if (password === undefined) {
      password = randomBytes(18).toString('base64url');
      await createCluster({ home, directory, superuserPassword: password, durable: false });
      // the write-ahead log is kept small, because every copy of the cluster contains it
      postgres = await startOn(password, { ...unsynced, min_wal_size: '32MB', max_wal_size: '64MB' });
      await createTemplate({ port: postgres.port, password }, options.migrations);
      await postgres.stop('fast');
      saveCluster(key, directory, password, home);
    }
    const running = await startOn(password, { max_connections: '300', ...(options.durable ? {} : unsynced), ...options.settings });
    postgres = running;
    const info = { port: running.port, password };
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
  // a connected session would prevent copies of the template, so connections are not allowed
  await withClient(maintenance, (client) => client.query(`alter database ${template} with is_template true allow_connections false`));
}

/** Creates a database as a copy of the migrated template. */
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

/** Removes the clusters of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const parent = join(tmpdir(), name);
    try {
      // a run that began less than a minute ago may not have recorded its process yet
      if (livePid(join(parent, 'owner')) !== undefined || Date.now() - statSync(parent).mtimeMs < 60_000) continue;
      const directory = recordedClusterDirectory(parent) ?? join(parent, 'postgres');
      await stopLeftover(directory);
      removeCluster(directory);
      rmSync(parent, { recursive: true, force: true });
    } catch {
      // the cluster belongs to another user, whose next run removes it
    }
  }
}
