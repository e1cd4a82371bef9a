import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../local/testing.ts';
import { beginWorld, openSession, type Session } from './session.ts';
import { connectionId, holdId, insertEvent, insertHold, insertJournal, insertPayload, type Org, orgId } from './world.ts';

// 90 days before today, May has ended; 400 days before today, June 2030 has ended.
const today = '2031-08-30T00:00Z';
const parents = ['public.canonical_events', 'public.event_journal', 'private.journal_payloads'] as const;

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(async () => {
  await beginWorld(session.client);
  // The world has a row in every table, also one of a move that is not there.
  await look('delete from private.held_moves');
  await look(`select private.ensure_partitions(m) from generate_series(timestamptz '2031-03-01', '2031-08-01', interval '1 month') m`);
});
afterEach(() => session.client.query('rollback'));

const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const idOf = (org: Org, n: number) => `${org.toLowerCase()}0000000-0000-4000-8000-00000000${7000 + n}`;

/** Makes one delivery in May 2031 and one event in June 2030. */
async function fill(org: Org, n: number): Promise<void> {
  await look(insertJournal(org, idOf(org, n)));
  await look(`update public.event_journal set received_at = timestamptz '2031-05-10' + make_interval(secs => $2) where id = $1`, [
    idOf(org, n),
    n,
  ]);
  await look(insertPayload(org, idOf(org, n)));
  await look(
    `update private.journal_payloads set received_at = timestamptz '2031-05-10' + make_interval(secs => $2) where journal_id = $1`,
    [idOf(org, n), n],
  );
  await look(insertEvent(org, idOf(org, n), { at: `2030-06-${String(n).padStart(2, '0')}T00:00Z` }));
}

/** The filled rows that people can read, by table: `org n`. */
async function readable(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const parent of parents) {
    const key = parent.endsWith('payloads') ? 'journal_id' : 'id';
    const rows = await look<{ name: string }>(
      `select left(${key}::text, 1) || ' ' || (right(${key}::text, 4)::integer - 7000) as name from ${parent} where ${key}::text ~ '-00000000700[0-9]$' order by 1`,
    );
    found[parent] = rows.map((row) => row.name);
  }
  return found;
}
const everywhere = (...rows: string[]) => Object.fromEntries(parents.map((parent) => [parent, rows]));
const held = async (rows = 2) =>
  (await session.as<{ step: string | null }>('maintenance', `select private.move_held_rows($1, $2, '0 ms') as step`, [today, rows]))[0]
    ?.step;
const drop = async () =>
  (await session.as<{ name: string }>('maintenance', 'select private.drop_expired_partitions($1) as name', [today])).map((row) => row.name);
const sweep = async () => (await session.as<{ deleted: string }>('maintenance', 'select * from private.sweep_partitions($1)', [today]))[0];

/** Moves held rows until nothing is left to do, and looks at what can be read after every step. */
async function moveAll(afterStep: (step: string) => Promise<void> = async () => {}): Promise<string[]> {
  const steps: string[] = [];
  for (let step = await held(); step; step = await held()) {
    steps.push(step);
    await afterStep(step);
    if (steps.length > 100) throw new Error(`the move does not end: ${steps.slice(-10).join(', ')}`);
  }
  return steps;
}

describe('a legal hold', () => {
  it.each([
    ['the org', null],
    ['the connection', connectionId('A')],
  ])('on %s keeps its rows, each readable once after every step, and no row of another org', async (_, connection) => {
    await look('update public.legal_holds set source_connection_id = $1 where id = $2', [connection, holdId('A')]);
    for (const n of [1, 2, 3, 4, 5]) await fill('A', n);
    for (const n of [1, 2, 3]) await fill('B', n);
    const steps = await moveAll(async () => {
      for (const rows of Object.values(await readable()))
        expect(rows.filter((row) => row.startsWith('a'))).toEqual(['a 1', 'a 2', 'a 3', 'a 4', 'a 5']);
    });
    expect(steps.filter((step) => /^dropped .*_y203/.test(step))).toEqual([
      'dropped journal_payloads_y2031m05',
      'dropped canonical_events_y2030m06',
      'dropped event_journal_y2031m05',
    ]);
    expect(await readable()).toEqual(everywhere('a 1', 'a 2', 'a 3', 'a 4', 'a 5'));
    // What is left is what every other partition has: an owner without grants, row level security, the keys of its parent.
    expect(
      await look(`select relrowsecurity as closed, relispartition as attached, (select count(*)::int from pg_constraint k where k.conrelid = c.oid and contype in ('p', 'f')) as keys
        from pg_class c where relname = 'canonical_events_y2030m06_held'`),
    ).toEqual([{ closed: true, attached: true, keys: 1 }]);
    expect(await look('select * from private.held_moves')).toEqual([]);
  });

  it('that is released lets its rows be dropped as a whole', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    await fill('A', 1);
    await moveAll();
    expect(await drop()).not.toContain('event_journal_y2031m05_held');
    await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
    expect(await drop()).toEqual(
      expect.arrayContaining(['canonical_events_y2030m06_held', 'event_journal_y2031m05_held', 'journal_payloads_y2031m05_held']),
    );
    expect(await readable()).toEqual(everywhere());
  });

  it('that is released while another holds rows of the same month lets its rows be deleted one by one', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = any ($1)', [[holdId('A'), holdId('B')]]);
    for (const org of ['A', 'B'] as const) for (const n of [1, 2]) await fill(org, n);
    await moveAll();
    await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
    await drop();
    expect(Number((await sweep())?.deleted)).toBeGreaterThanOrEqual(6);
    expect(await readable()).toEqual(everywhere('b 1', 'b 2'));
  });

  it('that is set while rows of another are moved keeps its rows too, also when the old partition has been replaced', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    for (const org of ['A', 'B'] as const) for (const n of [1, 2]) await fill(org, n);
    const steps = await moveAll(async (step) => {
      if (step === 'replaced journal_payloads_y2031m05') await look(insertHold('B', { connection: connectionId('B') }));
    });
    expect(steps).toContain('dropped journal_payloads_y2031m05');
    expect(await readable()).toEqual(everywhere('a 1', 'a 2', 'b 1', 'b 2'));
  });

  it('that is released before the old partition is replaced lets the move end, and nothing is kept', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    for (const n of [1, 2]) await fill('A', n);
    await held();
    await held();
    await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
    await moveAll();
    await drop();
    expect(await readable()).toEqual(everywhere());
  });

  it('keeps rows that arrive while their month is being moved, and the key of every event', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    await fill('A', 1);
    const keys = await look('select count(*) from private.event_keys');
    await moveAll(async (step) => {
      if (step === 'checked canonical_events_y2030m06') await look(insertEvent('A', idOf('A', 2), { at: '2030-06-01T00:00Z' }));
    });
    expect((await readable())['public.canonical_events']).toEqual(['a 1', 'a 2']);
    expect(await look('select count(*) from private.event_keys')).toEqual(keys);
  });

  it('does not make Postgres search the default partition while the parent is locked', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    await fill('A', 1);
    const notices: string[] = [];
    session.client.on('notice', (notice) => notices.push(notice.message ?? ''));
    await look(`set local client_min_messages = debug1`);
    await moveAll();
    expect(notices).toEqual(
      expect.arrayContaining([
        expect.stringContaining('for default partition "canonical_events_default" is implied by existing constraints'),
      ]),
    );
    expect(notices).toEqual(
      expect.arrayContaining([
        expect.stringContaining('partition constraint for table "canonical_events_y2030m06_held" is implied by existing constraints'),
      ]),
    );
  });
});

describe('the default partition', () => {
  const old = (org: Org, n: number, received: string) => insertEvent(org, idOf(org, n), { at: '2001-01-01T00:00Z', received });

  it('loses its expired rows one by one, whatever else is in it', async () => {
    await look(old('A', 1, '2030-07-01T00:00Z'));
    await look(old('B', 1, '2030-07-02T00:00Z'));
    await look(old('B', 2, '2031-08-01T00:00Z'));
    expect(await drop()).not.toContain('canonical_events_default');
    expect(await sweep()).toMatchObject({ deleted: '2', is_behind: false });
    expect((await readable())['public.canonical_events']).toEqual(['b 2']);
  });

  it('keeps rows under a hold, reads each of them once in a walk of small steps, and loses them when the hold is released', async () => {
    await look('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    for (const n of [1, 2, 3]) await look(old('A', n, `2030-07-0${n}T00:00Z`));
    await look(old('B', 4, '2030-07-04T00:00Z'));
    const step = async () =>
      (await session.as('maintenance', `select * from private.sweep_partitions($1, 2, '0 ms')`, [today]))[0] as {
        deleted: string;
        is_behind: boolean;
      };
    expect(await step()).toMatchObject({ deleted: '0', is_behind: true });
    expect(await step()).toMatchObject({ deleted: '1' });
    expect((await readable())['public.canonical_events']).toEqual(['a 1', 'a 2', 'a 3']);
    await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
    // A walk that was under way does not go back; the next one finds what it passed.
    for (const _ of [1, 2]) while ((await step()).is_behind);
    expect((await readable())['public.canonical_events']).toEqual([]);
  });
});

it('goes on where it was when a process dies in the middle of a step', async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.superuserUrl });
  try {
    await client.connect();
    await beginWorld(client);
    await client.query('delete from private.held_moves');
    await client.query(`select private.create_partition('public.canonical_events', '2020-01-01')`);
    await client.query('update public.legal_holds set source_connection_id = null where id = $1', [holdId('A')]);
    await client.query(
      `insert into public.canonical_events (id, org_id, project_id, source_connection_id, type, source_type, source_event_type, event_time,
         received_at, ingested_at, idempotency_key, journal_id, schema_version)
       select gen_random_uuid(), org_id, project_id, source_connection_id, type, source_type, source_event_type,
         timestamptz '2020-01-05' + n * interval '1 second', '2020-01-05', now(), n::text, journal_id, 1
       from public.canonical_events e, generate_series(1, 20) n where e.org_id = any ($1)`,
      [[orgId('A'), orgId('B')]],
    );
    await client.query('commit');
    const count = async () =>
      (
        await client.query(
          `select org_id = $1 as is_held, count(*)::int as n from public.canonical_events where event_time < '2020-02-01' group by 1 order by 1`,
          [orgId('A')],
        )
      ).rows;
    let steps = 0;
    for (let step: string | null = ''; step !== null; steps++) {
      // Each step is carried out twice: the first time, the process dies before the commit.
      await client.query('begin');
      await client.query(`select private.move_held_rows(now(), 7, '0 ms')`);
      await client.query('rollback');
      step = (await client.query<{ step: string | null }>(`select private.move_held_rows(now(), 7, '0 ms') as step`)).rows[0]?.step ?? null;
      expect(await count()).toContainEqual({ is_held: true, n: 20 });
    }
    expect(steps).toBeGreaterThan(8);
    expect(await count()).toEqual([{ is_held: true, n: 20 }]);
  } finally {
    await client.end();
    await database.drop();
  }
});
