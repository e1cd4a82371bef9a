import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Child } from './child.ts';

/** The places of the processes, in each of which one process serves at a time. */
export interface Places {
  /** Puts `first` into the first place and starts a process for each of the others. */
  open(first: Child, count: number, log: Logger): void;
  /**
   * Replaces the processes one after the other by new ones. Each former process ends when the new one is ready. Stops at the first new one
   * that does not start. Returns how many were replaced, and how many places there are.
   */
  replaceAll(): Promise<{ replaced: number; places: number }>;
  /** Starts no process any more. */
  close(): void;
}

/** Its acts follow one another. */
interface Place {
  slot: number;
  child: Child | undefined;
  failures: number;
  acts: Promise<void>;
}

export interface PlaceTimes {
  /** A process that has lived for this long was no failed start: its successor starts at once. */
  provenMs: number;
  waitMaxMs: number;
  nowMs(): number;
  wait(ms: number): Promise<void>;
}

const usualTimes: PlaceTimes = { provenMs: 60_000, waitMaxMs: 10_000, nowMs: () => performance.now(), wait: (ms) => sleep(ms) };

export function createPlaces(
  launch: (place: { slot: number; takesOver: boolean }) => Child,
  { provenMs, waitMaxMs, nowMs, wait }: PlaceTimes = usualTimes,
): Places {
  const places: Place[] = [];
  let log: Logger | undefined;
  let isClosed = false;

  const isReady = ({ ready }: Child): Promise<boolean> =>
    ready.then(
      () => true,
      () => false,
    );

  /** Keeps the place occupied by this process: when it ends without being replaced, another one is started. */
  function occupy(place: Place, by: Child): void {
    place.child = by;
    const since = nowMs();
    void by.ended.then(() => {
      if (nowMs() - since > provenMs) place.failures = 0;
      if (place.child !== by) return;
      place.child = undefined;
      place.acts = place.acts.then(() => fill(place));
    });
  }

  /** Starts processes until one is ready, with pauses that double: a process that ends at once again and again costs little. */
  async function fill(place: Place): Promise<void> {
    while (!isClosed && !place.child) {
      const waitMs = place.failures === 0 ? 0 : Math.min(waitMaxMs, 100 * 2 ** place.failures);
      place.failures++;
      await wait(waitMs);
      if (isClosed) return;
      const next = launch({ slot: place.slot, takesOver: false });
      if (await isReady(next)) occupy(place, next);
      else if (!isClosed)
        log?.error({ process: next.id, slot: place.slot, failures: place.failures }, 'a process could not be started again');
    }
  }

  async function replace(place: Place): Promise<boolean> {
    if (isClosed) return false;
    const next = launch({ slot: place.slot, takesOver: true });
    if (!(await isReady(next)) || isClosed) return false;
    const former = place.child;
    occupy(place, next);
    place.failures = 0;
    former?.leave('replaced');
    await former?.ended;
    return true;
  }

  return {
    open(first, count, given) {
      log = given;
      for (let slot = 0; slot < count; slot++) {
        const place: Place = { slot, child: undefined, failures: 0, acts: Promise.resolve() };
        places.push(place);
        if (slot === 0) occupy(place, first);
        else place.acts = fill(place);
      }
    },
    async replaceAll() {
      let replaced = 0;
      for (const place of places) {
        const done = place.acts.then(() => replace(place));
        place.acts = done.then(() => {});
        if (!(await done)) break;
        replaced++;
      }
      return { replaced, places: places.length };
    },
    close() {
      isClosed = true;
    },
  };
}
