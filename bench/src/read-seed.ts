import { withClient } from '@tributary/supabase/local/database.ts';
import type pg from 'pg';

/** History of the seeded orgs, in days. */
const days = 92;
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

interface SeededOrg {
  id: string;
  projectId: string;
  member: string;
  connections: string[];
  /** Share of all events. */
  share: number;
}

const makeOrg = (n: number, share: number, connections: number): SeededOrg => ({
  id: id(n * 1_000),
  projectId: id(n * 1_000 + 1),
  member: id(n * 1_000 + 2),
  connections: Array.from({ length: connections }, (_, index) => id(n * 1_000 + 10 + index)),
  share,
});

/** One org with most of the events, one of middle size, and ten small ones. */
export const bigOrg = makeOrg(1, 0.7, 12);
const orgs: readonly SeededOrg[] = [bigOrg, makeOrg(2, 0.2, 6), ...Array.from({ length: 10 }, (_, index) => makeOrg(index + 3, 0.01, 2))];

/**
 * Inserts events over the last 92 days with their activity, and one dead letter for every fifty events. Foreign keys are not checked while the rows
 * are written, because the rows are made to satisfy them.
 */
export async function seed(databaseUrl: string, count: number, say: (line: string) => void): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    await client.query('set session_replication_role = replica; set synchronous_commit = off');
    for (const org of orgs) await seedOrg(client, org);
    // Indexes are created after the rows: building an index from sorted rows is much faster than inserting row by row.
    const { rows: indexes } = await client.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as definition
       from pg_index where indrelid = 'public.canonical_events'::regclass and not indisprimary`,
    );
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    let done = 0;
    for (const org of orgs) {
      const total = Math.round(count * org.share);
      for (let from = 0; from < total; from += 500_000) {
        const size = Math.min(500_000, total - from);
        await client.query(insertEvents, [org.id, org.projectId, org.connections, from, size, total, `${days} days`]);
        done += size;
        if (org === bigOrg || from === 0) say(`  ${done.toLocaleString('en')} events`);
      }
      await client.query(insertDeadLetters, [org.id, org.projectId, org.connections, Math.round(total / 50), `${days} days`]);
      await client.query(insertActivity, [
        org.id,
        org.connections,
        Math.max(1, Math.round(total / org.connections.length / days / 24)),
        `${days} days`,
      ]);
    }
    await client.query(`update private.activity_rollup set rolled_until = date_trunc('minute', now())`);
    say('  making the indexes');
    for (const { definition } of indexes) await client.query(definition);
    say('  analyzing');
    await client.query('vacuum analyze public.canonical_events');
    for (const table of ['dlq_events', 'activity_minutes', 'activity_hours', 'activity_days', 'source_connections', 'org_members'])
      await client.query(`vacuum analyze public.${table}`);
  });
}

async function seedOrg(client: pg.ClientBase, org: SeededOrg): Promise<void> {
  await client.query(`insert into auth.users (id, email) values ($1::uuid, $1::text || '@example.com')`, [org.member]);
  await client.query(`insert into public.orgs (id, name, slug) values ($1::uuid, $1::text, $1::text)`, [org.id]);
  await client.query(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'owner')`, [org.id, org.member]);
  await client.query(`insert into public.projects (id, org_id, name, slug) values ($1, $2, 'Project', 'project')`, [org.projectId, org.id]);
  await client.query(
    `insert into public.source_connections (id, org_id, project_id, name, type)
     select c, $1, $2, 'Connection ' || c, 'hotmart' from unnest($3::uuid[]) c`,
    [org.id, org.projectId, org.connections],
  );
}

// The time of row n is n/total of the way through the history. The ids are ordered by time, as UUIDs of version 7 are.
const insertEvents = `
  insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id,
    event_time, received_at, ingested_at, idempotency_key, subject, amount_minor, currency, order_ref, attribution, properties, journal_id, schema_version)
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    $1::uuid, $2::uuid, ($3::uuid[])[1 + n % cardinality($3::uuid[])],
    case when n % 5000 = 0 then 'order.chargeback' else (array['order.paid','order.paid','order.paid','order.completed','order.pending','subscription.renewed','cart.abandoned','order.refunded',
      'payment.failed','lead.created'])[1 + (n / 7) % 10] end, 'hotmart', 'PURCHASE_APPROVED', h, at, at, at, h,
    jsonb_build_object('hash_version', 1, 'email', md5('e' || n / 3) || md5('f' || n / 3), 'phone', md5('p' || n / 3) || md5('q' || n / 3)),
    4990 + n % 100000, 'BRL', 'HP' || (n / 2), jsonb_build_object('utm_source', 'ads', 'utm_campaign', 'c' || n % 40),
    jsonb_build_object('product', jsonb_build_object('id', n % 50, 'name', 'Course ' || n % 50), 'payment', jsonb_build_object('type', 'CREDIT_CARD', 'installments', n % 12)),
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(h, 5, 3) || '8' || substr(h, 8, 15))::uuid, 1
  from (
    select n, md5($1::text || n) as h, now() - $7::interval * (1 - n::double precision / $6::bigint) as at
    from generate_series($4::bigint, $4::bigint + $5::bigint - 1) n
  ) rows`;

const insertDeadLetters = `
  insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, record_index, error_class, last_error_message, field_path,
    source_event_type, status, created_at, updated_at, sample)
  select gen_random_uuid(), $1::uuid, $2::uuid, ($3::uuid[])[1 + n % cardinality($3::uuid[])], gen_random_uuid(), 0,
    (array['SCHEMA_DRIFT','MISSING_FIELD','DUPLICATE_EVENT','VALIDATION_FAIL'])[1 + n % 4], 'a field is missing', 'data.purchase.price',
    'PURCHASE_APPROVED', (array['pending','resolved','resolved','exhausted'])[1 + (n / 5) % 4], at, at, '{"data": {}}'
  from (select n, now() - $5::interval * (1 - n::double precision / $4::bigint) as at from generate_series(1, $4::bigint) n) rows`;

// Inserts the same counts as minutes (35 days, which is the retention of minutes), hours and days.
const insertActivity = `
  with hours as (
    select c, date_trunc('hour', now(), 'UTC') - make_interval(hours => h) as bucket from unnest($2::uuid[]) c, generate_series(0, extract(day from $4::interval)::integer * 24) h
  ), written as (
    insert into public.activity_hours (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, lag_sum_ms, lag_max_ms, lag_histogram, last_event_time)
    select $1::uuid, c, bucket, $3::bigint, $3::bigint, $3::bigint / 90, $3::bigint / 50, $3::bigint * 900, 4000,
      array[$3::bigint / 2, $3::bigint / 4, $3::bigint / 8, $3::bigint / 16, 3, 2, 1, 0, 0, 0, 0, 0], bucket from hours
  ), days as (
    insert into public.activity_days (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, lag_sum_ms, lag_max_ms, lag_histogram, last_event_time)
    select $1::uuid, c, date_trunc('day', bucket, 'UTC'), 24 * $3::bigint, 24 * $3::bigint, $3::bigint / 4, $3::bigint / 2, $3::bigint * 900 * 24, 4000,
      array[$3::bigint * 12, $3::bigint * 6, $3::bigint * 3, $3::bigint, 3, 2, 1, 0, 0, 0, 0, 0], max(bucket) from hours group by c, date_trunc('day', bucket, 'UTC')
  )
  insert into public.activity_minutes (org_id, source_connection_id, bucket, received, accepted, lag_sum_ms, lag_max_ms, lag_histogram, last_event_time)
  select $1::uuid, c, bucket + make_interval(mins => m), greatest(1, $3::bigint / 60), greatest(1, $3::bigint / 60), 900, 4000, array[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], bucket
  from hours, generate_series(0, 59) m where bucket > now() - interval '35 days'`;
