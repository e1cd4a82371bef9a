import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@tributary/supabase/local/database.ts';
import { freePort } from '@tributary/supabase/local/ports.ts';
import { databaseUrl, superuser } from '@tributary/supabase/local/postgres.ts';
import { startTestCluster } from '@tributary/supabase/local/test-cluster.ts';
import { type Contestant, nextPrefix, settings } from './contestants.ts';
import { readPeerRequests } from './peer-requests.ts';

/**
 * Any server that is not Tributary: the command gets PORT, on which it must listen, and DATABASE_URL of an empty database on a throw-away Postgres with the
 * settings that Tributary's has. Its processes are counted with all that they start. `requests` says how requests are sent; without it, the command writes
 * the same JSON into the file REQUESTS as soon as the server is ready.
 */
export async function startPeer(name: string, command: string, requests: string | undefined): Promise<Contestant> {
  const cluster = await startTestCluster({ durable: true, settings });
  const { port: postgresPort, password } = cluster.info;
  const urlOf = (database: string) => databaseUrl({ port: postgresPort, user: superuser, password, database });
  const folder = mkdtempSync(join(tmpdir(), 'tributary-peer-'));
  let child: ChildProcess | undefined;
  const stop = async () => {
    if (child) await endGroup(child);
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await withClient(urlOf('template1'), (client) => client.query('create database bench template template0'));
    const port = await freePort();
    const written = join(folder, 'requests.json');
    const env = { ...process.env, PORT: String(port), DATABASE_URL: urlOf('bench'), REQUESTS: written };
    // A process group by itself, so that a shell and the server that it starts end together. Its input is a pipe that ends when the bench is killed.
    child = spawn('sh', ['-c', command], { env, detached: true, stdio: ['pipe', 'inherit', 'inherit'] });
    if (requests === undefined) await until(name, child, `wrote no ${written}`, async () => existsSync(written));
    const { path, ready, headers, takesBatches, signed, countSql } = readPeerRequests(requests ?? written);
    const url = `http://127.0.0.1:${port}`;
    await until(name, child, `did not answer ${url}${ready}`, () => answers(url + ready));
    return {
      name,
      serverPid: child.pid ?? 0,
      postgres: { pid: cluster.postgres.pid, superuserUrl: urlOf('bench'), countSql },
      traffic: (kind, recordsPerBatch = 1) =>
        kind === 'purchase' || (kind === 'batch' && takesBatches)
          ? { url: url + path, kind, idPrefix: nextPrefix(), recordsPerBatch, headers, ...signed }
          : undefined,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** Ends a server with all that it started: a child that did not hear of the first signal gets the second one. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The last process of the group has ended.
      return;
    }
    for (let tries = 0; tries < 50 && isGroupAlive(child.pid); tries++) await sleep(100);
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

async function until(name: string, child: ChildProcess, complaint: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (performance.now() < deadline) {
    if (hasEnded(child)) throw new Error(`${name} ended before it was ready`);
    if (await done()) return;
    await sleep(100);
  }
  throw new Error(`${name} ${complaint} within two minutes`);
}

/** Whether a server answers less than 500. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}
