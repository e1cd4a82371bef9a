import { createFairQueue } from './fair-queue.ts';
import type { Part, Queued } from './parts.ts';
import type { Load } from './room.ts';

export interface BatchLimits {
  /** A batch is full at this many records … */
  batchRecordsMax: number;
  /** … or this many bytes, if those are reached first. A larger delivery is written in parts; one with a larger body begins a batch by itself. */
  batchBytesMax: number;
  /** The oldest delivery waits at most this long for its batch to fill. */
  batchAgeMs: number;
}

/** Deliveries, and parts of large ones, that are written together. */
export interface Batch {
  parts: readonly Part[];
  records: number;
}

/**
 * Deliveries that wait for their batch. Orgs take turns, and within an org its connections: each turn takes about an eighth of a batch, in
 * records or in the same share of bytes, so that one org with much does not delay another with little.
 *
 * No Map or Set that outlives a batch holds deliveries, because they would outlive their answers in it: V8 links each table of a Map or Set, which it
 * replaces after a few additions or removals, to the next one. Once one of them is in the old generation, all later ones survive with what was in them, until
 * the whole heap is collected (measured at 1,200 purchases a second: 688 KB instead of 215 survived each collection of the young generation, and the whole heap
 * was collected five times as often).
 */
export function createQueue(limits: BatchLimits) {
  const { batchRecordsMax, batchBytesMax } = limits;
  const load: Load = { records: 0, bytes: 0 };
  const bytesPerRecord = batchBytesMax / batchRecordsMax;
  const turns = createFairQueue<Queued>(Math.max(1, Math.ceil(batchRecordsMax / 8)));

  const isFull = () => load.records >= batchRecordsMax || load.bytes >= batchBytesMax;

  /** Within a connection, deliveries wait in the order in which they, or their next parts, began to wait. */
  function oldest(): Queued | undefined {
    let found: Queued | undefined;
    for (const [first] of turns.lanes()) if (first && (!found || first.since < found.since)) found = first;
    return found;
  }

  function rest(queued: Queued): Load {
    const { item, records, bytes, written } = queued;
    return written === 0
      ? { records, bytes }
      : { records: records - written, bytes: ((bytes - item.sealed.length) * (records - written)) / records };
  }

  function add(queued: Queued): void {
    const { records, bytes } = rest(queued);
    load.records += records;
    load.bytes += bytes;
    turns.add(queued, queued);
  }

  /**
   * The next records of the delivery that fit into what is left of the batch; undefined when none do. A delivery that fits into a batch is
   * never divided: it waits for the next batch.
   */
  function partOf(queued: Queued, from: number, batch: Load, allowance: number): (Part & Load) | undefined {
    const { item, records, bytes, partMax, isSlow } = queued;
    const isEmpty = batch.records === 0;
    if (isSlow && !isEmpty) return undefined;
    const sealed = from === 0 ? item.sealed.length : 0;
    const perRecord = (bytes - item.sealed.length) / records;
    const left = records - from;
    const roomRecords = batchRecordsMax - batch.records;
    const roomBytes = isEmpty ? Math.max(batchBytesMax, sealed + perRecord) : batchBytesMax - batch.bytes;
    const part = (count: number) => ({ queued, from, to: from + count, records: count, bytes: sealed + count * perRecord });
    const isLarge = records > batchRecordsMax || bytes > batchBytesMax || isSlow;
    if (!isLarge) return left <= roomRecords && sealed + left * perRecord <= roomBytes ? part(left) : undefined;
    const fitBytes = Math.floor((roomBytes - sealed) / perRecord);
    // The body of a delivery cannot be divided: in an empty batch, any body fits with at least one record.
    const fit = Math.min(left, partMax - (from - queued.written), roomRecords, isEmpty ? Math.max(1, fitBytes) : fitBytes);
    if (fit < 1) return undefined;
    return part(Math.max(1, Math.min(fit, Math.floor(allowance / Math.max(1, perRecord / bytesPerRecord)))));
  }

  return {
    load: load as Readonly<Load>,
    add,
    isFull,
    oldestSince: (): number | undefined => oldest()?.since,

    /** When the delivery that was admitted first was queued; Infinity when the queue is empty. */
    oldestQueuedAt(): number {
      let found = Infinity;
      for (const lane of turns.lanes()) for (const { queuedAt } of lane) found = Math.min(found, queuedAt);
      return found;
    },

    /**
     * Milliseconds until the next batch is due; undefined when the queue is empty. A full batch is due at once, and so is one with a
     * delivery that was queued by `hurriedUntil`.
     */
    dueInMs(hurriedUntil: number): number | undefined {
      if (isFull()) return 0;
      const first = oldest();
      if (!first) return undefined;
      if (first.queuedAt <= hurriedUntil) return 0;
      return Math.max(0, first.since + limits.batchAgeMs - performance.now());
    },

    /** Takes the next batch from the queue: as much as it may hold, and at least one part. A delivery has one part in flight at a time. */
    takeBatch(): Batch {
      const parts = new Map<Queued, Part>();
      const taken: Load = { records: 0, bytes: 0 };
      turns.take((queued, allowance) => {
        const begun = parts.get(queued);
        const part = partOf(queued, begun?.to ?? queued.written, taken, allowance);
        if (!part) return undefined;
        if (begun) begun.to = part.to;
        else parts.set(queued, { queued, from: part.from, to: part.to });
        taken.records += part.records;
        taken.bytes += part.bytes;
        const size = part.to - queued.written;
        const isFilled = taken.records >= batchRecordsMax || taken.bytes >= batchBytesMax || queued.isSlow;
        const isPart = part.to < queued.records && size < queued.partMax;
        return { cost: Math.max(part.records, part.bytes / bytesPerRecord), isPart, isFilled };
      });
      for (const queued of parts.keys()) {
        const whole = rest(queued);
        load.records -= whole.records;
        load.bytes -= whole.bytes;
      }
      return { parts: [...parts.values()], records: taken.records };
    },
  };
}

export interface Flight {
  batch: Batch;
  startedAt: number;
  /** How long the oldest part of the batch had waited when the write began. */
  waitedMs: number;
}

/** Batches that are being written. */
export function createFlights() {
  // In the order in which their writes began.
  const flights: Flight[] = [];
  return {
    begin(batch: Batch): Flight {
      const startedAt = performance.now();
      const waitedMs = startedAt - Math.min(startedAt, ...batch.parts.map(({ queued }) => queued.since));
      const flight = { batch, startedAt, waitedMs };
      flights.push(flight);
      return flight;
    },
    end(flight: Flight): void {
      flights.splice(flights.indexOf(flight), 1);
    },
    count: (): number => flights.length,
    /** When the delivery that was admitted first of those in flight was queued; Infinity when there is no batch. */
    oldestQueuedAt(): number {
      let found = Infinity;
      for (const { batch } of flights) for (const { queued } of batch.parts) found = Math.min(found, queued.queuedAt);
      return found;
    },
    /** When the write of the oldest batch began; undefined when there is no batch. */
    oldestStart: (): number | undefined => flights[0]?.startedAt,
    /** When the write of the newest batch began; undefined when there is no batch. */
    newestStart: (): number | undefined => flights.at(-1)?.startedAt,
  };
}
