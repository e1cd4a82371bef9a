import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { queryKeys } from './query-keys.ts';
import { fillBuckets, windowOf } from './range.ts';
import type { Range } from './search.ts';
import { read, supabase } from './supabase.ts';

export interface Activity {
  at: string;
  received: number;
  stored: number;
  duplicates: number;
  deadLettered: number;
  rejected: number;
  lagP50: number | null;
  lagP95: number | null;
  dlqRate: number | null;
}

/** The received records of a range and their outcomes, bucket by bucket: for the org, or for one connection. */
export const activityOf = (orgId: string, range: Range, connectionId?: string) =>
  queryOptions({
    queryKey: [...queryKeys.activity, orgId, connectionId ?? 'all', range],
    placeholderData: keepPreviousData,
    queryFn: async (): Promise<Activity[]> => {
      const window = windowOf(range, Date.now());
      const rows = await read(
        supabase().data.rpc('ingest_timeseries', { org_id: orgId, ...window, ...(connectionId ? { connection_ids: [connectionId] } : {}) }),
      );
      const empty = (bucket_start: string) => ({
        bucket_start,
        received: 0,
        accepted: 0,
        duplicates: 0,
        dead_lettered: 0,
        rejected: 0,
        lag_p50_seconds: null,
        lag_p95_seconds: null,
      });
      return fillBuckets<ReturnType<typeof empty> | (typeof rows)[number]>(rows, window, empty).map((row) => ({
        at: row.bucket_start,
        received: row.received,
        stored: row.accepted,
        duplicates: row.duplicates,
        deadLettered: row.dead_lettered,
        rejected: row.rejected,
        lagP50: row.lag_p50_seconds,
        lagP95: row.lag_p95_seconds,
        dlqRate: row.received > row.rejected ? row.dead_lettered / (row.received - row.rejected) : null,
      }));
    },
  });
