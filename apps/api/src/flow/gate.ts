import type { Mode } from '@tributary/shared/flow.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';

/** Admits or refuses every webhook request before anything is known about the request. */
export interface Gate {
  /** Throws Refusal `paused`, `draining` or `overloaded` while no new request is admitted. */
  enter(): Entry;
  inFlight(): number;
}

/** A request that was admitted, until it leaves. */
interface Entry {
  /**
   * Starts counting the request as an upload. `cut` aborts the upload; it is called, at most once, when the upload blocks other requests.
   */
  startReading(cut: () => void): void;
  /** Adds bytes of the body, received or inflated. Throws Refusal `overloaded` when all bodies together are too large. */
  grow(bytes: number): void;
  /** The body is complete, so that the upload can no longer be cut. Its bytes count until the request leaves. */
  stopReading(): void;
  leave(): void;
}

/** Created once, because refusals must cost next to nothing and a new Error captures its stack. */
const overloaded = new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
const closed: Partial<Record<Mode, { refusal: Refusal; reason: string }>> = {
  drain: { refusal: new Refusal('draining', undefined, { retryAfterSeconds: 5 }), reason: 'drain' },
  paused: { refusal: new Refusal('paused', undefined, { retryAfterSeconds: 30 }), reason: 'paused' },
};

/**
 * When a turn of the event loop has lasted longer than this, further requests are refused. At capacity, a turn takes a tenth of this time.
 */
const lateMs = 300;

/** Bodies normally arrive within milliseconds. An upload that takes longer than this may be cut when there is no room for new requests. */
const slowMs = 1_000;
/**
 * The bytes of the bodies of all admitted requests, received and inflated: enough for eight of the largest bodies. A process has 512 MB, of
 * which the heap may take 256 and the batches that wait to be written 32. Bodies are stored outside the heap.
 */
const bodyBytesMax = 67_108_864;

export function createGate(deps: { mode(): Mode; requestsInFlightMax: number; metrics: Metrics }): Gate {
  let inFlight = 0;
  // In the order in which the uploads began.
  const reading = new Set<{ since: number; cut(): void }>();
  let bodyBytes = 0;

  /** Cuts the oldest upload if it is slow: many connections that send little must not keep out senders whose bodies arrive at once. */
  function cutSlowest(): boolean {
    const [oldest] = reading;
    if (!oldest || performance.now() - oldest.since < slowMs) return false;
    reading.delete(oldest);
    deps.metrics.shed.inc({ reason: 'slow_upload' });
    oldest.cut();
    return true;
  }
  const isLate = watchEventLoop();
  return {
    enter() {
      const isClosed = closed[deps.mode()];
      if (isClosed) {
        deps.metrics.shed.inc({ reason: isClosed.reason });
        throw isClosed.refusal;
      }
      // A request that is cut leaves within this turn of the event loop or shortly after it.
      if (isLate() || (inFlight >= deps.requestsInFlightMax && !cutSlowest())) {
        deps.metrics.shed.inc({ reason: 'requests' });
        throw overloaded;
      }
      inFlight++;
      let upload: { since: number; cut(): void } | undefined;
      let bytes = 0;
      return {
        startReading(cut) {
          upload = { since: performance.now(), cut };
          reading.add(upload);
        },
        grow(more) {
          bytes += more;
          bodyBytes += more;
          if (bodyBytes > bodyBytesMax && !cutSlowest()) {
            deps.metrics.shed.inc({ reason: 'body_bytes' });
            throw overloaded;
          }
        },
        stopReading() {
          if (upload) reading.delete(upload);
        },
        leave() {
          inFlight--;
          bodyBytes -= bytes;
        },
      };
    },
    inFlight: () => inFlight,
  };
}

/**
 * Returns whether this turn of the event loop is late. When more arrives than the process can compute, requests queue in the sockets, where
 * no counter sees them. A turn then serves hundreds of requests, and its timers fire late.
 */
function watchEventLoop(): () => boolean {
  let tickedAt = performance.now();
  setInterval(() => {
    tickedAt = performance.now();
  }, 20).unref();
  return () => performance.now() - tickedAt > lateMs;
}
