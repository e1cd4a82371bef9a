import type pg from 'pg';

/** The rows of each table that has any, as sorted JSON texts. */
export type Tables = Record<string, string[]>;

/** Each hash is made of the time of the commit and the hash before. */
const chained = new Set(['private.audit_links']);

/** Dumps every table. Times of commits and ids that the database makes are replaced, because they differ from run to run. */
export async function dumpTables(client: pg.Client): Promise<Tables> {
  const { rows: clock } = await client.query<{ started: Date }>('select pg_postmaster_start_time() as started');
  const started = clock[0]?.started ?? new Date(0);
  const { rows: tables } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const dumped: Tables = {};
  for (const { name } of tables) {
    if (chained.has(name)) continue;
    const { rows } = await client.query<{ row: Record<string, unknown> }>(`select to_jsonb(t) as row from ${name} t`);
    if (rows.length > 0) dumped[name] = summed(rows.map(({ row }) => fixed(row, started) as Record<string, unknown>));
  }
  return dumped;
}

/**
 * Rows that count what happened in a minute of the clock are added up, because the runs begin at different seconds, and compared without their ids, whose order may differ.
 * Lags are measured up to the commit, so that only their number is compared.
 */
function summed(rows: readonly Record<string, unknown>[]): string[] {
  if (!rows.every((row) => 'bucket' in row)) return rows.map((row) => JSON.stringify(row)).sort();
  const counted = rows.map(({ id: _, last_event_time: __, lag_max_ms: ___, lag_sum_ms: ____, lag_histogram: lags, ...row }) => ({
    ...row,
    lags: Array.isArray(lags) ? lags.reduce((sum, count) => sum + Number(count), 0) : null,
  }));
  const groups = Map.groupBy(counted, (row) => JSON.stringify(Object.entries(row).filter(([, value]) => typeof value !== 'number')));
  const added = [...groups].map(([key, some]) => {
    const sums: Record<string, number> = {};
    for (const row of some) {
      for (const [name, value] of Object.entries(row)) if (typeof value === 'number') sums[name] = (sums[name] ?? 0) + value;
    }
    return `${key} ${JSON.stringify(sums)}`;
  });
  return added.sort();
}

const ofTheRun = 'a time of the run';
const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const isId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function fixed(value: unknown, started: Date): unknown {
  if (typeof value === 'string') {
    if (isId.test(value) && !value.startsWith('0199d3a1-')) return 'an id';
    return isTime.test(value) && Math.abs(Date.parse(value) - started.getTime()) < 1_800_000 ? ofTheRun : value;
  }
  if (Array.isArray(value)) return value.map((one) => fixed(one, started));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fixed(one, started)]));
}
