import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** The reading of a gauge: one value, a value for each set of labels, or no value. */
type Reading = number | undefined | readonly { labels: Record<string, string>; value: number }[];

/** The values of metrics as prom-client exchanges them between processes. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

export interface GaugeOptions {
  labelNames?: readonly string[];
  /**
   * What several processes report together: the sum of their values, or the highest. `once` is for what the database knows: one process of them
   * reads it.
   */
  together?: 'sum' | 'max' | 'once';
}

/**
 * The names and labels are a contract: dashboards and alerts of operators rely on them. No label takes its value from a request. `readAll` returns
 * the metrics of all processes that share the port, where there are several.
 */
export function createMetrics(readAll?: () => Promise<string>) {
  const registry = new Registry();
  const registers = [registry];
  const once = new Registry();
  collectDefaultMetrics({ register: registry });
  const countLate = new Set<() => void>();
  return {
    registry,
    /** What only this process knows, for the sum over all processes. */
    values: (): Promise<MetricValues> =>
      Promise.all(
        registry
          .getMetricsAsArray()
          .flatMap(({ name }) => (once.getSingleMetric(name) ? [] : (registry.getSingleMetric(name)?.get() ?? []))),
      ),
    /** The text for Prometheus: one scrape of any process returns the metrics of all. */
    text: async (): Promise<string> => (readAll ? `${await readAll()}${await once.metrics()}` : registry.metrics()),
    /** Runs `count` before each scrape, for what is counted together a moment after it happened. */
    beforeScrape: (count: () => void) => void countLate.add(count),
    records: new Counter({
      name: 'ingest_records_total',
      help: 'Records received, by outcome',
      labelNames: ['source', 'outcome'],
      registers,
      // A scrape reads the metrics in this order, and this is the first of those that are counted late.
      collect: () => {
        for (const count of countLate) count();
      },
    }),
    persisted: new Counter({ name: 'ingest_persisted_total', help: 'Canonical events committed', labelNames: ['source'], registers }),
    deadLettered: new Counter({
      name: 'ingest_dlq_total',
      help: 'Dead letters, by error class',
      labelNames: ['source', 'reason'],
      registers,
    }),
    duplicates: new Counter({
      name: 'ingest_duplicates_total',
      help: 'Records that were stored before',
      labelNames: ['source'],
      registers,
    }),
    lag: new Histogram({
      name: 'ingest_lag_seconds',
      help: 'Source event time to commit',
      buckets: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
      registers,
    }),
    requestDuration: new Histogram({
      name: 'ingest_request_duration_seconds',
      help: 'HTTP request duration',
      labelNames: ['route', 'status_class'],
      buckets: [0.001, 0.002, 0.004, 0.0075, 0.015, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    batchSize: new Histogram({
      name: 'ingest_batch_size_events',
      help: 'Records per batch',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
      registers,
    }),
    flushDuration: new Histogram({
      name: 'ingest_batch_flush_duration_seconds',
      help: 'Duration of a batch write',
      labelNames: ['outcome'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 15],
      registers,
    }),
    shed: new Counter({ name: 'ingest_shed_total', help: 'Requests refused to protect the system', labelNames: ['reason'], registers }),
    retries: new Counter({ name: 'ingest_retry_total', help: 'Batch writes tried again', labelNames: ['reason'], registers }),
    alertNotifications: new Counter({
      name: 'alert_notifications_total',
      help: 'Attempts to notify of an incident, by kind of channel and outcome (sent, retry, postponed, failed)',
      labelNames: ['channel_type', 'outcome'],
      registers,
    }),
    answersCut: new Counter({
      name: 'http_answers_cut_total',
      help: 'Answers that were cut off because their client did not read them: stalled, budget when all of them took too much memory, or pipelined when it sent too many requests meanwhile',
      labelNames: ['reason'],
      registers,
    }),
    circuitState: new Gauge({
      name: 'ingest_circuit_state',
      help: 'Circuit breakers: 0 closed, 1 half open, 2 open',
      labelNames: ['sink'],
      aggregator: 'max',
      registers,
    }),
    replayed: new Counter({
      name: 'replay_records_total',
      help: 'Records from the journal, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    jobDuration: new Histogram({
      name: 'worker_job_duration_seconds',
      help: 'Duration of background jobs',
      labelNames: ['task', 'outcome'],
      buckets: [0.005, 0.02, 0.1, 0.5, 1, 5, 15, 30, 60],
      registers,
    }),
    threadTasks: new Histogram({
      name: 'thread_task_duration_seconds',
      help: 'Duration of work on a large delivery on a thread, by task and outcome (done, failed, memory, time)',
      labelNames: ['task', 'outcome'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    /** A value that is read at each scrape; when `read` answers `undefined` or an empty list, the series is absent. */
    gauge: (name: string, help: string, read: () => Reading | Promise<Reading>, { labelNames = [], together = 'sum' }: GaugeOptions = {}) =>
      new Gauge({
        name,
        help,
        labelNames,
        aggregator: together === 'once' ? 'first' : together,
        registers: together === 'once' ? [registry, once] : registers,
        async collect() {
          const readings = await read();
          this.reset();
          if (labelNames.length === 0) this.remove({});
          if (typeof readings === 'number') this.set(readings);
          else for (const { labels, value } of readings ?? []) this.set(labels, value);
        },
      }),
  };
}
