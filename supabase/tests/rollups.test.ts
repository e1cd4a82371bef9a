import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { type Actor, become, connectionId, createWorld, deletedConnectionId, insertActivity, orgId } from './world.ts';

// The rollup checks which transactions have ended, so these tests commit, and each test has a separate database.

type Row = Record<string, unknown>;
type Activity = {
  org_id: string;
  source_connection_id: string;
  bucket: string;
  received: number;
  accepted: number;
  duplicates: number;
  dead_lettered: number;
  rejected: number;
  lag_sum_ms: number;
  lag_max_ms: number;
  lag_histogram: number[];
  last_event_time: string | null;
  is_replay: boolean;
};

let database: TestDatabase;
let clients: pg.Client[] = [];
let admin: pg.Client;
/** Midnight of yesterday. */
let dayMs: number;

const connect = async (url: string) => {
  const client = new pg.Client({ connectionString: url });
  clients.push(client);
  await client.connect();
  return client;
};
const look = async <T extends Row>(sql: string, values: unknown[] = []) => (await admin.query<T>(sql, values)).rows;
const inTransaction = async <T extends Row>(client: pg.Client, actor: Actor, sql: string, values: unknown[] = []) => {
  await client.query(`begin; ${become(actor)}`);
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.query('rollback');
  }
};
const as = <T extends Row>(actor: Actor, sql: string, values: unknown[] = []) => inTransaction<T>(admin, actor, sql, values);

/** Rolls up as the job does, with the test's clock. Returns whether more activity is waiting. */
const rollUp = async (nowMs = Date.now(), rows = 200_000, client = admin) =>
  (await client.query<{ behind: boolean }>('select private.roll_up_activity($1, $2) as behind', [new Date(nowMs).toISOString(), rows]))
    .rows[0]?.behind;
const rolledUntilMs = async () =>
  (await look<{ ms: string }>('select extract(epoch from private.activity_rolled_until()) * 1000 as ms')).map(({ ms }) => Number(ms))[0] ??
  0;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const widths = { minute: minuteMs, hour: hourMs, day: 24 * hourMs } as const;
type Unit = keyof typeof widths;

/** Mulberry32: the same traffic in every run of the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const connections = [
  { org_id: orgId('A'), source_connection_id: connectionId('A') },
  { org_id: orgId('A'), source_connection_id: deletedConnectionId('A') },
  { org_id: orgId('B'), source_connection_id: connectionId('B') },
];

function randomActivity(random: (below: number) => number, count: number, fromMs: number, toMs: number): Activity[] {
  return Array.from({ length: count }, () => {
    const [accepted, duplicates, dead_lettered, rejected] = [random(50), random(5), random(5), random(3)] as [
      number,
      number,
      number,
      number,
    ];
    const is_replay = random(5) === 0;
    const lag_histogram = Array.from({ length: 12 }, () => (is_replay ? 0 : random(20)));
    const bucket = Math.floor((fromMs + random(toMs - fromMs)) / minuteMs) * minuteMs;
    return {
      ...(connections[random(connections.length)] as (typeof connections)[number]),
      bucket: new Date(bucket).toISOString(),
      received: accepted + duplicates + dead_lettered + rejected,
      accepted,
      duplicates,
      dead_lettered,
      rejected,
      lag_sum_ms: is_replay ? 0 : random(1e6),
      lag_max_ms: is_replay ? 0 : random(1e6),
      // private.count_rejections, which counts rejections beyond the quarantine's cap, leaves the histogram empty.
      lag_histogram: random(10) === 0 ? [] : lag_histogram,
      last_event_time: random(4) === 0 ? null : new Date(bucket - random(hourMs)).toISOString(),
      is_replay,
    };
  });
}

async function insertAll(activity: readonly Activity[]): Promise<void> {
  await look(
    `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected, lag_sum_ms,
       lag_max_ms, lag_histogram, last_event_time, is_replay)
     select org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected, lag_sum_ms,
       lag_max_ms, lag_histogram, last_event_time, is_replay from json_populate_recordset(null::public.connection_activity, $1)`,
    [JSON.stringify(activity)],
  );
}

/** The expected rollup of these rows, computed without SQL. */
function summed(activity: readonly Activity[], keyOf: (row: Activity) => string): Map<string, Row> {
  return new Map(
    [...Map.groupBy(activity, keyOf)].map(([key, rows]) => {
      const live = rows.filter((row) => !row.is_replay);
      const replays = rows.filter((row) => row.is_replay);
      const sum = (of: readonly Activity[], column: 'received' | 'accepted' | 'duplicates' | 'dead_lettered' | 'rejected' | 'lag_sum_ms') =>
        String(of.reduce((total, row) => total + row[column], 0));
      return [
        key,
        {
          received: sum(live, 'received'),
          accepted: sum(live, 'accepted'),
          duplicates: sum(live, 'duplicates'),
          dead_lettered: sum(live, 'dead_lettered'),
          rejected: sum(live, 'rejected'),
          replayed: sum(replays, 'received'),
          replayed_accepted: sum(replays, 'accepted'),
          lag_sum_ms: sum(live, 'lag_sum_ms'),
          lag_max_ms: String(Math.max(0, ...live.map((row) => row.lag_max_ms))),
          lag_histogram: Array.from({ length: 12 }, (_, i) => String(live.reduce((total, row) => total + (row.lag_histogram[i] ?? 0), 0))),
          last_event_time: rows.reduce<string | null>(
            (newest, row) => ((row.last_event_time ?? '') > (newest ?? '') ? row.last_event_time : newest),
            null,
          ),
        },
      ];
    }),
  );
}

const bucketOf = (row: Activity, unit: Unit) => new Date(Math.floor(Date.parse(row.bucket) / widths[unit]) * widths[unit]).toISOString();
const tables: Record<Unit, string> = { minute: 'activity_minutes', hour: 'activity_hours', day: 'activity_days' };

async function stored(unit: Unit): Promise<Map<string, Row>> {
  const rows = await look(`select * from public.${tables[unit]}`);
  return new Map(
    rows.map(({ org_id, source_connection_id, bucket, last_event_time, ...sums }) => [
      `${org_id} ${source_connection_id} ${(bucket as Date).toISOString()}`,
      { ...sums, last_event_time: (last_event_time as Date | null)?.toISOString() ?? null },
    ]),
  );
}

async function expectRolledUp(activity: readonly Activity[]): Promise<void> {
  for (const unit of ['minute', 'hour', 'day'] as const)
    expect(await stored(unit), unit).toEqual(
      new Map(
        [...summed(activity, (row) => `${row.org_id} ${row.source_connection_id} ${bucketOf(row, unit)}`)].map(([key, row]) => [
          key,
          unit === 'minute' ? { ...row, tests: '0' } : row,
        ]),
      ),
    );
}

/** Removes the rollups and activity of the seed, which are not part of these tests. */
beforeEach(async () => {
  database = await createTestDatabase();
  clients = [];
  admin = await connect(database.superuserUrl);
  await admin.query('begin');
  await createWorld(admin);
  await admin.query(`delete from public.activity_minutes; delete from public.activity_hours; delete from public.activity_days;
    delete from public.connection_activity; commit`);
  dayMs = Math.floor(Date.now() / widths.day) * widths.day - widths.day;
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database?.drop();
});

describe('roll_up_activity', () => {
  it.each([1, 2])('equals the sums computed without SQL for any traffic (seed %i)', async (seed) => {
    const activity = randomActivity(randomFrom(seed), 900, dayMs - 30 * hourMs, dayMs + 30 * hourMs);
    await insertAll(activity);
    expect(await rollUp()).toBe(false);
    await expectRolledUp(activity);
  });

  it('catches up after a standstill in bounded slices, with the same result', async () => {
    const activity = randomActivity(randomFrom(4), 1_000, dayMs - 40 * hourMs, dayMs + 20 * hourMs);
    await insertAll(activity);
    await rollUp(Date.now(), 1);
    let slices = 1;
    while (await rollUp(Date.now(), 60)) slices++;
    expect(slices).toBeGreaterThanOrEqual(10);
    await expectRolledUp(activity);
    expect(await rolledUntilMs()).toBeLessThanOrEqual(Date.now());
  });

  it('writes no row when there is no new activity, and only the changed buckets when there is', async () => {
    const random = randomFrom(5);
    const activity = randomActivity(random, 200, Date.now() - 3 * minuteMs, Date.now());
    await insertAll(activity);
    await rollUp();
    const versions = () =>
      look<{ at: string }>(
        `select bucket, source_connection_id, xmin::text || ctid::text as at from public.activity_minutes order by 1, 2`,
      );
    const before = await versions();
    await rollUp();
    await rollUp();
    expect(await versions()).toEqual(before);
    const more = randomActivity(random, 20, Date.now(), Date.now() + 1);
    await insertAll(more);
    await rollUp();
    await expectRolledUp([...activity, ...more]);
  });

  it('counts a batch that was dated in a past minute and commits later', async () => {
    const [early, late] = randomActivity(randomFrom(6), 400, Date.now(), Date.now() + 1).filter(
      (row) => row.source_connection_id === connectionId('A') && !row.is_replay && row.lag_histogram.length > 0,
    ) as [Activity, Activity];
    await insertAll([early]);
    await rollUp();
    const writer = await connect(database.superuserUrl);
    await writer.query('begin');
    await writer.query(
      `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, rejected, lag_sum_ms,
         lag_max_ms, lag_histogram, last_event_time)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        late.org_id,
        late.source_connection_id,
        late.bucket,
        late.received,
        late.accepted,
        late.duplicates,
        late.dead_lettered,
        late.rejected,
        late.lag_sum_ms,
        late.lag_max_ms,
        late.lag_histogram,
        late.last_event_time,
      ],
    );
    const sinceMs = Date.parse(late.bucket);
    for (let minute = 2; minute <= 8; minute++) await rollUp(Date.now() + minute * minuteMs);
    expect(await rolledUntilMs()).toBeLessThanOrEqual(sinceMs);
    await expectRolledUp([early]);
    await writer.query('commit');
    // The batch is visible at once, and the next run rolls it up.
    const received = async () =>
      (
        await as(
          'analyst A',
          `select sum(received)::text as n from public.ingest_timeseries($1, now() - interval '1 day', 'infinity', 'hour')`,
          [orgId('A')],
        )
      )[0]?.n;
    expect(await received()).toBe(String(early.received + late.received));
    await rollUp(Date.now() + 9 * minuteMs);
    await expectRolledUp([early, late]);
    await rollUp(Date.now() + 10 * minuteMs);
    expect(await rolledUntilMs()).toBeGreaterThan(sinceMs);
    expect(await received()).toBe(String(early.received + late.received));
  });

  it('does not wait for transactions in another database of the cluster', async () => {
    const elsewhere = await connect(database.superuserUrl.replace(/\/[^/]*$/, '/postgres'));
    await elsewhere.query('begin; select pg_current_xact_id()');
    const startMs = Date.now();
    for (let minute = 0; minute <= 3; minute++) await rollUp(startMs + minute * minuteMs);
    expect(await rolledUntilMs()).toBeGreaterThanOrEqual(startMs);
    await elsewhere.query('rollback');
  });

  it('does not wait for a transaction that has been writing for more than ten minutes', async () => {
    const writer = await connect(database.superuserUrl);
    await writer.query('begin; select pg_current_xact_id()');
    const startMs = Date.now();
    for (let minute = 0; minute <= 14; minute++) await rollUp(startMs + minute * minuteMs);
    expect(await rolledUntilMs()).toBeGreaterThanOrEqual(startMs - 2 * minuteMs);
    await writer.query('rollback');
  });

  it('is done by one of several simultaneous runs, and the other runs return without waiting', async () => {
    const activity = randomActivity(randomFrom(7), 600, dayMs, dayMs + 30 * hourMs);
    await insertAll(activity);
    const [first, second] = [await connect(database.superuserUrl), await connect(database.superuserUrl)];
    await first.query('begin');
    await rollUp(Date.now(), 200_000, first);
    await second.query(`set statement_timeout = '2s'`);
    expect(await rollUp(Date.now(), 200_000, second)).toBe(false);
    expect(await stored('minute')).toEqual(new Map());
    await first.query('commit');
    await expectRolledUp(activity);
    const more = randomActivity(randomFrom(8), 600, Date.now(), Date.now() + 3 * minuteMs);
    await insertAll(more);
    await Promise.all([1, 2, 3, 4].flatMap((n) => [first, second].map((client) => rollUp(Date.now() + n, 40, client))));
    while (await rollUp()) {}
    await expectRolledUp([...activity, ...more]);
  });

  it('caps the sum of the lags of a connection where it exceeds a bigint', async () => {
    const [one] = randomActivity(randomFrom(9), 50, dayMs, dayMs + hourMs).filter((row) => !row.is_replay) as [Activity];
    await insertAll([one]);
    await look(`update public.connection_activity set lag_sum_ms = 9000000000000000000`);
    await insertAll([
      { ...one, lag_sum_ms: 1 },
      { ...one, ...connections[2] },
    ]);
    await look(
      `insert into public.connection_activity (org_id, source_connection_id, bucket, received, lag_sum_ms) values ($1, $2, $3, 1, 9000000000000000000)`,
      [one.org_id, one.source_connection_id, one.bucket],
    );
    const read = () =>
      as('owner A', `select bucket_start from public.ingest_timeseries($1, now() - interval '3 days', 'infinity', 'day')`, [orgId('A')]);
    expect(await read()).toHaveLength(1);
    expect(await rollUp()).toBe(false);
    expect(await look(`select count(*)::int as n from public.activity_days`)).toEqual([{ n: 2 }]);
    expect(await read()).toHaveLength(1);
  });

  it.each([
    ['two days', 48 * hourMs],
    ['four minutes', 4 * minuteMs],
  ])('sees and rolls up new activity after a clock that was ahead by %s has been set right', async (_by, aheadMs) => {
    const nowMs = Date.now();
    const before = randomActivity(randomFrom(10), 200, nowMs - 2 * hourMs, nowMs - minuteMs);
    await insertAll(before);
    await rollUp(nowMs);
    // The batches are dated by the same clock.
    const ahead = randomActivity(randomFrom(11), 50, nowMs + aheadMs, nowMs + aheadMs + minuteMs);
    await insertAll(ahead);
    for (let n = 0; n < 4; n++) await rollUp(nowMs + aheadMs + n * minuteMs);
    expect(await rolledUntilMs()).toBeGreaterThan(nowMs + minuteMs);
    const after = randomActivity(randomFrom(12), 100, nowMs, nowMs + 1);
    await insertAll(after);
    for (let n = 0; n < 3; n++) await rollUp(nowMs + n);
    await expectRolledUp([...before, ...ahead, ...after]);
    expect(await rolledUntilMs()).toBeLessThanOrEqual(nowMs);
    const late = randomActivity(randomFrom(13), 100, nowMs, nowMs + 1);
    await insertAll(late);
    const received = await as(
      'owner A',
      `select sum(received)::int as n from public.ingest_timeseries($1, now() - interval '3 days', now() + interval '1 minute', 'minute')`,
      [orgId('A')],
    );
    const mine = [...before, ...after, ...late].filter((row) => row.org_id === orgId('A') && !row.is_replay);
    if (aheadMs > hourMs) expect(received).toEqual([{ n: mine.reduce((sum, row) => sum + row.received, 0) }]);
  });

  it('moves last_event_at forward only, without an audit entry or a new updated_at', async () => {
    const lastEventAt = async () =>
      (await look<{ at: Date | null }>('select last_event_at as at from public.source_connections where id = $1', [connectionId('A')]))[0]
        ?.at ?? null;
    await look(`update public.source_connections set updated_at = '2001-01-01'`);
    const trail = await look('select count(*) from public.audit_log');
    await rollUp();
    expect(await lastEventAt()).toBeNull();
    await look(insertActivity('A'));
    await rollUp();
    const first = await lastEventAt();
    expect(first).not.toBeNull();
    await look(insertActivity('A', { lastEventTime: 'yesterday' }));
    await rollUp();
    expect(await lastEventAt()).toEqual(first);
    expect(await look('select count(*) from public.audit_log')).toEqual(trail);
    expect(await look(`select count(*)::int as touched from public.source_connections where updated_at <> '2001-01-01'`)).toEqual([
      { touched: 0 },
    ]);
  });

  it('skips a connection that somebody is changing until the next run, without waiting', async () => {
    const person = await connect(database.superuserUrl);
    await person.query('begin');
    await person.query(`update public.source_connections set name = 'Renamed' where id = $1`, [connectionId('A')]);
    await look(`set statement_timeout = '2s'; ${insertActivity('A')}`);
    await rollUp();
    await person.query('commit');
    await rollUp();
    expect(
      await look('select last_event_at is not null as kept, name from public.source_connections where id = $1', [connectionId('A')]),
    ).toEqual([{ kept: true, name: 'Renamed' }]);
  });
});

describe('retention', () => {
  const dropped = async (at: string) =>
    (await as<{ name: string }>('maintenance', 'select private.drop_expired_partitions($1) as name', [at])).map((row) => row.name);

  it('drops minutes after 35 days and hours after 400, and keeps activity that is not rolled up yet', async () => {
    await look(`select private.ensure_partitions(m) from generate_series(timestamptz '2031-03-01', '2031-08-01', interval '1 month') m`);
    expect((await dropped('2031-08-06')).filter((name) => /activity/.test(name))).toEqual([]);
    await look(`update private.activity_rollup set rolled_until = '2031-08-06 10:07Z'`);
    const names = await dropped('2031-08-06');
    expect(names).toEqual(
      expect.arrayContaining(['activity_minutes_y2031m06', 'connection_activity_y2031m06', 'activity_hours_y2030m02'].slice(0, 2)),
    );
    expect(names).not.toEqual(expect.arrayContaining(['activity_minutes_y2031m07']));
    expect(names.filter((name) => name.startsWith('activity_hours_y2030m0') && name > 'activity_hours_y2030m06')).toEqual([]);
  });
});

describe('the queries of the dashboard', () => {
  it.each([11, 12])(
    'adds up to the same as the rows themselves, for any range, bucket and choice of connections (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const activity = randomActivity(random, 1_200, dayMs - 50 * hourMs, Date.now());
      await insertAll(activity);
      await rollUp();
      // The rollup has not run at all, or has come to the middle of an hour, or to a moment ago.
      const untils = [undefined, dayMs + random(20 * 60) * minuteMs, Date.now() - 2 * minuteMs];
      for (const untilMs of untils) {
        await look('update private.activity_rollup set rolled_until = $1', [
          untilMs === undefined ? null : new Date(Math.floor(untilMs / minuteMs) * minuteMs),
        ]);
        for (let n = 0; n < 8; n++) {
          const unit = (['minute', 'hour', 'day'] as const)[random(3)] as Unit;
          const from = dayMs - 55 * hourMs + random(100 * hourMs);
          const to = from + random(60 * hourMs);
          const chosen = random(2) === 0 ? null : [random(2) === 0 ? connectionId('A') : deletedConnectionId('A'), connectionId('B')];
          const expected = summed(
            activity.filter(
              (row) =>
                row.org_id === orgId('A') &&
                Date.parse(row.bucket) >= from &&
                Date.parse(row.bucket) < to &&
                (chosen === null || chosen.includes(row.source_connection_id)),
            ),
            (row) => bucketOf(row, unit),
          );
          const answer = await as(
            'analyst A',
            `select bucket, received, accepted, duplicates, dead_lettered, rejected, replayed, replayed_accepted, lag_sum_ms, lag_max_ms, lag_histogram, last_event_time
           from private.sum_activity($1, $2, $3, $4, $5, false)`,
            [orgId('A'), new Date(from), new Date(to), unit, chosen],
          );
          expect(
            new Map(
              answer.map(({ bucket, last_event_time, ...sums }) => [
                (bucket as Date).toISOString(),
                { ...sums, last_event_time: (last_event_time as Date | null)?.toISOString() ?? null },
              ]),
            ),
            `${unit} ${new Date(from).toISOString()} ${new Date(to).toISOString()} rolled until ${untilMs}`,
          ).toEqual(expected);
        }
      }
    },
  );

  it('list a connection without any activity', async () => {
    for (const table of ['connection_activity', 'activity_minutes', 'activity_hours', 'activity_days'])
      await look(`delete from public.${table}`);
    const [row] = await as('analyst A', 'select received::int, lag_p95_seconds, dlq_rate from public.connection_health($1)', [orgId('A')]);
    expect(row).toEqual({ received: 0, lag_p95_seconds: null, dlq_rate: null });
  });

  it('merge lag histograms before taking the quantile', async () => {
    const at = new Date(dayMs);
    const row = {
      ...(connections[0] as (typeof connections)[number]),
      received: 50,
      accepted: 50,
      duplicates: 0,
      dead_lettered: 0,
      rejected: 0,
      lag_sum_ms: 0,
      lag_max_ms: 0,
      last_event_time: null,
      is_replay: false,
    };
    const histogram = (index: number) => Array.from({ length: 12 }, (_, i) => (i === index ? 50 : 0));
    await insertAll([
      { ...row, bucket: at.toISOString(), lag_histogram: histogram(0) },
      { ...row, bucket: new Date(dayMs + minuteMs).toISOString(), lag_histogram: histogram(5) },
      // The lag of a replay would be the age of its delivery, which says nothing about how fast we are.
      { ...row, bucket: at.toISOString(), lag_histogram: histogram(11), is_replay: true },
    ]);
    const series = (bucket: Unit) =>
      as(
        'analyst A',
        `select received, replayed, lag_p50_seconds as p50, lag_p95_seconds as p95 from public.ingest_timeseries($1, $2, 'infinity', $3)`,
        [orgId('A'), at, bucket],
      );
    const merged = [{ received: '100', replayed: '50', p50: 1, p95: 57 }];
    expect(await series('hour')).toEqual(merged);
    await rollUp();
    await rollUp();
    expect(await series('hour')).toEqual(merged);
    expect(await series('day')).toEqual(merged);
    expect(await series('minute')).toEqual([
      { received: '50', replayed: '50', p50: 0.5, p95: 0.95 },
      { received: '50', replayed: '0', p50: 45, p95: 58.5 },
    ]);
  });

  it('show the newest row at once, whether or not its minute has been rolled up', async () => {
    const received = async () => [
      (
        await as(
          'analyst A',
          `select sum(received)::int as n from public.ingest_timeseries($1, now() - interval '1 hour', now(), 'minute')`,
          [orgId('A')],
        )
      )[0]?.n,
      (await as('analyst A', 'select received::int as n from public.connection_health($1)', [orgId('A')]))[0]?.n,
      (await as('analyst A', 'select received[24]::int + received[23]::int as n from public.connection_sparklines($1)', [orgId('A')]))[0]
        ?.n,
    ];
    for (let n = 1; n <= 4; n++) {
      await look(insertActivity('A'));
      expect(await received()).toEqual([n, n, n]);
      await rollUp();
      expect(await received()).toEqual([n, n, n]);
    }
    await rollUp(Date.now() + 3 * minuteMs);
    await rollUp(Date.now() + 3 * minuteMs);
    expect(await rolledUntilMs()).toBeGreaterThan(Date.now());
    expect(await received()).toEqual([4, 4, 4]);
  });

  it('count replays and retries separately from live traffic', async () => {
    await look(insertActivity('A'));
    await look(`insert into public.connection_activity (org_id, source_connection_id, bucket, received, duplicates, dead_lettered, is_replay)
      values ('${orgId('A')}', '${connectionId('A')}', date_trunc('minute', now()), 9, 5, 4, true)`);
    const health = () =>
      as(
        'analyst A',
        'select received, duplicates, dead_lettered, dlq_rate, replayed, replayed_accepted from public.connection_health($1)',
        [orgId('A')],
      );
    const expected = [{ received: '1', duplicates: '0', dead_lettered: '0', dlq_rate: 0, replayed: '9', replayed_accepted: '0' }];
    expect(await health()).toEqual(expected);
    await rollUp();
    expect(await health()).toEqual(expected);
  });

  it.each(['owner B', 'stranger', 'no sub'] as const)('return no data of org A to %s, live or rolled up', async (actor) => {
    await look(insertActivity('A'));
    for (const _ of ['live', 'rolled up']) {
      for (const call of [
        `public.ingest_timeseries($1, '-infinity', 'infinity', 'day')`,
        'public.connection_health($1)',
        'public.connection_sparklines($1)',
        `private.sum_activity($1, '-infinity', 'infinity', 'minute', array['${connectionId('A')}'::uuid], true)`,
      ])
        expect(await as(actor, `select 1 from ${call}`, [orgId('A')]), call).toEqual([]);
      await rollUp();
    }
  });

  it.each(['anon', 'service_role', 'ingest', 'maintenance'] as const)('are refused to %s', async (actor) => {
    for (const call of ['public.connection_sparklines($1)', `private.sum_activity($1, '-infinity', 'infinity', 'minute', null, true)`])
      await expect(as(actor, `select 1 from ${call}`, [orgId('A')])).rejects.toMatchObject({ code: '42501' });
  });
});
