import type { ConnectionVerdict } from '@tributary/shared/verdicts.ts';
import type { Db } from '../platform/db.ts';

type Statement = Pick<Db, 'workerStatement'>;

/** How far the connections are behind. Lags are seconds; null before the first event. */
export interface AdapterLags {
  /** By the name of the connection; the name begins with the slug of the org where an older connection of another org has it. */
  adapters: Record<
    string,
    {
      id: string;
      org: string;
      source: string;
      is_active: boolean;
      /** The verdict of `private.connection_verdicts`; null when the connection was deleted meanwhile. */
      verdict: ConnectionVerdict | null;
      last_event_at: string | null;
      lag_seconds: number | null;
      ingest_lag_seconds: number | null;
    }
  >;
  /** By source: the lag is that of the connection with the newest event. */
  sources: Record<string, { lag_seconds: number | null; active_connections: number }>;
}

/** At most `connectionsMax` connections, active ones with the largest lag first. */
export async function listAdapterLag(db: Statement, connectionsMax: number): Promise<AdapterLags> {
  const [row] = await db.workerStatement<{ lags: AdapterLags }>('select private.adapter_lag($1) as lags', [connectionsMax]);
  const { adapters, sources } = row?.lags ?? { adapters: {}, sources: {} };
  const verdicts = await db.workerStatement<{ source_connection_id: string; verdict: ConnectionVerdict }>(
    'select source_connection_id, verdict from private.connection_verdicts($1)',
    [Object.values(adapters).map((adapter) => adapter.id)],
  );
  const verdictOf = new Map(verdicts.map((one) => [one.source_connection_id, one.verdict]));
  for (const adapter of Object.values(adapters)) adapter.verdict = verdictOf.get(adapter.id) ?? null;
  return { adapters, sources };
}

/** The pending lists of the GIN indexes when they were last emptied: ingestion adds to them, and a job empties them each second. */
export interface PendingLists {
  age_seconds: number;
  pages: number;
}

export async function readPendingLists(db: Statement): Promise<PendingLists | undefined> {
  const [row] = await db.workerStatement<PendingLists>('select age_seconds, pages::integer from private.pending_list_age()');
  return row;
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
