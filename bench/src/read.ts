import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withClient } from '@tributary/supabase/local/database.ts';
import { startTestCluster } from '@tributary/supabase/local/test-cluster.ts';
import type pg from 'pg';
import { createLatency } from './latency.ts';
import { describeMachine } from './machine.ts';
import { bigOrg, seed } from './read-seed.ts';

// Measures the queries of the dashboard on millions of events, as a member of the org: under row level security, with the SQL that the Data API
// makes of the page's query. `--events` seeds fewer events for a trial run; quoted figures come from ten million.

const limitMs = 200;
/** The limit for questions that no index answers: such a search runs for a quarter of a second and then returns what it found and how far it searched. */
const searchMs = 500;
const repeats = 15;

interface Question {
  name: string;
  sql: string;
  values: unknown[];
  /** The limit of this question, when it is not `limitMs`. */
  limitMs?: number;
  /** A page of a list: its query plan must use an index and must not scan the table. */
  page?: true;
}

const org = bigOrg.id;
const since = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

/** The query of the events page: 50 rows, newest first, starting at `before`. */
const search = (filter: object, before: object | null = null) => ({
  sql: `select jsonb_array_elements(public.search_events($1, $2, $3, 50) -> 'rows')`,
  values: [org, JSON.stringify(filter), before && JSON.stringify(before)],
});
const histogram = (days: number, bucketSeconds: number, filter: object = {}) => ({
  sql: `select jsonb_array_elements(public.events_histogram($1, $2, $3, $4, $5) -> 'buckets')`,
  values: [org, since(days), new Date().toISOString(), bucketSeconds, JSON.stringify(filter)],
});

async function questions(client: pg.ClientBase): Promise<Question[]> {
  const { rows } = await client.query<{ id: string; at: string; order_ref: string; hash: string; journal_id: string }>(
    `select id, to_jsonb(event_time) #>> '{}' as at, order_ref, subject ->> 'email' as hash, journal_id from public.canonical_events
     where org_id = $1 and event_time < now() - interval '30 days' and order_ref is not null order by event_time desc limit 1`,
    [org],
  );
  const middle = rows[0];
  if (!middle) throw new Error('nothing was seeded');
  const timeseries = 'select * from public.ingest_timeseries($1, $2, $3, $4)';
  const now = new Date().toISOString();
  const connection = bigOrg.connections[3];
  return [
    { name: 'activity of 90 days, by day', sql: timeseries, values: [org, since(90), now, 'day'] },
    { name: 'activity of 90 days, by hour', sql: timeseries, values: [org, since(90), now, 'hour'] },
    { name: 'activity of 24 hours, by minute', sql: timeseries, values: [org, since(1), now, 'minute'] },
    {
      name: 'activity of one connection, 90 days by day',
      sql: 'select * from public.ingest_timeseries($1, $2, $3, $4, $5)',
      values: [org, since(90), now, 'day', [connection]],
    },
    { name: 'health of every connection', sql: 'select * from public.connection_health($1)', values: [org] },
    { name: 'sparklines of every connection', sql: 'select * from public.connection_sparklines($1)', values: [org] },
    { name: 'events, first page', ...search({}) },
    { name: 'events, first page of 30 days', ...search({ from: since(30), to: now }) },
    { name: 'events, a page in the middle', ...search({}, { time: middle.at, id: middle.id }) },
    { name: 'events of a connection', ...search({ connectionIds: [connection] }) },
    { name: 'events of a rare type', ...search({ types: ['order.chargeback'] }) },
    { name: 'events of a rare type of a connection', ...search({ types: ['order.chargeback'], connectionIds: [connection] }) },
    { name: 'events of an order', ...search({ orderRef: middle.order_ref }) },
    { name: 'events of a person', ...search({ subjects: [middle.hash] }) },
    { name: 'events above an amount', ...search({ currency: 'BRL', amountMin: '100000' }), limitMs: searchMs },
    { name: 'events with a text that no event contains', ...search({ q: 'no such words' }), limitMs: searchMs },
    { name: 'histogram of 24 hours', ...histogram(1, 1_800) },
    { name: 'histogram of 30 days, its first answer', ...histogram(30, 43_200), limitMs: searchMs },
    { name: 'histogram of a rare type, 30 days', ...histogram(30, 43_200, { types: ['order.chargeback'] }), limitMs: searchMs },
    {
      name: 'events of one delivery',
      sql: 'select id, type, event_time from public.canonical_events where org_id = $1 and journal_id = $2',
      values: [org, middle.journal_id],
      page: true,
    },
    {
      name: 'dead letters, first page',
      sql: `select id, error_class, last_error_message, status, created_at from public.dlq_events where org_id = $1
            order by created_at desc, id desc limit 50`,
      values: [org],
      page: true,
    },
  ];
}

async function ask(
  client: pg.ClientBase,
): Promise<{ name: string; rows: number; limitMs: number; p50: number; p95: number; max: number }[]> {
  await client.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: bigOrg.member, role: 'authenticated' })]);
  const figures = [];
  const asked = await questions(client);
  // All following statements run as the member of the org.
  await client.query('set role authenticated');
  for (const { name, sql, values, limitMs: limit = limitMs, page: isPage } of asked) {
    if (isPage) await expectIndexed(client, name, sql, values);
    const latency = createLatency();
    let rows = 0;
    // The first run is not counted, because it reads the pages from disk; an open dashboard repeats its queries.
    for (let n = 0; n <= repeats; n++) {
      const started = performance.now();
      const result = await client.query(sql, values);
      if (n > 0) latency.record(performance.now() - started);
      rows = result.rowCount ?? 0;
    }
    const { p50, p95, max } = latency.result();
    figures.push({ name, rows, limitMs: limit, p50, p95, max });
    console.log(
      `${name.padEnd(44)} ${String(rows).padStart(6)} rows  p50 ${p50.toFixed(1).padStart(8)} ms  p95 ${p95.toFixed(1).padStart(8)} ms${p95 > limit ? '  MISSED' : ''}`,
    );
  }
  return figures;
}

async function expectIndexed(client: pg.ClientBase, name: string, sql: string, values: unknown[]): Promise<void> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, values);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  // A sequential scan of an empty partition costs nothing, so it is allowed.
  if (/Seq Scan on (canonical_events|dlq_events)\S*( \S+)? +\(cost=0\.00\.\.(?!0\.00)/.test(plan))
    throw new Error(`${name} reads a whole table:\n${plan}`);
}

const { values: options } = parseArgs({ options: { events: { type: 'string', default: '10000000' }, json: { type: 'string' } } });
const count = Number(options.events);
if (!Number.isInteger(count) || count < 100_000) throw new Error('--events is a whole number of at least 100000');

const cluster = await startTestCluster({
  settings: {
    shared_buffers: '2GB',
    max_wal_size: '8GB',
    maintenance_work_mem: '1GB',
    work_mem: '32MB',
    max_parallel_maintenance_workers: '2',
  },
});
try {
  const database = await cluster.createDatabase();
  const started = performance.now();
  await seed(database.superuserUrl, count, (line) => console.log(line));
  console.log(`Seeded ${count.toLocaleString('en')} events in ${Math.round((performance.now() - started) / 1000)} s.\n`);
  const figures = await withClient(database.superuserUrl, ask);
  const missed = figures.filter((figure) => figure.p95 > figure.limitMs);
  const file = options.json ?? join(import.meta.dirname, '..', '..', '.local', 'bench-read.json');
  writeFileSync(
    file,
    `${JSON.stringify({ measuredAt: new Date().toISOString(), machine: describeMachine(), events: count, figures }, null, 2)}\n`,
  );
  console.log(
    missed.length === 0
      ? `\nEvery answer is within its limit at p95. All figures: ${file}`
      : `\n${missed.length} of ${figures.length} missed their limit at p95.`,
  );
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  await cluster.stop();
}
