import type { Db } from '../platform/db.ts';

type Statement = Pick<Db, 'workerStatement'>;

export interface AdapterLag {
  source: string;
  /** The time since the newest event of any connection of the source; null before the first event. */
  lag_seconds: number | null;
  active_connections: number;
  /** The connections with the largest lag; the limit counts over all sources together. */
  connections: { id: string; name: string; lag_seconds: number; ingest_lag_seconds: number | null }[];
}

export async function listAdapterLag(db: Statement, connectionsMax: number): Promise<AdapterLag[]> {
  const [row] = await db.workerStatement<{ adapters: AdapterLag[] }>('select private.adapter_lag($1) as adapters', [connectionsMax]);
  return row?.adapters ?? [];
}

export interface JobDepth {
  task: string;
  /** Jobs that are due and that no worker has started yet. */
  waiting: number;
  /** Jobs that are due later: a retry, or the next slice of long work. */
  scheduled: number;
  running: number;
  /** Jobs that have used up their attempts. */
  failed: number;
  oldest_due_seconds: number | null;
}

export async function listJobDepths(db: Statement): Promise<JobDepth[]> {
  return db.workerStatement<JobDepth>(
    `select t.identifier as task,
       count(*) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= now())::integer as waiting,
       count(*) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at > now())::integer as scheduled,
       count(*) filter (where j.locked_at is not null)::integer as running,
       count(*) filter (where j.locked_at is null and j.attempts >= j.max_attempts)::integer as failed,
       extract(epoch from now() - min(j.run_at) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= now()))::double precision
         as oldest_due_seconds
     from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     group by t.identifier order by t.identifier`,
  );
}
