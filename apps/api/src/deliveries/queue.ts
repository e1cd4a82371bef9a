import type { Outcome } from './outcomes.ts';
import type { WriteItem } from './rows.ts';

export interface BatchLimits {
  /** A batch is full at this many records … */
  batchRecordsMax: number;
  /** … or this many bytes, if those are reached first. A single larger delivery is a batch by itself. */
  batchBytesMax: number;
  /** The oldest delivery waits at most this long for its batch to fill. */
  batchAgeMs: number;
}

/** A delivery that was admitted and is not answered yet. */
export interface Queued extends WriteItem {
  bytes: number;
  /** The number of records, as the limits count it: a delivery without records counts as one. */
  weight: number;
  /** When it was queued, by `performance.now()`. */
  since: number;
  resolve(outcomes: Outcome[]): void;
  reject(error: unknown): void;
}

/** The part of the buffer that some deliveries occupy. */
interface Load {
  records: number;
  bytes: number;
}

/** Deliveries that are written together. */
export interface Batch {
  items: readonly Queued[];
  load: Load;
}

function addLoad(sum: Load, { records, bytes }: Load): void {
  sum.records += records;
  sum.bytes += bytes;
}

function subtractLoad(sum: Load, { records, bytes }: Load): void {
  sum.records -= records;
  sum.bytes -= bytes;
}

/** Deliveries that wait for their batch, in the order of their arrival. */
export function createQueue(limits: BatchLimits) {
  const load: Load = { records: 0, bytes: 0 };
  let items: Queued[] = [];

  const isFull = () => load.records >= limits.batchRecordsMax || load.bytes >= limits.batchBytesMax;

  return {
    load: load as Readonly<Load>,

    add(item: Queued): void {
      items.push(item);
      load.records += item.weight;
      load.bytes += item.bytes;
    },

    /** When the oldest delivery was queued; undefined when the queue is empty. */
    oldestSince: (): number | undefined => items[0]?.since,

    /**
     * Milliseconds until the next batch is due; undefined when the queue is empty. A full batch is due at once, and so is one with a
     * delivery that was queued by `hurriedUntil`.
     */
    dueInMs(hurriedUntil: number): number | undefined {
      const [oldest] = items;
      if (!oldest) return undefined;
      if (isFull() || oldest.since <= hurriedUntil) return 0;
      return Math.max(0, oldest.since + limits.batchAgeMs - performance.now());
    },

    /** Removes the oldest deliveries from the queue: as many as a batch may hold, and at least one. */
    takeBatch(): Batch {
      const taken: Load = { records: 0, bytes: 0 };
      let count = 0;
      for (const { weight, bytes } of items) {
        if (count > 0 && (taken.records + weight > limits.batchRecordsMax || taken.bytes + bytes > limits.batchBytesMax)) break;
        taken.records += weight;
        taken.bytes += bytes;
        count++;
      }
      const batch = { items: items.slice(0, count), load: taken };
      items = items.slice(count);
      subtractLoad(load, taken);
      return batch;
    },
  };
}

export interface Flight {
  batch: Batch;
  startedAt: number;
  /** When the oldest delivery of the batch was queued. */
  oldestSince: number;
}

/** Batches that are being written: they still occupy memory and count against the bounds of the buffer. */
export function createFlights() {
  const load: Load = { records: 0, bytes: 0 };
  const flights = new Set<Flight>();
  const earliest = (times: readonly number[]): number | undefined => (times.length === 0 ? undefined : Math.min(...times));

  return {
    load: load as Readonly<Load>,

    begin(batch: Batch): Flight {
      const startedAt = performance.now();
      const flight = { batch, startedAt, oldestSince: batch.items[0]?.since ?? startedAt };
      flights.add(flight);
      addLoad(load, batch.load);
      return flight;
    },

    end(flight: Flight): void {
      flights.delete(flight);
      subtractLoad(load, flight.batch.load);
    },

    count: (): number => flights.size,
    /** When the oldest delivery of all batches in flight was queued; undefined when there is no batch. */
    oldestSince: (): number | undefined => earliest([...flights].map((flight) => flight.oldestSince)),
    /** When the write of the oldest batch began; undefined when there is no batch. */
    oldestStart: (): number | undefined => earliest([...flights].map((flight) => flight.startedAt)),
  };
}
