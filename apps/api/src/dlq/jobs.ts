import { randomUUID } from 'node:crypto';
import { DlqFilter } from '@tributary/shared/dlq.ts';
import { isUnavailable, type Sql } from '../platform/db.ts';
import type { Task, TaskContext } from '../platform/jobs.ts';
import { Refusal } from '../platform/refusal.ts';
import { requireNotHeld } from '../tenancy/require-not-held.ts';
import { abandonClaims, claimChunk, claimDue, discardChunk, lockChunk, purgeChunk, reclaim, releaseDue } from './claims.ts';
import { filterValues } from './filter.ts';
import { checkpoint, continueSoon, finishOperation, type LeasedOperation, leaseOperation, yieldOperation } from './operations.ts';
import { type WorkDeps, workOff } from './work.ts';

/** A run ends after this and comes back with what is left. */
const runMs = 20_000;
/** An operation's turn, where others wait too. */
const turnMs = 3_000;
const retryChunk = 100;
/** Entries that are discarded or purged in one transaction. */
const dropChunk = 500;

class LeaseLost extends Error {}

/** `dlq.retry` runs what is due; `dlq.operations` works off what people started. One run of each at a time in a process. */
export function dlqTasks(deps: WorkDeps): Record<string, Task> {
  return {
    'dlq.retry': { everySeconds: 1, run: (_payload, context) => retryDue(deps, context) },
    'dlq.operations': { everySeconds: 5, run: (_payload, context) => runOperations(deps, context) },
  };
}

async function retryDue(deps: WorkDeps, { signal }: TaskContext): Promise<void> {
  const { db, retry } = deps;
  const owner = randomUUID();
  const until = performance.now() + runMs;
  while (!signal.aborted && performance.now() < until) {
    const claimed = await db.worker((sql) => claimDue(sql, owner, retryChunk, retry.attemptsMax));
    if (claimed.length === 0) return;
    await workOff(deps, { owner, signal }, claimed);
  }
  if (signal.aborted) await db.worker((sql) => releaseDue(sql, owner));
}

async function runOperations(deps: WorkDeps, { signal, log }: TaskContext): Promise<void> {
  const { db, retry } = deps;
  const owner = randomUUID();
  const until = performance.now() + runMs;
  while (!signal.aborted && performance.now() < until) {
    const operation = await db.worker((sql) => leaseOperation(sql, owner));
    if (!operation) return;
    try {
      await takeTurn(deps, operation, owner, signal);
    } catch (error) {
      if (error instanceof LeaseLost) await db.worker((sql) => abandonIfEnded(sql, operation.id, retry.attemptsMax));
      // Its lease ends by itself, and it goes on where it stood.
      else if (isUnavailable(error)) throw error;
      else {
        const known = error instanceof Refusal && error.code === 'legal_hold' ? error.detail : undefined;
        if (known === undefined) log.error({ err: error, operationId: operation.id }, 'an operation on dead letters failed');
        await db.worker(async (sql) => {
          await finishOperation(sql, operation.id, owner, known ?? 'It stopped at an error of ours. Start it again to go on.');
          await abandonClaims(sql, operation.id, retry.attemptsMax);
        });
      }
    }
  }
  await db.worker((sql) => continueSoon(sql));
}

/** Works until the operation is done or its turn is over. */
async function takeTurn(deps: WorkDeps, operation: LeasedOperation, owner: string, signal: AbortSignal): Promise<void> {
  const { db } = deps;
  const until = performance.now() + turnMs;
  const values = filterValues(operation.org_id, DlqFilter.parse(operation.filter), Date.parse(operation.created_at));
  const step = operation.kind === 'redrive' || operation.kind === 'reverify' ? redriveChunk : dropNext;
  while (!signal.aborted && performance.now() < until) {
    if (!(await step(deps, operation, owner, values, signal))) {
      await db.worker((sql) => finishOperation(sql, operation.id, owner));
      return;
    }
  }
  await db.worker((sql) => yieldOperation(sql, operation.id, owner));
}

/** False: there is nothing left. */
async function redriveChunk(
  deps: WorkDeps,
  operation: LeasedOperation,
  owner: string,
  values: unknown[],
  signal: AbortSignal,
): Promise<boolean> {
  const claimed = await deps.db.worker(async (sql) => {
    // What a run that was cut off had claimed comes first; then its cursor has passed it.
    const left = await reclaim(sql, operation.id);
    if (left.length > 0) return left;
    const chunk = await lockChunk(sql, values, operation, retryChunk);
    await advance(sql, operation, owner, chunk, {});
    return claimChunk(
      sql,
      chunk.map((entry) => entry.id),
      operation.id,
    );
  });
  await workOff(
    deps,
    {
      owner: operation.id,
      signal,
      async checkpoint(sql, settled) {
        const succeeded = settled.filter((entry) => entry.status === 'resolved').length;
        const progress = { done: settled.length, succeeded, failed: settled.length - succeeded };
        if (!(await checkpoint(sql, operation.id, owner, progress))) throw new LeaseLost();
      },
    },
    claimed,
  );
  return claimed.length > 0;
}

/** Discards or purges the next entries. False: there are none. */
async function dropNext({ db }: WorkDeps, operation: LeasedOperation, owner: string, values: unknown[]): Promise<boolean> {
  const { kind, org_id } = operation;
  return db.worker(async (sql) => {
    const chunk = await lockChunk(sql, values, operation, dropChunk);
    const ids = chunk.map((entry) => entry.id);
    if (kind === 'purge') {
      const connectionIds = [...new Set(chunk.map((entry) => entry.source_connection_id))];
      // A hold may have been set since it was started.
      await requireNotHeld(sql, org_id, connectionIds);
      await purgeChunk(sql, ids);
    } else await discardChunk(sql, ids);
    await advance(sql, operation, owner, chunk, { done: ids.length, succeeded: ids.length });
    return ids.length > 0;
  });
}

async function advance(
  sql: Sql,
  operation: LeasedOperation,
  owner: string,
  chunk: readonly { id: string; at: string }[],
  progress: { done?: number; succeeded?: number },
): Promise<void> {
  const last = chunk.at(-1);
  if (!(await checkpoint(sql, operation.id, owner, { ...progress, cursor: last }))) throw new LeaseLost();
  if (last) {
    operation.cursor_at = last.at;
    operation.cursor_id = last.id;
  }
}

/** Of an operation that a person ended; one that another instance took over keeps what it holds. */
async function abandonIfEnded(sql: Sql, operationId: string, attemptsMax: number): Promise<void> {
  const [row] = await sql<{ open: boolean }>(`select status in ('queued', 'running') as open from public.dlq_operations where id = $1`, [
    operationId,
  ]);
  if (!row?.open) await abandonClaims(sql, operationId, attemptsMax);
}
