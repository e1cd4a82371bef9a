import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckoutServer, CheckoutServerRequest } from './checkout-server.ts';
import { serve } from './process.ts';
import type { Traffic } from './requests.ts';

/** A server that is measured. */
export interface Contestant {
  name: string;
  serverPid: number;
  /** Absent for a server without a database. */
  postgres?: {
    pid: number;
    superuserUrl: string;
    /** Counts the events that are stored; undefined where nobody said how. */
    countSql: string | undefined;
  };
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
export const settings = { min_wal_size: '2GB', wal_compression: 'off' };

let serial = 0;
export const nextPrefix = () => `m${serial++}x${randomBytes(2).toString('hex')}`;

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
    postgres: { pid: postgresPid, superuserUrl, countSql: 'select count(*) from public.canonical_events' },
    traffic: (kind, recordsPerBatch = 1) => {
      const { path, type, config, secrets } = connections[kind === 'purchase' ? 'hotmart' : 'webhook'];
      return { url: url + path, kind, type, config, secrets, idPrefix: nextPrefix(), recordsPerBatch };
    },
    checkout: { folder, apiUrl, connectionIds: { id: connections.webhook.id, orgId: org.id, projectId: org.projectId } },
    stop: server.stop,
  };
}

export const isCheckout = (commandOrFolder: string) => existsSync(join(commandOrFolder, 'chaos', 'src', 'stack.ts'));
