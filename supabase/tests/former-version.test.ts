import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, connectionId, orgId, projectId } from './world.ts';

// During an upgrade, instances of the former version write by functions that take JSON. Each test sends the same batches as both versions do, and compares
// the answers and the rows of every table.

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(async () => {
  await session.client.query('rollback');
});

const uuid = (kind: number, n: number) => `d0000000-0000-4000-8000-${String(kind)}${String(n).padStart(11, '0')}`;
const journalOf = (n: number) => uuid(2, n);
const eventOf = (n: number) => uuid(1, n);
const letterOf = (n: number) => uuid(3, n);
const digest = (letter: string) => letter.repeat(64);
/** No time that a commit makes is so old, so that the times of commits can be told from those of the rows. */
const sentAt = new Date(Date.now() - 2 * 3_600_000).toISOString();

interface Read {
  n: number;
  key: string;
  body?: string;
  at?: string;
  amount?: number;
  formerKey?: string;
  recordKeys?: string[];
}
interface Dead {
  n: number;
  dead: string;
  index?: number | null;
  key?: string | null;
  digest?: string | null;
  isQuarantine?: boolean;
}
interface Delivery {
  n: number;
  records: (Read | Dead)[];
  types?: string[];
  replayOf?: string;
  part?: { part: 'first' | 'next' | 'last'; record_total?: number; outcomes_before?: string[] };
  connection?: string;
}
type Row = Record<string, unknown>;
interface Rows {
  deliveries: Row[];
  keys: Row[];
  events: Row[];
  dead: Row[];
  sealed: string[];
}

/** The rows of a batch, as the former version makes them: what is undefined is not sent. */
function rowsOf(batch: readonly Delivery[]): Rows {
  const rows: Rows = { deliveries: [], keys: [], events: [], dead: [], sealed: [] };
  for (const { n, records, types = [], replayOf, part, connection = connectionId('A') } of batch) {
    const scope = { org_id: orgId('A'), project_id: projectId('A'), source_connection_id: connection };
    rows.sealed.push(part && part.part !== 'first' ? '' : `sealed body ${'x'.repeat(n)}`);
    rows.deliveries.push({
      id: journalOf(n),
      ...scope,
      received_at: sentAt,
      content_type: n % 2 === 0 ? null : 'application/json',
      byte_size: 100 + n,
      body_sha256: digest('a'),
      is_test: n % 3 === 0,
      replay_of: replayOf ?? null,
      event_types: types,
      key_version: 1,
      ...part,
    });
    for (const [place, record] of records.entries()) {
      if ('dead' in record) {
        rows.dead.push({
          id: letterOf(record.n),
          ...scope,
          journal_id: journalOf(n),
          record_index: record.index === undefined ? place : record.index,
          error_class: record.dead,
          last_error_message: `the record ${record.n} cannot be read`,
          field_path: record.n % 2 === 0 ? null : 'data.id',
          source_event_type: null,
          idempotency_key: record.n % 2 === 0 ? `key of ${record.n}` : null,
          next_retry_at: null,
          is_quarantine: record.isQuarantine ?? false,
          sample: record.n % 2 === 0 ? null : { a: [1, 'b', null] },
          record_key: record.key === undefined ? digest('1') : record.key,
          record_digest: record.digest === undefined ? digest('2') : record.digest,
        });
        continue;
      }
      const { key, body = 'b', at = sentAt, amount, formerKey, recordKeys } = record;
      rows.keys.push({
        source_connection_id: connection,
        idempotency_key: key,
        event_id: eventOf(record.n),
        event_time: at,
        body_sha256: digest(body),
        journal_id: journalOf(n),
        dlq_id: letterOf(record.n),
        ...(formerKey === undefined ? {} : { former_key: formerKey, spare_key: `hmac:${digest('d')}` }),
        ...(recordKeys === undefined ? {} : { record_keys: recordKeys }),
      });
      rows.events.push({
        id: eventOf(record.n),
        ...scope,
        type: 'order.paid',
        source_type: 'hotmart',
        source_event_type: 'PURCHASE_APPROVED',
        source_event_id: record.n % 2 === 0 ? null : `source ${record.n}`,
        event_time: at,
        received_at: sentAt,
        idempotency_key: key,
        subject: { hash_version: 1, email: `hash of ${record.n}` },
        amount_minor: amount ?? null,
        currency: amount === undefined ? null : 'BRL',
        order_ref: amount === undefined ? null : `order ${record.n}`,
        attribution: amount === undefined ? {} : { campaign: 'c' },
        properties: { n: record.n, texts: ['"', 'ü', '\\'] },
        is_test: false,
        journal_id: journalOf(n),
        schema_version: 1,
        record_index: place,
      });
    }
  }
  return rows;
}

interface Call {
  actor: Actor;
  sql: string;
  values: unknown[];
}
interface Settlement {
  owner: string;
  entries: Row[];
  events: Delivery[];
}
/** A statement of the former version and of this one. */
interface Version {
  ingest(batch: Delivery[]): Call;
  replay(batch: Delivery[], rewrite: boolean): Call;
  settle(settlement: Settlement): Call;
}

const json = (rows: readonly Row[]) => JSON.stringify(rows);
const formerValues = ({ deliveries, keys, events, dead, sealed }: Rows) => {
  let sealedAt = 0;
  const placed = deliveries.map((delivery, index) => {
    const length = sealed[index]?.length ?? 0;
    sealedAt += length;
    return { ...delivery, sealed_at: sealedAt - length, sealed_length: length };
  });
  return [json(placed), json(keys), json(events), json(dead), Buffer.from(sealed.join(''))];
};
const former: Version = {
  ingest: (batch) => ({
    actor: 'ingest',
    sql: 'select private.ingest_batch($1, $2, $3, $4, $5) as answer',
    values: formerValues(rowsOf(batch)),
  }),
  replay: (batch, rewrite) => ({
    actor: 'worker',
    sql: 'select private.replay_batch($1, $2, $3, $4, $5, $6) as answer',
    values: [...formerValues(rowsOf(batch)), rewrite],
  }),
  settle({ owner, entries, events }) {
    const rows = rowsOf(events);
    return {
      actor: 'worker',
      sql: 'select private.settle_dead_letters($1, $2, $3, $4) as answer',
      values: [owner, json(entries), json(rows.keys), json(rows.events)],
    };
  },
};

/** The columns of a composite type, of rows in which any column may be missing. A list of lists is one array and the places of each list in it. */
function columnsOf(rows: readonly Row[], lists: readonly string[] = []): string | null {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const columns: Row = {};
  for (const name of names) {
    const values = rows.map((row) => row[name] ?? null);
    if (!lists.includes(name)) {
      columns[name] = values;
      continue;
    }
    const all = values.map((value) => (value ?? []) as string[]);
    const ends = all.map((_, index) => all.slice(0, index + 1).flat().length);
    columns[name] = all.flat();
    columns[`${name}_from`] = all.map((list, index) => (ends[index] ?? 0) - list.length + 1);
    columns[`${name}_to`] = ends;
  }
  return rows.length === 0 ? null : JSON.stringify(columns);
}
const recordColumns = ({ keys, events }: Rows) =>
  columnsOf(
    keys.map((key, index) => {
      const { id, subject, attribution, properties, ...event } = events[index] ?? {};
      const texts = Object.fromEntries(
        Object.entries({ subject, attribution, properties }).map(([name, value]) => [name, JSON.stringify(value)]),
      );
      return { ...event, ...texts, ...key, body_sha256: `\\x${key.body_sha256}` };
    }),
    ['record_keys'],
  );
const presentValues = (rows: Rows) => [
  columnsOf(
    rows.deliveries.map(({ record_total, ...delivery }, index) => ({
      ...delivery,
      record_count: record_total ?? [...rows.keys, ...rows.dead].filter((row) => row.journal_id === delivery.id).length,
      sealed: rows.sealed[index],
    })),
    ['event_types', 'outcomes_before'],
  ),
  recordColumns(rows),
  columnsOf(rows.dead.map((row) => ({ ...row, sample: row.sample && JSON.stringify(row.sample) }))),
];
const present: Version = {
  ingest: (batch) => ({
    actor: 'ingest',
    sql: `select private.ingest_batch(json_populate_record(null::private.delivery_columns, $1), json_populate_record(null::private.record_columns, $2),
      json_populate_record(null::private.dead_columns, $3)) as answer`,
    values: presentValues(rowsOf(batch)),
  }),
  replay: (batch, rewrite) => ({
    actor: 'worker',
    sql: `select private.replay_batch(json_populate_record(null::private.delivery_columns, $1), json_populate_record(null::private.record_columns, $2),
      json_populate_record(null::private.dead_columns, $3), $4) as answer`,
    values: [...presentValues(rowsOf(batch)), rewrite],
  }),
  settle: ({ owner, entries, events }) => ({
    actor: 'worker',
    sql: 'select private.settle_dead_letters($1, $2, json_populate_record(null::private.record_columns, $3)) as answer',
    values: [owner, json(entries), recordColumns(rowsOf(events))],
  }),
};

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
async function resultOf(version: Version, steps: readonly Step[]) {
  await beginWorld(session.client);
  const answers: unknown[] = [];
  for (const step of steps) {
    const call = step(version);
    if (typeof call === 'string') await session.client.query(call);
    else {
      const [row] = await session.as<{ answer: Row[] | null }>(call.actor, call.sql, call.values);
      answers.push(row?.answer?.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))));
    }
  }
  const tables: Record<string, Row[]> = {};
  for (const table of written) {
    const { rows } = await session.client.query<{ row: Row }>(`select to_jsonb(t) as row from ${table} t`);
    tables[table] = rows.map(({ row }) => withoutCommit(row)).toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  await session.client.query('rollback');
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

async function both(...steps: Step[]) {
  const [byFormer, byPresent] = [await resultOf(former, steps), await resultOf(present, steps)];
  expect(byFormer).toEqual(byPresent);
  const outcomes = Object.fromEntries(
    byFormer.tables['public.event_journal']
      ?.filter(({ id }) => String(id).startsWith('d'))
      .map(({ id, outcome }) => [Number(String(id).slice(-4)), outcome]) ?? [],
  );
  return { ...byFormer, outcomes };
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
    const { outcomes, answers, tables } = await both(
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
    const journal = tables['public.event_journal']?.filter(({ id }) => String(id).startsWith('d'));
    expect(journal?.map((row) => [row.event_types, row.record_count])).toEqual([
      [['A', 'B', 'C'], 2],
      [[], 0],
      [['D'], 1],
    ]);
  });

  it('of duplicates and conflicts, with stored events and within the batch', async () => {
    const { outcomes, answers } = await both(
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
    const { outcomes, answers } = await both(
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
    const { outcomes } = await both(
      ingest(one(1, { n: 1, key: '11999990000' })),
      ingest(one(2, { n: 2, key: 'plain' }, { n: 3, key: 'masked', formerKey: '11999990000' }, { n: 4, key: 'other' })),
    );
    expect(outcomes).toEqual({ 1: 'accepted', 2: 'mixed' });
  });

  it('of a large delivery in parts', async () => {
    const part = (part: NonNullable<Delivery['part']>, ...records: (Read | Dead)[]) =>
      ingest({ n: 1, records, types: part.part === 'first' ? ['A'] : [], part });
    const { outcomes, tables } = await both(
      ingest(one(9, { n: 9, key: 'nine' })),
      part({ part: 'first', record_total: 6 }, { n: 1, key: 'one' }, { n: 2, key: 'two' }),
      part({ part: 'next' }, { n: 3, key: 'nine' }, { n: 4, key: 'four' }),
      part({ part: 'last', outcomes_before: ['accepted', 'duplicate'] }, { n: 5, key: 'five' }, { n: 6, dead: 'MISSING_FIELD' }),
    );
    expect(outcomes).toEqual({ 1: 'mixed', 9: 'accepted' });
    expect(tables['public.event_journal']).toContainEqual(
      expect.objectContaining({ id: journalOf(1), record_count: 6, event_types: ['A'] }),
    );
  });

  it.each([false, true])('of the journal: what was stored, what had failed and what fails again, with rewrite %s', async (rewrite) => {
    const { outcomes, answers } = await both(
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
    const { answers } = await both(
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
  it('stores its rows under the org and the project of the connection, although the batch names an org of another tenant', async () => {
    const { tables } = await both(
      ingest({ ...one(1, { n: 1, key: 'one' }, { n: 2, dead: 'MISSING_FIELD' }), connection: connectionId('B') }),
    );
    for (const table of ['public.event_journal', 'public.canonical_events', 'public.dlq_events', 'private.journal_payloads'])
      expect(tables[table]?.filter((row) => String(row.id ?? row.journal_id).startsWith('d')).map((row) => row.org_id)).toEqual([
        orgId('B'),
      ]);
  });

  it('is refused with a connection that does not exist, and nothing of the batch is stored', async () => {
    await beginWorld(session.client);
    const { actor, sql, values } = former.ingest([
      one(1, { n: 1, key: 'one' }),
      { ...one(2, { n: 2, key: 'two' }), connection: uuid(4, 1) },
    ]);
    await expect(session.as(actor, sql, values)).rejects.toMatchObject({ code: '23503' });
    expect((await session.client.query(`select from private.event_keys where idempotency_key in ('one', 'two')`)).rows).toEqual([]);
  });
});
