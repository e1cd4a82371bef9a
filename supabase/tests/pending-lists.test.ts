import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { become, connectionId, createWorld, journalId, orgId, projectId } from './world.ts';

let database: TestDatabase;
let client: pg.Client;
let index: string;
beforeAll(async () => {
  database = await createTestDatabase();
  client = await connect(database.superuserUrl);
  await createWorld(client);
  // Shows the length of a pending list. Hosted databases do not have this extension, so only tests use it.
  await client.query('create extension pageinspect');
  await client.query(`select private.ensure_partitions('2031-02-01')`);
  await addEvents(1);
  const { rows } = await client.query<{ index: string }>(`
    select i.indexrelid::regclass::text as index from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
    where a.amname = 'gin' and i.indrelid in (select tableoid from public.canonical_events where type = 'lead.created')`);
  index = rows[0]?.index ?? '';
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

async function connect(connectionString: string): Promise<pg.Client> {
  const made = new pg.Client({ connectionString });
  await made.connect();
  return made;
}

const addEvents = (count: number) =>
  client.query(
    `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
       received_at, ingested_at, idempotency_key, journal_id, schema_version, subject)
     select gen_random_uuid(), $1, $2, $3, 'lead.created', 'webhook', 'lead.created', now(), now(), now(), gen_random_uuid()::text, $4, 1,
       jsonb_build_object('hash_version', 1, 'email', gen_random_uuid(), 'phone', gen_random_uuid(), 'document', gen_random_uuid(), 'external_id', gen_random_uuid())
     from generate_series(1, $5)`,
    [orgId('A'), projectId('A'), connectionId('A'), journalId('A'), count],
  );
const pendingPages = async () =>
  Number(
    (await client.query<{ pages: string }>(`select n_pending_pages as pages from gin_metapage_info(get_raw_page($1, 0))`, [index])).rows[0]
      ?.pages,
  );
/** What the job does, in its own transaction. Null when another session empties the lists. */
const empty = async (as = client) => {
  await as.query('begin');
  await as.query(become('maintenance'));
  const { rows } = await as.query<{ pages: string | null }>('select private.empty_pending_lists() as pages');
  await as.query('commit');
  return rows[0]?.pages == null ? null : Number(rows[0].pages);
};
const emptiedAt = async () => (await client.query<{ at: Date }>('select emptied_at as at from private.pending_list_state')).rows[0]?.at;

describe('the pending list of an index', () => {
  it('is never emptied by ingestion: it grows far beyond the 4 MB at which Postgres would merge it in the statement of a batch', async () => {
    const lengths = [];
    for (let n = 0; n < 9; n++) {
      await addEvents(10_000);
      lengths.push(await pendingPages());
    }
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengths.at(-1)).toBeGreaterThan((1.5 * 4 * 1024) / 8);
  });

  it('is emptied by the job, which says how long it was', async () => {
    const before = await pendingPages();
    expect(before).toBeGreaterThan(0);
    expect(await empty()).toBe(before);
    expect(await pendingPages()).toBe(0);
    expect(await empty()).toBe(0);
  });

  it('is emptied by one session at a time, and the others do not wait', async () => {
    const other = await connect(database.superuserUrl);
    try {
      await other.query('begin; select private.empty_pending_lists()');
      expect(await empty()).toBeNull();
    } finally {
      await other.end();
    }
    expect(await empty()).toBe(0);
  });

  it('takes entries while it is being emptied, and no event is missing from a search', async () => {
    await addEvents(20_000);
    const other = await connect(database.superuserUrl);
    const emptied = empty(other);
    for (let n = 0; n < 10; n++) await addEvents(100);
    expect(await emptied).toBeGreaterThan(0);
    await other.end();
    const counts = await client.query(`
      set local enable_seqscan = off;
      select count(*)::int as found from public.canonical_events where subject @> '{"hash_version": 1}'`);
    const [all] = (await client.query(`select count(*)::int as found from public.canonical_events where subject ? 'hash_version'`)).rows;
    expect((counts as unknown as pg.QueryResult[])[1]?.rows[0]).toEqual(all);
  });

  it('of a locked index is left for the next run: the job does not wait, and the others are emptied', async () => {
    await addEvents(100);
    const before = await emptiedAt();
    const other = await connect(database.superuserUrl);
    try {
      await other.query('begin; drop table private.canonical_events_y2031m01');
      expect(await empty()).toBeGreaterThan(0);
      expect(await pendingPages()).toBe(0);
      // A run that left out a list does not count, so that the alarm goes off when the lock stays.
      expect(await emptiedAt()).toEqual(before);
      await other.query('commit');
    } finally {
      await other.end();
    }
    expect(await empty()).toBe(0);
    expect((await emptiedAt())?.getTime()).toBeGreaterThan(before?.getTime() ?? 0);
  });
});

describe('every GIN index of the product', () => {
  const limits = async () =>
    (
      await client.query<{ name: string; options: string[] | null }>(`
        select c.relname as name, c.reloptions as options from pg_class c join pg_am a on a.oid = c.relam
        where a.amname = 'gin' and c.relkind = 'i' and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)`)
    ).rows;

  it('has room for what arrives while the job stands still, also in partitions that are made later and for rows under a legal hold', async () => {
    const made = 'canonical_events_y2032m03_subject_idx';
    await client.query(`select private.ensure_partitions('2032-03-01')`);
    await client.query('begin');
    await client.query(`update public.legal_holds set source_connection_id = null, released_at = null`);
    await client.query(
      `update public.canonical_events set event_time = '2031-02-03', received_at = '2031-02-03' where idempotency_key = 'first'`,
    );
    // Without rows of the journal under the hold, the events are the first to be moved.
    await client.query('delete from private.held_moves; delete from public.event_journal');
    await client.query(`select private.move_held_rows('2033-01-01')`);
    const all = await limits();
    await client.query('rollback');
    expect(all.map(({ name }) => name)).toContain(made);
    expect(all.some(({ name }) => name.includes('_held_'))).toBe(true);
    expect(all.filter(({ options }) => !options?.includes('gin_pending_list_limit=65536'))).toEqual([]);
  });
});
