import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../platform/db.ts';
import type { Task, TaskContext } from '../platform/jobs.ts';
import { sqlState } from '../platform/sql-state.ts';

/**
 * The tasks that keep the database in order: they create partitions ahead of time and drop them after their retention, empty the pending
 * lists of GIN indexes, roll up the activity, and release the jobs of processes that have died.
 */
export function maintenanceTasks(db: Db): Record<string, Task> {
  return {
    'maintenance.partitions': {
      everySeconds: 3_600,
      async run(_payload, { log, signal }) {
        const [made] = await db.maintenance((sql) => sql<{ made: number }>('select private.ensure_partitions() as made'));
        const dropped = await dropExpiredPartitions(db, signal);
        if (made?.made || dropped.length > 0) log.info({ made: made?.made, dropped: dropped.map((row) => row.name) }, 'partitions');
      },
    },
    'maintenance.pending_lists': {
      everySeconds: 1,
      async run() {
        await db.maintenance((sql) => sql('select private.empty_pending_lists()'));
      },
    },
    // Each step is a short transaction that stores how far it came, and the next run continues, so that no run is long.
    'maintenance.held_rows': {
      everySeconds: 60,
      run: (_payload, context) => moveHeldRows(db, context),
    },
    'maintenance.sweep': {
      // A walk reads every held row of an expired month again, so it is not repeated more often than needed.
      everySeconds: 900,
      run: (_payload, context) => sweepPartitions(db, context),
    },
    'maintenance.retention': {
      everySeconds: 300,
      run: (_payload, context) => deleteExpiredRows(db, context),
    },
    'activity.rollup': {
      everySeconds: 5,
      async run(_payload, { signal }) {
        // After a standstill, one bounded slice after the other is rolled up. The next run continues with the slices that are left after 20
        // s.
        const end = performance.now() + 20_000;
        let isBehind = true;
        while (isBehind && !signal.aborted && performance.now() < end) {
          const [row] = await db.worker((sql) => sql<{ is_behind: boolean }>('select private.roll_up_activity() as is_behind'));
          isBehind = row?.is_behind ?? false;
        }
      },
    },
    'maintenance.abandoned_jobs': {
      everySeconds: 60,
      async run(_payload, { log }) {
        const [row] = await db.worker((sql) => sql<{ released: number }>('select private.release_abandoned_jobs() as released'));
        if (row?.released) log.warn({ released: row.released }, 'jobs of a process that has died were released');
      },
    },
  };
}

/** How long one run of bounded steps lasts. A job ends within a minute. */
const runMs = 20_000;

function dropExpiredPartitions(db: Db, signal: AbortSignal): Promise<{ name: string }[]> {
  return withoutWaiting(signal, () => db.maintenance((sql) => sql<{ name: string }>('select private.drop_expired_partitions() as name')));
}

/** Takes rows under a legal hold out of expired partitions, which are then dropped. */
async function moveHeldRows(db: Db, { signal, log }: TaskContext): Promise<void> {
  for (const end = performance.now() + runMs; !signal.aborted && performance.now() < end; ) {
    const [row] = await withoutWaiting(signal, () =>
      db.maintenance((sql) => sql<{ step: string | null }>('select private.move_held_rows() as step')),
    );
    if (!row?.step) return;
    if (!row.step.startsWith('copied')) log.info({ step: row.step }, 'rows under a legal hold');
  }
}

/** Deletes the expired rows of partitions that cannot be dropped as a whole. */
async function sweepPartitions(db: Db, { signal, log }: TaskContext): Promise<void> {
  let deleted = 0;
  for (const end = performance.now() + runMs; !signal.aborted && performance.now() < end; ) {
    const [row] = await db.maintenance((sql) =>
      sql<{ deleted: number; is_behind: boolean }>('select deleted::integer, is_behind from private.sweep_partitions()'),
    );
    deleted += row?.deleted ?? 0;
    if (!row?.is_behind) break;
  }
  if (deleted > 0) log.info({ deleted }, 'expired rows of the default partitions');
}

/** Deletes rows that are older than their org, or the platform, keeps them: one short turn of an org after the other. */
async function deleteExpiredRows(db: Db, { signal, log }: TaskContext): Promise<void> {
  let deleted = 0;
  for (const end = performance.now() + runMs; !signal.aborted && performance.now() < end; ) {
    const [row] = await db.maintenance((sql) =>
      sql<{ deleted: number; is_over: boolean }>('select deleted::integer, is_over from private.delete_expired_rows()'),
    );
    deleted += row?.deleted ?? 0;
    if (row?.is_over !== false) break;
  }
  if (deleted > 0) log.info({ deleted }, 'expired rows');
}

/** A lock that readers or writers hold is waited for only a moment (`lock_not_available`), so the statement is tried again for as long as a job may last. */
async function withoutWaiting<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (sqlState(error) !== '55P03' || tries === 15) throw error;
      await sleep(3_000 * (0.5 + Math.random()), undefined, { signal });
    }
  }
}
