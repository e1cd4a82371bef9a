import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type MasterKeys, parseMasterKeys, unwrapKey } from '@tributary/pipeline/crypto/master-keys.ts';
import { journalAad, keyAad, open } from '@tributary/pipeline/crypto/seal.ts';
import type pg from 'pg';
import { startApi, waitUntilReady } from '../local/api-process.ts';
import { setApiPassword, withClient } from '../local/database.ts';
import { freePort } from '../local/ports.ts';
import { differences, type Manifest, measure } from './manifest.ts';

/** The newest deliveries of each org that are opened. */
const openedOfOrg = 20;

export interface Check {
  /** What is wrong, each as a sentence; empty for a database that can be used. */
  problems: string[];
  rows: number;
  tables: number;
  keys: number;
  opened: number;
}

/**
 * Checks a restored database before anything writes to it: each table has the rows of the manifest, if there is one, the master key opens the keys of every org, these open
 * the newest deliveries, and the API starts on it. `url` logs in as `postgres`; the API logs in with a password that is made for the check, because
 * passwords are not part of a backup.
 */
export async function checkRestored(
  url: string,
  manifest: Manifest | undefined,
  masterKey: string,
  apiEntry: string,
  logDirectory: string,
): Promise<Check> {
  const check: Check = { problems: [], rows: 0, tables: 0, keys: 0, opened: 0 };
  await withClient(url, async (client) => {
    await client.query('begin transaction isolation level repeatable read read only');
    const found = await measure(client);
    if (manifest) check.problems.push(...differences(manifest, found));
    check.tables = Object.keys(found.tables).length;
    check.rows = Object.values(found.tables).reduce((sum, { rows }) => sum + rows, 0);
    await openKeys(client, parseMasterKeys(masterKey), check);
    await client.query('rollback');
  });
  const password = randomBytes(24).toString('hex');
  await setApiPassword(url, password);
  const failure = await tryApi(url, password, masterKey, apiEntry, logDirectory);
  if (failure) check.problems.push(failure);
  return check;
}

async function openKeys(client: pg.ClientBase, master: MasterKeys, check: Check): Promise<void> {
  const dataKeys = new Map<string, Uint8Array>();
  const { rows: keys } = await client.query<{ org_id: string; kind: string; version: number; wrapped: Buffer; master_version: number }>(
    'select org_id, kind, version, wrapped, master_version from private.org_keys order by org_id, kind, version',
  );
  for (const { org_id, kind, version, wrapped, master_version } of keys) {
    try {
      const key = unwrapKey(master, master_version, wrapped, keyAad(org_id, kind, version));
      if (kind === 'data') dataKeys.set(`${org_id} ${version}`, key);
      check.keys += 1;
    } catch {
      check.problems.push(`The ${kind} key v${version} of org ${org_id} does not open with this MASTER_KEY.`);
    }
  }
  const { rows: bodies } = await client.query<{ org_id: string; journal_id: string; key_version: number; sealed: Buffer }>(
    `select p.org_id, p.journal_id, p.key_version, p.sealed from public.orgs o cross join lateral (
       select j.id, j.received_at from public.event_journal j where j.org_id = o.id and j.erased_at is null order by j.received_at desc, j.id desc limit $1) j
     join private.journal_payloads p on p.journal_id = j.id and p.received_at = j.received_at`,
    [openedOfOrg],
  );
  for (const { org_id, journal_id, key_version, sealed } of bodies) {
    try {
      const key = dataKeys.get(`${org_id} ${key_version}`);
      if (key) open(key, sealed, journalAad(org_id, journal_id));
      if (key) check.opened += 1;
    } catch {
      check.problems.push(`The body of the delivery ${journal_id} of org ${org_id} does not open.`);
    }
  }
}

/** Starts the API on the database and returns what went wrong; undefined when it got ready. */
async function tryApi(
  url: string,
  password: string,
  masterKey: string,
  apiEntry: string,
  logDirectory: string,
): Promise<string | undefined> {
  const login = new URL(url);
  login.username = 'tributary_api';
  login.password = password;
  const port = await freePort();
  const logFile = join(logDirectory, 'restore-check.log');
  const environment = {
    PATH: process.env.PATH,
    DATABASE_URL: login.href,
    // The check signs nobody in, and no job may send alerts or continue replays of a copy.
    JOBS_CONCURRENCY: '0',
    SUPABASE_URL: 'http://127.0.0.1:9',
    SUPABASE_PUBLISHABLE_KEY: 'unused',
    SUPABASE_JWT_SECRET: randomBytes(32).toString('hex'),
    OPERATOR_TOKEN: randomBytes(32).toString('hex'),
    MASTER_KEY: masterKey,
    PORT: String(port),
    HOST: '127.0.0.1',
    API_PROCESSES: '1',
  };
  try {
    const api = await startApi(apiEntry, environment, logFile);
    try {
      await waitUntilReady(api, `http://127.0.0.1:${port}`, logFile, AbortSignal.timeout(90_000));
    } finally {
      await api.stop();
    }
    return undefined;
  } catch (error) {
    return `The API does not start on the database: ${(error as Error).message}`;
  }
}
