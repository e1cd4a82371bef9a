import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Replayer, ReplayOutcome } from '../deliveries/rerun.ts';
import type { WriteItem } from '../deliveries/rows.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { type Db, isUnavailable } from '../platform/db.ts';
import { Refusal } from '../platform/refusal.ts';
import { type Rate, type TokenBucket, takeTokens, tokensDueInMs } from '../platform/token-bucket.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import {
  type ClaimedPlan,
  claimPlans,
  failSlice,
  findNextHeads,
  type Head,
  lockPlan,
  type Progress,
  pausePlan,
  releasePlans,
  saveProgress,
} from './store.ts';

export interface RunLimits {
  /** How long one run of the job lasts; then another one goes on. */
  sliceMs: number;
  /** How long a plan stays ours without a checkpoint: after a crash it stands still for as long. */
  leaseSeconds: number;
}

export const runLimits: RunLimits = { sliceMs: 20_000, leaseSeconds: 15 };

const claimEveryMs = 500;
const plansMax = 20;
/** A batch is a tenth of a second's worth of the throttle, but at most so many deliveries and bytes: live batches come in between. */
const batchDeliveriesMax = 25;
const batchBytesMax = 4_194_304;
const rateWindowMs = 5_000;

interface Run {
  plan: ClaimedPlan;
  rate: Rate;
  batchMax: number;
  bucket: TokenBucket;
  heads: Head[];
  tail: Head | undefined;
  /** Nothing comes after `heads`. */
  done: boolean;
  startedAtMs: number;
  lately: { atMs: number; processed: number }[];
}

class LeaseLost extends Error {}

/**
 * Works on running plans for a slice of time, all of them in turn: each by its own throttle, one batch at a time over all of them. A batch,
 * the plan's checkpoint and the renewal of its lease are one transaction: a crash repeats nothing, and a pause is obeyed at the next batch.
 */
export async function runPlans(deps: { db: Db; replayer: Replayer; log: Logger }, limits: RunLimits, signal: AbortSignal): Promise<void> {
  const { db, replayer, log } = deps;
  const owner = randomUUID();
  const runs = new Map<string, Run>();
  const endsAtMs = performance.now() + limits.sliceMs;
  let claimAtMs = Number.NEGATIVE_INFINITY;

  try {
    while (!signal.aborted && performance.now() < endsAtMs) {
      if (performance.now() >= claimAtMs) {
        claimAtMs = performance.now() + claimEveryMs;
        const free = plansMax - runs.size;
        const claimed = free > 0 ? await db.worker((sql) => claimPlans(sql, owner, limits.leaseSeconds, free)) : [];
        for (const plan of claimed) runs.set(plan.id, newRun(plan, performance.now()));
      }
      const [next] = [...runs.values()]
        .map((run) => ({ run, dueInMs: dueInMs(run, performance.now()) }))
        .sort((a, b) => a.dueInMs - b.dueInMs);
      if (!next) return;
      if (next.dueInMs > 0) {
        await sleep(Math.min(next.dueInMs, claimEveryMs), undefined, { signal }).catch(() => {});
        continue;
      }
      // To the end of the row: of several that are due, the one that has waited longest is next.
      runs.delete(next.run.plan.id);
      if (await advance(next.run)) runs.set(next.run.plan.id, next.run);
    }
  } finally {
    if (runs.size > 0) {
      await db
        .worker((sql) => releasePlans(sql, owner))
        .catch((error: unknown) => log.warn({ err: error }, 'replay plans could not be given back: their lease runs out'));
    }
  }

  /** One batch of the plan. False: it is no longer ours. */
  async function advance(run: Run): Promise<boolean> {
    const { plan } = run;
    try {
      if (run.heads.length === 0 && !run.done) {
        Object.assign(run, await db.worker((sql) => findNextHeads(sql, plan)));
        // What it found waits for its tokens; after nothing, only the checkpoint moves on.
        if (run.heads.length > 0) return true;
      }
      const batch = nextBatch(run);
      if (batch.length > 0) takeTokens(run.bucket, run.rate, performance.now(), batch.length);
      const items = await prepare(batch);
      run.heads.splice(0, batch.length);
      const done = run.heads.length === 0 && run.done;
      const checkpoint = run.heads.length === 0 ? run.tail : batch.at(-1);
      await replayer.write(items, plan.mode, {
        before: async (sql) => {
          if (!(await lockPlan(sql, plan.id, owner))) throw new LeaseLost();
          await requireNotHeld(sql, plan.org_id, plan.connection_ids);
        },
        after: (sql, outcomes) =>
          saveProgress(sql, plan.id, {
            ...countOutcomes(outcomes.flat()),
            processed: batch.length,
            failed: batch.length - items.length,
            checkpoint,
            ratePerSecond: rateOf(run, batch.length, performance.now()),
            done,
            leaseSeconds: limits.leaseSeconds,
          }),
      });
      if (checkpoint) Object.assign(plan, { checkpoint_at: checkpoint.at, checkpoint_id: checkpoint.id });
      if (done) log.info({ planId: plan.id }, 'a replay plan is completed');
      return !done;
    } catch (error) {
      await giveUp(plan, error);
      return false;
    }
  }

  /** Those of the batch that can be run again. */
  async function prepare(batch: readonly Head[]): Promise<WriteItem[]> {
    if (batch.length === 0) return [];
    const ids = batch.map((head) => head.id);
    const entries = await db.worker((sql) => findJournalEntries(sql, ids));
    const items: WriteItem[] = [];
    for (const id of ids) {
      const entry = entries.get(id);
      if (!entry) continue;
      try {
        items.push(await replayer.prepare(entry));
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'conflict') throw error;
        log.warn({ journalId: id, reason: error.detail }, 'a delivery of a replay plan cannot be run again');
      }
      // Opening and reading is computing: live requests go in between.
      await nextTurn();
    }
    return items;
  }

  async function giveUp(plan: ClaimedPlan, error: unknown): Promise<void> {
    if (error instanceof LeaseLost) return;
    try {
      if (error instanceof Refusal && error.code === 'legal_hold') {
        await db.worker((sql) => pausePlan(sql, plan.id, owner, error.message));
        return;
      }
      log.error({ err: error, planId: plan.id }, 'a slice of a replay plan failed');
      // A database that is away for a while ends no plan.
      const step = isUnavailable(error) ? 0 : 1;
      await db.worker((sql) => failSlice(sql, plan.id, owner, step, 'a part of it could not be written; the log of the server says why'));
    } catch (second) {
      log.error({ err: second, planId: plan.id }, 'a replay plan could not be given back: its lease runs out');
    }
  }
}

/** The bucket starts empty, so that neither a pause nor a new slice earns a burst; it keeps half a second's worth for a batch that was late. */
function newRun(plan: ClaimedPlan, nowMs: number): Run {
  const perSecond = plan.throttle_per_second;
  const batchMax = Math.min(batchDeliveriesMax, Math.ceil(perSecond / 10));
  return {
    plan,
    rate: { perSecond, burst: Math.max(batchMax, perSecond / 2) },
    batchMax,
    bucket: { tokens: 0, filledAtMs: nowMs },
    heads: [],
    tail: undefined,
    done: false,
    startedAtMs: nowMs,
    lately: [],
  };
}

function nextBatch(run: Run): Head[] {
  let bytes = 0;
  const beyond = run.heads.findIndex((head, index) => {
    bytes += head.byte_size;
    return index >= run.batchMax || (index > 0 && bytes > batchBytesMax);
  });
  return run.heads.slice(0, beyond === -1 ? run.heads.length : beyond);
}

function dueInMs(run: Run, nowMs: number): number {
  const wanted = nextBatch(run).length;
  return wanted === 0 ? 0 : tokensDueInMs(run.bucket, run.rate, nowMs, wanted);
}

function countOutcomes(outcomes: readonly ReplayOutcome[]): Omit<Progress, 'processed' | 'failed'> {
  const count = (status: ReplayOutcome['status']) => outcomes.filter((outcome) => outcome.status === status).length;
  return { accepted: count('accepted'), duplicates: count('duplicate'), deadLettered: count('dead_lettered') };
}

/** Over the last five seconds; undefined in the first one. */
function rateOf(run: Run, processed: number, nowMs: number): number | undefined {
  run.lately = [...run.lately, { atMs: nowMs, processed }].filter((one) => one.atMs > nowMs - rateWindowMs);
  const seconds = Math.min(rateWindowMs, nowMs - run.startedAtMs) / 1000;
  return seconds < 1 ? undefined : run.lately.reduce((sum, one) => sum + one.processed, 0) / seconds;
}
