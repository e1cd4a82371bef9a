import type { Replayer } from '../deliveries/rerun.ts';
import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import { runLimits, runPlans } from './run.ts';

/** Works on running plans. One run at a time in a process serves all of them in turn, so that many plans do not crowd out other jobs. */
export function replayTasks({ db, replayer }: { db: Db; replayer: Replayer }): Record<string, Task> {
  return {
    'replay.run': {
      // Starting a plan and giving one back each add a job. The clock finds the plans of a process that died.
      everySeconds: 5,
      run: (_payload, { signal, log }) => runPlans({ db, replayer, log }, runLimits, signal),
    },
  };
}
