import { createRoom, type Sender } from '../deliveries/room.ts';

/** The deliveries that have arrived whole and are not answered yet, without those that are read on a thread. */
export interface Work {
  /** Whether more work of the sender would only wait: all work together, or that of its org or connection, has reached its bound. */
  isFull(sender: Sender): boolean;
  begin(sender: Sender): void;
  end(sender: Sender): void;
}

export interface WorkBounds {
  /** The bounds of the limit: so much work is always admitted, because a batch needs company, and never more than so much. */
  min: number;
  max: number;
}

/** A delivery that is admitted waits about so long when more arrives than can be worked off. Platforms wait for several seconds. */
const delayMs = 500;
const intervalMs = 100;
/** How far the limit moves in an interval towards what was measured: a pause of a tenth of a second says little about the rate. */
const weight = 0.2;
/** See deliveries/room.ts. */
const sharePerFree = 4;
const one = { records: 1, bytes: 0 };

/**
 * Admits as much work as is worked off within `delayMs` (Little's law). While deliveries wait, their rate is that of the machine and the limit
 * follows it; otherwise the limit grows. More work would only make every answer later. A sender beyond the limit is refused at once, before its
 * body is read. Measured: 45 to 46 µs of the main thread for a refusal, where it was 104 to 106. An org with less work than an equal part is admitted beyond the limit, so
 * that the flood of another org does not refuse it.
 */
export function createWork({ min, max }: WorkBounds): Work {
  let limit = max;
  let answered = 0;
  let leastWork = 0;
  let measuredAt = performance.now();
  const bounds = {
    get recordsMax() {
      return limit;
    },
    bytesMax: Number.POSITIVE_INFINITY,
    sharePerFree,
    keepsEqualParts: true,
  };
  const room = createRoom(bounds);

  function measure(): void {
    const now = performance.now();
    const elapsedMs = now - measuredAt;
    if (elapsedMs < intervalMs) return;
    const sustained = (answered / elapsedMs) * delayMs;
    const wanted = leastWork >= limit / 2 ? sustained : Math.max(2 * limit, sustained);
    limit = Math.max(min, Math.min(max, limit + weight * (wanted - limit)));
    answered = 0;
    leastWork = room.load.records;
    measuredAt = now;
  }

  return {
    isFull(sender) {
      measure();
      return room.full(sender, 0) !== undefined;
    },
    begin: (sender) => room.add(sender, one),
    end(sender) {
      room.remove(sender, one);
      answered++;
      leastWork = Math.min(leastWork, room.load.records);
    },
  };
}
