import { randomUUID } from 'node:crypto';
import { FoundById } from '@tributary/shared/events.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeWorld, type TestOrg, type TestUser, type World } from '../test/make.ts';

let world: World;
let org: TestOrg;
let analyst: TestUser;
let connection: string;
const ids = { event: randomUUID(), journal: randomUUID(), letter: randomUUID(), rejected: randomUUID() };

beforeAll(async () => {
  world = await makeWorld();
  org = await world.makeOrg();
  analyst = await world.makeMember(org, 'analyst');
  connection = await world.makeConnection(org, { name: 'Till' });
  const scope = [org.id, org.projectId, connection];
  const stored = `with made as (
      select gen_random_uuid() as id, n, now() - interval '1 minute' * n as at from generate_series(1, 20000) n
    ), keys as (
      insert into private.event_keys (source_connection_id, idempotency_key, event_id, event_time, body_sha256)
      select $3, 'evt_' || n, id, at, decode(repeat('00', 32), 'hex') from made
    )
    insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, source_event_id, event_time,
      received_at, ingested_at, idempotency_key, subject, order_ref, attribution, properties, is_test, journal_id, schema_version)
    select id, $1, $2, $3, 'order.paid', 'webhook', 'paid', case when n % 2 = 0 then 'evt_' || n else 'other-' || n end, at, now(), now(), 'evt_' || n, '{}', 'HP' || n,
      '{}', '{}', false, gen_random_uuid(), 1 from made`;
  await world.admin(stored, scope);
  await world.admin(`update public.canonical_events set journal_id = $2 where org_id = $1 and idempotency_key = 'evt_7'`, [
    org.id,
    ids.journal,
  ]);
  await world.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, idempotency_key)
     select case n when 1 then $4::uuid else gen_random_uuid() end, $1, $2, $3, case n when 2 then $5::uuid else gen_random_uuid() end, 'MISSING_FIELD', 'x', 'dead-' || n
     from generate_series(1, 5000) n`,
    [...scope, ids.letter, ids.rejected],
  );
  await world.admin('analyze public.canonical_events, public.dlq_events, private.event_keys');
});
afterAll(() => world?.close());

async function find(text: string, user = analyst): Promise<string[]> {
  const [row] = await world.db.as(user.claims, (sql) =>
    sql<{ found: unknown }>('select public.find_by_id($1, $2) as found', [org.id, text]),
  );
  return FoundById.parse(row?.found).map(({ kind, label }) => `${kind} ${label}`);
}
const idOf = async (key: string) =>
  (await world.admin('select id from public.canonical_events where org_id = $1 and idempotency_key = $2', [org.id, key]))[0]?.id as string;

it.each([
  ['an event', async () => idOf('evt_3'), 'event order.paid'],
  ['an event, without dashes, in capitals', async () => (await idOf('evt_3')).replaceAll('-', '').toUpperCase(), 'event order.paid'],
  ['an event, with blanks and quotes around', async () => ` "${await idOf('evt_3')}",\n`, 'event order.paid'],
  ['a delivery of which an event was made', async () => ids.journal, 'event order.paid'],
  ['an idempotency key', async () => 'evt_12345', 'event order.paid'],
  ['an event of the platform', async () => 'other-4321', 'event order.paid'],
  ['an order, in another case', async () => 'hp777', 'event order.paid'],
  ['a dead letter', async () => ids.letter, 'dead_letter MISSING_FIELD'],
  ['a delivery of which a dead letter was made', async () => ids.rejected, 'dead_letter MISSING_FIELD'],
  ['a dead letter\u2019s key', async () => 'dead-4711', 'dead_letter MISSING_FIELD'],
  ['a connection', async () => connection, 'connection Till'],
])('the id of %s is found, and nobody of another org finds it', async (_name, idIn, found) => {
  const id = await idIn();
  expect(await find(id)).toEqual([found]);
  expect(await find(id, (await world.makeOrg()).owner)).toEqual([]);
});

it.each(['', '   ', 'evt_', 'no such id', randomUUID(), 'x'.repeat(5_000), "' or 1=1 --", '%'])('%j finds nothing', async (text) => {
  expect(await find(text)).toEqual([]);
});

it('each part is served by an index: the large tables are never read from end to end', async () => {
  for (const text of [await idOf('evt_3'), ids.journal, 'evt_12345', 'other-4321', 'HP777', 'dead-4711', 'no such id']) {
    const read = await world.db.as(analyst.claims, async (sql) => {
      await sql('select public.find_by_id($1, $2)', [org.id, text]);
      return sql(
        `select t.relname, t.seq_tup_read from pg_stat_xact_all_tables t where t.seq_tup_read > 1000 and t.schemaname in ('public', 'private')`,
      );
    });
    expect(read, text).toEqual([]);
  }
});
