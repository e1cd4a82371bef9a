import type { Logger } from 'pino';
import { CircuitOpenError, type Circuits } from '../platform/breaker.ts';
import { type Db, isCancelled, isUnavailable } from '../platform/db.ts';
import { isRetryable } from '../platform/lost-race.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { createBatchWriter } from './batch-writer.ts';
import { StuckError } from './isolate-slow.ts';
import type { Outcome } from './outcomes.ts';
import { type Part, partOf, type Queued } from './parts.ts';
import { type Batch, type BatchLimits, createFlights, createQueue, type Flight } from './queue.ts';
import { createRoom, type Load, type Room, type Sender } from './room.ts';
import type { PreparedDelivery, WriteItem } from './rows.ts';

export interface WriterLimits extends BatchLimits {
  batchesInFlightMax: number;
  /** Beyond this bound or the next one, new deliveries are refused: memory stays bounded also while the database hangs. */
  bufferRecordsMax: number;
  bufferBytesMax: number;
  /** The same bounds for large deliveries, which are more than one batch: they have a room of their own, so that they leave the others theirs. */
  largeRecordsMax: number;
  largeBytesMax: number;
}

export interface WriterDeps {
  db: Db;
  limits: WriterLimits;
  metrics: Metrics;
  log: Logger;
  circuits: Circuits;
  /** The database's clock. */
  now(): number;
}

export interface Writer {
  /**
   * Throws Refusal `overloaded`, `circuit_open` or `shutting_down` when a delivery of the sender would not be admitted now. The check is
   * cheap, so that it can be made before the body is read, without `item`, and before the sender is known.
   */
  admit(sender: Sender | undefined, item?: PreparedDelivery): void;
  /** Whether a delivery of the sender would wait for room, rather than be admitted or refused for another reason. */
  isFull(sender: Sender): boolean;
  /**
   * Resolves after the commit, with the outcome of every record in order; a large delivery is committed in several batches, and resolves after
   * the last. Rejects with a temporary Refusal when the delivery was not stored, or not completely.
   */
  write(item: PreparedDelivery): Promise<Outcome[]>;
  /** Refuses new deliveries, and resolves when every admitted delivery has been answered. */
  drain(): Promise<void>;
  /**
   * Writes the deliveries admitted so far without waiting for batches to fill, and resolves when all of them have been answered. New
   * deliveries are still admitted.
   */
  flush(): Promise<void>;
  state(): WriterState;
}

interface WriterState extends Load {
  recordsMax: number;
  bytesMax: number;
  /** What large deliveries occupy besides. */
  large: Load & { recordsMax: number; bytesMax: number };
  /** The age of the delivery that has waited longest for its batch. */
  oldestAgeMs: number;
  /** How long the oldest batch in flight has been written. */
  flushAgeMs: number;
  batchesInFlight: number;
}

/** When so many batches in a row could not reach the database, deliveries are refused without a try until the database commits again. */
const failuresMax = 3;

/** Created once, because refusals must cost next to nothing. */
const overloaded = new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
const circuitOpen = new Refusal('circuit_open', undefined, { retryAfterSeconds: 2 });

/** Waiting does not remove the cause of this refusal, so the sender is asked to retry only after ten minutes. */
const refused = new Refusal('database_unavailable', 'the database refuses this delivery, so no part of it was accepted', {
  retryAfterSeconds: 600,
});

/** An org that sends alone fills four fifths of the buffer, and half of the room of large deliveries. See room.ts. */
const sharePerFree = { ordinary: 4, large: 1 };
/**
 * While a batch is being written the next one waits for it, unless the next one is full or the write has taken so long. Measured at 64 connections, beside two
 * half batches at a time: 14 to 31 % more deliveries a second, and 9 to 21 % less processor time of the API for each.
 */
const lateMs = 15;
/** What a record's row takes in memory and in a statement, besides the text of the record. */
const rowBytes = 600;
/** A delivery of which a part was cancelled is tried again in parts of an eighth of the size for so long after it was admitted. */
const slowForMs = 30_000;

/**
 * Group commit: deliveries that arrive while a batch is being written form the next one, so batches grow with the load, and a lone delivery
 * waits no longer than `batchAgeMs`. Orgs take turns in the batches, and have a share each of the room for deliveries that wait.
 */
export function createWriter(deps: WriterDeps): Writer {
  const { db, limits, metrics, log, circuits } = deps;
  const breaker = circuits.createBreaker('postgres', {
    failuresMax,
    // A statement that was cancelled because it took too long is judged by the batch writer: it may be the fault of one delivery.
    counts: (error) => error instanceof StuckError || (isUnavailable(error) && !isRetryable(error) && !isCancelled(error)),
    probe: async () => (await db.commitFailure()) === undefined,
  });
  const writeBatch = createBatchWriter({ ...deps, breaker });
  const queue = createQueue(limits);
  const flights = createFlights();
  const bounds = {
    ordinary: { recordsMax: limits.bufferRecordsMax, bytesMax: limits.bufferBytesMax },
    large: { recordsMax: limits.largeRecordsMax, bytesMax: limits.largeBytesMax },
  };
  const rooms = {
    ordinary: createRoom({ ...bounds.ordinary, sharePerFree: sharePerFree.ordinary }),
    large: createRoom({ ...bounds.large, sharePerFree: sharePerFree.large }),
  };
  // A delivery that is not answered waits for a batch, or is in one.
  const unanswered = createUnanswered(() => Math.min(queue.oldestQueuedAt(), flights.oldestQueuedAt()));
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Infinity;

  function roomOf({ records, bytes }: Load): Room {
    return records > limits.batchRecordsMax || bytes > limits.batchBytesMax ? rooms.large : rooms.ordinary;
  }

  function admit(sender: Sender | undefined, item?: PreparedDelivery): void {
    if (closed) throw new Refusal('shutting_down');
    if (breaker.isBlocking()) {
      metrics.shed.inc({ reason: 'circuit' });
      throw circuitOpen;
    }
    const load = item ? loadOf(item) : { records: 1, bytes: 0 };
    const room = roomOf(load);
    const full = room.full(sender, load.bytes);
    if (!full) return;
    metrics.shed.inc({ reason: room === rooms.large ? 'large' : full });
    throw overloaded;
  }

  function write(item: PreparedDelivery): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      const now = performance.now();
      const queued: Queued = {
        item,
        orgId: item.delivery.org_id,
        connectionId: item.delivery.source_connection_id,
        ...loadOf(item),
        queuedAt: now,
        since: now,
        written: 0,
        outcomes: [],
        partMax: limits.batchRecordsMax,
        isSlow: false,
        resolve,
        reject,
      };
      roomOf(queued).add(queued, queued);
      queue.add(queued);
      startBatches();
    });
  }

  function startBatches(): void {
    while (flights.count() < limits.batchesInFlightMax) {
      const dueInMs = queue.dueInMs(unanswered.hurriedUntil());
      if (dueInMs === undefined) return;
      const waitMs = Math.max(dueInMs, queue.isFull() ? 0 : companyMs());
      if (waitMs > 0) {
        wakeIn(waitMs);
        return;
      }
      void runBatch(queue.takeBatch());
    }
  }

  /** How long the newest batch in flight still keeps the next one waiting, unless that one is full. */
  function companyMs(): number {
    const startedAt = flights.newestStart();
    return startedAt === undefined ? 0 : startedAt + lateMs - performance.now();
  }

  function wakeIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= wakesAt) return;
    clearTimeout(timer);
    wakesAt = at;
    timer = setTimeout(() => {
      wakesAt = Infinity;
      startBatches();
    }, ms);
  }

  async function runBatch(batch: Batch): Promise<void> {
    const flight = flights.begin(batch);
    const items = batch.parts.map(({ queued, from, to }) => partOf(queued.item, from, to, queued.outcomes));
    const { stored, failure, slow } = await writeBatch(items);
    for (const [index, part] of batch.parts.entries()) {
      const item = items[index] as WriteItem;
      const outcomes = stored.get(item);
      if (outcomes) advance(part, outcomes);
      else if (slow.has(item)) retrySmaller(part);
      else refuse(part.queued, refusalFor(failure));
    }
    report(flight, failure);
    flights.end(flight);
    startBatches();
    unanswered.check();
  }

  /** Answers the delivery when all its records are committed; otherwise, its next part waits for a batch. */
  function advance({ queued, to }: Part, outcomes: Outcome[]): void {
    // Most deliveries have one part, whose outcomes are not copied.
    if (queued.outcomes.length === 0) queued.outcomes = outcomes;
    else for (const outcome of outcomes) queued.outcomes.push(outcome);
    if (to >= queued.item.records.length) {
      release(queued);
      queued.resolve(queued.outcomes);
      return;
    }
    queued.written = to;
    queued.since = performance.now();
    queue.add(queued);
  }

  /** The part was cancelled because it took too long, and other deliveries did not: what takes so long is searched for among its records. */
  function retrySmaller({ queued, from, to }: Part): void {
    if (to - from <= 1 || performance.now() - queued.queuedAt > slowForMs) {
      refuse(queued, tooSlow);
      return;
    }
    queued.isSlow = true;
    queued.partMax = Math.ceil((to - from) / 8);
    queued.since = performance.now();
    queue.add(queued);
  }

  function refuse(queued: Queued, refusal: Refusal): void {
    if (queued.written > 0) {
      const { id: journalId, org_id: orgId, source_connection_id: connectionId } = queued.item.delivery;
      log.warn(
        { journalId, orgId, connectionId, written: queued.written, records: queued.records },
        'a delivery is stored in part: its sender is asked to repeat it, and its journal entry stays incomplete',
      );
    }
    release(queued);
    queued.reject(refusal);
  }

  function release(queued: Queued): void {
    roomOf(queued).remove(queued, queued);
  }

  function report({ batch, startedAt, waitedMs }: Flight, failure: unknown): void {
    const durationMs = performance.now() - startedAt;
    const outcome = failure === undefined ? 'committed' : 'failed';
    metrics.batchSize.observe(batch.records);
    metrics.flushDuration.observe({ outcome }, durationMs / 1000);
    const line = {
      deliveries: batch.parts.length,
      records: batch.records,
      durationMs: Math.round(durationMs),
      waitedMs: Math.round(waitedMs),
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
    isFull: (sender) => !closed && !breaker.isBlocking() && rooms.ordinary.full(sender, 0) !== undefined,
    write,
    drain() {
      closed = true;
      return answered(Infinity);
    },
    flush: () => answered(performance.now()),
    state: () => ({
      ...rooms.ordinary.load,
      ...bounds.ordinary,
      large: { ...rooms.large.load, ...bounds.large },
      flushAgeMs: ageMs(flights.oldestStart()),
      oldestAgeMs: ageMs(queue.oldestSince()),
      batchesInFlight: flights.count(),
    }),
  };
}

/** A record is counted as its row and its part of the body, which its row repeats. */
function loadOf({ sealed, records }: PreparedDelivery): Load {
  return {
    records: Math.max(1, records.length),
    bytes: sealed.length + (records.length === 0 ? 0 : sealed.length) + rowBytes * records.length,
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

/** The database commits, but not this delivery: for example, another transaction has held one of its keys for a long time. */
const tooSlow = new Refusal('database_unavailable', 'the database took too long for this delivery', { retryAfterSeconds: 30 });

function refusalFor(failure: unknown): Refusal {
  if (failure === undefined) return refused;
  return failure instanceof CircuitOpenError ? circuitOpen : new Refusal('database_unavailable', undefined, { retryAfterSeconds: 2 });
}

const ageMs = (since: number | undefined): number => (since === undefined ? 0 : performance.now() - since);
