import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Delivery } from '@tributary/pipeline/source.ts';
import { type Context, Hono } from 'hono';
import { type Connection, type Connections, validSecrets } from '../deliveries/connection-cache.ts';
import type { Outcome } from '../deliveries/outcomes.ts';
import type { Arrival } from '../deliveries/prepare.ts';
import type { Quarantine } from '../deliveries/quarantine.ts';
import type { WriteItem } from '../deliveries/rows.ts';
import type { Writer } from '../deliveries/writer.ts';
import { clientAddress, type Networks } from '../platform/client-address.ts';
import type { Config } from '../platform/config.ts';
import { isUnavailable } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { uuid } from '../platform/pages.ts';
import { statusOf } from '../platform/problem.ts';
import { Refusal, type RefusalCode } from '../platform/refusal.ts';
import type { Threads } from '../platform/threads.ts';
import { type BodyRoom, readBody } from './body.ts';
import { type Rejection, takeArrival } from './take.ts';

/** What a delivery costs: see flow/limits.ts. */
type Size = { records: number; bytes: number };

/** A request that the gate admitted: see flow/gate.ts. */
type Entry = BodyRoom & { belongTo(connection: Connection): void; leave(): void };

export interface IngestDeps {
  /** Both throw a Refusal when a delivery must not be admitted now. */
  flow: {
    gate: { enter(): Entry };
    limits: {
      take(connection: Connection): void;
      settle(connection: Connection, size: Size): void;
      refund(connection: Connection, size: Size): void;
      giveBack(connection: Connection): void;
    };
  };
  connections: Connections;
  writer: Writer;
  quarantine: Quarantine;
  threads: Threads;
  metrics: Metrics;
  limits: Config['limits'];
  publicUrl: string;
  trustedProxies: Networks;
  now(): number;
}

/** `isTest` is set by the app itself for test sends; no request from outside can set it. */
export interface IngestEnv {
  Bindings: Partial<HttpBindings> & { isTest?: boolean };
  Variables: { event: Record<string, unknown> };
}

/**
 * The minimum time of the answer to an unknown connection and to a malformed id, so that its time does not show which of the two it was.
 */
const unknownAnswerMs = 25;
const dayMs = 86_400_000;
const quotaRetrySecondsMax = 3_600;

export function ingestRoutes(deps: IngestDeps): Hono<IngestEnv> {
  const { flow, now } = deps;
  const routes = new Hono<IngestEnv>();

  routes.post('/api/webhooks/:type/:connectionId', async (c) => {
    const entry = flow.gate.enter();
    try {
      return await takeDelivery(deps, c, entry);
    } finally {
      entry.leave();
    }
  });

  // HEAD requests reach this route, too: Hono answers them without the body. Panels probe a URL before they save it.
  routes.get('/api/webhooks/:type/:connectionId', async (c) => {
    const connection = await getConnection(deps, c);
    const answer = connection.source.handshake?.(new URL(c.req.url).searchParams, validSecrets(connection, now()));
    if (answer) return c.text(answer.body, answer.status, { 'x-content-type-options': 'nosniff' });
    return c.json({ status: 'ready' });
  });

  return routes;
}

async function getConnection(deps: IngestDeps, c: Context<IngestEnv>): Promise<Connection> {
  const arrivedAt = performance.now();
  const { type = '', connectionId = '' } = c.req.param() as { type?: string; connectionId?: string };
  const id = connectionId.toLowerCase();
  const connection = uuid.test(id) ? await findConnection(deps.connections, id, c) : undefined;
  if (!connection || connection.source.type !== type) {
    await sleep(Math.max(0, unknownAnswerMs - (performance.now() - arrivedAt)));
    throw new Refusal('not_found');
  }
  Object.assign(c.var.event, { connectionId: connection.id, source: connection.source.type });
  requireOpen(deps, connection, c);
  return connection;
}

/** Whether the connection is unknown is only said when the database has said so: a sender that gets 404 does not send again. */
async function findConnection(connections: Connections, id: string, c: Context<IngestEnv>): Promise<Connection | undefined> {
  try {
    return await connections.get(id);
  } catch (error) {
    if (error instanceof Refusal || isUnavailable(error)) throw error;
    c.var.event.err = error;
    throw new Refusal('database_unavailable');
  }
}

/** Refuses the delivery when the connection or its org takes none, or none from this address. */
function requireOpen({ trustedProxies, metrics, quarantine }: IngestDeps, connection: Connection, c: Context<IngestEnv>): void {
  if (!connection.isActive) throw new Refusal('connection_inactive');
  if (connection.isOrgSuspended) {
    metrics.shed.inc({ reason: 'org_suspended' });
    throw new Refusal('org_suspended');
  }
  const refusal = connection.isSuspended
    ? 'connection_suspended'
    : isAllowed(connection, c, trustedProxies)
      ? undefined
      : 'address_not_allowed';
  if (!refusal) return;
  metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
  quarantine.count(connection);
  throw new Refusal(refusal);
}

/** A test that people of the org send comes from the server itself. */
function isAllowed({ allowedNetworks }: Connection, c: Context<IngestEnv>, trustedProxies: Networks): boolean {
  if (!allowedNetworks || c.env?.isTest === true) return true;
  const address = clientAddress(c.env?.incoming?.socket.remoteAddress, c.req.header('x-forwarded-for'), trustedProxies);
  return address !== undefined && allowedNetworks.has(address);
}

/** The quotas of a day end at midnight in UTC; an operator may raise them earlier. */
function requireQuota({ metrics, now }: IngestDeps, { exceededQuota }: Connection): void {
  if (exceededQuota === undefined) return;
  metrics.shed.inc({ reason: 'quota' });
  const untilMidnight = Math.ceil((dayMs - (now() % dayMs)) / 1000);
  throw new Refusal('quota_exceeded', `the org has used up its quota ${exceededQuota}`, {
    retryAfterSeconds: Math.min(untilMidnight, quotaRetrySecondsMax),
  });
}

/** The path of a delivery: connection, limits, body, verification, and the answer after the commit. */
async function takeDelivery(deps: IngestDeps, c: Context<IngestEnv>, entry: Entry): Promise<Response> {
  const { flow, writer, metrics, limits, publicUrl, now } = deps;
  writer.admit(undefined);
  const connection = await getConnection(deps, c);
  requireQuota(deps, connection);
  writer.admit({ orgId: connection.orgId, connectionId: connection.id });
  entry.belongTo(connection);
  flow.limits.take(connection);
  const raw = await readBody(c.req.raw, c.env?.incoming, limits, entry).catch((error: unknown) => {
    countUnread(deps, connection, error);
    throw error;
  });
  const receivedAtMs = now();
  const delivery: Delivery = { method: 'POST', url: publicUrl + pathAndQuery(c.req.url), headers: headersOf(c), raw };
  const secrets = validSecrets(connection, receivedAtMs);
  const arrival = { connection, delivery, secrets, receivedAtMs, isTest: c.env?.isTest === true };
  c.var.event.bytes = raw.byteLength;

  const taken = await takeArrival(deps.threads, arrival, (bytes) => deps.quarantine.mayKeep(connection, bytes));
  if ('error' in taken) return await reject(deps, arrival, taken);

  const { item } = taken;
  const outcomes = await write(deps, connection, item, raw.byteLength);
  countOutcomes(metrics, connection.source.type, item, outcomes, now());
  const status = overall(outcomes);
  Object.assign(c.var.event, { journalId: item.delivery.id, records: outcomes.length, outcome: status });
  return c.json({ status, records: outcomes });
}

/** Writes the delivery, and takes the tokens of its records, which are known only now. */
async function write({ flow, writer }: IngestDeps, connection: Connection, item: WriteItem, bytes: number): Promise<Outcome[]> {
  const size = { records: item.records.length, bytes };
  flow.limits.settle(connection, size);
  try {
    writer.admit({ orgId: connection.orgId, connectionId: connection.id }, item);
    return await writer.write(item);
  } catch (refusal) {
    flow.limits.refund(connection, size);
    throw refusal;
  }
}

/** Keeps the rejected delivery in quarantine, and refuses it. */
async function reject(deps: IngestDeps, { connection }: Arrival, { error, detail, rejected }: Rejection): Promise<never> {
  countRejected(deps, connection);
  deps.metrics.deadLettered.inc({ source: connection.source.type, reason: error });
  if (rejected) await deps.quarantine.add(rejected);
  else deps.quarantine.count(connection);
  throw new Refusal(error.toLowerCase() as RefusalCode, detail);
}

/** A delivery whose body was refused for lack of room is sent again by the platform, so it does not count as a rejection. */
function countUnread(deps: IngestDeps, connection: Connection, error: unknown): void {
  if (error instanceof Refusal && statusOf(error) === 503) {
    deps.flow.limits.giveBack(connection);
    return;
  }
  countRejected(deps, connection);
  deps.quarantine.count(connection);
}

/** Counts the rejection and gives the rate-limit token back: an unauthenticated request must not use up the owner's quota. */
function countRejected({ metrics, flow }: IngestDeps, connection: Connection): void {
  metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
  flow.limits.giveBack(connection);
}

function countOutcomes(
  metrics: Metrics,
  source: string,
  item: { records: readonly object[] },
  outcomes: readonly Outcome[],
  nowMs: number,
): void {
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

function overall(outcomes: readonly Outcome[]): Outcome['status'] | 'mixed' {
  const first = outcomes[0]?.status ?? 'accepted';
  return outcomes.every((outcome) => outcome.status === first) ? first : 'mixed';
}

function pathAndQuery(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  return start === -1 ? '/' : url.slice(start);
}

/** The headers, joined and lower-cased: Node has parsed them already where the request came over a socket. */
function headersOf(c: Context<IngestEnv>): Delivery['headers'] {
  const incoming = c.env?.incoming;
  if (incoming) return incoming.headers as Delivery['headers'];
  return Object.fromEntries(c.req.raw.headers);
}
