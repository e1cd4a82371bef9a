import type { Db } from './db.ts';
import type { Task } from './jobs.ts';

/** What keeps the database in order: partitions made ahead and dropped after their retention, `last_event_at`, jobs of processes that are gone. */
export function maintenanceTasks(db: Db): Record<string, Task> {
  return {
    'maintenance.partitions': {
      everySeconds: 3_600,
      async run(_payload, { log }) {
        const [made] = await db.maintenance((sql) => sql<{ made: number }>('select private.ensure_partitions() as made'));
        const dropped = await db.maintenance((sql) => sql<{ name: string }>('select private.drop_expired_partitions() as name'));
        if (made?.made || dropped.length > 0) log.info({ made: made?.made, dropped: dropped.map((row) => row.name) }, 'partitions');
      },
    },
    'maintenance.last_event_at': {
      everySeconds: 10,
      async run() {
        await db.maintenance((sql) => sql('select private.refresh_last_event_at()'));
      },
    },
    'maintenance.abandoned_jobs': {
      everySeconds: 60,
      async run(_payload, { log }) {
        const [row] = await db.worker((sql) => sql<{ released: number }>('select private.release_abandoned_jobs() as released'));
        if (row?.released) log.warn({ released: row.released }, 'jobs of a process that is gone were released');
      },
    },
  };
}
