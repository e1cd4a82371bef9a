import type { Steps } from '../platform/steps.ts';
import { createFairQueue } from './fair-queue.ts';
import type { Sender } from './room.ts';

/**
 * Where light deliveries that have arrived wait for the event loop. They are worked on in slices: between two slices the process reads what has arrived and
 * what the database answered, so that batches are written while others are prepared, and a crowd of deliveries keeps nobody else waiting.
 */
export interface Desk {
  /**
   * Does the work on a delivery when it is the sender's turn, and resolves with its result. Orgs have equal parts of the time that is worked: a delivery
   * that takes longer than a turn is paused between two of its steps, for the other orgs and for the event loop.
   */
  run<T>(sender: Sender, work: Steps<T>): Promise<T>;
}

interface Job {
  sender: Sender;
  isStarted: boolean;
  /** Returns whether the work is done. */
  step(): boolean;
}

/**
 * How long deliveries are worked on before the process reads what else has arrived. Measured together with the rule of one batch in flight
 * (writer.ts), at 128 connections: 1,968 and 1,978 deliveries a second instead of 905 and 1,373.
 */
const sliceMs = 8;
/** How long an org is worked for in its turn: a few purchases, or some of the records of a delivery. */
const turnMs = 1;
/** How long deliveries wait that the writer has no room for, before they are tried again. */
const retryMs = 5;

/** `hasRoom` says whether what becomes of a sender's delivery could be written: until then the delivery waits here, and no work on it is in vain. */
export function createDesk(hasRoom: (sender: Sender) => boolean): Desk {
  const waiting = createFairQueue<Job>(turnMs, { keepsDivided: true });
  let isScheduled = false;

  function schedule(isStuck: boolean): void {
    isScheduled = true;
    if (isStuck) setTimeout(workSlice, retryMs);
    else setImmediate(workSlice);
  }

  function workSlice(): void {
    isScheduled = false;
    let now = performance.now();
    const until = now + sliceMs;
    let isStuck = true;
    waiting.take((job, allowanceMs) => {
      if (!job.isStarted && !hasRoom(job.sender)) return undefined;
      job.isStarted = true;
      isStuck = false;
      const startedAt = now;
      const pauseAt = Math.min(until, startedAt + allowanceMs);
      let isDone: boolean;
      do {
        isDone = job.step();
        now = performance.now();
      } while (!isDone && now < pauseAt);
      return { cost: now - startedAt, isPart: !isDone, isFilled: now >= until };
    });
    if (!waiting.isEmpty()) schedule(isStuck);
  }

  return {
    run: (sender, work) =>
      new Promise((resolve, reject) => {
        const step = () => {
          try {
            const { done, value } = work.next();
            if (done) resolve(value);
            return done === true;
          } catch (error) {
            reject(error);
            return true;
          }
        };
        waiting.add(sender, { sender, isStarted: false, step });
        if (!isScheduled) schedule(false);
      }),
  };
}
