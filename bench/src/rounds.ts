import type { ProofStack } from '../../chaos/src/stack.ts';
import type { CeilingRequest, CeilingResult } from './ceiling.ts';
import type { ClosedLoopResult } from './closed-loop.ts';
import type { Latency } from './latency.ts';
import { median } from './median.ts';
import { cpuSeconds, measure } from './process.ts';
import type { Traffic } from './requests.ts';

export type Scenario = 'a' | 'b' | 'c' | 'd';

const connectionCounts = [32, 128] as const;

export interface Round {
  scenario: Scenario;
  connections: number;
  /** Requests answered with 200 per second; for (d), batches of the size of a request of (c). */
  perSecond: number;
  latencyMs: Latency;
  statuses: Record<string, number>;
  /** Processor time used, in cores, by the measured server (only one of its threads runs JavaScript) and by all processes of Postgres. */
  serverCores: number;
  postgresCores: number;
}

export interface RoundsOptions {
  stack: ProofStack;
  /** Process ids of the servers. */
  pids: { a: number; b: number; c: number };
  traffic(scenario: Scenario): Traffic;
  writer: { batchesInFlightMax: number; batchRecordsMax: number };
  rounds: number;
  seconds: number;
  say(line: string): void;
}

/** Measures (a), (b), (c) and (d) in turn, for several rounds, so that other load on the machine affects all of them alike. */
export async function measureRounds(options: RoundsOptions): Promise<Round[]> {
  const { stack, pids, traffic, rounds, seconds, say } = options;
  const measured: Round[] = [];

  async function closedLoop(scenario: 'a' | 'b' | 'c', connections: number, duration = seconds): Promise<Round> {
    const before = [cpuSeconds(pids[scenario]), cpuSeconds(stack.postgres.pid, true)] as const;
    const started = performance.now();
    const result = await measure<ClosedLoopResult>('closed-loop', { traffic: traffic(scenario), connections, seconds: duration });
    // Starting and ending the generator takes about half a second in which nothing is sent.
    const elapsed = Math.max(duration, (performance.now() - started) / 1000 - 0.5);
    return {
      scenario,
      connections,
      perSecond: result.requestsPerSecond,
      latencyMs: result.latencyMs,
      statuses: result.statuses,
      serverCores: (cpuSeconds(pids[scenario]) - before[0]) / elapsed,
      postgresCores: (cpuSeconds(stack.postgres.pid, true) - before[1]) / elapsed,
    };
  }

  async function ceiling(): Promise<Round> {
    const { webhook } = stack.connections;
    const perRequest = traffic('d');
    const request: CeilingRequest = {
      databaseUrl: stack.database.apiUrl,
      traffic: perRequest,
      ids: { id: webhook.id, orgId: stack.org.id, projectId: stack.org.projectId },
      seconds,
      batchesInFlight: options.writer.batchesInFlightMax,
      deliveriesPerBatch: Math.max(1, Math.floor(options.writer.batchRecordsMax / perRequest.recordsPerBatch)),
    };
    const before = cpuSeconds(stack.postgres.pid, true);
    const result = await measure<CeilingResult>('ceiling', request);
    return {
      scenario: 'd',
      connections: request.batchesInFlight,
      perSecond: result.recordsPerSecond / perRequest.recordsPerBatch,
      latencyMs: result.latencyMs,
      statuses: {},
      serverCores: 0,
      postgresCores: (cpuSeconds(stack.postgres.pid, true) - before) / seconds,
    };
  }

  say('warming up');
  for (const scenario of ['a', 'b', 'c'] as const) await closedLoop(scenario, 32, Math.min(seconds, 8));

  for (let round = 1; round <= rounds; round++) {
    const tell = (one: Round) => {
      measured.push(one);
      const rate = `${one.perSecond.toFixed(1)} ${one.scenario === 'd' ? 'times 100 records/s' : 'requests/s'}`;
      say(`round ${round}/${rounds}  (${one.scenario}) ${one.connections} connections: ${rate}, p99 ${one.latencyMs.p99} ms`);
    };
    for (const connections of connectionCounts) {
      for (const scenario of ['a', 'b', 'c'] as const) tell(await closedLoop(scenario, connections));
    }
    tell(await ceiling());
  }
  return measured;
}

/** The median rate over the rounds. */
function rateOf(measured: readonly Round[], scenario: Scenario, connections?: number): number {
  return median(
    measured.filter((one) => one.scenario === scenario && (connections ?? one.connections) === one.connections).map((one) => one.perSecond),
  );
}

/** The better rate of the two numbers of connections. */
export function capacityOf(measured: readonly Round[], scenario: 'b' | 'c'): number {
  return Math.max(...connectionCounts.map((connections) => rateOf(measured, scenario, connections)));
}

/**
 * The ratio of two capacities, each at its better number of connections: the median of the ratios of all rounds. A ratio compares measurements of one
 * round, because other load on the machine changes least within a round.
 */
export function ratioOf(measured: readonly Round[], above: Scenario, below: Scenario): number {
  const perRound = (scenario: Scenario) => {
    const all = [
      ...Map.groupBy(
        measured.filter((one) => one.scenario === scenario),
        (one) => one.connections,
      ).values(),
    ];
    return (all[0] ?? []).map((_, round) => Math.max(...all.map((rounds) => rounds[round]?.perSecond ?? 0)));
  };
  const divisors = perRound(below);
  return Math.round(median(perRound(above).map((rate, round) => rate / (divisors[round] ?? Number.NaN))) * 1000) / 1000;
}
