import { median } from './median.ts';
import type { Round, Scenario } from './rounds.ts';

type Wanted = { contestant: string; scenario: Scenario; connections?: number };

export function roundsOf(measured: readonly Round[], { contestant, scenario, connections }: Wanted): Round[] {
  return measured.filter(
    (one) => one.contestant === contestant && one.scenario === scenario && (connections === undefined || one.connections === connections),
  );
}

/** The median over the rounds of the better number of connections within each: events per second. 0 when nothing was measured. */
export function capacityOf(measured: readonly Round[], wanted: Wanted): number {
  return median(bestOf(measured, wanted, ({ eventsPerSecond }) => eventsPerSecond, Math.max));
}

/** The median over the rounds of the cheaper number of connections: microseconds of server and Postgres for an event. */
export function costPerEvent(measured: readonly Round[], wanted: Wanted): number {
  return Math.round(median(bestOf(measured, wanted, ({ cost }) => cost.sumUs, Math.min)) * 10) / 10;
}

/**
 * The ratio of two capacities: the median of the ratios of all rounds. A ratio compares measurements of one round, because other load on the machine changes
 * least within a round.
 */
export function ratioOf(measured: readonly Round[], above: Wanted, below: Wanted): number {
  const divisors = bestOf(measured, below, ({ eventsPerSecond }) => eventsPerSecond, Math.max);
  const ratios = bestOf(measured, above, ({ eventsPerSecond }) => eventsPerSecond, Math.max).map(
    (rate, round) => rate / (divisors[round] ?? Number.NaN),
  );
  return Math.round(median(ratios) * 1000) / 1000;
}

function bestOf(
  measured: readonly Round[],
  wanted: Wanted,
  of: (round: Round) => number,
  better: (...values: number[]) => number,
): number[] {
  return [...Map.groupBy(roundsOf(measured, wanted), ({ round }) => round).values()].map((some) => better(...some.map(of)));
}
