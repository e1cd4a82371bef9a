import type { Logger } from 'pino';
import type { Metrics } from '../platform/metrics.ts';
import { type Answered, type RequestLog, statusClass } from '../platform/request-log.ts';
import type { Delivered } from './receive.ts';

/** Counts and logs deliveries that were committed and answered, and those that were refused for lack of room. */
export interface AnsweredDeliveries {
  add(request: Answered, delivered: Delivered): void;
  /** Under overload most requests are refused, so that a line for each would cost more than all the rest of the refusal. */
  refused(request: Answered): void;
}

/** The connections that a line names: those with the most deliveries. */
const namedMax = 5;

/**
 * All deliveries of a batch are answered in the same turn of the event loop. Their metrics are observed together at its end, and one line counts them
 * (measured: a line for each takes 7 to 20 µs, more than the rest of the answer). With `logsEach`, each delivery gets its line instead. A scrape of the
 * metrics comes after everything that was answered before it.
 */
export function createAnsweredDeliveries(deps: {
  metrics: Metrics;
  log: Logger;
  requestLog: RequestLog;
  logsEach: boolean;
}): AnsweredDeliveries {
  const { metrics, log, requestLog, logsEach } = deps;
  let waiting: { request: Answered; delivered: Delivered }[] = [];
  let refusals: Answered[] = [];
  let isScheduled = false;

  function observe({ route, status, durationMs }: Answered): void {
    metrics.requestDuration.observe({ route, status_class: statusClass(status) }, durationMs / 1000);
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    isScheduled = false;
    flushRefusals();
    flushDeliveries();
  }

  function flushDeliveries(): void {
    const all = waiting;
    if (all.length === 0) return;
    waiting = [];
    for (const { request, delivered } of all) {
      observe(request);
      countOutcomes(metrics, delivered);
      if (logsEach) requestLog.write(request);
    }
    if (!logsEach) log.info(lineOf(all), 'deliveries');
  }

  function flushRefusals(): void {
    if (refusals.length === 0) return;
    const codes: Record<string, number> = {};
    for (const request of refusals) {
      observe(request);
      const code = String(request.event.code);
      codes[code] = (codes[code] ?? 0) + 1;
      if (logsEach) requestLog.write(request);
    }
    if (!logsEach) log.info({ requests: refusals.length, codes }, 'refused');
    refusals = [];
  }

  metrics.beforeScrape(flush);

  return {
    add(request, delivered) {
      schedule();
      waiting.push({ request, delivered });
    },
    refused(request) {
      schedule();
      refusals.push(request);
    },
  };
}

/** Each counter is raised once for all records (measured: for each record, 10,000 records took the event loop 10 ms, and now take 5). */
function countOutcomes(metrics: Metrics, { connection, outcomes }: Delivered): void {
  const source = connection.source.type;
  let [accepted, duplicates] = [0, 0];
  const deadByReason = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.status === 'duplicate') duplicates++;
    else if (outcome.status === 'dead_lettered') deadByReason.set(outcome.code, (deadByReason.get(outcome.code) ?? 0) + 1);
    else accepted++;
  }
  if (accepted > 0) {
    metrics.records.inc({ source, outcome: 'accepted' }, accepted);
    metrics.persisted.inc({ source }, accepted);
  }
  if (duplicates > 0) {
    metrics.records.inc({ source, outcome: 'duplicate' }, duplicates);
    metrics.duplicates.inc({ source }, duplicates);
  }
  for (const [reason, count] of deadByReason) {
    metrics.records.inc({ source, outcome: 'dead_lettered' }, count);
    metrics.deadLettered.inc({ source, reason }, count);
  }
}

/** What an operator asks of the deliveries of a moment: how many, from whom, with what result, how large and how fast. */
function lineOf(all: readonly { request: Answered; delivered: Delivered }[]): object {
  const outcomes: Record<string, number> = {};
  const byConnection = new Map<string, { connectionId: string; source: string; deliveries: number }>();
  let [records, bytes] = [0, 0];
  for (const { delivered } of all) {
    records += delivered.outcomes.length;
    bytes += delivered.bytes;
    for (const { status } of delivered.outcomes) outcomes[status] = (outcomes[status] ?? 0) + 1;
    const { id, source } = delivered.connection;
    const counted = byConnection.get(id);
    if (counted) counted.deliveries++;
    else byConnection.set(id, { connectionId: id, source: source.type, deliveries: 1 });
  }
  const durations = all.map(({ request }) => request.durationMs).sort((a, b) => a - b);
  const busiest = [...byConnection.values()].sort((a, b) => b.deliveries - a.deliveries).slice(0, namedMax);
  return {
    deliveries: all.length,
    records,
    bytes,
    outcomes,
    connections: byConnection.size,
    busiest,
    durationMs: { median: rounded(durations[durations.length >> 1]), max: rounded(durations.at(-1)) },
  };
}

const rounded = (ms = 0): number => Math.round(ms * 10) / 10;
