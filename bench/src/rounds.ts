import { withClient } from '@tributary/supabase/local/database.ts';
import type { CeilingRequest, CeilingResult } from './ceiling.ts';
import type { ClosedLoopRequest, ClosedLoopResult } from './closed-loop.ts';
import type { Contestant } from './contestants.ts';
import type { Latency } from './latency.ts';
import { measure } from './process.ts';
import { processorTime } from './processor-time.ts';
import { walPosition } from './wal.ts';

/** (a) the bare route, (b) purchases, (c) batches of 100 records, (d) the writer's statement alone. */
export type Scenario = 'a' | 'b' | 'c' | 'd';

export const recordsPerBatch = 100;

/** What one event costs: one purchase, or one record of a batch. */
export interface Cost {
  /** Microseconds of processor time: the server's main thread, all its threads, all processes of Postgres, and server and Postgres together. */
  mainUs: number;
  serverUs: number;
  postgresUs: number;
  sumUs: number;
  walBytes: number;
  fullPageImages: number;
}

export interface Round {
  contestant: string;
  scenario: Scenario;
  connections: number;
  round: number;
  /** Requests accepted per second; for (d), events. */
  perSecond: number;
  events: number;
  eventsPerSecond: number;
  latencyMs: Latency;
  longestPauseMs: number;
  statuses: Record<string, number>;
  withoutRetryAfter: number;
  /** Events that are in Postgres when the last answer has come, for each accepted one; undefined where they cannot be counted. */
  storedShare?: number | undefined;
  cost: Cost;
}

/** Runs something, and divides what the contestant's processes used by the number of events that it stored. */
export async function costOf<T>(
  contestant: Contestant,
  run: () => Promise<T>,
  eventsOf: (result: T) => number,
): Promise<{ result: T; cost: Cost }> {
  const { postgres, serverPid } = contestant;
  const read = async () => ({
    server: processorTime(serverPid),
    postgres: postgres ? processorTime(postgres.pid).all : 0,
    wal: postgres ? await walPosition(postgres.superuserUrl) : { bytes: 0, fullPageImages: 0 },
  });
  const before = await read();
  const result = await run();
  const after = await read();
  const events = eventsOf(result);
  const each = (used: number, digits = 1) => Math.round((used / Math.max(1, events)) * 10 ** digits) / 10 ** digits;
  const server = after.server.all - before.server.all;
  const database = after.postgres - before.postgres;
  const cost: Cost = {
    mainUs: each((after.server.main - before.server.main) * 1e6),
    serverUs: each(server * 1e6),
    postgresUs: each(database * 1e6),
    sumUs: each((server + database) * 1e6),
    walBytes: each(after.wal.bytes - before.wal.bytes, 0),
    fullPageImages: each(after.wal.fullPageImages - before.wal.fullPageImages, 3),
  };
  return { result, cost };
}

/** (a), (b) or (c): as fast as the connections can. Undefined where the contestant does not take such bodies. */
export async function closedLoop(
  contestant: Contestant,
  scenario: 'a' | 'b' | 'c',
  options: Omit<ClosedLoopRequest, 'traffic'> & { round: number },
): Promise<Round | undefined> {
  const { round, ...request } = options;
  const perRequest = scenario === 'c' ? recordsPerBatch : 1;
  const traffic = contestant.traffic(scenario === 'c' ? 'batch' : 'purchase', perRequest);
  if (!traffic) return undefined;
  const run = () => measure<ClosedLoopResult>('closed-loop', { ...request, traffic } satisfies ClosedLoopRequest);
  const storedBefore = await countStored(contestant);
  const { result, cost } = await costOf(contestant, run, ({ accepted }) => accepted * perRequest);
  const stored = (await countStored(contestant)) - storedBefore;
  const { accepted, requestsPerSecond, latencyMs, longestPauseMs, statuses, withoutRetryAfter, errors } = result;
  return {
    contestant: contestant.name,
    scenario,
    connections: request.connections,
    round,
    perSecond: requestsPerSecond,
    events: accepted * perRequest,
    eventsPerSecond: requestsPerSecond * perRequest,
    latencyMs,
    longestPauseMs,
    statuses: errors > 0 ? { ...statuses, error: errors } : statuses,
    withoutRetryAfter,
    storedShare: Number.isNaN(stored) ? undefined : stored / Math.max(1, accepted * perRequest),
    cost,
  };
}

/** NaN where nobody said how events are counted. */
async function countStored({ postgres }: Contestant): Promise<number> {
  if (!postgres?.countSql) return Number.NaN;
  const { superuserUrl, countSql } = postgres;
  const { rows } = await withClient(superuserUrl, (client) => client.query<unknown[]>({ text: countSql, rowMode: 'array' }));
  return Number(rows[0]?.[0]);
}

/** (d): the statement of the checkout's writer, called directly from Node. Undefined for other servers. */
export async function ceiling(
  contestant: Contestant,
  options: { seconds: number; round: number; writer: { batchesInFlightMax: number; batchRecordsMax: number } },
): Promise<Round | undefined> {
  const traffic = contestant.traffic('batch', recordsPerBatch);
  if (!contestant.checkout || !traffic) return undefined;
  const { folder, apiUrl, connectionIds } = contestant.checkout;
  const request: CeilingRequest = {
    folder,
    databaseUrl: apiUrl,
    traffic,
    ids: connectionIds,
    seconds: options.seconds,
    batchesInFlight: options.writer.batchesInFlightMax,
    deliveriesPerBatch: Math.max(1, Math.floor(options.writer.batchRecordsMax / recordsPerBatch)),
  };
  // The time of the API, which has nothing to do meanwhile, is not counted.
  const run = () => measure<CeilingResult>('ceiling', request);
  const { result, cost } = await costOf(contestant, run, ({ records }) => records);
  return {
    contestant: contestant.name,
    scenario: 'd',
    connections: request.batchesInFlight,
    round: options.round,
    perSecond: result.recordsPerSecond,
    events: result.records,
    eventsPerSecond: result.recordsPerSecond,
    latencyMs: result.latencyMs,
    longestPauseMs: result.longestPauseMs,
    statuses: {},
    withoutRetryAfter: 0,
    cost: { ...cost, mainUs: 0, serverUs: 0, sumUs: cost.postgresUs },
  };
}
