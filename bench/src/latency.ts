import { createHistogram } from 'node:perf_hooks';

export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Records latencies in milliseconds and computes their percentiles, with a resolution of 1 µs. */
export function createLatency(): { record(ms: number): void; result(): Latency } {
  const histogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });
  const ms = (us: number) => Math.round(us / 10) / 100;
  return {
    record: (value) => histogram.record(Math.max(1, Math.round(value * 1000))),
    result: () =>
      histogram.count === 0
        ? { p50: 0, p95: 0, p99: 0, max: 0 }
        : {
            p50: ms(histogram.percentile(50)),
            p95: ms(histogram.percentile(95)),
            p99: ms(histogram.percentile(99)),
            max: ms(histogram.max),
          },
  };
}
