import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Refusal } from '../platform/refusal.ts';

/**
 * The result of a step:
 * - `more`: the next step is due at once;
 * - `done`: the work is finished, and the step has written that into its row, which ends the lease;
 * - a number: the next step is due in so many milliseconds. The lease is kept through a short wait, and given back for a long one.
 */
export type StepResult = 'more' | 'done' | number;

/**
 * A kind of long work that many processes share. Each piece of work is a row that also holds its lease; only the store of the feature knows
 * it.
 */
export interface Follower<Work extends { id: string }> {
  /**
   * Claims up to `most` open pieces of work that no process holds, and first those that were served longest ago. Empty when there is no
   * such work now.
   */
  claim(owner: string, most: number): Promise<Work[]>;
  /**
   * Does a small part of the work. The same transaction writes how far the work has come and renews the lease: the checkpoint. When that
   * finds that `owner` no longer has the lease, the step throws LeaseLost, and its transaction is rolled back.
   */
  step(work: Work, owner: string): Promise<StepResult>;
  /** Gives the work back: any process may claim it after `waitMs`. */
  release(work: Work, owner: string, waitMs: number): Promise<void>;
  /**
   * Called when a legal hold refused a step, or when the step threw Blocked: ends, pauses or gives back the work, with a reason that people
   * can read.
   */
  onBlocked?(work: Work, owner: string, reason: string): Promise<void>;
  /** Called when a step threw LeaseLost. */
  onLost?(work: Work): Promise<void>;
  /** Called for every other error of a step. When `onFailure` throws, or is missing, the error ends the run and the lease runs out. */
  onFailure?(work: Work, owner: string, error: unknown): Promise<void>;
}

export interface LeaseOptions {
  signal: AbortSignal;
  log: Logger;
  /** How long a run lasts. Then all claimed work is given back, and another run continues it. */
  sliceMs?: number;
  /** How many pieces of work are claimed at once, and served in turn. */
  atOnce?: number;
  /** Work that has been claimed for this long is given back, so that other work gets its turn. */
  turnMs?: number;
  /** For tests. */
  time?: Time;
}

/** Milliseconds on a clock that never goes back, and a pause that ends early when `signal` aborts. */
export interface Time {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Another process has the lease, or a person has ended the work. The current transaction must be rolled back. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The work cannot continue until a person removes the obstacle that the message names. */
export class Blocked extends Error {
  override readonly name = 'Blocked';
}

/** A job must end within a minute. */
const defaultSliceMs = 20_000;
/** How often a run that may hold more work looks for it. */
const claimEveryMs = 500;
/** Work that must wait longer is given back, because the lease would run out without a step that renews it. */
const heldWaitMaxMs = 5_000;

const processTime: Time = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

interface Held<Work> {
  work: Work;
  dueAt: number;
  turnEndsAt: number;
}

/**
 * Works on what a follower claims, for one slice of time: claim → step → step … → release. Any number of processes may do so at once. A
 * process that dies holds its leases until they run out; then another one goes on from the last checkpoint. Returns whether work may be left:
 * false when there was nothing more to claim.
 *
 * To add a follower:
 * 1. Its table has `lease_owner uuid`, `lease_until timestamptz`, a status and a cursor, with an index on what is open.
 * 2. `claim` in its store: `update … set lease_owner, lease_until = now() + … where id in (select … where lease_until is null or lease_until
 *    <= now() order by lease_until nulls first limit … for update skip locked) returning …`.
 * 3. The checkpoint in its store: `update … set cursor, counters, lease_until where id and lease_owner and status = 'running' returning 1`,
 *    in the transaction of the step. No row: throw LeaseLost.
 * 4. `release`: `lease_owner = null, lease_until = now() + the wait`, again only where the owner still has the lease.
 * 5. A step that replays, purges or erases calls requireNotHeld in its transaction; `onBlocked` stores the reason.
 * 6. `jobs.ts` has a task with `everySeconds` that calls runLeases; main.ts lists it.
 * 7. Its test shows a lost lease and a crash. This file's test shows the rest.
 */
export async function runLeases<Work extends { id: string }>(follower: Follower<Work>, options: LeaseOptions): Promise<boolean> {
  const { signal, log, sliceMs = defaultSliceMs, atOnce = 1, turnMs = Number.POSITIVE_INFINITY, time = processTime } = options;
  const owner = randomUUID();
  const held = new Map<string, Held<Work>>();
  const endsAt = time.now() + sliceMs;
  let claimAt = Number.NEGATIVE_INFINITY;

  try {
    while (!signal.aborted && time.now() < endsAt) {
      if (held.size === 0 || (held.size < atOnce && time.now() >= claimAt)) await claim();
      const next = nextDue();
      if (!next) return false;
      const waitMs = next.dueAt - time.now();
      if (waitMs > 0) await time.sleep(Math.min(waitMs, claimEveryMs), signal);
      else await serve(next);
    }
    return true;
  } finally {
    await releaseAll();
  }

  async function claim(): Promise<void> {
    const claimed = await follower.claim(owner, atOnce - held.size);
    const now = time.now();
    claimAt = now + claimEveryMs;
    for (const work of claimed) held.set(work.id, { work, dueAt: now, turnEndsAt: now + turnMs });
  }

  /** The piece of work that is due first. */
  function nextDue(): Held<Work> | undefined {
    let next: Held<Work> | undefined;
    for (const one of held.values()) if (!next || one.dueAt < next.dueAt) next = one;
    return next;
  }

  /** Does one step of the work. The work is removed from `held` first, because after an error the lease is lost or left to run out. */
  async function serve(one: Held<Work>): Promise<void> {
    const { work, turnEndsAt } = one;
    held.delete(work.id);
    const result = await step(work);
    if (result === 'done') return;
    const waitMs = result === 'more' ? 0 : result;
    const now = time.now();
    if (waitMs > heldWaitMaxMs || now >= turnEndsAt) await follower.release(work, owner, waitMs);
    else held.set(work.id, { work, turnEndsAt, dueAt: now + waitMs });
  }

  async function step(work: Work): Promise<StepResult> {
    try {
      return await follower.step(work, owner);
    } catch (error) {
      const reason = reasonOf(error);
      if (error instanceof LeaseLost) await follower.onLost?.(work);
      else if (reason !== undefined && follower.onBlocked) await follower.onBlocked(work, owner, reason);
      else if (follower.onFailure) await follower.onFailure(work, owner, error);
      else throw error;
      return 'done';
    }
  }

  async function releaseAll(): Promise<void> {
    for (const { work } of held.values()) {
      try {
        await follower.release(work, owner, 0);
      } catch (error) {
        log.warn({ err: error, id: work.id }, 'a lease could not be given back: it runs out by itself');
      }
    }
  }
}

/** Why the work is blocked; undefined for every other error. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Blocked) return error.message;
  return error instanceof Refusal && error.code === 'legal_hold' ? error.message : undefined;
}
