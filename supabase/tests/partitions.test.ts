import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../local/testing.ts';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, connectionId, holdId, insertActivity, insertEvent, insertHold, journalId } from './world.ts';

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));

const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const ensure = async (at: string) =>
  (await session.as<{ made: number }>('maintenance', 'select private.ensure_partitions($1) as made', [at]))[0]?.made;
const dropExpired = async (at: string) =>
  (await session.as<{ name: string }>('maintenance', 'select private.drop_expired_partitions($1) as name', [at]))
    .map((row) => row.name)
    .sort();
const partitions = async (parent: string) =>
  (
    await look<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass order by 1`,
      [parent],
    )
  ).map((row) => row.name);
const refusedTo = ['owner A', 'anon', 'ingest', 'service_role', 'api login'] as const satisfies readonly Actor[];

const eventAt = (id: string, at: string, received = at) => insertEvent('A', id, { at, received });
const eventIds = (n: number) => `a0000000-0000-4000-8000-0000000000${n}`;
const homeOf = async (id: string) =>
  (await look<{ home: string }>('select tableoid::regclass::text as home from public.canonical_events where id::text = $1', [id]))[0]?.home;

describe('ensure_partitions', () => {
  it('creates the partitions that the retention requires, ahead of time, and no partition when it is called again', async () => {
    expect(await ensure('2031-05-17T12:00Z')).toBeGreaterThan(0);
    expect(await partitions('public.canonical_events')).toEqual(
      expect.arrayContaining(['canonical_events_y2030m04', 'canonical_events_y2031m08']),
    );
    expect(await partitions('public.event_journal')).toEqual(expect.arrayContaining(['event_journal_y2031m05', 'event_journal_y2031m08']));
    expect(await ensure('2031-05-17T12:00Z')).toBe(0);
  });

  it('counts months in UTC, whatever the time zone of the session', async () => {
    await look(`set local timezone = 'America/Sao_Paulo'`);
    await ensure('2031-05-31T23:30-03:00');
    expect(await partitions('public.event_journal')).toContain('event_journal_y2031m09');
    await look(`set local timezone = 'UTC'`);
    expect(await look(`select pg_get_expr(relpartbound, oid) as bound from pg_class where relname = 'event_journal_y2031m09'`)).toEqual([
      { bound: `FOR VALUES FROM ('2031-09-01 00:00:00+00') TO ('2031-10-01 00:00:00+00')` },
    ]);
  });

  it('makes partitions with row level security, without grants, in the schema that is not exposed', async () => {
    await ensure('2031-05-17T12:00Z');
    expect(
      await look(`select relrowsecurity as closed, relnamespace::regnamespace::text as schema, (select count(*)::int from aclexplode(relacl) a where a.grantee <> relowner) as grants
                  from pg_class where relname = 'canonical_events_y2031m08'`),
    ).toEqual([{ closed: true, schema: 'private', grants: 0 }]);
  });

  it('makes partitions that keep events and sealed bodies of usual size in their rows, without compression', async () => {
    await ensure('2031-05-17T12:00Z');
    expect(
      await look(`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
                  where i.inhparent in ('public.canonical_events'::regclass, 'private.journal_payloads'::regclass)
                    and not coalesce('toast_tuple_target=8160' = any (c.reloptions), false)`),
    ).toEqual([]);
  });

  it('moves the rows of a month out of the default partition when the partition of that month is created', async () => {
    await look(eventAt(eventIds(71), '2031-06-02T00:00Z'));
    expect(await homeOf(eventIds(71))).toBe('private.canonical_events_default');
    await ensure('2031-05-17T12:00Z');
    expect(await homeOf(eventIds(71))).toBe('private.canonical_events_y2031m06');
    // The new partition has the constraints of its parent.
    await expect(look(eventAt(eventIds(71), '2031-06-02T00:00Z'))).rejects.toMatchObject({ code: '23505' });
  });

  it('may be called by many processes at once', async () => {
    const database = await createTestDatabase();
    const clients = Array.from({ length: 6 }, () => new pg.Client({ connectionString: database.apiUrl }));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      const made = await Promise.all(
        clients.map(async (client) => {
          const results = (await client.query(
            `begin; select set_config('role', 'maintenance', true); select private.ensure_partitions('2031-05-17') as made; commit`,
          )) as unknown as pg.QueryResult<{ made: number }>[];
          return results[2]?.rows[0]?.made;
        }),
      );
      expect(made.filter((count) => count !== 0)).toHaveLength(1);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await database.drop();
    }
  });

  it('does not block inserts into the table that it extends', async () => {
    const database = await createTestDatabase();
    const [job, other] = [
      new pg.Client({ connectionString: database.superuserUrl }),
      new pg.Client({ connectionString: database.superuserUrl }),
    ];
    try {
      await Promise.all([job.connect(), other.connect()]);
      await beginWorld(other);
      await other.query('commit');
      await job.query(`begin; select private.ensure_partitions('2031-05-17')`);
      // The job's transaction is still open and holds all its locks.
      await other.query(`set lock_timeout = '1s'`);
      await expect(other.query(insertEvent('A', eventIds(72)))).resolves.toMatchObject({ rowCount: 1 });
      await expect(other.query(insertActivity('A'))).resolves.toMatchObject({ rowCount: 1 });
    } finally {
      await Promise.all([job.end(), other.end()]);
      await database.drop();
    }
  });

  it.each(refusedTo)('is refused to %s, as is drop_expired_partitions', async (actor) => {
    for (const call of ['ensure_partitions()', 'drop_expired_partitions()', 'roll_up_activity()', 'refresh_last_event_at()'])
      await expect(session.as(actor, `select private.${call}`)).rejects.toMatchObject({ code: '42501' });
  });
});

describe('drop_expired_partitions', () => {
  // 90 days before 2031-08-30 is 2031-06-01: May has just ended, June has not
  const today = '2031-08-30T00:00Z';
  beforeEach(async () => {
    await look(`select private.ensure_partitions(m) from generate_series(timestamptz '2031-03-01', '2031-08-01', interval '1 month') m`);
  });

  it('drops partitions that ended before the retention period, but no partition that ends one moment within it', async () => {
    const journals = () => partitions('public.event_journal').then((names) => names.filter((name) => name.includes('2031m0')));
    await dropExpired('2031-08-29T23:59:59Z');
    expect((await journals())[0]).toBe('event_journal_y2031m05');
    expect(await dropExpired(today)).toEqual(['event_journal_y2031m05', 'journal_payloads_y2031m05']);
    expect((await journals())[0]).toBe('event_journal_y2031m06');
    expect(await partitions('public.canonical_events')).toContain('canonical_events_y2031m03');
  });

  it('removes the rows of the dropped partition only, and keeps the keys of its events', async () => {
    await look(eventAt(eventIds(81), '2030-06-30T00:00Z'));
    await look(eventAt(eventIds(82), '2030-08-30T00:00Z'));
    const keys = await look('select count(*) from private.event_keys');
    expect(await dropExpired(today)).toContain('canonical_events_y2030m06');
    expect(await homeOf(eventIds(81))).toBeUndefined();
    expect(await homeOf(eventIds(82))).toBe('private.canonical_events_y2030m08');
    expect(await look('select count(*) from private.event_keys')).toEqual(keys);
  });

  it('empties the default partition only when its newest row arrived before the retention period', async () => {
    await look(eventAt(eventIds(83), '2001-01-01T00:00Z', '2030-07-01T00:00Z'));
    await look(eventAt(eventIds(84), '2001-01-02T00:00Z', '2031-08-01T00:00Z'));
    expect(await dropExpired(today)).not.toContain('canonical_events_default');
    expect(await homeOf(eventIds(83))).toBe('private.canonical_events_default');
    await look(`delete from public.canonical_events where id = '${eventIds(84)}'`);
    expect(await dropExpired(today)).toContain('canonical_events_default');
    expect(await homeOf(eventIds(83))).toBeUndefined();
  });

  describe('under a legal hold', () => {
    const may = ['event_journal_y2031m05', 'journal_payloads_y2031m05'];
    beforeEach(async () => {
      await look(`update public.event_journal set received_at = '2031-05-10' where id = '${journalId('A')}'`);
      await look(`update private.journal_payloads set received_at = '2031-05-10' where journal_id = '${journalId('A')}'`);
      await look(eventAt(eventIds(85), '2030-06-30T00:00Z'));
      await look(eventAt(eventIds(86), '2001-01-01T00:00Z', '2030-07-01T00:00Z'));
    });
    const held = [...may, 'canonical_events_default', 'canonical_events_y2030m06'].sort();
    const dropped = async () => (await dropExpired(today)).filter((name) => held.includes(name));

    it.each([
      ['the org', null],
      ['the connection', connectionId('A')],
    ])('on %s, a partition with rows under the hold is kept until the hold is released', async (_, connection) => {
      await look(`update public.legal_holds set source_connection_id = $1, released_at = null where id = $2`, [connection, holdId('A')]);
      expect(await dropped()).toEqual([]);
      expect(await homeOf(eventIds(86))).toBe('private.canonical_events_default');
      expect((await partitions('private.journal_payloads')).includes('journal_payloads_y2031m05')).toBe(true);
      await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
      expect(await dropped()).toEqual(held);
    });

    it('on another org or connection, the partition is dropped', async () => {
      await look(insertHold('B', { connection: connectionId('B') }));
      expect(await dropped()).toEqual(held);
    });
  });

  it('never drops a partition that ensure_partitions would create again on the same day', async () => {
    for (const day of ['2031-08-01', '2031-08-30', '2031-12-31', '2032-02-29']) {
      await ensure(day);
      await dropExpired(day);
      expect(await ensure(day)).toBe(0);
    }
  });
});
