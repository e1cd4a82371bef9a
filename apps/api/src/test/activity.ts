import type { TestOrg, World } from './make.ts';

export const minuteMs = 60_000;

export interface Counts {
  accepted?: number;
  duplicates?: number;
  deadLettered?: number;
  rejected?: number;
  replayed?: number;
  /** The time from event to commit of every accepted record, in seconds. */
  lag?: number;
}

const lagBounds = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Inserts the rows of activity_minutes that ingestion and the rollup would have written for the minute of each time. */
export async function addActivity(
  world: World,
  org: TestOrg,
  connectionId: string,
  times: readonly number[],
  counts: Counts = { accepted: 1 },
) {
  const { accepted = 0, duplicates = 0, deadLettered = 0, rejected = 0, replayed = 0, lag = 0 } = counts;
  const histogram = Array.from({ length: 12 }, () => 0);
  const place = lagBounds.findIndex((bound) => lag <= bound);
  histogram[place === -1 ? 11 : place] = accepted;
  await world.admin(
    `insert into public.activity_minutes as kept (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected,
       lag_histogram, last_event_time, replayed)
     select $1, $2, date_trunc('minute', t), $4, $5::bigint, $6, $7, $8, $9, case when $5::bigint > 0 then t - make_interval(secs => $10) end, $11
     from unnest($3::timestamptz[]) t
     on conflict (org_id, source_connection_id, bucket) do update set received = kept.received + excluded.received,
       accepted = kept.accepted + excluded.accepted, duplicates = kept.duplicates + excluded.duplicates,
       dead_lettered = kept.dead_lettered + excluded.dead_lettered, rejected = kept.rejected + excluded.rejected,
       replayed = kept.replayed + excluded.replayed, last_event_time = greatest(kept.last_event_time, excluded.last_event_time)`,
    [
      org.id,
      connectionId,
      times.map((time) => new Date(time).toISOString()),
      accepted + duplicates + deadLettered + rejected,
      accepted,
      duplicates,
      deadLettered,
      rejected,
      histogram,
      lag,
      replayed,
    ],
  );
  await world.admin(
    `update public.source_connections c set last_event_at = greatest(c.last_event_at, a.at)
     from (select max(last_event_time) as at from public.activity_minutes where source_connection_id = $1) a where c.id = $1`,
    [connectionId],
  );
}

/** The times at every `stepMinutes` from `from`, before `to`. */
export function every(stepMinutes: number, from: number, to: number): number[] {
  return Array.from(
    { length: Math.max(0, Math.ceil((to - from) / (stepMinutes * minuteMs))) },
    (_, n) => from + n * stepMinutes * minuteMs,
  );
}
