import type { Db } from '../platform/db.ts';

/** Adds the job that continues the work that a run left, after `waitMs`. Does nothing when the run left no work. */
export async function continueIn(db: Pick<Db, 'worker'>, task: string, waitMs: number | undefined): Promise<void> {
  if (waitMs === undefined) return;
  await db.worker((sql) =>
    sql(
      `select graphile_worker.add_job($1, payload => '{}', run_at => now() + make_interval(secs => $2), job_key => $1,
         job_key_mode => 'preserve_run_at', max_attempts => 1)`,
      [task, waitMs / 1000],
    ),
  );
}
