import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Call,
  createTenants,
  type Dead,
  type Delivery,
  digest,
  eventOf,
  former,
  journalOf,
  letterOf,
  present,
  type Read,
  type Row,
  uuid,
  type Version,
} from './batches.ts';
import { type FormerRelease, startFormerRelease } from './former-release.ts';
import { openSession, type Session } from './session.ts';
import { connectionId, orgId } from './world.ts';

// During an upgrade, instances of the former version write by functions that take JSON. Each test sends the same batches in three ways, and compares the answers
// and the rows of every table: as the former version, to its own schema and to the present one, and as this version.

let release: FormerRelease;
let before: Session;
let session: Session;
beforeAll(async () => {
  release = await startFormerRelease();
  before = await openSession(release.database);
  session = await openSession();
});
afterAll(async () => {
  await before?.close();
  await release?.stop();
  await session?.close();
});

const written = [
  'public.event_journal',
  'private.journal_payloads',
  'private.event_keys',
  'public.canonical_events',
  'public.dlq_events',
  'public.connection_activity',
];

type Step = (version: Version) => Call | string;

/** Runs the steps in a world of their own, and returns the answers and the rows of every table that a batch writes, without what a commit makes anew. */
async function resultOf({ client, as }: Session, version: Version, steps: readonly Step[]) {
  await client.query('begin');
  await createTenants(client);
  const answers: unknown[] = [];
  for (const step of steps) {
    const call = step(version);
    if (typeof call === 'string') await client.query(call);
    else {
      const [row] = await as<{ answer: Row[] | null }>(call.actor, call.sql, call.values);
      answers.push(row?.answer?.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))));
    }
  }
  const tables: Record<string, Row[]> = {};
  for (const table of written) {
    const { rows } = await client.query<{ row: Row }>(`select to_jsonb(t) as row from ${table} t`);
    tables[table] = rows.map(({ row }) => withoutCommit(row)).toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  await client.query('rollback');
  return { answers, tables };
}

/** Ids that come from a sequence, times of the commit, and the lags up to it differ between two transactions. */
function withoutCommit({ id, lag_sum_ms, lag_max_ms, ...row }: Row): Row {
  const given = typeof id === 'number' ? row : { id, ...row };
  const isRecent = (time: string) => Math.abs(Date.now() - Date.parse(time)) < 1_800_000;
  return JSON.parse(
    JSON.stringify(given).replaceAll(/"(\d{4}-\d\d-\d\dT[^"]+)"/g, (text, time) => (isRecent(time) ? '"the commit"' : text)),
  );
}

/** The result of the steps, after it was found to be the same in every way. */
async function same(...steps: Step[]) {
  const result = await resultOf(before, former, steps);
  expect(await resultOf(session, former, steps)).toEqual(result);
  expect(await resultOf(session, present, steps)).toEqual(result);
  const journal = result.tables['public.event_journal'] ?? [];
  return { ...result, journal, outcomes: Object.fromEntries(journal.map(({ id, outcome }) => [Number(String(id).slice(-4)), outcome])) };
}

const ingest =
  (...batch: Delivery[]): Step =>
  (version) =>
    version.ingest(batch);
const replay =
  (rewrite: boolean, ...batch: Delivery[]): Step =>
  (version) =>
    version.replay(batch, rewrite);
const one = (n: number, ...records: (Read | Dead)[]): Delivery => ({ n, records, types: [`TYPE_${n}`, 'order.paid'] });

describe('a batch of the former version makes the rows that a batch of this version makes', () => {
  it('of new events, of deliveries without records, and of lists of types of every length', async () => {
    const { outcomes, answers, journal } = await same(
      ingest(
        {
          n: 1,
          records: [
            { n: 1, key: 'one' },
            { n: 2, key: 'two', amount: 4_990 },
          ],
          types: ['A', 'B', 'C'],
        },
        { n: 2, records: [], types: [] },
        { n: 3, records: [{ n: 3, key: 'three', at: '2020-01-01T00:00:00Z', amount: 1 }], types: ['D'] },
      ),
    );
    expect(answers).toEqual([[]]);
    expect(outcomes).toEqual({ 1: 'accepted', 2: 'accepted', 3: 'accepted' });
    expect(journal.map((row) => [row.event_types, row.record_count])).toEqual([
      [['A', 'B', 'C'], 2],
      [[], 0],
      [['D'], 1],
    ]);
  });

  it('of duplicates and conflicts, with stored events and within the batch', async () => {
    const { outcomes, answers } = await same(
      ingest(one(1, { n: 1, key: 'one' })),
      ingest(
        one(2, { n: 2, key: 'one' }),
        one(3, { n: 3, key: 'one', body: 'c' }, { n: 4, key: 'four', amount: 5 }),
        one(4, { n: 5, key: 'four' }, { n: 6, key: 'four', body: 'c' }),
      ),
    );
    expect(outcomes).toEqual({ 1: 'accepted', 2: 'duplicate', 3: 'mixed', 4: 'mixed' });
    expect(answers[1]).toHaveLength(4);
  });

  it('of dead letters: of records, of whole deliveries, in the quarantine, and of a record that is sent again', async () => {
    const dead = { dead: 'MISSING_FIELD' };
    const { outcomes, answers } = await same(
      ingest(
        one(1, { n: 1, ...dead }, { n: 2, key: 'two' }),
        one(2, { n: 4, ...dead, key: null, digest: null, index: null }),
        one(3, { n: 5, dead: 'INVALID_SIGNATURE', key: null, digest: null, index: null, isQuarantine: true }),
      ),
      ingest(one(4, { n: 7, ...dead })),
    );
    expect(outcomes).toEqual({ 1: 'mixed', 2: 'dead_lettered', 3: 'rejected', 4: 'dead_lettered' });
    expect(answers[1]).toEqual([{ dlq_id: letterOf(7), entry_id: letterOf(1) }]);
  });

  it('of keys that are stored under their former spelling, which only some of its records have', async () => {
    const { outcomes } = await same(
      ingest(one(1, { n: 1, key: '11999990000' })),
      ingest(one(2, { n: 2, key: 'plain' }, { n: 3, key: 'masked', formerKey: '11999990000' }, { n: 4, key: 'other' })),
    );
    expect(outcomes).toEqual({ 1: 'accepted', 2: 'mixed' });
  });

  it('of a large delivery in parts', async () => {
    const part = (part: NonNullable<Delivery['part']>, ...records: (Read | Dead)[]) =>
      ingest({ n: 1, records, types: part.part === 'first' ? ['A'] : [], part });
    const { outcomes, journal } = await same(
      ingest(one(9, { n: 9, key: 'nine' })),
      part({ part: 'first', record_total: 6 }, { n: 1, key: 'one' }, { n: 2, key: 'two' }),
      part({ part: 'next' }, { n: 3, key: 'nine' }, { n: 4, key: 'four' }),
      part({ part: 'last', outcomes_before: ['accepted', 'duplicate'] }, { n: 5, key: 'five' }, { n: 6, dead: 'MISSING_FIELD' }),
      // The row of a delivery is completed once.
      part({ part: 'last', outcomes_before: ['accepted'] }, { n: 7, key: 'seven' }),
    );
    expect(outcomes).toEqual({ 1: 'mixed', 9: 'accepted' });
    expect(journal).toContainEqual(expect.objectContaining({ id: journalOf(1), record_count: 6, event_types: ['A'] }));
  });

  it.each([false, true])('of the journal: what was stored, what had failed and what fails again, with rewrite %s', async (rewrite) => {
    const { outcomes, answers } = await same(
      ingest(
        one(
          1,
          { n: 1, key: 'one' },
          { n: 2, dead: 'MISSING_FIELD' },
          { n: 3, dead: 'MISSING_FIELD', key: digest('3'), digest: digest('4') },
        ),
      ),
      replay(rewrite, {
        ...one(
          2,
          { n: 4, key: 'one', amount: 7 },
          { n: 5, key: 'two', body: '2', recordKeys: [digest('1'), digest('9')] },
          { n: 6, dead: 'MISSING_FIELD', key: digest('3'), digest: digest('4') },
        ),
        replayOf: journalOf(1),
      }),
    );
    expect(outcomes).toEqual({ 1: 'mixed', 2: 'mixed' });
    expect(answers[1]).toContainEqual(expect.objectContaining({ event_id: eventOf(4), outcome: rewrite ? 'rewritten' : 'duplicate' }));
    expect(answers[1]).toContainEqual({ dlq_id: letterOf(6), entry_id: letterOf(3) });
  });

  it('of the journal: a delivery that was received before the one that wrote the event', async () => {
    const receivedAt = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const { outcomes, tables } = await same(
      ingest(one(1, { n: 1, key: 'one' })),
      replay(true, { ...one(2, { n: 2, key: 'one', body: 'c' }), receivedAt, replayOf: journalOf(1) }),
    );
    expect(outcomes).toEqual({ 1: 'accepted', 2: 'dead_lettered' });
    expect(tables['public.dlq_events']).toMatchObject([{ id: letterOf(2), error_class: 'OLDER_REVISION' }]);
  });

  it('of the journal: a delivery that has another number of records by now, of which no entry is found by its place', async () => {
    const { tables } = await same(
      ingest(one(1, { n: 1, dead: 'MISSING_FIELD' })),
      replay(false, { ...one(2, { n: 2, key: 'two' }, { n: 3, key: 'three' }), replayOf: journalOf(1) }),
    );
    expect(tables['public.dlq_events']).toMatchObject([{ id: letterOf(1), status: 'pending' }]);
  });

  it('of attempts at dead letters: events, a conflict, a failure and a claim that is lost', async () => {
    const owner = uuid(5, 1);
    const claim = `update public.dlq_events set status = 'retrying', lease_owner = '${owner}', attempts = attempts + 1, next_retry_at = now() + interval '1 minute' where id::text like 'd0000000-%'`;
    const settled = (n: number, outcome: string) => ({
      id: letterOf(n),
      outcome,
      status: outcome === 'event' ? 'resolved' : 'pending',
      conflict_status: 'pending',
    });
    const letter = (n: number) => ({ n, dead: 'MISSING_FIELD', key: digest(String(n)), digest: digest('2') });
    const events = [one(1, { n: 2, key: 'two' }, { n: 3, key: 'stored', body: 'c' })];
    const { answers } = await same(
      ingest(one(1, letter(2), letter(3), letter(4)), one(2, { n: 8, key: 'stored' })),
      () => claim,
      (version) => version.settle({ owner: uuid(5, 2), entries: [settled(2, 'event')], events: [one(1, { n: 2, key: 'two' })] }),
      (version) =>
        version.settle({
          owner,
          entries: [
            settled(2, 'event'),
            settled(3, 'event'),
            { ...settled(4, 'failed'), error_class: 'INVALID_VALUE', last_error_message: 'again' },
          ],
          events,
        }),
    );
    expect(answers.slice(1)).toEqual([
      undefined,
      [
        { id: letterOf(2), status: 'resolved' },
        { id: letterOf(3), status: 'pending' },
        { id: letterOf(4), status: 'pending' },
      ],
    ]);
  });
});

describe('a batch of the former version', () => {
  it('stores its rows under the org and the project of the connection, although the batch names those of another tenant', async () => {
    const batch: Step = ingest({ ...one(1, { n: 1, key: 'one' }, { n: 2, dead: 'MISSING_FIELD' }), connection: connectionId('B') });
    await expect(resultOf(before, former, [batch])).rejects.toMatchObject({ code: '23503' });
    await before.client.query('rollback');
    const { tables } = await resultOf(session, former, [batch]);
    for (const table of written.filter((name) => name !== 'private.event_keys'))
      expect([table, new Set(tables[table]?.map((row) => row.org_id))]).toEqual([table, new Set([orgId('B')])]);
  });

  it('is refused with a connection that does not exist, and nothing of the batch is stored', async () => {
    await session.client.query('begin');
    await createTenants(session.client);
    const { actor, sql, values } = former.ingest([
      one(1, { n: 1, key: 'one' }),
      { ...one(2, { n: 2, key: 'two' }), connection: uuid(4, 1) },
    ]);
    await expect(session.as(actor, sql, values)).rejects.toMatchObject({ code: '23503' });
    expect((await session.client.query('select from private.event_keys')).rows).toEqual([]);
    await session.client.query('rollback');
  });
});
