import type { Mode } from '@tributary/shared/flow.ts';
import { Problem } from '../platform/errors.ts';
import type { Metrics } from '../platform/metrics.ts';

/** Where every webhook request comes in, before anything is known of it, and leaves. */
export interface Gate {
  /** Throws a Problem when nothing new is taken: `paused`, `draining`, `overloaded`. Every other call is followed by one of `leave`. */
  enter(): void;
  leave(): void;
  inFlight(): number;
  /** A body that is begun to be read. `cut` ends it: it is called, at most once, when it stands in the way of others. */
  startUpload(cut: () => void): Upload;
}

/** Followed by one `end`. */
interface Upload {
  /** So many bytes more have come, which nobody has vouched for. */
  grow(bytes: number): void;
  end(): void;
}

/** Made once: refusals must cost next to nothing, and a new Error looks up its stack. */
const overloaded = new Problem('overloaded', undefined, { 'retry-after': '2' });
const closed: Partial<Record<Mode, { problem: Problem; reason: string }>> = {
  drain: { problem: new Problem('draining', undefined, { 'retry-after': '5' }), reason: 'drain' },
  paused: { problem: new Problem('paused', undefined, { 'retry-after': '30' }), reason: 'paused' },
};

/** A turn of the event loop that lasts longer than this refuses the rest of what arrived. At capacity a turn takes a tenth of it. */
const lateMs = 300;

/** Bodies come within milliseconds. One that has not by then makes room, where there is none, for those that will. */
const slowMs = 1_000;
/** Of bodies that are being read. */
const uploadBytesMax = 134_217_728;

export function createGate(deps: { mode(): Mode; requestsInFlightMax: number; metrics: Metrics }): Gate {
  let inFlight = 0;
  // In the order in which they began.
  const uploads = new Set<{ since: number; cut(): void }>();
  let uploadBytes = 0;

  /** Whoever opens many connections and sends little holds no place against those who send all they have. */
  function cutSlowest(): boolean {
    const [oldest] = uploads;
    if (!oldest || performance.now() - oldest.since < slowMs) return false;
    uploads.delete(oldest);
    deps.metrics.shed.inc({ reason: 'slow_upload' });
    oldest.cut();
    return true;
  }
  const isLate = watchEventLoop();
  return {
    enter() {
      const refusal = closed[deps.mode()];
      if (refusal) {
        deps.metrics.shed.inc({ reason: refusal.reason });
        throw refusal.problem;
      }
      // One that is cut leaves within this turn, or nearly so.
      if (isLate() || (inFlight >= deps.requestsInFlightMax && !cutSlowest())) {
        deps.metrics.shed.inc({ reason: 'requests' });
        throw overloaded;
      }
      inFlight++;
    },
    leave() {
      inFlight--;
    },
    inFlight: () => inFlight,
    startUpload(cut) {
      const upload = { since: performance.now(), cut };
      let bytes = 0;
      uploads.add(upload);
      return {
        grow(more) {
          bytes += more;
          uploadBytes += more;
          if (uploadBytes > uploadBytesMax && !cutSlowest()) throw overloaded;
        },
        end() {
          uploads.delete(upload);
          uploadBytes -= bytes;
        },
      };
    },
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
