import type { Range } from './search.ts';

const seconds: Record<Range, number> = { '1h': 3_600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000, '90d': 7_776_000 };

/** The length of a range. */
export const rangeMs = (range: Range): number => seconds[range] * 1000;

export type Bucket = 'minute' | 'hour' | 'day';
const bucketMs: Record<Bucket, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The size of the buckets that a range is drawn in, chosen so that there are some dozens to some hundreds of them. */
function bucketOf(range: Range): Bucket {
  return range === '1h' ? 'minute' : range === '24h' || range === '7d' ? 'hour' : 'day';
}

/** The start and end of a range that ends now, aligned to its buckets (UTC). */
export function windowOf(range: Range, nowMs: number): { from: string; to: string; bucket: Bucket } {
  const bucket = bucketOf(range);
  const step = bucketMs[bucket];
  const to = Math.floor(nowMs / step) * step + step;
  return { from: new Date(to - seconds[range] * 1000).toISOString(), to: new Date(to).toISOString(), bucket };
}

/** One row for every bucket of the window: `empty` makes the rows of empty buckets, which the database leaves out. */
export function fillBuckets<Row extends { bucket_start: string }>(
  rows: readonly Row[],
  { from, to, bucket }: { from: string; to: string; bucket: Bucket },
  empty: (bucketStart: string) => Row,
): Row[] {
  const known = new Map(rows.map((row) => [Date.parse(row.bucket_start), row]));
  const filled: Row[] = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += bucketMs[bucket])
    filled.push(known.get(at) ?? empty(new Date(at).toISOString()));
  return filled;
}
