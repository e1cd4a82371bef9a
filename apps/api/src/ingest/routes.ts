import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Delivery } from '@tributary/pipeline/source.ts';
import { verifyDelivery } from '@tributary/pipeline/verify.ts';
import { type Context, Hono } from 'hono';
import { type Connection, type Connections, validSecrets } from '../deliveries/connection-cache.ts';
import type { Outcome } from '../deliveries/outcomes.ts';
import { prepareRejected, prepareWrite } from '../deliveries/prepare.ts';
import type { Quarantine } from '../deliveries/quarantine.ts';
import type { Writer } from '../deliveries/writer.ts';
import type { Config } from '../platform/config.ts';
import type { Metrics } from '../platform/metrics.ts';
import { statusOf } from '../platform/problem.ts';
import { Refusal, type RefusalCode } from '../platform/refusal.ts';
import { type BodyRoom, readBody } from './body.ts';

export interface IngestDeps {
  /** Both throw the Refusal to answer when a delivery is not to be taken now. */
  flow: {
    gate: { enter(): BodyRoom & { leave(): void } };
    limits: { take(connection: Connection): void; giveBack(connection: Connection): void };
  };
  connections: Connections;
  writer: Writer;
  quarantine: Quarantine;
  metrics: Metrics;
  limits: Config['limits'];
  publicUrl: string;
  now(): number;
}

/** `isTest` is set by the app itself for test sends; no request from outside can set it. */
export interface IngestEnv {
  Bindings: Partial<HttpBindings> & { isTest?: boolean };
  Variables: { event: Record<string, unknown> };
}

/** An unknown connection and a wrong path answer alike, and no sooner than this: the time does not tell them apart. */
const unknownAnswerMs = 25;

export function ingestRoutes({ flow, connections, writer, quarantine, metrics, limits, publicUrl, now }: IngestDeps): Hono<IngestEnv> {
  const routes = new Hono<IngestEnv>();

  async function getConnection(c: Context<IngestEnv>): Promise<Connection> {
    const arrivedAt = performance.now();
    const { type = '', connectionId = '' } = c.req.param() as { type?: string; connectionId?: string };
    const id = connectionId.toLowerCase();
    const connection = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? await connections.get(id) : undefined;
    if (!connection || connection.source.type !== type) {
      await sleep(Math.max(0, unknownAnswerMs - (performance.now() - arrivedAt)));
      throw new Refusal('not_found');
    }
    Object.assign(c.var.event, { connectionId: connection.id, source: connection.source.type });
    if (!connection.isActive) throw new Refusal('connection_inactive');
    return connection;
  }

  routes.post('/api/webhooks/:type/:connectionId', async (c) => {
    const entry = flow.gate.enter();
    try {
      writer.admit(0);
      const connection = await getConnection(c);
      flow.limits.take(connection);
      const raw = await readBody(c.req.raw, c.env?.incoming, limits, entry).catch((error: unknown) => {
        // What was refused for want of room comes again: it is no rejection.
        if (error instanceof Refusal && statusOf(error) === 503) flow.limits.giveBack(connection);
        else {
          reject(connection);
          quarantine.count(connection);
        }
        throw error;
      });
      const receivedAtMs = now();
      const delivery: Delivery = { method: 'POST', url: publicUrl + pathAndQuery(c.req.url), headers: headersOf(c), raw };
      const secrets = validSecrets(connection, receivedAtMs);
      const arrival = { connection, delivery, secrets, receivedAtMs, isTest: c.env?.isTest === true };
      c.var.event.bytes = raw.byteLength;

      const { verdict, body, bodyError } = verifyDelivery(
        connection.source,
        delivery,
        { secrets, config: connection.config },
        receivedAtMs,
      );
      if (!verdict.ok || !body) {
        const [error, message] = verdict.ok
          ? (['INVALID_PAYLOAD', bodyError?.message ?? 'the body cannot be read'] as const)
          : ([verdict.error, verdict.message] as const);
        reject(connection);
        metrics.deadLettered.inc({ source: connection.source.type, reason: error });
        await quarantine.add(prepareRejected(arrival, error, message));
        throw new Refusal(error.toLowerCase() as RefusalCode, verdict.ok ? message : undefined);
      }

      const item = prepareWrite(arrival, body);
      writer.admit(item.sealed.length);
      const outcomes = await writer.write(item);
      count(connection.source.type, item, outcomes);
      const status = overall(outcomes);
      Object.assign(c.var.event, { journalId: item.delivery.id, records: outcomes.length, outcome: status });
      return c.json({ status, records: outcomes });
    } finally {
      entry.leave();
    }
  });

  // HEAD comes here too: Hono answers it without the body. Panels probe a URL before they save it.
  routes.get('/api/webhooks/:type/:connectionId', async (c) => {
    const connection = await getConnection(c);
    const answer = connection.source.handshake?.(new URL(c.req.url).searchParams, validSecrets(connection, now()));
    if (answer) return c.text(answer.body, answer.status, { 'x-content-type-options': 'nosniff' });
    return c.json({ status: 'ready' });
  });

  /** Counts the rejection and gives the rate-limit token back: an unauthenticated request must not use up the owner's quota. */
  function reject(connection: Connection): void {
    metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
    flow.limits.giveBack(connection);
  }

  function count(source: string, item: { records: readonly object[] }, outcomes: readonly Outcome[]): void {
    const nowMs = now();
    outcomes.forEach((outcome, index) => {
      metrics.records.inc({ source, outcome: outcome.status });
      if (outcome.status === 'duplicate') metrics.duplicates.inc({ source });
      else if (outcome.status === 'dead_lettered') metrics.deadLettered.inc({ source, reason: outcome.code });
      else {
        metrics.persisted.inc({ source });
        const record = item.records[index];
        if (record && 'key' in record)
          metrics.lag.observe(Math.max(0, nowMs - Date.parse((record.key as { event_time: string }).event_time)) / 1000);
      }
    });
  }
  return routes;
}

function overall(outcomes: readonly Outcome[]): Outcome['status'] | 'mixed' {
  const first = outcomes[0]?.status ?? 'accepted';
  return outcomes.every((outcome) => outcome.status === first) ? first : 'mixed';
}

function pathAndQuery(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  return start === -1 ? '/' : url.slice(start);
}

/** Node's own parsed headers where there are any (joined and lower-cased already). */
function headersOf(c: Context<IngestEnv>): Delivery['headers'] {
  const incoming = c.env?.incoming;
  if (incoming) return incoming.headers as Delivery['headers'];
  return Object.fromEntries(c.req.raw.headers);
}
