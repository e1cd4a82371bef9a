import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Outcome } from '../deliveries/outcomes.ts';
import type { Replayer } from '../deliveries/rerun.ts';
import type { WriteItem } from '../deliveries/rows.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { continueIn } from '../leases/continue.ts';
import { defaultSliceMs, type Follower, LeaseLost, runLeases, type StepResult } from '../leases/run.ts';
import { type Db, isUnavailable, type Sql } from '../platform/db.ts';
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
  releasePlan,
  saveProgress,
} from './store.ts';

export interface RunLimits {
  /** How long one run of the job lasts. Then another run goes on. */
  sliceMs: number;
  /** How long a lease lasts without a checkpoint. After a crash, the plan waits for this long. */
  leaseSeconds: number;
}

export const runLimits: RunLimits = { sliceMs: defaultSliceMs, leaseSeconds: 15 };

const plansMax = 20;
/**
 * A batch has as many deliveries as the throttle allows in a tenth of a second, up to these maxima, so that live batches are written in
 * between.
 */
const batchDeliveriesMax = 25;
const batchBytesMax = 4_194_304;
const rateWindowMs = 5_000;

/** Deliveries that are looked at in one query: the first query of a turn finds work for about a second, later ones may look further. */
const scannedMin = 50;
const scannedMax = 2_000;

interface Run {
  id: string;
  org_id: string;
  plan: ClaimedPlan;
  rate: Rate;
  batchMax: number;
  scanned: number;
  bucket: TokenBucket;
  heads: Head[];
  tail: Head | undefined;
  /** No delivery of the plan comes after `heads`. */
  done: boolean;
  progress: RecentProgress;
}

/** What a plan did lately in this process, over all its turns of one run. */
interface RecentProgress {
  startedAtMs: number;
  batches: { atMs: number; processed: number }[];
}

/**
 * Works on running plans in turn for a slice of time: each plan by its own throttle, and one batch at a time over all plans. A batch, the
 * plan's checkpoint and the renewal of its lease are one transaction: a crash repeats no delivery, and a pause takes effect at the next batch.
 */
export async function runPlans(deps: { db: Db; replayer: Replayer; log: Logger }, limits: RunLimits, signal: AbortSignal): Promise<void> {
  const { db, replayer, log } = deps;
  const lately = new Map<string, RecentProgress>();
  const follower: Follower<Run> = {
    async claim(owner, most, holding) {
      const plans = await db.worker((sql) => claimPlans(sql, owner, limits.leaseSeconds, most, holding));
      const nowMs = performance.now();
      return plans.map((plan) => {
        const progress = lately.get(plan.id) ?? { startedAtMs: nowMs, batches: [] };
        lately.set(plan.id, progress);
        return newRun(plan, progress, nowMs);
      });
    },
    step,
    release: ({ id }, owner, waitMs) => db.worker((sql) => releasePlan(sql, id, owner, waitMs)),
    onBlocked: ({ id }, owner, reason) => writeOrLog(id, (sql) => pausePlan(sql, id, owner, reason)),
    onFailure({ id }, owner, error) {
      log.error({ err: error, planId: id }, 'a slice of a replay plan failed');
      // A plan must not fail because the database is unavailable for a while.
      const failures = isUnavailable(error) ? 0 : 1;
      const message = 'a part of the plan could not be written; the log of the server says why';
      return writeOrLog(id, (sql) => failSlice(sql, id, owner, failures, message));
    },
  };
  await continueIn(db, 'replay.run', await runLeases(follower, { signal, log, sliceMs: limits.sliceMs, atOnce: plansMax }));

  /** Fetches the next deliveries of the plan, or replays one batch of those that were fetched. */
  async function step(run: Run, owner: string): Promise<StepResult> {
    const { plan } = run;
    if (run.heads.length === 0 && !run.done) {
      Object.assign(run, await db.worker((sql) => findNextHeads(sql, plan, run.scanned)));
      run.scanned = Math.min(scannedMax, 4 * run.scanned);
      // Deliveries that were found wait for their tokens. When no delivery matched, only the checkpoint is written.
      if (run.heads.length > 0) return dueInMs(run, performance.now());
    }
    const batch = nextBatch(run);
    if (batch.length > 0) {
      const waitMs = takeTokens(run.bucket, run.rate, performance.now(), batch.length);
      if (waitMs > 0) return waitMs;
    }
    await writeBatch(run, owner, batch);
    if (run.heads.length > 0 || !run.done) return dueInMs(run, performance.now());
    log.info({ planId: plan.id }, 'a replay plan is completed');
    return 'done';
  }

  /** Writes the batch and the checkpoint of the plan in one transaction. The last batch also completes the plan. */
  async function writeBatch(run: Run, owner: string, batch: readonly Head[]): Promise<void> {
    const { plan } = run;
    const items = await prepare(batch);
    run.heads.splice(0, batch.length);
    const isLast = run.heads.length === 0;
    const checkpoint = isLast ? run.tail : batch.at(-1);
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
          done: isLast && run.done,
          leaseSeconds: limits.leaseSeconds,
          pacedSeconds: pacedSeconds(run, performance.now()),
        }),
    });
    if (checkpoint) Object.assign(plan, { checkpoint_at: checkpoint.at, checkpoint_id: checkpoint.id });
  }

  /** The deliveries of the batch that can be run again. */
  async function prepare(batch: readonly Head[]): Promise<WriteItem[]> {
    if (batch.length === 0) return [];
    const ids = batch.map((head) => head.id);
    const entries = await db.worker((sql) => findJournalEntries(sql, ids));
    const items: WriteItem[] = [];
    for (const id of ids) {
      const entry = entries.get(id);
      if (!entry) continue;
      const prepared = await replayer.prepare(entry);
      if ('item' in prepared) items.push(prepared.item);
      else log.warn({ journalId: id, reason: prepared.reason }, 'a delivery of a replay plan cannot be run again');
      // Opening and reading a delivery keeps the event loop busy: live requests are served in between.
      await nextTurn();
    }
    return items;
  }

  /** An error of one plan must not stop the other plans, not even when the error itself cannot be stored: it is then only logged. */
  async function writeOrLog(planId: string, write: (sql: Sql) => Promise<void>): Promise<void> {
    await db
      .worker(write)
      .catch((error: unknown) => log.error({ err: error, planId }, 'a replay plan could not be given back: its lease runs out'));
  }
}

/**
 * The bucket of a plan that begins is empty, so that neither a start nor a resumption allows a burst. It holds half a second's worth, for a
 * batch that is late. A plan that was given back goes on where its rate stood.
 */
function newRun(plan: ClaimedPlan, progress: RecentProgress, nowMs: number): Run {
  const perSecond = plan.throttle_per_second;
  const batchMax = Math.min(batchDeliveriesMax, Math.ceil(perSecond / 10));
  return {
    id: plan.id,
    org_id: plan.org_id,
    plan,
    rate: { perSecond, burst: Math.max(batchMax, perSecond / 2) },
    batchMax,
    scanned: Math.min(scannedMax, Math.max(scannedMin, perSecond)),
    bucket: { tokens: -plan.paced_seconds * perSecond, filledAtMs: nowMs },
    heads: [],
    tail: undefined,
    done: false,
    progress,
  };
}

/** How far the rate is used up ahead of now; negative when the plan is behind its rate. */
function pacedSeconds({ bucket, rate }: Run, nowMs: number): number {
  return -bucket.tokens / rate.perSecond - (nowMs - bucket.filledAtMs) / 1000;
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

function countOutcomes(outcomes: readonly Outcome[]): Omit<Progress, 'processed' | 'failed'> {
  const count = (status: Outcome['status']) => outcomes.filter((outcome) => outcome.status === status).length;
  return { accepted: count('accepted'), duplicates: count('duplicate'), deadLettered: count('dead_lettered') };
}

/** Deliveries per second over the last five seconds; undefined in the first second. */
function rateOf({ progress }: Run, processed: number, nowMs: number): number | undefined {
  progress.batches = [...progress.batches, { atMs: nowMs, processed }].filter((one) => one.atMs > nowMs - rateWindowMs);
  const seconds = Math.min(rateWindowMs, nowMs - progress.startedAtMs) / 1000;
  return seconds < 1 ? undefined : progress.batches.reduce((sum, one) => sum + one.processed, 0) / seconds;
}
