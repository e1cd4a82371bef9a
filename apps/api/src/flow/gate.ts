import type { Mode } from '@tributary/shared/flow.ts';
import { createRoom, type Sender } from '../deliveries/room.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';
import { type BodyOwner, createBodyBytes } from './body-bytes.ts';
import { createWork } from './work.ts';

/** Admits or refuses every webhook request before anything is known about the request. */
export interface Gate {
  /** Throws Refusal `paused`, `draining` or `overloaded` while no new request is admitted. */
  enter(): Entry;
  inFlight(): number;
}

/** A request that was admitted, until it leaves. */
interface Entry {
  /**
   * Counts the request, and its body, in the share of this connection and its org. Call it before the body is read. Throws Refusal `overloaded` when
   * the requests of the org or of the connection have used up their share, or when as much work waits as can be done in time.
   */
  belongTo(owner: BodyOwner): void;
  /**
   * Starts counting the request as an upload. `cut` aborts the upload; it is called, at most once, when the upload blocks other requests.
   */
  startReading(cut: () => void): void;
  /**
   * Adds bytes of the body, received or inflated. Throws Refusal `overloaded` when all bodies together are too large, or those of the connection
   * or of its org are larger than their share (body-bytes.ts).
   */
  grow(bytes: number): void;
  /** The body is complete, so that the upload can no longer be cut. Its bytes count until the request leaves. */
  stopReading(): void;
  /** Counts the request as work on the event loop until it leaves: see work.ts. */
  startWork(): void;
  leave(): void;
}

/** A request whose body is being read. */
interface Upload {
  since: number;
  owner: BodyOwner | undefined;
  cut(): void;
}

/** The uploads that make room again when a bound is exceeded. */
const uploadsOf = {
  all: () => () => true,
  connection: (owner: BodyOwner | undefined) => (upload: Upload) => upload.owner?.id === owner?.id,
  org: (owner: BodyOwner | undefined) => (upload: Upload) => upload.owner?.orgId === owner?.orgId,
} as const;

/** Created once, because refusals must cost next to nothing and a new Error captures its stack. */
const overloaded = new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
const closed: Partial<Record<Mode, { refusal: Refusal; reason: string }>> = {
  drain: { refusal: new Refusal('draining', undefined, { retryAfterSeconds: 5 }), reason: 'drain' },
  paused: { refusal: new Refusal('paused', undefined, { retryAfterSeconds: 30 }), reason: 'paused' },
};

/** Bodies normally arrive within milliseconds. An upload that takes longer than this may be cut when there is no room for new requests. */
const slowMs = 1_000;
/**
 * The bytes of the bodies of all admitted requests, received and inflated: enough for eight of the largest bodies, and at least 64 MiB. A process
 * has 512 MB, of which the heap may take 256 and the batches that wait to be written 32. Bodies are stored outside the heap.
 */
const bodyBytesMin = 67_108_864;
const largestBodies = 8;
/**
 * An org that sends alone fills four fifths of the places for requests: see deliveries/room.ts. Otherwise, one org whose deliveries wait for their
 * commits would leave no place to others.
 */
const sharePerFree = 4;
const onePlace = { records: 1, bytes: 0 };

export function createGate(deps: {
  mode(): Mode;
  requestsInFlightMax: number;
  /** The work that is admitted however long it takes. */
  workMin: number;
  /** The bytes of the largest body of this installation. */
  largestBodyBytes?: number;
  metrics: Metrics;
}): Gate {
  let inFlight = 0;
  // In the order in which the uploads began.
  const reading = new Set<Upload>();
  const bodyBytes = createBodyBytes(Math.max(bodyBytesMin, largestBodies * (deps.largestBodyBytes ?? 0)));
  const places = createRoom({ recordsMax: deps.requestsInFlightMax, bytesMax: Number.POSITIVE_INFINITY, sharePerFree });

  /**
   * Cuts the oldest upload, or the oldest for which `counts` holds, if it is slow: many senders that send little must not keep out senders whose
   * bodies arrive at once.
   */
  function cutSlowest(counts: (upload: Upload) => boolean = () => true): boolean {
    const oldest = [...reading].find(counts);
    if (!oldest || performance.now() - oldest.since < slowMs) return false;
    reading.delete(oldest);
    deps.metrics.shed.inc({ reason: 'slow_upload' });
    oldest.cut();
    return true;
  }
  const work = createWork({ min: Math.min(deps.workMin, deps.requestsInFlightMax), max: deps.requestsInFlightMax });
  return {
    enter() {
      const isClosed = closed[deps.mode()];
      if (isClosed) {
        deps.metrics.shed.inc({ reason: isClosed.reason });
        throw isClosed.refusal;
      }
      // A request that is cut leaves within this turn of the event loop or shortly after it.
      if (inFlight >= deps.requestsInFlightMax && !cutSlowest()) {
        deps.metrics.shed.inc({ reason: 'requests' });
        throw overloaded;
      }
      inFlight++;
      let upload: Upload | undefined;
      let owner: BodyOwner | undefined;
      let bytes = 0;
      let isWorking = false;
      return {
        belongTo(connection) {
          const sender = senderOf(connection);
          if (work.isFull(sender)) {
            deps.metrics.shed.inc({ reason: 'work' });
            throw overloaded;
          }
          const full = places.full(sender, 0);
          if (full && !cutSlowest(uploadsOf[full === 'connection_share' ? 'connection' : 'org'](connection))) {
            deps.metrics.shed.inc({ reason: 'request_share' });
            throw overloaded;
          }
          owner = connection;
          places.add(sender, onePlace);
        },
        startReading(cut) {
          upload = { since: performance.now(), owner, cut };
          reading.add(upload);
        },
        grow(more) {
          bytes += more;
          bodyBytes.add(owner, more);
          const exceeded = bodyBytes.exceeded(owner);
          if (exceeded === undefined || cutSlowest(uploadsOf[exceeded](owner))) return;
          deps.metrics.shed.inc({ reason: exceeded === 'all' ? 'body_bytes' : 'body_share' });
          throw overloaded;
        },
        stopReading() {
          if (upload) reading.delete(upload);
        },
        startWork() {
          if (!owner || isWorking) return;
          isWorking = true;
          work.begin(senderOf(owner));
        },
        leave() {
          inFlight--;
          if (owner) places.remove(senderOf(owner), onePlace);
          if (owner && isWorking) work.end(senderOf(owner));
          bodyBytes.remove(owner, bytes);
        },
      };
    },
    inFlight: () => inFlight,
  };
}

function senderOf({ id, orgId }: BodyOwner): Sender {
  return { orgId, connectionId: id };
}
