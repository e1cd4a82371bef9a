import type { Mode } from '@tributary/shared/flow.ts';
import type { Metrics } from '../platform/metrics.ts';
import { Refusal } from '../platform/refusal.ts';

/** Where every webhook request comes in, before anything is known of it. */
export interface Gate {
  /** Throws a Refusal when nothing new is taken: `paused`, `draining`, `overloaded`. */
  enter(): Entry;
  inFlight(): number;
}

/** A request that was let in, until it leaves. */
interface Entry {
  /** Its body is being read from now on. `cut` ends that: it is called, at most once, when it stands in the way of others. */
  startReading(cut: () => void): void;
  /** Its body takes so many bytes more, off the wire or inflated. Throws the Refusal `overloaded` when all bodies together take too many. */
  grow(bytes: number): void;
  /** Its body is complete, and no longer cut. Its bytes are held until it leaves. */
  stopReading(): void;
  leave(): void;
}

/** Made once: refusals must cost next to nothing, and a new Error looks up its stack. */
const overloaded = new Refusal('overloaded', undefined, { retryAfterSeconds: 2 });
const closed: Partial<Record<Mode, { refusal: Refusal; reason: string }>> = {
  drain: { refusal: new Refusal('draining', undefined, { retryAfterSeconds: 5 }), reason: 'drain' },
  paused: { refusal: new Refusal('paused', undefined, { retryAfterSeconds: 30 }), reason: 'paused' },
};

/** A turn of the event loop that lasts longer than this refuses the rest of what arrived. At capacity a turn takes a tenth of it. */
const lateMs = 300;

/** Bodies come within milliseconds. One that has not by then makes room, where there is none, for those that will. */
const slowMs = 1_000;
/**
 * Of the bodies of all requests that have not left, as they came and inflated: eight of the largest. A process has 512 MB, of which the heap
 * may take 256 and the batches that wait to be written 32; what is read into a body lies beside the heap.
 */
const bodyBytesMax = 67_108_864;

export function createGate(deps: { mode(): Mode; requestsInFlightMax: number; metrics: Metrics }): Gate {
  let inFlight = 0;
  // In the order in which they began.
  const reading = new Set<{ since: number; cut(): void }>();
  let bodyBytes = 0;

  /** Ends the oldest upload that has had its time: many open connections that send little must not keep out those that send all they have. */
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
      // One that is cut leaves within this turn, or nearly so.
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
 * Whether this turn of the event loop is running late. When more arrives than can be computed, the queue stands in the sockets, where no
 * counter sees it: but then a turn serves hundreds of requests, and its timers wait for all of them.
 */
function watchEventLoop(): () => boolean {
  let tickedAt = performance.now();
  setInterval(() => {
    tickedAt = performance.now();
  }, 20).unref();
  return () => performance.now() - tickedAt > lateMs;
}
