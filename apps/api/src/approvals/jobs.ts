import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import { expireApprovals } from './store.ts';

const perRun = 1_000;

/** Ends requests that nobody decided in time, which deletes their sealed parts. */
export function approvalTasks(db: Pick<Db, 'worker'>): Record<string, Task> {
  return {
    'approvals.expire': {
      everySeconds: 60,
      run: async (_payload, { log }) => {
        const expired = await db.worker((sql) => expireApprovals(sql, perRun));
        if (expired > 0) log.info({ expired }, 'requests for a second person have expired');
      },
    },
  };
}
