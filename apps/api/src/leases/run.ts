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

/** A piece of work. It belongs to one org, which pays for it with its turns. */
interface Piece {
  id: string;
  org_id: string;
}

/**
 * A kind of long work that many processes share. Each piece of work is a row that also holds its lease; only the store of the feature knows
 * it.
 */
export interface Follower<Work extends Piece> {
  /**
   * Claims up to `most` open pieces of work that no process holds. Orgs take turns (`private.orgs_in_turn`); those of `holding` come last,
   * because this run holds work of them already. Empty when there is no such work now.
   */
  claim(owner: string, most: number, holding: string[]): Promise<Work[]>;
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
  /** Work that has been claimed for this long is given back, so that the work of another org gets its place. */
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

/** A run occupies one of the few places of the job queue, for which the other kinds of jobs wait. */
export const defaultSliceMs = 5_000;
/** How long work is kept while others wait for its place. A turn of each other org is the longest wait of an org's only piece of work. */
const defaultTurnMs = 1_000;
/** How often a run that may hold more work looks for it. */
const claimEveryMs = 500;
/** Work that must wait longer is given back: it would hold a place that the work of another org can use. */
const heldWaitMaxMs = 200;
/** A run goes on while work that it gave back for a shorter time than this is due again before the run ends. */
const restMaxMs = 5_000;

const processTime: Time = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

interface Held<Work> {
  work: Work;
  dueAt: number;
  turnEndsAt: number;
}

/** The order in which a run serves orgs. */
interface Served {
  count: number;
  at: Map<string, number>;
}

/**
 * Works on what a follower claims, for one slice of time: claim → step → step … → release. Any number of processes may do so at once. A
 * process that dies holds its leases until they run out; then another one goes on from the last checkpoint. Returns the milliseconds after which
 * the next run should begin, because work is left; undefined when there was nothing more to claim.
 *
 * Orgs share the work of the run equally. Places are claimed in turns, a piece of work keeps its place for one turn and never while it
 * sleeps, and of the held work that is due, that of the org which was served longest ago comes first.
 *
 * To add a follower:
 * 1. Its table has `lease_owner uuid`, `lease_until timestamptz`, a status and a cursor, with an index on the open rows that begins with
 *    `org_id, lease_until`. Its name is in `private.turns` and `private.orgs_in_turn`.
 * 2. A function that claims, as `private.claim_erasures` does: the orgs whose turn it is, and of each as many rows as its share.
 * 3. The checkpoint in its store: `update … set cursor, counters, lease_until where id and lease_owner and status = 'running' returning 1`,
 *    in the transaction of the step. No row: throw LeaseLost.
 * 4. `release`: `lease_owner = null, lease_until = now() + the wait`, again only where the owner still has the lease.
 * 5. A step that replays, purges or erases calls requireNotHeld in its transaction; `onBlocked` stores the reason.
 * 6. `jobs.ts` has a task with `everySeconds` that calls runLeases; main.ts lists it.
 * 7. Its test shows a lost lease and a crash. This file's test shows the rest.
 */
export async function runLeases<Work extends Piece>(follower: Follower<Work>, options: LeaseOptions): Promise<number | undefined> {
  const { signal, log, sliceMs = defaultSliceMs, atOnce = 1, turnMs = defaultTurnMs, time = processTime } = options;
  const owner = randomUUID();
  const held = new Map<string, Held<Work>>();
  /** When the work that was given back for a short time is due again. */
  const resting = new Map<string, number>();
  const served: Served = { count: 0, at: new Map() };
  const endsAt = time.now() + sliceMs;
  let claimAt = Number.NEGATIVE_INFINITY;
  /** The last claim got as much as it asked for: other work waits for the next free place. */
  let isWaitedFor = false;

  try {
    while (!signal.aborted && time.now() < endsAt) {
      if (mayClaim()) await claim();
      const next = nextOf(held.values(), served, time.now());
      const dueAt = next?.dueAt ?? earliest(resting);
      if (dueAt === undefined) return undefined;
      const waitMs = dueAt - time.now();
      if (next && waitMs <= 0) await serve(next);
      else await time.sleep(Math.max(1, Math.min(waitMs, claimEveryMs)), signal);
    }
    return held.size > 0 ? 0 : Math.max(0, (earliest(resting) ?? 0) - time.now());
  } finally {
    await releaseAll();
  }

  /** There is a free place that other work waits for, or it is time to look for new work, or work that was given back is due again. */
  function mayClaim(): boolean {
    if (held.size >= atOnce) return false;
    const now = time.now();
    return (
      isWaitedFor || now >= claimAt || (earliest(resting) ?? Number.POSITIVE_INFINITY) <= now || (held.size === 0 && resting.size === 0)
    );
  }

  async function claim(): Promise<void> {
    const holding = [...new Set([...held.values()].map(({ work }) => work.org_id))];
    const places = atOnce - held.size;
    const claimed = await follower.claim(owner, places, holding);
    isWaitedFor = claimed.length >= places;
    const now = time.now();
    claimAt = now + claimEveryMs;
    for (const work of claimed) held.set(work.id, { work, dueAt: now, turnEndsAt: now + turnMs });
    // When a place was left over, work that is due and was not claimed was ended by a person, or another process has it.
    const isAll = held.size < atOnce;
    for (const [id, dueAt] of resting) if (held.has(id) || (isAll && dueAt <= now)) resting.delete(id);
  }

  /** Does one step of the work. The work is removed from `held` first, because after an error the lease is lost or left to run out. */
  async function serve(one: Held<Work>): Promise<void> {
    const { work, turnEndsAt } = one;
    held.delete(work.id);
    served.at.set(work.org_id, ++served.count);
    const result = await step(work);
    if (result === 'done') return;
    const waitMs = result === 'more' ? 0 : result;
    const now = time.now();
    if (waitMs <= heldWaitMaxMs && now < turnEndsAt) {
      held.set(work.id, { work, turnEndsAt, dueAt: now + waitMs });
      return;
    }
    await follower.release(work, owner, waitMs);
    // Counted from now: the wait in the row began a moment before.
    if (waitMs <= restMaxMs) resting.set(work.id, time.now() + waitMs);
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

/** Of the work that is due, that of the org which was served longest ago; when no work is due, the piece that is due first. */
function nextOf<Work extends Piece>(held: Iterable<Held<Work>>, { at }: Served, now: number): Held<Work> | undefined {
  const turnOf = ({ work }: Held<Work>) => at.get(work.org_id) ?? 0;
  let next: Held<Work> | undefined;
  for (const one of held) {
    const isDue = one.dueAt <= now;
    if (!next) next = one;
    else if (isDue && next.dueAt <= now)
      next = turnOf(one) < turnOf(next) || (turnOf(one) === turnOf(next) && one.dueAt < next.dueAt) ? one : next;
    else if (one.dueAt < next.dueAt) next = one;
  }
  return next;
}

function earliest(times: ReadonlyMap<string, number>): number | undefined {
  return times.size === 0 ? undefined : Math.min(...times.values());
}

/** Why the work is blocked; undefined for every other error. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Blocked) return error.message;
  return error instanceof Refusal && error.code === 'legal_hold' ? error.message : undefined;
}
