import { readdirSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrationsDirectory } from '../local/database.ts';
import { supabaseCli } from '../tools/database.ts';
import { createTenants, type Delivery, former } from './batches.ts';
import { type FormerRelease, startFormerRelease } from './former-release.ts';
import { become } from './world.ts';

// A database of the former release with rows is upgraded as docs/deploy.md says, while instances of that release run.

const lockTimeoutSeconds = 1;
let release: FormerRelease;
let client: pg.Client;
beforeAll(async () => {
  release = await startFormerRelease();
  client = await connect();
  await createTenants(client);
  await send({
    n: 1,
    records: [
      { n: 1, key: 'before', amount: 1 },
      { n: 2, dead: 'MISSING_FIELD' },
    ],
  });
});
afterAll(async () => {
  await client?.end();
  await release?.stop();
});

async function connect(): Promise<pg.Client> {
  const made = new pg.Client({ connectionString: release.database.superuserUrl });
  await made.connect();
  return made;
}
/** Sends a batch as an instance of the former version, in its own transaction. */
async function send(delivery: Delivery): Promise<void> {
  const { actor, sql, values } = former.ingest([delivery]);
  await client.query(`begin; ${become(actor)}`);
  try {
    await client.query(sql, values);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
const push = () =>
  supabaseCli(['db', 'push', '--remote', `${release.database.adminUrl}?options=-c%20lock_timeout%3D${lockTimeoutSeconds}s`, '--yes'], {
    workdir: release.workdir,
  });
const look = async (sql: string) => (await client.query(sql)).rows;
const schema = () =>
  look(`
    select (select json_agg(version order by version) from supabase_migrations.schema_migrations) as versions,
      (select json_agg(policyname order by policyname, tablename) from pg_policies) as policies,
      (select json_agg(oid::regprocedure::text order by oid) from pg_proc where pronamespace = 'private'::regnamespace) as functions,
      (select json_agg(conname order by conname) from pg_constraint where connamespace in ('public'::regnamespace, 'private'::regnamespace)) as constraints`);
/** The file of each table and index that has rows: another name of it means that the table or index was rewritten. */
const files = () =>
  look(`
    select c.relname as name, pg_relation_filenode(c.oid) as file from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and pg_relation_filenode(c.oid) is not null and pg_relation_size(c.oid) > 0
    order by 1`);
const rows = () => look('select id, org_id, idempotency_key, properties from public.canonical_events order by idempotency_key');

describe('an upgrade', () => {
  it('waits for a long read no longer than its lock timeout, and changes nothing then: deliveries go on, and the upgrade can be repeated', async () => {
    const before = await schema();
    const reader = await connect();
    try {
      await reader.query('begin; select from public.canonical_events');
      const { code, stderr } = await push();
      expect([code, stderr]).toEqual([1, expect.stringMatching(/lock timeout/)]);
      expect(await schema()).toEqual(before);
      await send({ n: 3, records: [{ n: 3, key: 'between' }] });
    } finally {
      await reader.end();
    }
  });

  it('rewrites no table and no index, and keeps every row', async () => {
    const [filesBefore, rowsBefore] = [await files(), await rows()];
    expect(filesBefore.map(({ name }) => name)).toEqual(expect.arrayContaining(['event_keys', 'dlq_events']));
    const { code, stdout, stderr } = await push();
    expect(code, stdout + stderr).toBe(0);
    expect((await schema())[0].versions).toEqual(readdirSync(migrationsDirectory).map((file) => file.slice(0, 14)));
    expect(await files()).toEqual(expect.arrayContaining(filesBefore));
    expect(await rows()).toEqual(rowsBefore);
  });

  it('leaves the instances of the former version at work, which recognise what was stored before as duplicates', async () => {
    await send({
      n: 4,
      records: [
        { n: 4, key: 'before' },
        { n: 5, key: 'after' },
      ],
    });
    expect((await rows()).map(({ idempotency_key }) => idempotency_key)).toEqual(['after', 'before', 'between']);
    expect(await look('select outcome from public.event_journal order by id')).toEqual(
      ['mixed', 'accepted', 'mixed'].map((outcome) => ({ outcome })),
    );
  });
});
