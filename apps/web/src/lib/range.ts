import type { Range } from './search.ts';

const seconds: Record<Range, number> = { '1h': 3_600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000, '90d': 7_776_000 };

/** How long a range is. */
export const rangeMs = (range: Range): number => seconds[range] * 1000;

export type Bucket = 'minute' | 'hour' | 'day';
const bucketMs: Record<Bucket, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The buckets that a range is drawn in: some dozens to some hundreds of them. */
function bucketOf(range: Range): Bucket {
  return range === '1h' ? 'minute' : range === '24h' || range === '7d' ? 'hour' : 'day';
}

/** From and to of a range that ends now, on the borders of its buckets (UTC). */
export function windowOf(range: Range, nowMs: number): { from: string; to: string; bucket: Bucket } {
  const bucket = bucketOf(range);
  const step = bucketMs[bucket];
  const to = Math.floor(nowMs / step) * step + step;
  return { from: new Date(to - seconds[range] * 1000).toISOString(), to: new Date(to).toISOString(), bucket };
}

/** One row for every bucket of the window: those that the database left out, being empty, are made by `empty`. */
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
