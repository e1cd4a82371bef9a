import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSession, type Session } from './session.ts';
import { become, connectionId, createWorld, orgId, projectId } from './world.ts';

// Transactions of two sessions race here, so the world is committed and each test has a connection to itself.

let session: Session;
let other: pg.Client;
let number = 0;
let id: string;
const uuid = (kind: number, n: number) => `d0000000-0000-4000-8000-${String(kind)}${String(n).padStart(11, '0')}`;

beforeAll(async () => {
  session = await openSession();
  await createWorld(session.client);
  other = new pg.Client({ connectionString: session.database.superuserUrl });
  await other.connect();
});
afterAll(async () => {
  await other?.end();
  await session?.close();
});
beforeEach(async () => {
  number++;
  id = uuid(4, number);
  await session.client.query(
    `insert into public.source_connections
     select (jsonb_populate_record(c, jsonb_build_object('id', $1::text, 'name', 'racing ' || $1::text))).*
     from public.source_connections c where c.id = $2`,
    [id, connectionId('A')],
  );
});
afterEach(async () => {
  for (const client of [session.client, other]) await client.query('rollback');
});

/** Writes one event under the connection, in the transaction that is open on the client. */
const ingest = (client: pg.Client) =>
  client.query(
    `select private.ingest_batch(
       json_populate_record(null::private.delivery_columns, json_build_object('id', array[$2::text], 'source_connection_id', array[$1::text],
         'received_at', array[now()], 'content_type', array['application/json'], 'byte_size', array[2], 'body_sha256', array[repeat('a', 64)],
         'record_count', array[1], 'is_test', array[false], 'key_version', array[1], 'sealed', array['sealed'])),
       json_populate_record(null::private.record_columns, json_build_object('event_id', array[$3::text], 'source_connection_id', array[$1::text],
         'journal_id', array[$2::text], 'record_index', array[0], 'idempotency_key', array['racing'], 'body_sha256', array['\\x' || repeat('b', 64)],
         'dlq_id', array[$4::text], 'type', array['order.paid'], 'source_type', array['hotmart'], 'source_event_type', array['PAID'],
         'event_time', array[now()], 'received_at', array[now()], 'subject', array['{}'], 'attribution', array['{}'], 'properties', array['{}'],
         'is_test', array[false], 'schema_version', array[1])), null)`,
    [id, uuid(2, number), uuid(1, number), uuid(3, number)],
  );

const changes = {
  deletes: () => 'delete from public.source_connections where id = $1',
  moves: () => `update public.source_connections set org_id = '${orgId('B')}', project_id = '${projectId('B')}' where id = $1`,
};

const events = async () =>
  (await session.client.query('select org_id, project_id from public.canonical_events where source_connection_id = $1', [id])).rows;
const scopes = async () =>
  (await session.client.query('select org_id, project_id from public.source_connections where id = $1', [id])).rows;

async function untilWaiting(client: pg.Client & { processID?: number }): Promise<void> {
  const waits = async () =>
    (await session.client.query(`select from pg_locks where not granted and pid = $1`, [client.processID])).rowCount !== 0;
  await expect.poll(waits, { interval: 10 }).toBe(true);
}

describe.each(Object.entries(changes))('a transaction that %s a connection', (_, change) => {
  it('waits for a batch in flight, and is then refused because the batch wrote rows', async () => {
    await session.client.query(`begin; ${become('ingest')}`);
    await ingest(session.client);
    const changing = other.query(change(), [id]).then(
      () => 'changed',
      (error: { code: string }) => error.code,
    );
    await session.client.query('reset role');
    await untilWaiting(other);
    await session.client.query('commit');
    expect(await changing).toBe('23503');
    expect(await events()).toEqual([{ org_id: orgId('A'), project_id: projectId('A') }]);
    expect(await scopes()).toEqual(await events());
  });

  it('makes a batch wait, which then has no row, or only rows of the org and project to which the connection belongs', async () => {
    await session.client.query('begin');
    await session.client.query(change(), [id]);
    await other.query(`begin; ${become('ingest')}`);
    const writing = ingest(other).then(
      () => 'written',
      (error: { code: string }) => error.code,
    );
    await untilWaiting(other);
    await session.client.query('commit');
    const written = await writing;
    await other.query(written === 'written' ? 'commit' : 'rollback');
    const connections = await scopes();
    expect(written).toBe(connections.length === 0 ? '23503' : 'written');
    expect(await events()).toEqual(connections);
  });

  it('of a repeatable snapshot is refused when a batch has written rows after the snapshot', async () => {
    await other.query('begin isolation level repeatable read; select 1');
    await ingest(session.client);
    const refused = other.query(change(), [id]);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^(23503|40001)$/) });
    await other.query('rollback');
    expect(await scopes()).toEqual(await events());
  });
});

describe('a connection', () => {
  const written = ['public.canonical_events', 'public.event_journal'];

  /** Leaves only the rows of one of the two tables, which no foreign key holds to the connection. */
  async function leaveOnly(table: string | undefined) {
    await ingest(session.client);
    await session.client.query('begin');
    await session.client.query('delete from private.journal_payloads where journal_id = $1', [uuid(2, number)]);
    for (const name of ['private.event_keys', 'public.connection_activity', ...written.filter((one) => one !== table)])
      await session.client.query(`delete from ${name} where source_connection_id = $1`, [id]);
  }

  it.each(
    written.flatMap((table) => [
      [table, 'deleted', 'delete from public.source_connections where id = $1'],
      [table, 'moved to another org', changes.moves()],
      [table, 'moved to another project', `update public.source_connections set project_id = '${uuid(6, 1)}' where id = $1`],
      [table, 'given another id', `update public.source_connections set id = '${uuid(6, 2)}' where id = $1`],
    ]),
  )('that has rows in %s only cannot be %s', async (table, _, sql) => {
    await leaveOnly(table);
    await session.client.query(
      `insert into public.projects (id, org_id, name, slug) values ('${uuid(6, 1)}', '${orgId('A')}', 'Other', 'other')`,
    );
    await expect(session.client.query(sql, [id])).rejects.toMatchObject({ code: '23503', constraint: 'connection_is_used' });
  });

  it('that has neither can be moved and deleted', async () => {
    await leaveOnly(undefined);
    await session.client.query(changes.moves(), [id]);
    expect(await scopes()).toEqual([{ org_id: orgId('B'), project_id: projectId('B') }]);
    await session.client.query(changes.deletes(), [id]);
    expect(await scopes()).toEqual([]);
  });
});
