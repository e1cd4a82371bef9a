import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CircuitOpenError, type Circuits } from '../platform/breaker.ts';
import { type Db, isRefusal, isRetryable, isUnavailable } from '../platform/db.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { isolatePoison, reductions } from './poison.ts';
import type { BatchRows, WriteItem } from './rows.ts';
import { type KnownKey, tryBatch, writeBatch } from './store.ts';

/** What became of a record, in the order of the delivery. */
export type Outcome =
  | { status: 'accepted'; eventId: string }
  | { status: 'duplicate'; eventId: string }
  | { status: 'dead_lettered'; dlqId: string; code: string };

export interface WriterLimits {
  /** A batch is full at this many records … */
  batchRecordsMax: number;
  /** … or this many bytes, whichever comes first; a single larger delivery is a batch of its own. */
  batchBytesMax: number;
  /** The oldest delivery of a batch that is not full waits at most this long for company. */
  batchAgeMs: number;
  batchesInFlightMax: number;
  /** Beyond either bound new deliveries are refused: memory stays bounded whatever the database does. */
  bufferRecordsMax: number;
  bufferBytesMax: number;
}

export interface Writer {
  /** Throws Refusal `overloaded`, `circuit_open` or `shutting_down` when a delivery of `bytes` would not be taken now. Cheap: asked before the body is read. */
  admit(bytes: number): void;
  /** Resolves after the commit, with the outcome of every record in order. Rejects with a temporary Refusal: then nothing was acknowledged. */
  write(item: WriteItem): Promise<Outcome[]>;
  /** Refuses new deliveries and resolves when everything taken has been answered. */
  drain(): Promise<void>;
  /** Waits for no company any more: resolves when everything taken so far has been answered. Goes on taking. */
  flush(): Promise<void>;
  state(): WriterState;
}

interface WriterState {
  records: number;
  bytes: number;
  recordsMax: number;
  bytesMax: number;
  /** Of the delivery that waits longest for its batch. */
  oldestAgeMs: number;
  /** Of the batch that is being written longest. */
  flushAgeMs: number;
  batchesInFlight: number;
}

interface Waiting extends WriteItem {
  bytes: number;
  weight: number;
  since: number;
  resolve(outcomes: Outcome[]): void;
  reject(error: unknown): void;
}

/** Tries of a batch that lost a deadlock or a serialization race, with 5 ms, 10 ms, 20 ms … and jitter between them. */
const triesMax = 6;

/** Batches in a row that found no database: then deliveries are refused without a try until it commits again. */
const failuresMax = 3;

/** Made once: a refusal must cost next to nothing. */
const circuitOpen = new Refusal('circuit_open', undefined, { retryAfterSeconds: 2 });

/** Time alone changes nothing about it: the next try need not be soon. */
const refused = new Refusal('database_unavailable', 'the database refuses this delivery; nothing of it was accepted', {
  retryAfterSeconds: 600,
});

/**
 * Group commit: deliveries that arrive while a batch is being written form the next one, so batches grow with the load and
 * a lone delivery waits no longer than `batchAgeMs`.
 */
export function createWriter(db: Db, limits: WriterLimits, metrics: Metrics, log: Logger, circuits: Circuits): Writer {
  const breaker = circuits.createBreaker('postgres', {
    failuresMax,
    counts: (error) => isUnavailable(error) && !isRetryable(error),
    probe: () => db.canCommit(),
  });
  let queue: Waiting[] = [];
  let queuedRecords = 0;
  let queuedBytes = 0;
  // What is being written still occupies memory and counts against the bounds.
  let flyingRecords = 0;
  let flyingBytes = 0;
  let inFlight = 0;
  let timerSet = false;
  let closed = false;
  let onIdle: (() => void) | undefined;
  const flying = new Set<{ startedAt: number; oldestSince: number }>();
  // What came up to this moment is written without waiting for company.
  let hurriedUntil = 0;
  let flushing: { until: number; resolve(): void }[] = [];

  function admit(bytes: number): void {
    if (closed) throw new Refusal('shutting_down');
    if (breaker.isBlocking()) {
      metrics.shed.inc({ reason: 'circuit' });
      throw circuitOpen;
    }
    if (queuedRecords + flyingRecords >= limits.bufferRecordsMax) shed('records');
    if (queuedBytes + flyingBytes + bytes > limits.bufferBytesMax) shed('bytes');
  }

  function shed(reason: string): never {
    metrics.shed.inc({ reason });
    throw new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
  }

  function write(item: WriteItem): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      const bytes = item.sealed.length + 600 * item.records.length;
      queue.push({ ...item, bytes, weight: Math.max(1, item.records.length), since: performance.now(), resolve, reject });
      queuedRecords += Math.max(1, item.records.length);
      queuedBytes += bytes;
      pump();
    });
  }

  function pump(): void {
    while (queue.length > 0 && inFlight < limits.batchesInFlightMax) {
      const full = queuedRecords >= limits.batchRecordsMax || queuedBytes >= limits.batchBytesMax;
      const oldest = queue[0];
      const dueInMs = closed || full || !oldest || oldest.since <= hurriedUntil ? 0 : oldest.since + limits.batchAgeMs - performance.now();
      if (dueInMs > 0) {
        if (!timerSet) {
          timerSet = true;
          setTimeout(() => {
            timerSet = false;
            pump();
          }, dueInMs);
        }
        return;
      }
      void flush(take());
    }
  }

  function take(): Waiting[] {
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (const item of queue) {
      if (count > 0 && (records + item.weight > limits.batchRecordsMax || bytes + item.bytes > limits.batchBytesMax)) break;
      records += item.weight;
      bytes += item.bytes;
      count++;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    queuedRecords -= records;
    queuedBytes -= bytes;
    flyingRecords += records;
    flyingBytes += bytes;
    return batch;
  }

  async function flush(batch: Waiting[]): Promise<void> {
    inFlight++;
    const started = performance.now();
    const flight = { startedAt: started, oldestSince: batch[0]?.since ?? started };
    flying.add(flight);
    const records = batch.reduce((sum, item) => sum + item.records.length, 0);
    let outcome: 'committed' | 'failed' = 'failed';
    let failure: unknown;
    const stored = new Map<Waiting, Outcome[]>();
    let refusal = refused;
    try {
      await commit(batch, stored);
      outcome = 'committed';
    } catch (error) {
      failure = error;
      refusal = error instanceof CircuitOpenError ? circuitOpen : new Refusal('database_unavailable', undefined, { retryAfterSeconds: 2 });
    }
    for (const item of batch) {
      const outcomes = stored.get(item);
      if (outcomes) item.resolve(outcomes);
      else item.reject(refusal);
    }
    const durationMs = performance.now() - started;
    metrics.batchSize.observe(records);
    metrics.flushDuration.observe({ outcome }, durationMs / 1000);
    const line = {
      deliveries: batch.length,
      records,
      durationMs: Math.round(durationMs),
      waitedMs: Math.round(started - (batch[0]?.since ?? started)),
      outcome,
    };
    if (failure) log.error({ ...line, err: failure }, 'batch');
    else log.info(line, 'batch');
    inFlight--;
    flying.delete(flight);
    for (const item of batch) {
      flyingRecords -= item.weight;
      flyingBytes -= item.bytes;
    }
    pump();
    settleFlushes();
    if (inFlight === 0 && queue.length === 0) onIdle?.();
  }

  function settleFlushes(): void {
    if (flushing.length === 0) return;
    const oldest = Math.min(queue[0]?.since ?? Number.POSITIVE_INFINITY, ...[...flying].map((flight) => flight.oldestSince));
    for (const { until, resolve } of flushing) if (until < oldest) resolve();
    flushing = flushing.filter(({ until }) => until >= oldest);
  }

  /** Notes in `stored` what was committed; what is missing there at the end was refused. Throws where the database could not be asked. */
  async function commit(batch: Waiting[], stored: Map<Waiting, Outcome[]>): Promise<void> {
    try {
      return await store(batch, stored);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // A row the database refuses goes to the dead letters alone; its neighbours commit.
      metrics.retries.inc({ reason: 'poison' });
      const dead = await isolatePoison(batch, (part) => tryBatch(db, rowsOf(part)));
      log.warn({ err: error, records: dead }, 'records refused by the database were dead-lettered');
    }
    try {
      return await store(batch, stored);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log.warn({ err: error, deliveries: batch.length }, 'a batch is refused for none of its records, each delivery is written by itself');
    }
    for (const item of batch) await storeAlone(item, stored);
  }

  /** One transaction. Tries again after a lost race. */
  async function store(batch: Waiting[], stored: Map<Waiting, Outcome[]>): Promise<void> {
    const rows = rowsOf(batch);
    for (let tries = 1; ; tries++) {
      try {
        const known = new Map((await breaker.run(() => writeBatch(db, rows))).map((key) => [key.event_id, key]));
        for (const item of batch) stored.set(item, outcomesOf(item, known));
        return;
      } catch (error) {
        if (!isRetryable(error) || tries === triesMax) throw error;
        metrics.retries.inc({ reason: 'conflict' });
        await sleep(5 * 2 ** (tries - 1) * (0.5 + Math.random()));
      }
    }
  }

  /**
   * A delivery as it is, then with less and less for the database to refuse: better a dead letter that keeps the body than a sender who
   * repeats it for ever. Refused even so, it is stored nowhere and not acknowledged: its sender's later try may meet a mended version.
   */
  async function storeAlone(item: Waiting, stored: Map<Waiting, Outcome[]>): Promise<void> {
    let refusal: unknown;
    for (const reduce of [undefined, ...reductions]) {
      reduce?.(item, refusal);
      try {
        return await store([item], stored);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusal = error;
      }
    }
    const { id: journalId, org_id: orgId, source_connection_id: connectionId } = item.delivery;
    log.error({ err: refusal, journalId, orgId, connectionId }, 'a delivery is refused by the database in every form');
  }

  return {
    admit,
    write,
    drain() {
      closed = true;
      return new Promise((resolve) => {
        onIdle = resolve;
        pump();
        if (inFlight === 0 && queue.length === 0) resolve();
      });
    },
    flush() {
      const until = performance.now();
      hurriedUntil = until;
      return new Promise((resolve) => {
        flushing.push({ until, resolve });
        pump();
        settleFlushes();
      });
    },
    state: () => ({
      records: queuedRecords + flyingRecords,
      bytes: queuedBytes + flyingBytes,
      recordsMax: limits.bufferRecordsMax,
      bytesMax: limits.bufferBytesMax,
      flushAgeMs: flying.size === 0 ? 0 : performance.now() - Math.min(...[...flying].map((flight) => flight.startedAt)),
      oldestAgeMs: queue[0] ? performance.now() - queue[0].since : 0,
      batchesInFlight: inFlight,
    }),
  };
}

export function rowsOf(batch: readonly WriteItem[]): BatchRows {
  const rows: BatchRows = { deliveries: [], keys: [], events: [], dead: [], sealed: Buffer.concat(batch.map((item) => item.sealed)) };
  let sealedAt = 0;
  for (const item of batch) {
    rows.deliveries.push({ ...item.delivery, sealed_at: sealedAt, sealed_length: item.sealed.length });
    sealedAt += item.sealed.length;
    for (const record of item.records) {
      if ('dead' in record) rows.dead.push(record.dead);
      else {
        rows.keys.push(record.key);
        rows.events.push(record.event);
      }
    }
  }
  return rows;
}

function outcomesOf(item: WriteItem, known: ReadonlyMap<string, KnownKey>): Outcome[] {
  return item.records.map((record) => {
    if ('dead' in record) return { status: 'dead_lettered', dlqId: record.dead.id, code: record.dead.error_class };
    const found = known.get(record.key.event_id);
    if (!found) return { status: 'accepted', eventId: record.key.event_id };
    if (found.outcome === 'duplicate') return { status: 'duplicate', eventId: found.stored_event_id };
    return { status: 'dead_lettered', dlqId: record.key.dlq_id, code: 'DUPLICATE_EVENT' };
  });
}
