import { createNotifier } from '../alerts/notifier.ts';
import { createApp } from '../app.ts';
import { createConnections } from '../deliveries/connection-cache.ts';
import { createQuarantine } from '../deliveries/quarantine.ts';
import { createWriter } from '../deliveries/writer.ts';
import { createFlow } from '../flow/flow.ts';
import type { Thresholds } from '../flow/levels.ts';
import { registerGauges } from '../operate/gauges.ts';
import { createCircuits } from '../platform/breaker.ts';
import { readConfig } from '../platform/config.ts';
import type { Db } from '../platform/db.ts';
import { createMetrics } from '../platform/metrics.ts';
import { createOutbound } from '../platform/outbound.ts';
import { jwtSecret, makeWorld, type TestOrg, type World } from './make.ts';

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

/** The whole API, in process, on a database of its own: `app.request()` walks every middleware and route. */
export async function startTestApi(
  overrides: Record<string, string> = {},
  /** `world`: another instance on its database, which `close` then leaves standing. */
  options: { world?: World; db?: Db; thresholds?: Thresholds } = {},
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
      PUBLIC_URL: 'http://tributary.test',
      ...overrides,
    }),
    masterKeys: world.masterKeys,
  };
  const metrics = createMetrics();
  const connections = await createConnections(db, config.masterKeys, log);
  const circuits = createCircuits({ metrics, log });
  const writer = createWriter(db, config.writer, metrics, log, circuits);
  const flow = await createFlow({
    db,
    writer,
    requestsInFlightMax: config.limits.requestsInFlightMax,
    fairShare: config.fairShare,
    metrics,
    log,
    ...(options.thresholds ? { thresholds: options.thresholds } : {}),
  });
  const jobs = { state: () => ({ concurrency: 0, running: 0 }) };
  const quarantine = createQuarantine(db, config.quarantinePerHour, log, Date.now);
  const outbound = createOutbound({ allowPrivate: config.outboundAllowPrivate });
  const notifier = createNotifier({
    outbound,
    circuits,
    smtp: config.smtp,
    pagerDutyUrl: config.pagerDutyUrl,
  });
  registerGauges(metrics, { db, writer, log });
  const app = createApp({
    config,
    db,
    connections,
    writer,
    quarantine,
    flow,
    circuits,
    jobs,
    notifier,
    outbound,
    metrics,
    log,
    now: Date.now,
    isStopping: () => false,
  });

  async function send(url: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await app.request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  return {
    ...world,
    db,
    app,
    config,
    connections,
    writer,
    quarantine,
    flow,
    circuits,
    notifier,
    metrics,
    send,
    /** A connection made through the API by the org's owner. */
    async connect(org: TestOrg, type: string, secrets: Record<string, string>, connectionConfig: object = {}) {
      const response = await app.request('/api/connections', {
        method: 'POST',
        headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ projectId: org.projectId, type, name: `Test ${type}`, secrets, config: connectionConfig }),
      });
      const made = (await response.json()) as { id: string; webhookUrl: string };
      if (response.status !== 201) throw new Error(`the connection was not made: ${JSON.stringify(made)}`);
      return { id: made.id, url: made.webhookUrl };
    },
    async close() {
      await Promise.all([writer.drain(), quarantine.drain(), connections.close()]);
      await flow.stop();
      if (!options.world) await world.close();
    },
  };
}

export type TestApi = Awaited<ReturnType<typeof startTestApi>>;
