import type { Logger } from 'pino';
import { CircuitOpenError, type Circuits } from '../platform/breaker.ts';
import { type Db, isRetryable, isUnavailable } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createBatchWriter } from './batch-writer.ts';
import type { Outcome } from './outcomes.ts';
import { type Batch, type BatchLimits, createFlights, createQueue, type Flight } from './queue.ts';
import type { WriteItem } from './rows.ts';

export interface WriterLimits extends BatchLimits {
  batchesInFlightMax: number;
  /** Beyond this bound or the next one, new deliveries are refused: memory stays bounded also while the database hangs. */
  bufferRecordsMax: number;
  bufferBytesMax: number;
}

export interface Writer {
  /**
   * Throws Refusal `overloaded`, `circuit_open` or `shutting_down` when a delivery of `bytes` would not be admitted now. The check is cheap,
   * so that it can be made before the body is read.
   */
  admit(bytes: number): void;
  /**
   * Resolves after the commit, with the outcome of every record in order. Rejects with a temporary Refusal when the delivery was not
   * stored.
   */
  write(item: WriteItem): Promise<Outcome[]>;
  /** Refuses new deliveries, and resolves when every admitted delivery has been answered. */
  drain(): Promise<void>;
  /**
   * Writes the deliveries admitted so far without waiting for batches to fill, and resolves when all of them have been answered. New
   * deliveries are still admitted.
   */
  flush(): Promise<void>;
  state(): WriterState;
}

interface WriterState {
  records: number;
  bytes: number;
  recordsMax: number;
  bytesMax: number;
  /** The age of the delivery that has waited longest for its batch. */
  oldestAgeMs: number;
  /** How long the oldest batch in flight has been written. */
  flushAgeMs: number;
  batchesInFlight: number;
}

/** When so many batches in a row could not reach the database, deliveries are refused without a try until the database commits again. */
const failuresMax = 3;

/** Created once, because a refusal must cost next to nothing. */
const circuitOpen = new Refusal('circuit_open', undefined, { retryAfterSeconds: 2 });

/** Waiting does not remove the cause of this refusal, so the sender is asked to retry only after ten minutes. */
const refused = new Refusal('database_unavailable', 'the database refuses this delivery, so no part of it was accepted', {
  retryAfterSeconds: 600,
});

/**
 * Group commit: deliveries that arrive while a batch is being written form the next one, so batches grow with the load, and a lone delivery
 * waits no longer than `batchAgeMs`.
 */
export function createWriter(db: Db, limits: WriterLimits, metrics: Metrics, log: Logger, circuits: Circuits): Writer {
  const breaker = circuits.createBreaker('postgres', {
    failuresMax,
    counts: (error) => isUnavailable(error) && !isRetryable(error),
    probe: async () => (await db.commitFailure()) === undefined,
  });
  const writeBatch = createBatchWriter({ db, breaker, metrics, log });
  const queue = createQueue(limits);
  const flights = createFlights();
  const unanswered = createUnanswered(() => Math.min(queue.oldestSince() ?? Infinity, flights.oldestSince() ?? Infinity));
  let closed = false;
  let timerSet = false;

  function admit(bytes: number): void {
    if (closed) throw new Refusal('shutting_down');
    if (breaker.isBlocking()) {
      metrics.shed.inc({ reason: 'circuit' });
      throw circuitOpen;
    }
    if (queue.load.records + flights.load.records >= limits.bufferRecordsMax) shed('records');
    if (queue.load.bytes + flights.load.bytes + bytes > limits.bufferBytesMax) shed('bytes');
  }

  function shed(reason: string): never {
    metrics.shed.inc({ reason });
    throw new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
  }

  function write(item: WriteItem): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      const bytes = item.sealed.length + 600 * item.records.length;
      queue.add({ ...item, bytes, weight: Math.max(1, item.records.length), since: performance.now(), resolve, reject });
      startBatches();
    });
  }

  function startBatches(): void {
    while (flights.count() < limits.batchesInFlightMax) {
      const dueInMs = queue.dueInMs(unanswered.hurriedUntil());
      if (dueInMs === undefined) return;
      if (dueInMs > 0) {
        wakeIn(dueInMs);
        return;
      }
      void runBatch(queue.takeBatch());
    }
  }

  function wakeIn(ms: number): void {
    if (timerSet) return;
    timerSet = true;
    setTimeout(() => {
      timerSet = false;
      startBatches();
    }, ms);
  }

  async function runBatch(batch: Batch): Promise<void> {
    const flight = flights.begin(batch);
    const { stored, failure } = await writeBatch(batch.items);
    for (const item of batch.items) {
      const outcomes = stored.get(item);
      if (outcomes) item.resolve(outcomes);
      else item.reject(refusalFor(failure));
    }
    report(flight, failure);
    flights.end(flight);
    startBatches();
    unanswered.check();
  }

  function report({ batch, startedAt, oldestSince }: Flight, failure: unknown): void {
    const durationMs = performance.now() - startedAt;
    const records = batch.items.reduce((sum, item) => sum + item.records.length, 0);
    const outcome = failure === undefined ? 'committed' : 'failed';
    metrics.batchSize.observe(records);
    metrics.flushDuration.observe({ outcome }, durationMs / 1000);
    const line = {
      deliveries: batch.items.length,
      records,
      durationMs: Math.round(durationMs),
      waitedMs: Math.round(startedAt - oldestSince),
      outcome,
    };
    if (failure !== undefined) log.error({ ...line, err: failure }, 'batch');
    else log.info(line, 'batch');
  }

  /** Resolves when every delivery that was queued by `until` has been answered. */
  function answered(until: number): Promise<void> {
    const all = unanswered.wait(until);
    startBatches();
    unanswered.check();
    return all;
  }

  return {
    admit,
    write,
    drain() {
      closed = true;
      return answered(Infinity);
    },
    flush: () => answered(performance.now()),
    state: () => ({
      records: queue.load.records + flights.load.records,
      bytes: queue.load.bytes + flights.load.bytes,
      recordsMax: limits.bufferRecordsMax,
      bytesMax: limits.bufferBytesMax,
      flushAgeMs: ageMs(flights.oldestStart()),
      oldestAgeMs: ageMs(queue.oldestSince()),
      batchesInFlight: flights.count(),
    }),
  };
}

/**
 * The drains and flushes that wait until all deliveries queued by some moment are answered. `oldestSince` returns Infinity when all are
 * answered.
 */
function createUnanswered(oldestSince: () => number) {
  let hurriedUntil = 0;
  let waiting: { until: number; resolve(): void }[] = [];
  const isAnswered = (until: number, oldest: number) => oldest === Infinity || until < oldest;

  return {
    /** Deliveries queued by this moment are written without waiting for their batch to fill. */
    hurriedUntil: () => hurriedUntil,
    wait(until: number): Promise<void> {
      hurriedUntil = Math.max(hurriedUntil, until);
      return new Promise((resolve) => waiting.push({ until, resolve }));
    },
    check(): void {
      if (waiting.length === 0) return;
      const oldest = oldestSince();
      for (const { until, resolve } of waiting) if (isAnswered(until, oldest)) resolve();
      waiting = waiting.filter(({ until }) => !isAnswered(until, oldest));
    },
  };
}

function refusalFor(failure: unknown): Refusal {
  if (failure === undefined) return refused;
  return failure instanceof CircuitOpenError ? circuitOpen : new Refusal('database_unavailable', undefined, { retryAfterSeconds: 2 });
}

const ageMs = (since: number | undefined): number => (since === undefined ? 0 : performance.now() - since);
