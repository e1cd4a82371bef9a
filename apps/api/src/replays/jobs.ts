import type { Replayer } from '../deliveries/rerun.ts';
import type { Db } from '../platform/db.ts';
import type { Task } from '../platform/jobs.ts';
import { runLimits, runPlans } from './run.ts';

/** Works on running plans. One run of it in a process takes all of them in turn: many plans do not crowd out other jobs. */
export function replayTasks({ db, replayer }: { db: Db; replayer: Replayer }): Record<string, Task> {
  return {
    'replay.run': {
      // A plan that is started, or given back, adds a job of its own; the clock finds those whose process is gone.
      everySeconds: 5,
      // The run at work claims what is new by itself.
      run: (_payload, { signal, log }) => runPlans({ db, replayer, log }, runLimits, signal),
    },
  };
}
