import { type Connection, validSecrets } from '../deliveries/connection-cache.ts';
import type { Desk } from '../deliveries/desk.ts';
import type { Outcome } from '../deliveries/outcomes.ts';
import type { Arrival } from '../deliveries/prepare.ts';
import type { PreparedDelivery } from '../deliveries/rows.ts';
import type { Writer } from '../deliveries/writer.ts';
import type { Config } from '../platform/config.ts';
import { type Answer, problemOf, toRefusal } from '../platform/problem.ts';
import { explainRefusal } from '../platform/request-log.ts';
import type { Threads } from '../platform/threads.ts';
import { acceptedAnswer } from './accepted.ts';
import { type AdmitDeps, admitConnection, requireQuota } from './admit.ts';
import type { Arriving } from './arriving.ts';
import { type BodyProgress, type BodyRoom, readBody } from './body.ts';
import { bodyLimitOf } from './body-limit.ts';
import { type RejectDeps, reject, rejectUnread } from './reject.ts';
import { type TakeDeps, takeArrival } from './take.ts';

/** What a delivery costs: see flow/limits.ts. */
type Size = { records: number; bytes: number };

/** A request that the gate admitted: see flow/gate.ts. */
type Entry = BodyRoom & { belongTo(connection: Connection): void; startWork(): void; leave(): void };

export interface ReceiveDeps extends AdmitDeps, RejectDeps {
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
  writer: Writer;
  desk: Desk;
  threads: Threads;
  limits: Config['limits'];
  publicUrl: string;
}

/** A delivery that was committed. */
export interface Delivered {
  connection: Connection;
  item: PreparedDelivery;
  outcomes: readonly Outcome[];
  /** The outcome of all its records, or `mixed`. */
  status: Outcome['status'] | 'mixed';
  bytes: number;
}

export interface Received {
  answer: Answer;
  /** Absent when the delivery was refused. */
  delivered?: Delivered;
}

/** Takes a delivery from the socket to its rows, and answers after the commit. Never rejects: a refusal is an answer, too. */
export async function receive(deps: ReceiveDeps, arriving: Arriving): Promise<Received> {
  let entry: Entry | undefined;
  try {
    entry = deps.flow.gate.enter();
    const delivered = await takeDelivery(deps, arriving, entry);
    return { answer: await acceptedAnswer(delivered), delivered };
  } catch (error) {
    countReason(deps, arriving, error);
    return { answer: problemOf(explainRefusal(error, arriving.event), arriving.requestId) };
  } finally {
    entry?.leave();
  }
}

/** The path of a delivery: connection, limits, body, verification, and its rows. */
async function takeDelivery(deps: ReceiveDeps, arriving: Arriving, entry: Entry): Promise<Delivered> {
  const { flow, writer, limits, now } = deps;
  writer.admit(undefined);
  const found = admitConnection(deps, arriving);
  const connection = found instanceof Promise ? await found : found;
  requireQuota(deps, connection);
  const sender = { orgId: connection.orgId, connectionId: connection.id };
  writer.admit(sender);
  entry.belongTo(connection);
  flow.limits.take(connection);

  const limit = bodyLimitOf(connection, limits);
  const progress: BodyProgress = { bytes: 0, isDecoding: false };
  const raw = await readBody(arriving, { ...limits, ...limit }, entry, progress).catch(async (error: unknown) => {
    await rejectUnread(deps, arrivalOf(deps, arriving, connection, new Uint8Array(), now()), { error, limit, progress });
    throw error;
  });
  const arrival = arrivalOf(deps, arriving, connection, raw, now());
  const bytes = raw.byteLength;
  arriving.event.bytes = bytes;
  const mayKeep = (size: number) => deps.quarantine.mayKeep(connection, size);
  const inTurn: TakeDeps['inTurn'] = (work) => {
    entry.startWork();
    return deps.desk.run(sender, work);
  };
  const taken = await takeArrival({ threads: deps.threads, mayKeep, inTurn }, arrival);
  if ('error' in taken) return await reject(deps, arrival, taken);

  const { item } = taken;
  const outcomes = await write(deps, connection, item, bytes);
  const status = overall(outcomes);
  Object.assign(arriving.event, { journalId: item.delivery.id, records: outcomes.length, outcome: status });
  return { connection, item, outcomes, status, bytes };
}

/** Writes the delivery, and takes the tokens of its records, which are known only now. */
async function write({ flow, writer }: ReceiveDeps, connection: Connection, item: PreparedDelivery, bytes: number): Promise<Outcome[]> {
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

function arrivalOf(
  { publicUrl }: ReceiveDeps,
  { target, headers, isTest }: Arriving,
  connection: Connection,
  raw: Uint8Array,
  receivedAtMs: number,
): Arrival {
  const delivery = { method: 'POST', url: publicUrl + target, headers, raw };
  return { connection, delivery, secrets: validSecrets(connection, receivedAtMs), receivedAtMs, isTest };
}

function overall(outcomes: readonly Outcome[]): Outcome['status'] | 'mixed' {
  const first = outcomes[0]?.status ?? 'accepted';
  return outcomes.every((outcome) => outcome.status === first) ? first : 'mixed';
}

/**
 * Counts a refusal by its reason on the page of its connection. While a process has no room it looks nothing up: only a connection that it knows is
 * counted. A wrong source in the URL was counted when the connection was looked up.
 */
function countReason({ connections, quarantine }: ReceiveDeps, arriving: Arriving, error: unknown): void {
  const connection = arriving.connection ?? connections.peek(arriving.connectionId.toLowerCase());
  if (connection?.source.type === arriving.type.toLowerCase()) quarantine.countReason(connection, toRefusal(error).code);
}
