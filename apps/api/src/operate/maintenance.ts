import { setTimeout as sleep } from 'node:timers/promises';
import { type Db, sqlState } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';

/**
 * The tasks that keep the database in order: they create partitions ahead of time and drop them after their retention, roll up the
 * activity, and release the jobs of processes that have died.
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

/** The drop fails when readers or writers hold the lock (`lock_not_available`), so it is tried again for as long as a job may last. */
async function dropExpiredPartitions(db: Db, signal: AbortSignal): Promise<{ name: string }[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.maintenance((sql) => sql<{ name: string }>('select private.drop_expired_partitions() as name'));
    } catch (error) {
      if (sqlState(error) !== '55P03' || tries === 15) throw error;
      await sleep(3_000 * (0.5 + Math.random()), undefined, { signal });
    }
  }
}
