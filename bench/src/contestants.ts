import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { databaseUrl, superuser } from '@tributary/supabase/local/postgres.ts';
import { startTestCluster } from '@tributary/supabase/local/test-cluster.ts';
import type { CheckoutServer, CheckoutServerRequest } from './checkout-server.ts';
import type { PeerRequests } from './peer-requests.ts';
import { serve } from './process.ts';
import type { Traffic } from './requests.ts';

/** A server that is measured. */
export interface Contestant {
  name: string;
  serverPid: number;
  /** Absent for a server without a database. */
  postgres?: { pid: number; superuserUrl: string };
  /** What is sent to it; undefined where the server does not take bodies of this kind. */
  traffic(kind: Traffic['kind'], recordsPerBatch?: number): Traffic | undefined;
  /** Set for a checkout of Tributary: the statement of its writer can be measured alone. */
  checkout?: { folder: string; apiUrl: string; connectionIds: { id: string; orgId: string; projectId: string } };
  stop(): Promise<void>;
}

/**
 * Settings of every Postgres that is measured, beside the durable ones. A new cluster would fill a file with zeros for every 16 MB of its log, which took 9 %
 * of the processor time of its sessions; with this size the files of the warm-up are used again (wal.ts). Older checkouts
 * compress pages in the log by default, so that all get the same setting.
 */
const settings = { min_wal_size: '2GB', wal_compression: 'off' };

let serial = 0;
const nextPrefix = () => `m${serial++}x${randomBytes(2).toString('hex')}`;

/** (a) The HTTP stack without anything behind it. */
export async function startBare(): Promise<Contestant> {
  const bare = await serve<{ url: string }>('bare', null);
  return {
    name: 'bare',
    serverPid: bare.pid,
    traffic: (kind, recordsPerBatch = 1) => ({ url: bare.ready.url, kind, idPrefix: nextPrefix(), recordsPerBatch }),
    stop: bare.stop,
  };
}

/** The API of a checkout of Tributary, on its own Postgres. */
export async function startCheckout(name: string, folder: string): Promise<Contestant> {
  const request: CheckoutServerRequest = { folder, settings };
  const server = await serve<CheckoutServer>('checkout-server', request);
  const { url, pid, postgresPid, superuserUrl, apiUrl, org, connections } = server.ready;
  return {
    name,
    serverPid: pid,
    postgres: { pid: postgresPid, superuserUrl },
    traffic: (kind, recordsPerBatch = 1) => {
      const { path, type, config, secrets } = connections[kind === 'purchase' ? 'hotmart' : 'webhook'];
      return { url: url + path, kind, type, config, secrets, idPrefix: nextPrefix(), recordsPerBatch };
    },
    checkout: { folder, apiUrl, connectionIds: { id: connections.webhook.id, orgId: org.id, projectId: org.projectId } },
    stop: server.stop,
  };
}

export const isCheckout = (commandOrFolder: string) => existsSync(join(commandOrFolder, 'chaos', 'src', 'stack.ts'));

/**
 * Any other server: the command gets PORT, on which it must listen, and DATABASE_URL of an empty database on a throw-away Postgres with the settings that
 * Tributary's has. Its processes are counted with all that they start.
 */
export async function startCommand(name: string, command: string, requests: PeerRequests): Promise<Contestant> {
  const cluster = await startTestCluster({ durable: true, settings });
  const { port: postgresPort, password } = cluster.info;
  const urlOf = (database: string) => databaseUrl({ port: postgresPort, user: superuser, password, database });
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([ended, sleep(5_000)]);
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    }
    await cluster.stop();
  };
  try {
    await withClient(urlOf('template1'), (client) => client.query('create database bench template template0'));
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), DATABASE_URL: urlOf('bench') };
    // A process group by itself, so that a shell and the server that it starts end together.
    child = spawn('sh', ['-c', command], { env, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
    const url = `http://127.0.0.1:${port}`;
    await waitUntilListening(name, child, url + requests.ready);
    return {
      name,
      serverPid: child.pid ?? 0,
      postgres: { pid: cluster.postgres.pid, superuserUrl: urlOf('bench') },
      traffic: (kind, recordsPerBatch = 1) =>
        kind === 'purchase' || (kind === 'batch' && requests.takesBatches)
          ? { url: url + requests.path, kind, idPrefix: nextPrefix(), recordsPerBatch, headers: requests.headers, ...requests.signed }
          : undefined,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitUntilListening(name: string, child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended before it listened`);
    const status = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
    if (status > 0 && status < 500) return;
    await sleep(100);
  }
  throw new Error(`${name} did not answer ${url} within two minutes`);
}
