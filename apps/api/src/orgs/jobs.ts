import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';

/** How long one run lasts. A job ends within a minute, and the next run continues. */
const runMs = 20_000;

/** `orgs.delete` deletes the orgs whose grace period is over, one bounded step of each in turn. */
export function orgTasks(db: Db): Record<string, Task> {
  return {
    'orgs.delete': {
      everySeconds: 10,
      async run(_payload, { signal, log }) {
        for (const end = performance.now() + runMs; !signal.aborted && performance.now() < end; ) {
          const [row] = await db.maintenance((sql) =>
            sql<{ org_id: string; step: string }>('select org_id, step from private.step_org_deletion()'),
          );
          if (!row) return;
          if (['private.org_keys', 'public.orgs', 'waits'].includes(row.step))
            log.info({ orgId: row.org_id, step: row.step }, 'an org is being deleted');
        }
      },
    },
  };
}
