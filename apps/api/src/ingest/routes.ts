import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Delivery } from '@tributary/pipeline/source.ts';
import { type Context, Hono } from 'hono';
import { type Connection, type Connections, validSecrets } from '../deliveries/connection-cache.ts';
import type { Desk } from '../deliveries/desk.ts';
import type { Outcome } from '../deliveries/outcomes.ts';
import { type Arrival, prepareRejected } from '../deliveries/prepare.ts';
import type { Quarantine } from '../deliveries/quarantine.ts';
import type { WriteItem } from '../deliveries/rows.ts';
import type { Writer } from '../deliveries/writer.ts';
import { clientAddress, type Networks } from '../platform/client-address.ts';
import type { Config } from '../platform/config.ts';
import { isUnavailable } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { uuid } from '../platform/pages.ts';
import { statusOf, toRefusal } from '../platform/problem.ts';
import { Refusal, type RefusalCode } from '../platform/refusal.ts';
import type { Threads } from '../platform/threads.ts';
import { type BodyProgress, type BodyRoom, readBody } from './body.ts';
import { type BodyLimit, bodyLimitOf, ceilingRemedy } from './body-limit.ts';
import { type Rejection, type TakeDeps, takeArrival } from './take.ts';

/** What a delivery costs: see flow/limits.ts. */
type Size = { records: number; bytes: number };

/** A request that the gate admitted: see flow/gate.ts. */
type Entry = BodyRoom & { belongTo(connection: Connection): void; startWork(): void; leave(): void };

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
  desk: Desk;
  threads: Threads;
  metrics: Metrics;
  limits: Config['limits'];
  publicUrl: string;
  trustedProxies: Networks;
  now(): number;
}

const path = '/api/webhooks/:type/:connectionId';

/** `isTest` is set by the app itself for test sends; no request from outside can set it. */
export interface IngestEnv {
  Bindings: Partial<HttpBindings> & { isTest?: boolean };
  Variables: { event: Record<string, unknown>; connection?: Connection };
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

  routes.post(path, async (c) => {
    let entry: Entry | undefined;
    try {
      entry = flow.gate.enter();
      return await takeDelivery(deps, c, entry);
    } catch (error) {
      countReason(deps, c, error);
      throw error;
    } finally {
      entry?.leave();
    }
  });

  // HEAD requests reach this route, too: Hono answers them without the body. Panels probe a URL before they save it.
  routes.get(path, async (c) => {
    const connection = await getConnection(deps, c);
    const answer = connection.source.handshake?.(new URL(c.req.url).searchParams, validSecrets(connection, now()));
    if (answer) return c.text(answer.body, answer.status, { 'x-content-type-options': 'nosniff' });
    return c.json({ status: 'ready' });
  });

  routes.all(path, async (c) => {
    const connection = await getConnection(deps, c);
    const refusal = new Refusal('method_not_allowed', 'a delivery is sent by POST');
    countLost(deps, connection);
    deps.quarantine.countReason(connection, refusal.code);
    c.header('allow', 'POST, GET, HEAD');
    throw refusal;
  });

  return routes;
}

async function getConnection(deps: IngestDeps, c: Context<IngestEnv>): Promise<Connection> {
  const arrivedAt = performance.now();
  const { type, id } = addressOf(c);
  const connection = uuid.test(id) ? await findConnection(deps.connections, id, c) : undefined;
  if (!connection || connection.source.type !== type) {
    if (connection) {
      countLost(deps, connection);
      deps.quarantine.countReason(connection, 'wrong_source');
    }
    await sleep(Math.max(0, unknownAnswerMs - (performance.now() - arrivedAt)));
    throw new Refusal('not_found');
  }
  c.set('connection', connection);
  Object.assign(c.var.event, { connectionId: connection.id, source: connection.source.type });
  requireOpen(deps, connection, c);
  return connection;
}

function addressOf(c: Context<IngestEnv>): { type: string; id: string } {
  const { type = '', connectionId = '' } = c.req.param() as { type?: string; connectionId?: string };
  return { type: type.toLowerCase(), id: connectionId.toLowerCase() };
}

/**
 * Counts a refusal by its reason on the page of its connection. While a process has no room it looks nothing up: only a connection that it knows is
 * counted. A wrong source in the URL was counted when the connection was looked up.
 */
function countReason({ connections, quarantine }: IngestDeps, c: Context<IngestEnv>, error: unknown): void {
  const { type, id } = addressOf(c);
  const connection = c.var.connection ?? connections.peek(id);
  if (connection?.source.type === type) quarantine.countReason(connection, toRefusal(error).code);
}

/** Counts a delivery that was refused for good and is not stored. */
function countLost({ metrics, quarantine }: IngestDeps, connection: Connection): void {
  metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
  quarantine.count(connection);
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
function requireOpen(deps: IngestDeps, connection: Connection, c: Context<IngestEnv>): void {
  if (connection.isActive && connection.isOrgSuspended) {
    deps.metrics.shed.inc({ reason: 'org_suspended' });
    throw new Refusal('org_suspended');
  }
  const refusal = !connection.isActive
    ? 'connection_inactive'
    : connection.isSuspended
      ? 'connection_suspended'
      : isAllowed(connection, c, deps.trustedProxies)
        ? undefined
        : 'address_not_allowed';
  if (!refusal) return;
  countLost(deps, connection);
  // The refusals of deliveries are counted where they are answered.
  if (c.req.method !== 'POST') deps.quarantine.countReason(connection, refusal);
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
  const { flow, writer, metrics, limits, now } = deps;
  writer.admit(undefined);
  const connection = await getConnection(deps, c);
  requireQuota(deps, connection);
  writer.admit({ orgId: connection.orgId, connectionId: connection.id });
  entry.belongTo(connection);
  flow.limits.take(connection);
  const progress: BodyProgress = { bytes: 0, isDecoding: false };
  const limit = bodyLimitOf(connection, limits);
  const raw = await readBody(c.req.raw, c.env?.incoming, { ...limits, ...limit }, entry, progress).catch(async (error: unknown) => {
    await rejectUnread(deps, c, connection, { error, limit, progress });
    throw error;
  });
  const receivedAtMs = now();
  const arrival = arrivalOf(deps, c, connection, raw, receivedAtMs);
  c.var.event.bytes = raw.byteLength;

  const sender = { orgId: connection.orgId, connectionId: connection.id };
  const mayKeep = (bytes: number) => deps.quarantine.mayKeep(connection, bytes);
  const inTurn: TakeDeps['inTurn'] = (work) => {
    entry.startWork();
    return deps.desk.run(sender, work);
  };
  const taken = await takeArrival({ threads: deps.threads, mayKeep, inTurn }, arrival);
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

function arrivalOf(
  { publicUrl }: IngestDeps,
  c: Context<IngestEnv>,
  connection: Connection,
  raw: Uint8Array,
  receivedAtMs: number,
): Arrival {
  const delivery: Delivery = { method: 'POST', url: publicUrl + pathAndQuery(c.req.url), headers: headersOf(c), raw };
  return { connection, delivery, secrets: validSecrets(connection, receivedAtMs), receivedAtMs, isTest: c.env?.isTest === true };
}

/**
 * Keeps a delivery in quarantine whose body was refused before it was read whole, without any of its body: it cannot be proved genuine. One that was
 * refused for lack of room, or that the sender broke off, is sent again by the platform and is no rejection.
 */
async function rejectUnread(
  deps: IngestDeps,
  c: Context<IngestEnv>,
  connection: Connection,
  { error, limit, progress }: { error: unknown; limit: BodyLimit; progress: BodyProgress },
): Promise<void> {
  const code = error instanceof Refusal ? error.code : 'internal';
  if (code !== 'payload_too_large' && code !== 'unsupported_encoding' && code !== 'invalid_payload') {
    if (error instanceof Refusal && statusOf(error) === 503) return deps.flow.limits.giveBack(connection);
    countRejected(deps, connection);
    deps.quarantine.count(connection);
    return;
  }
  countRejected(deps, connection);
  deps.metrics.deadLettered.inc({ source: connection.source.type, reason: 'INVALID_PAYLOAD' });
  const arrival = { ...arrivalOf(deps, c, connection, new Uint8Array(), deps.now()), unread: { bytes: progress.bytes } };
  const { detail = '' } = error as Refusal;
  const remedy = code !== 'payload_too_large' ? '' : progress.isDecoding ? ceilingRemedy : limit.remedy;
  const whole = [sentence(detail), remedy, 'Nothing of the body is kept.'].filter(Boolean).join(' ');
  await deps.quarantine.add(prepareRejected(arrival, 'INVALID_PAYLOAD', whole));
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

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
