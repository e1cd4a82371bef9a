import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';

/** A run measures for this long; the next one continues with the orgs that are left. */
const measureForMs = 20_000;

/** Measures the events and bytes of the orgs that have traffic, one transaction for each org, in a random order. */
export function quotaTasks(db: Db): Record<string, Task> {
  return {
    'quotas.measure': {
      everySeconds: 10,
      async run(_payload, { log, signal }) {
        const end = performance.now() + measureForMs;
        const orgs = await db.workerStatement<{ id: string }>('select id from private.list_orgs_to_measure() as o (id) order by random()');
        for (const { id } of orgs) {
          if (signal.aborted || performance.now() > end) return;
          try {
            await db.workerStatement('select private.measure_org($1, clock_timestamp())', [id]);
          } catch (error) {
            // One org whose traffic cannot be measured must not keep the others from being measured.
            log.warn({ err: error, orgId: id }, 'the traffic of an org could not be measured');
          }
        }
      },
    },
  };
}
