import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../app.ts';
import type { FlowTimes } from '../flow/flow.ts';
import type { Thresholds } from '../flow/levels.ts';
import { readConfig } from '../platform/config.ts';
import type { Db } from '../platform/db.ts';
import type { OutboundOptions } from '../platform/outbound.ts';
import { createServices } from '../services.ts';
import { jwtSecret, makeWorld, type TestOrg, type World } from './make.ts';

export const publicUrl = 'https://in.example.com';

/** A delivery's answer, parsed. */
export interface Answer {
  status: number;
  body: {
    status?: string;
    code?: string;
    requestId?: string;
    records?: { status: string; eventId?: string; dlqId?: string; code?: string }[];
  };
}

/**
 * A name service for tests, which must not depend on a network: names under `private.test` are inside a private network, names under `invalid`
 * do not exist, and every other name is at a public address where nobody answers.
 */
const lookup: NonNullable<OutboundOptions['lookup']> = (hostname, callback) => {
  if (hostname.endsWith('.invalid')) callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }), []);
  else callback(null, [{ address: hostname.endsWith('.private.test') ? '10.0.0.7' : '93.184.215.14', family: 4 }]);
};

/** Starts the whole API in this process on a new database. `app.request()` runs every middleware and route. */
export async function startTestApi(
  overrides: Record<string, string> = {},
  /** With `world`, starts another instance on its database, which `close` does not drop. */
  options: { world?: World; db?: Db; thresholds?: Thresholds; flowTimes?: FlowTimes } = {},
) {
  const world = options.world ?? (await makeWorld());
  const { log } = world;
  const db = options.db ?? world.db;
  const config = {
    ...readConfig({
      DATABASE_URL: 'postgres://not.used/by-tests',
      SUPABASE_URL: 'http://127.0.0.1:1',
      SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_test',
      SUPABASE_JWT_SECRET: jwtSecret,
      MASTER_KEY: Buffer.alloc(32).toString('base64'),
      OPERATOR_TOKEN: 'operator-token-for-tests-000000',
      PUBLIC_URL: publicUrl,
      // One person of a test sends what many people would send.
      API_USER_BURST: '1000000',
      API_ORG_BURST: '1000000',
      ...overrides,
    }),
    masterKeys: world.masterKeys,
  };
  // The database runs on this machine, so that the host's clock is also the clock of the database.
  const clock = { now: () => Date.now(), stop: () => {} };
  const services = await createServices({ config, db, log, clock, thresholds: options.thresholds, flowTimes: options.flowTimes, lookup });
  const jobs = { state: () => ({ concurrency: 0, running: 0 }) };
  const app = createApp({ ...services, jobs, isStopping: () => false });

  async function send(url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await app.request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  return {
    ...world,
    ...services,
    app,
    send,
    /** Sends like a platform, which sends again after a 503: a busy machine answers so when much arrives at once. */
    async sendUntilTaken(...delivery: Parameters<typeof send>): Promise<Answer> {
      for (let tries = 1; ; tries++) {
        const answer = await send(...delivery);
        if (answer.status !== 503 || tries === 100) return answer;
        await sleep(100);
      }
    },
    /** Makes a connection through the API as the org's owner. */
    async connect(org: TestOrg, type: string, secrets: Record<string, string>, connectionConfig: object = {}) {
      const response = await app.request('/api/connections', {
        method: 'POST',
        headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ projectId: org.projectId, type, name: `Test ${type}`, secrets, config: connectionConfig }),
      });
      const made = (await response.json()) as { id: string; webhookUrl: string };
      if (response.status !== 201) throw new Error(`the connection was not created: ${JSON.stringify(made)}`);
      return { id: made.id, url: made.webhookUrl };
    },
    async close() {
      await services.stop();
      if (!options.world) await world.close();
    },
  };
}

export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
