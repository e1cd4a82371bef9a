import type { Mode } from '@tributary/shared/flow.ts';
import { Problem } from '../errors.ts';
import type { Metrics } from '../metrics.ts';

/** Where every webhook request comes in, before anything is known of it, and leaves. */
export interface Gate {
  /** Throws a Problem when nothing new is taken: `paused`, `draining`, `overloaded`. Every other call is followed by one of `leave`. */
  enter(): void;
  leave(): void;
  inFlight(): number;
}

/** Made once: refusals must cost next to nothing, and a new Error looks up its stack. */
const overloaded = new Problem('overloaded', undefined, { 'retry-after': '2' });
const closed: Partial<Record<Mode, { problem: Problem; reason: string }>> = {
  drain: { problem: new Problem('draining', undefined, { 'retry-after': '5' }), reason: 'drain' },
  paused: { problem: new Problem('paused', undefined, { 'retry-after': '30' }), reason: 'paused' },
};

/** A turn of the event loop that lasts longer than this refuses the rest of what arrived. At capacity a turn takes a tenth of it. */
const lateMs = 300;

export function createGate(deps: { mode(): Mode; requestsInFlightMax: number; metrics: Metrics }): Gate {
  let inFlight = 0;
  const isLate = watchEventLoop();
  return {
    enter() {
      const refusal = closed[deps.mode()];
      if (refusal) {
        deps.metrics.shed.inc({ reason: refusal.reason });
        throw refusal.problem;
      }
      if (inFlight >= deps.requestsInFlightMax || isLate()) {
        deps.metrics.shed.inc({ reason: 'requests' });
        throw overloaded;
      }
      inFlight++;
    },
    leave() {
      inFlight--;
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
