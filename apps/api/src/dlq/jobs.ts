import { DlqFilter } from '@tributary/shared/dlq.ts';
import { continueIn } from '../leases/continue.ts';
import { type Follower, LeaseLost, runLeases, type StepResult } from '../leases/run.ts';
import { isTooSlow, isUnavailable, type Sql } from '../platform/db.ts';
import type { Task, TaskContext } from '../platform/jobs.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import {
  abandonClaims,
  type ClaimedEntry,
  claimChunk,
  claimDue,
  discardChunk,
  lockChunk,
  purgeChunk,
  reclaim,
  releaseDue,
} from './claims.ts';
import { filterValues } from './filter.ts';
import {
  checkpoint,
  finishOperation,
  isOpen,
  type LeasedOperation,
  leaseOperations,
  type Progress,
  releaseOperation,
} from './operations.ts';
import { type RetryDeps, runAndSettle } from './retry.ts';

/** Operations that a process works on in turn. */
const operationsMax = 4;
const retryChunk = 100;
/** Entries that are discarded or purged in one transaction. */
const dropChunk = 500;

/** `dlq.retry` runs the dead letters that are due; `dlq.operations` does what people started. One run of each at a time in a process. */
export function dlqTasks(deps: RetryDeps): Record<string, Task> {
  return {
    'dlq.retry': { everySeconds: 1, run: (_payload, context) => retryDue(deps, context) },
    'dlq.operations': { everySeconds: 5, run: (_payload, context) => runOperations(deps, context) },
  };
}

/** Due entries of one org that were claimed together; each entry has its own lease (`claims.ts`). */
interface DueChunk {
  id: string;
  org_id: string;
  entries: ClaimedEntry[];
}

async function retryDue(deps: RetryDeps, { signal, log }: TaskContext): Promise<void> {
  const { db, retry } = deps;
  const follower: Follower<DueChunk> = {
    async claim(owner) {
      const entries = await db.worker((sql) => claimDue(sql, owner, retryChunk, retry.attemptsMax));
      return [...Map.groupBy(entries, (entry) => entry.org_id)].map(([org_id, own]) => ({ id: org_id, org_id, entries: own }));
    },
    async step({ entries }, owner) {
      await runAndSettle(deps, { owner, signal }, entries);
      // When the run is aborted, the entries of the chunk that were not settled are given back.
      return signal.aborted ? 'more' : 'done';
    },
    release: ({ org_id }, owner) => db.worker((sql) => releaseDue(sql, owner, org_id)),
    async onFailure({ org_id }, _owner, error) {
      // The leases of these entries run out. The entries of other orgs go on.
      if (isUnavailable(error) && !isTooSlow(error)) throw error;
      log.error({ err: error, orgId: org_id }, 'due dead letters of an org could not be run');
    },
  };
  await runLeases(follower, { signal, log });
}

async function runOperations(deps: RetryDeps, { signal, log }: TaskContext): Promise<void> {
  const { db, retry } = deps;
  const fail = (operation: LeasedOperation, owner: string, error: string) =>
    db.worker(async (sql) => {
      await finishOperation(sql, operation.id, owner, error);
      await abandonClaims(sql, operation.id, retry.attemptsMax);
    });

  const follower: Follower<LeasedOperation> = {
    claim: (owner, most, holding) => db.worker((sql) => leaseOperations(sql, owner, most, holding)),
    async step(operation, owner) {
      const isRetry = operation.kind === 'redrive' || operation.kind === 'reverify';
      const result = isRetry ? await redriveChunk(deps, operation, owner, signal) : await dropChunkOf(deps, operation, owner);
      if (result === 'done') await db.worker((sql) => finishOperation(sql, operation.id, owner));
      return result;
    },
    release: (operation, owner) => db.worker((sql) => releaseOperation(sql, operation.id, owner)),
    onBlocked: fail,
    // When a person has ended the operation, its claimed entries are given back. When another process continues it, they stay claimed.
    onLost: ({ id }) =>
      db.worker(async (sql) => {
        if (!(await isOpen(sql, id))) await abandonClaims(sql, id, retry.attemptsMax);
      }),
    async onFailure(operation, owner, error) {
      // The run ends and the lease runs out. Another run then continues the operation from its last checkpoint.
      if (isTooSlow(error)) {
        log.warn(
          { err: error, operationId: operation.id },
          'a step of an operation took too long: it is tried again when its lease runs out',
        );
        return;
      }
      if (isUnavailable(error)) throw error;
      log.error({ err: error, operationId: operation.id }, 'an operation on dead letters failed');
      await fail(operation, owner, 'The operation stopped because of an internal error. Start it again to continue.');
    },
  };
  await continueIn(db, 'dlq.operations', await runLeases(follower, { signal, log, atOnce: operationsMax }));
}

const valuesOf = ({ org_id, filter, created_at }: LeasedOperation) => filterValues(org_id, DlqFilter.parse(filter), Date.parse(created_at));

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const connectionsOf = (entries: readonly { source_connection_id: string }[]) => [
  ...new Set(entries.map((entry) => entry.source_connection_id)),
];

/** Runs the next entries of the operation again. */
async function redriveChunk(deps: RetryDeps, operation: LeasedOperation, owner: string, signal: AbortSignal): Promise<StepResult> {
  const values = valuesOf(operation);
  const claimed = await deps.db.worker(async (sql) => {
    // Entries that an interrupted run had claimed come first, because the cursor has already passed them.
    const left = await reclaim(sql, operation.id);
    if (left.length > 0) return left;
    const chunk = await lockChunk(sql, values, operation, retryChunk);
    await requireNotHeld(sql, operation.org_id, connectionsOf(chunk));
    await advance(sql, operation, owner, chunk, {});
    return claimChunk(
      sql,
      chunk.map((entry) => entry.id),
      operation.id,
    );
  });
  await runAndSettle(
    deps,
    {
      owner: operation.id,
      signal,
      async checkpoint(sql, settled) {
        // A legal hold may have been set since the entries were claimed.
        await requireNotHeld(sql, operation.org_id, connectionsOf(claimed));
        const failures = countBy(settled.flatMap(({ failure }) => failure ?? []));
        const failed = settled.filter(({ failure }) => failure !== undefined).length;
        const progress = { done: settled.length, succeeded: settled.length - failed, failed, failures };
        if (!(await checkpoint(sql, operation.id, owner, progress))) throw new LeaseLost();
      },
    },
    claimed,
  );
  return claimed.length > 0 ? 'more' : 'done';
}

/** Discards or purges the next entries of the operation. */
function dropChunkOf({ db }: RetryDeps, operation: LeasedOperation, owner: string): Promise<StepResult> {
  const values = valuesOf(operation);
  return db.worker(async (sql) => {
    const chunk = await lockChunk(sql, values, operation, dropChunk);
    const ids = chunk.map((entry) => entry.id);
    // A legal hold may have been set since the operation was started.
    await requireNotHeld(sql, operation.org_id, connectionsOf(chunk));
    if (operation.kind === 'purge') await purgeChunk(sql, ids);
    else await discardChunk(sql, ids, operation.id);
    await advance(sql, operation, owner, chunk, { done: ids.length, succeeded: ids.length });
    return ids.length > 0 ? 'more' : 'done';
  });
}

/** Writes the checkpoint of a chunk that was claimed or dropped, and moves the cursor to the last entry of the chunk. */
async function advance(
  sql: Sql,
  operation: LeasedOperation,
  owner: string,
  chunk: readonly { id: string; at: string }[],
  progress: Omit<Progress, 'cursor'>,
): Promise<void> {
  const last = chunk.at(-1);
  if (!(await checkpoint(sql, operation.id, owner, { ...progress, cursor: last }))) throw new LeaseLost();
  if (last) {
    operation.cursor_at = last.at;
    operation.cursor_id = last.id;
  }
}
