import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricValues } from '../platform/metrics.ts';

/** The metrics of all processes together. */
export interface Totals {
  /** What the primary itself counts. */
  registry: Registry;
  /** The newest values of a process. */
  report(processId: number, values: MetricValues): void;
  /** Keeps what an ended process has counted, so that no counter goes backwards. */
  end(processId: number, reason: EndReason): void;
  /** Counts a reload, and whether it has replaced all processes. */
  reloaded(isComplete: boolean): void;
  /** For Prometheus. Each metric is added up, or combined as its `aggregator` says. */
  text(): Promise<string>;
}

/** `replaced` and `stopped` on request; `failed`: it ended by itself; `hung`: it was silent for too long, and was killed. */
export type EndReason = 'replaced' | 'stopped' | 'failed' | 'hung';

const isCounted = ({ type }: { type: unknown }): boolean => ['counter', 'histogram', 'summary'].includes(String(type));

export function createTotals(countReady: () => number): Totals {
  const own = new Registry();
  const registers = [own];
  new Gauge({
    name: 'api_processes',
    help: 'Processes that serve requests',
    registers,
    collect() {
      this.set(countReady());
    },
  });
  const ends = new Counter({
    name: 'api_process_ends_total',
    help: 'Processes that have ended: replaced or stopped on request, failed by themselves, or hung and killed',
    labelNames: ['reason'],
    registers,
  });
  const reloads = new Counter({
    name: 'api_reloads_total',
    help: 'Reloads, done when all processes were replaced, or failed when a process with the new code did not start',
    labelNames: ['outcome'],
    registers,
  });
  for (const reason of ['replaced', 'stopped', 'failed', 'hung'] satisfies EndReason[]) ends.inc({ reason }, 0);
  for (const outcome of ['done', 'failed']) reloads.inc({ outcome }, 0);
  const newest = new Map<number, MetricValues>();
  let ofEnded: object[] = [];

  return {
    registry: own,
    report(processId, values) {
      newest.set(processId, values);
    },
    end(processId, reason) {
      ends.inc({ reason });
      const last = newest.get(processId);
      newest.delete(processId);
      if (last) ofEnded = AggregatorRegistry.aggregate([ofEnded, last.filter(isCounted)]).getMetricsAsArray();
    },
    reloaded: (isComplete) => reloads.inc({ outcome: isComplete ? 'done' : 'failed' }),
    text: async () => (await own.metrics()) + (await AggregatorRegistry.aggregate([ofEnded, ...newest.values()]).metrics()),
  };
}
