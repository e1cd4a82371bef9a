import type { CeilingRequest, CeilingResult } from './ceiling.ts';
import type { ClosedLoopRequest, ClosedLoopResult } from './closed-loop.ts';
import type { Contestant } from './contestants.ts';
import { type Cost, costOf } from './cost.ts';
import type { Latency } from './latency.ts';
import { measure } from './process.ts';

/** (a) the bare route, (b) purchases, (c) batches of 100 records, (d) the writer's statement alone. */
export type Scenario = 'a' | 'b' | 'c' | 'd';

export const recordsPerBatch = 100;

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
  cost: Cost;
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
  const { result, cost } = await costOf(contestant, run, ({ accepted }) => accepted * perRequest);
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
    cost,
  };
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
