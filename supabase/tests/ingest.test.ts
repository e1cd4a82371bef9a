import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { connectionId, type Org, orgId, projectId } from './world.ts';

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));

const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const uuid = (kind: number, n: number) => `d0000000-0000-4000-8000-${String(kind)}${String(n).padStart(11, '0')}`;
const eventOf = (n: number) => uuid(1, n);
const journalOf = (n: number) => uuid(2, n);
const letterOf = (n: number) => uuid(3, n);
type One = { n: number; key: string; body?: string; org?: Org; connection?: string; at?: string; received?: string };

/** Turns rows into the arrays of a composite type of columns. */
const columnsOf = (rows: readonly Record<string, unknown>[]) =>
  JSON.stringify(Object.fromEntries(Object.keys(rows[0] ?? {}).map((name) => [name, rows.map((row) => row[name])])));

/** A batch of deliveries of one event each, sent as the ingest role. */
async function ingest(...records: One[]) {
  const now = new Date().toISOString();
  const connectionOf = ({ org = 'A', connection }: One) => ({ source_connection_id: connection ?? connectionId(org) });
  const deliveries = records.map((one) => ({
    ...connectionOf(one),
    id: journalOf(one.n),
    received_at: one.received ?? now,
    content_type: 'application/json',
    byte_size: 2,
    body_sha256: 'a'.repeat(64),
    record_count: 1,
    is_test: false,
    key_version: 1,
    sealed: `0${one.n}`,
  }));
  const events = records.map((one) => ({
    ...connectionOf(one),
    event_id: eventOf(one.n),
    journal_id: journalOf(one.n),
    record_index: 0,
    idempotency_key: one.key,
    body_sha256: `\\x${(one.body ?? 'b').repeat(64)}`,
    dlq_id: letterOf(one.n),
    type: 'order.paid',
    source_type: 'hotmart',
    source_event_type: 'PURCHASE_APPROVED',
    event_time: one.at ?? now,
    received_at: one.received ?? now,
    subject: '{}',
    attribution: '{}',
    properties: JSON.stringify({ n: one.n }),
    is_test: false,
    schema_version: 1,
  }));
  const [row] = await session.as<{ old: { event_id: string }[] }>(
    'ingest',
    `select private.ingest_batch(json_populate_record(null::private.delivery_columns, $1), json_populate_record(null::private.record_columns, $2), null) as old`,
    [columnsOf(deliveries), columnsOf(events)],
  );
  return row?.old;
}

describe('the ingest role', () => {
  it('counts the lag of an event from long ago as one month, in the last bucket of the histogram', async () => {
    await ingest({ n: 1, key: 'one', at: '1971-01-02T00:00:00Z' }, { n: 2, key: 'two', at: '1971-01-03T00:00:00Z' });
    const monthMs = 31 * 24 * 3_600_000;
    expect(
      await look(
        'select lag_sum_ms, lag_max_ms, lag_histogram, last_event_time from public.connection_activity where accepted = 2 order by id desc limit 1',
      ),
    ).toEqual([
      {
        lag_sum_ms: String(2 * monthMs),
        lag_max_ms: String(monthMs),
        lag_histogram: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        last_event_time: new Date('1971-01-03T00:00:00Z'),
      },
    ]);
  });

  it('stores no event before it was received, and counts no lag below zero, when the clock of a host is ahead', async () => {
    const ahead = new Date(Date.now() + 600_000);
    await ingest({ n: 1, key: 'one', at: ahead.toISOString(), received: ahead.toISOString() });
    expect(await look('select received_at, ingested_at from public.canonical_events where id = $1', [eventOf(1)])).toEqual([
      { received_at: ahead, ingested_at: ahead },
    ]);
    const [activity] = await look(
      'select lag_sum_ms, lag_max_ms, lag_histogram from public.connection_activity where accepted = 1 order by id desc limit 1',
    );
    expect(activity).toEqual({ lag_sum_ms: '0', lag_max_ms: '0', lag_histogram: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
  });

  it('stores the journal row, sealed body, key, event and activity of a delivery', async () => {
    expect(await ingest({ n: 1, key: 'one' }, { n: 2, key: 'two', org: 'B' })).toEqual([]);
    for (const [n, org] of [
      [1, 'A'],
      [2, 'B'],
    ] as const) {
      expect(await look('select org_id, properties from public.canonical_events where id = $1', [eventOf(n)])).toEqual([
        { org_id: orgId(org), properties: { n } },
      ]);
      expect(await look('select outcome, record_count from public.event_journal where id = $1', [journalOf(n)])).toEqual([
        { outcome: 'accepted', record_count: 1 },
      ]);
      expect(
        await look(`select encode(sealed, 'escape') as sealed, org_id from private.journal_payloads where journal_id = $1`, [journalOf(n)]),
      ).toEqual([{ sealed: `0${n}`, org_id: orgId(org) }]);
    }
  });

  it('learns about an existing key only the id of the stored event and whether the body was the same', async () => {
    await ingest({ n: 1, key: 'one' });
    const old = await ingest({ n: 2, key: 'one' }, { n: 3, key: 'one', body: 'c' }, { n: 4, key: 'four' });
    expect(old?.sort((a, b) => a.event_id.localeCompare(b.event_id))).toEqual([
      expect.objectContaining({ event_id: eventOf(2), stored_event_id: eventOf(1), outcome: 'duplicate' }),
      expect.objectContaining({ event_id: eventOf(3), stored_event_id: eventOf(1), outcome: 'conflict' }),
    ]);
    expect(await look(`select id from public.canonical_events where properties ? 'n' order by id`)).toEqual([
      { id: eventOf(1) },
      { id: eventOf(4) },
    ]);
    expect(await look('select id, error_class, stored_event_id from public.dlq_events where id = $1', [letterOf(3)])).toEqual([
      { id: letterOf(3), error_class: 'DUPLICATE_EVENT', stored_event_id: eventOf(1) },
    ]);
  });

  it('stores two events for the same key of two connections', async () => {
    expect(await ingest({ n: 1, key: 'same' }, { n: 2, key: 'same', org: 'B' })).toEqual([]);
  });

  it('names connections only: every row belongs to the org and the project of its connection', async () => {
    await ingest({ n: 1, key: 'one', org: 'A', connection: connectionId('B') });
    for (const [table, id] of [
      ['public.canonical_events', eventOf(1)],
      ['public.event_journal', journalOf(1)],
    ])
      expect(await look(`select org_id, source_connection_id from ${table} where id = $1`, [id])).toEqual([
        { org_id: orgId('B'), source_connection_id: connectionId('B') },
      ]);
    expect(await look('select project_id from public.canonical_events where id = $1', [eventOf(1)])).toEqual([
      { project_id: projectId('B') },
    ]);
    expect(await look('select org_id from private.journal_payloads where journal_id = $1', [journalOf(1)])).toEqual([
      { org_id: orgId('B') },
    ]);
  });

  it('cannot store anything under a connection that does not exist, and the whole batch is rolled back', async () => {
    await expect(ingest({ n: 1, key: 'good' }, { n: 2, key: 'bad', connection: uuid(4, 1) })).rejects.toMatchObject({ code: '23503' });
    expect(await look(`select from public.canonical_events where properties ? 'n'`)).toEqual([]);
    expect(await look(`select from private.event_keys where idempotency_key in ('good', 'bad')`)).toEqual([]);
  });

  it.each([
    ['deleted', 'delete from public.source_connections where id = $1'],
    [
      'moved to another org',
      `update public.source_connections set org_id = '${orgId('B')}', project_id = '${projectId('B')}' where id = $1`,
    ],
  ])('a connection with events or deliveries cannot be %s, also by the owner of the tables', async (_, sql) => {
    await ingest({ n: 1, key: 'one' });
    await expect(session.client.query(sql, [connectionId('A')])).rejects.toMatchObject({ code: '23503' });
  });

  it('cannot read events, deliveries, payloads, dead letters or secrets', async () => {
    for (const table of [
      'public.canonical_events',
      'public.event_journal',
      'public.dlq_events',
      'public.connection_activity',
      'public.source_connections',
      'public.org_members',
      'private.journal_payloads',
      'private.connection_secrets',
      'private.org_keys',
      'private.org_digest_keys',
    ])
      await expect(session.as('ingest', `select from ${table}`)).rejects.toMatchObject({ code: '42501' });
  });

  it.each(['owner A', 'anon', 'maintenance', 'service_role', 'api login'] as const)(
    'is the only role that may ingest: %s is refused',
    async (actor) => {
      for (const call of [`ingest_batch(null, null, null)`, `take_quarantine('${connectionId('A')}', 1, 10)`, `count_rejections('[]')`])
        await expect(session.as(actor, `select private.${call}`)).rejects.toMatchObject({ code: '42501' });
    },
  );
});

describe('quarantine', () => {
  const count = (...rows: object[]) =>
    session.as('ingest', 'select private.count_rejections($1)', [
      JSON.stringify(rows.map((row) => ({ org_id: orgId('A'), source_connection_id: connectionId('A'), ...row }))),
    ]);
  const take = async (wanted: number) =>
    (await session.as<{ taken: number }>('ingest', 'select private.take_quarantine($1, $2, 10) as taken', [connectionId('A'), wanted]))[0]
      ?.taken;

  it('assigns each place once, and no more places in an hour than its cap', async () => {
    expect(await take(6)).toBe(6);
    expect(await take(6)).toBe(4);
    expect(await take(6)).toBe(0);
  });

  it('counts rejected deliveries beyond its cap', async () => {
    await count({ code: 'invalid_signature', refused: 7, unstored: 5 });
    expect(
      await look('select received, rejected from public.connection_activity where org_id = $1 and rejected > 0', [orgId('A')]),
    ).toEqual([{ received: 5, rejected: 5 }]);
  });

  it('counts refused deliveries by reason and hour in one row each, and leaves out connections of another org', async () => {
    await count({ code: 'invalid_signature', refused: 7, unstored: 0 });
    await count({ code: 'invalid_signature', refused: 1, unstored: 0 }, { code: 'payload_too_large', refused: 2, unstored: 0 });
    await count({ code: 'invalid_signature', refused: 9, unstored: 9, org_id: orgId('B') });
    const seen = () =>
      session.as('analyst A', 'select code, last_day::int, last_week::int from public.rejections_by_reason($1, $2) order by 1', [
        orgId('A'),
        connectionId('A'),
      ]);
    const expected = [
      { code: 'invalid_signature', last_day: 8, last_week: 8 },
      { code: 'payload_too_large', last_day: 2, last_week: 2 },
    ];
    expect(await seen()).toEqual(expected);
    expect(
      await look(`select count(*)::int as n from public.connection_rejections where code = 'invalid_signature' and rejected > 1`),
    ).toEqual([{ n: 1 }]);
    await look(`update public.connection_rejections set hour = hour - interval '2 days' where code = 'payload_too_large'`);
    expect((await seen())[1]).toEqual({ code: 'payload_too_large', last_day: 0, last_week: 2 });
    expect(await session.as('owner B', 'select from public.rejections_by_reason($1, $2)', [orgId('A'), connectionId('A')])).toEqual([]);
  });
});
