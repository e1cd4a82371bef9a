import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, actors, alertChannelId, become, connectionId, orgId, userId } from './world.ts';

// The audit log is append-only for everybody, a chain of hashes per org, and free of personal values.

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));
afterAll(() => session?.close());

const look = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
  (await session.client.query<Row>(sql, values)).rows;
/** Links the entries so far, as a commit does. */
const commit = () => session.client.query('set constraints all immediate; set constraints all deferred');
const rename = (actor: Actor, name: string, org: 'A' | 'B' = 'A') =>
  session.as(actor, 'update public.orgs set name = $1 where id = $2', [name, orgId(org)]);

interface Verdict {
  verified_to: string;
  hash: string;
  entries: number;
  is_end: boolean;
  problem: string | null;
  problem_at: string | null;
}
const verify = async (after: string | null = null, hash: string | null = null, limit = 1000, actor: Actor = 'owner A') => {
  const [verdict] = await session.as<Verdict & pg.QueryResultRow>(actor, 'select * from private.verify_audit($1, $2, $3, $4)', [
    orgId('A'),
    after,
    hash,
    limit,
  ]);
  return verdict as Verdict;
};
interface Exported {
  seq: string;
  id: string;
  action: string;
  canonical: string;
  hash: string;
}
const exported = (after = '0') =>
  session.as<Exported & pg.QueryResultRow>('owner A', 'select * from private.export_audit($1, $2, 1000)', [orgId('A'), after]);
/** Changes a row past the triggers, as somebody with the rights of the database's superuser could. */
const tamper = (sql: string) => look(`set local session_replication_role = replica; ${sql}; set local session_replication_role = origin`);

describe('an entry', () => {
  const tables = ['public.audit_log', 'private.audit_links', 'private.audit_anchors'];

  it.each(tables)('of %s cannot be changed, removed or truncated by anybody, also not by the owner of the tables', async (table) => {
    for (const role of ['postgres', 'supabase_admin', 'session user'])
      for (const sql of [`update ${table} set org_id = org_id`, `delete from ${table}`, `truncate ${table}`, `truncate ${table} cascade`]) {
        await session.client.query('savepoint act');
        if (role !== 'session user')
          await session.client.query(`set local role ${role}`).catch(() => session.client.query('rollback to savepoint act'));
        await expect(session.client.query(sql), `${role}: ${sql}`).rejects.toMatchObject({ code: '42501' });
        await session.client.query('rollback to savepoint act');
      }
    for (const actor of actors) await expect(session.as(actor, `delete from ${table}`)).rejects.toMatchObject({ code: '42501' });
  });

  it('is written by one function', async () => {
    const writers = await look<{ name: string }>(
      `select n.nspname || '.' || p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname in ('public', 'private') and p.prosrc ~* 'insert\\s+into\\s+public\\.audit_log'`,
    );
    expect(writers).toEqual([{ name: 'private.append_audit' }]);
  });

  it('is deleted together with its org', async () => {
    await look(`insert into public.orgs (id, name, slug) values ('d0000000-0000-4000-8000-000000000001', 'Short', 'short');
      insert into public.projects (org_id, name, slug) values ('d0000000-0000-4000-8000-000000000001', 'P', 'p')`);
    await commit();
    const rows = () => look(`select 1 from public.audit_log where org_id = 'd0000000-0000-4000-8000-000000000001'`);
    expect(await rows()).toHaveLength(1);
    await look(`delete from public.projects where org_id = 'd0000000-0000-4000-8000-000000000001';
      delete from public.orgs where id = 'd0000000-0000-4000-8000-000000000001'`);
    await commit();
    expect(await rows()).toEqual([]);
  });
});

describe('the chain of an org', () => {
  it('links every entry to the one before it, by hashes that anybody can recompute from an export', async () => {
    await rename('owner A', 'First');
    await rename('admin A', 'Second');
    await commit();
    const rows = await exported();
    const [anchor] = await look<{ seq: string; hash: Buffer }>('select seq, hash from private.audit_anchors where org_id = $1', [
      orgId('A'),
    ]);
    let previous = anchor?.hash as Buffer;
    for (const row of rows.filter(({ seq }) => BigInt(seq) > BigInt(anchor?.seq ?? 0))) {
      previous = createHash('sha256').update(previous).update(row.canonical).digest();
      expect(row.hash).toBe(previous.toString('hex'));
      const [seq, id, , , action] = JSON.parse(row.canonical);
      expect([String(seq), String(id), action]).toEqual([row.seq, row.id, row.action]);
    }
    expect(rows.at(-1)?.action).toBe('orgs.update');
    expect(await verify()).toMatchObject({ is_end: true, problem: null, verified_to: rows.at(-1)?.seq, hash: rows.at(-1)?.hash });
  });

  it('is verified in pages, each after the link at which the last one ended', async () => {
    let page = await verify(null, null, 3);
    let entries = 0;
    for (; !page.is_end; page = await verify(page.verified_to, page.hash, 3)) entries += page.entries;
    expect(page.problem).toBeNull();
    expect(entries + page.entries).toBe((await exported('1')).length);
  });

  it.each([
    ['a changed entry', (id: string) => `update public.audit_log set actor_id = null, detail = '{"x":1}' where id = ${id}`, 'changed'],
    ['a removed entry', (id: string) => `delete from public.audit_log where id = ${id}`, 'missing'],
    [
      'a removed entry with its link',
      (id: string) => `delete from public.audit_log where id = ${id}; delete from private.audit_links where audit_id = ${id}`,
      'missing',
    ],
  ])('breaks at %s', async (_what, change, problem) => {
    const rows = await exported();
    const row = rows[5] as Exported;
    await tamper(change(row.id));
    expect(await verify()).toMatchObject({ problem, problem_at: row.seq, is_end: false });
  });

  it('breaks when an entry was inserted without a link, and when the log does not match a link that the caller has kept', async () => {
    const { verified_to: seq, hash } = await verify();
    await tamper(`insert into public.audit_log (org_id, action) values ('${orgId('A')}', 'forged')`);
    expect(await verify()).toMatchObject({ problem: 'unlinked' });
    expect(await verify(seq, hash.replaceAll(/[0-9a-f]/g, '0'))).toMatchObject({ problem: 'changed' });
    await tamper(`delete from private.audit_links where org_id = '${orgId('A')}' and seq = ${seq}`);
    expect(await verify(seq, hash)).toMatchObject({ problem: 'missing' });
  });

  it('is shown to owners and admins of the org only', async () => {
    expect(await verify(null, null, 10, 'admin A')).toMatchObject({ problem: null });
    for (const actor of ['analyst A', 'owner B', 'stranger', 'no sub', 'anon', 'worker'] as const)
      await expect(verify(null, null, 10, actor)).rejects.toMatchObject({ code: '42501' });
    for (const actor of ['analyst A', 'owner B', 'stranger', 'no sub'] as const)
      expect(await session.as(actor, 'select * from private.export_audit($1, 0, 10)', [orgId('A')])).toEqual([]);
  });

  it('has no gap and no fork after many parallel transactions, and orgs do not wait for each other', async () => {
    const own = await openSession();
    await beginWorld(own.client);
    await own.client.query('commit');
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = new pg.Client({ connectionString: own.database.superuserUrl });
        await client.connect();
        return client;
      }),
    );
    try {
      // The first client holds the lock of org B's chain: org A is not affected.
      await clients[0]?.query(`begin; select pg_advisory_xact_lock(hashtextextended('tributary.audit ${orgId('B')}', 0))`);
      await Promise.all(
        clients.slice(1).map(async (client, n) => {
          for (let i = 0; i < 10; i++)
            await client.query(
              `begin; ${become('owner A')}; update public.projects set name = 'P ${n} ${i}' where org_id = '${orgId('A')}'; commit`,
            );
        }),
      );
      await clients[0]?.query('rollback');
      const { rows } = await own.client.query(
        `select count(*)::int as entries, (max(seq) - min(seq) + 1)::int as span from private.audit_links where org_id = $1`,
        [orgId('A')],
      );
      expect(rows[0].entries).toBe(rows[0].span);
      expect(rows[0].entries).toBeGreaterThan(70);
      await own.client.query('begin');
      const [verdict] = await own.as('owner A', 'select problem, is_end from private.verify_audit($1, null, null, 10000)', [orgId('A')]);
      expect(verdict).toEqual({ problem: null, is_end: true });
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await own.close();
    }
  });
});

describe('retention of the log', () => {
  const age = (days: number, seqs: string) =>
    tamper(`update public.audit_log a set created_at = now() - interval '${days} days' from private.audit_links l
      where l.audit_id = a.id and l.org_id = '${orgId('A')}' and l.seq in (${seqs})`);
  const trim = async (days: number, rows = 1000) =>
    (
      await session.as<{ removed: number }>(
        'maintenance',
        `select private.trim_audit_log($1, now() - make_interval(days => $2), $3) as removed`,
        [orgId('A'), days, rows],
      )
    )[0]?.removed;

  it('removes only the oldest entries, and the rest is verified from the anchor', async () => {
    // Entry 4 is old too, and stays because entry 3 before it is newer.
    await age(90, '1, 2, 4');
    const before = await exported();
    expect(await trim(60)).toBe(2);
    const after = await exported();
    expect(after.map(({ seq }) => seq)).toEqual(before.map(({ seq }) => seq).slice(2));
    // The ages were changed past the chain, so only the part after entry 4 still has its hashes.
    const [fourth] = await look<{ hash: string }>(
      `select encode(hash, 'hex') as hash from private.audit_links where org_id = $1 and seq = 4`,
      [orgId('A')],
    );
    expect(await verify('4', fourth?.hash ?? '')).toMatchObject({ is_end: true, problem: null });
    expect(await verify('1', '00')).toMatchObject({ problem: 'trimmed' });
    await rename('owner A', 'Later');
    await commit();
    expect((await verify('4', fourth?.hash ?? '')).problem).toBeNull();
  });

  it('removes a bounded number of rows, of every org with the other form, and never the last thirty days', async () => {
    await age(20, '1, 2, 3');
    expect(await trim(1)).toBe(0);
    await age(90, '1, 2, 3');
    expect(await trim(60, 2)).toBe(2);
    const [all] = await session.as<{ removed: number }>(
      'maintenance',
      `select private.trim_audit_log(now() - interval '40 days', 1000) as removed`,
    );
    // The third entry of A, and the first of B.
    expect(all?.removed).toBe(2);
    for (const actor of ['owner A', 'worker', 'service_role', 'api login'] as const)
      await expect(session.as(actor, `select private.trim_audit_log(now(), 1)`)).rejects.toMatchObject({ code: '42501' });
  });

  it('keeps the chain going when every entry was removed', async () => {
    const seqs = (await exported()).map(({ seq }) => seq);
    await age(90, seqs.join(', '));
    expect(await trim(60)).toBe(seqs.length);
    expect(await verify()).toMatchObject({ entries: 0, is_end: true, problem: null });
    await rename('owner A', 'Again');
    await commit();
    expect(await verify()).toMatchObject({ entries: 1, is_end: true, problem: null, verified_to: String(Number(seqs.at(-1)) + 1) });
  });
});

describe('personal values', () => {
  it('of invites, channels, holds, plans, erasures, searches and exports are pseudonyms from the beginning', async () => {
    const persons = ['ana.silva@people.example', '+55 11 98765-4321', '123.456.789-09', 'hash-of-ana'];
    const [email, phone, document, hash] = persons;
    await session.as('owner A', 'select private.create_invite($1, $2, $3, sha256($4))', [orgId('A'), email, 'analyst', 'token']);
    await session.as('owner A', 'select private.create_alert_channel($1, $2, $3, $4, $5, $6, $7)', [
      'a0000000-0000-4000-8000-00000000cccc',
      orgId('A'),
      'email',
      `On call ${email}`,
      email,
      'warning',
      Buffer.from('00', 'hex'),
    ]);
    await session.as('owner A', 'update public.alert_channels set name = $1 where id = $2', [`${phone} of Ana`, alertChannelId('A')]);
    await session.as('owner A', 'insert into public.legal_holds (org_id, reason) values ($1, $2)', [
      orgId('A'),
      `Case of ${document} (${email})`,
    ]);
    await session.as('owner A', 'update public.source_connections set name = $1 where id = $2', [`Shop of ${email}`, connectionId('A')]);
    await session.as('owner A', `select private.audit_export($1, $2, 'csv')`, [
      orgId('A'),
      JSON.stringify({ q: email, subjects: [hash], types: ['order.paid'] }),
    ]);
    await session.as('analyst A', 'select public.search_events($1, $2)', [orgId('A'), JSON.stringify({ subjects: [hash] })]);
    await session.as('analyst A', 'select * from public.events_of_subject($1, $2)', [orgId('A'), hash]);
    const log = JSON.stringify(await look('select * from public.audit_log'));
    for (const person of persons) expect(log).not.toContain(person);
    expect(log).toContain('[number]');
    const invites = await look<{ email: string }>(
      `select detail ->> 'email' as email from public.audit_log where action = 'org_invites.insert'`,
    );
    expect(invites.at(-1)?.email).toMatch(/^person:[0-9a-f]{20}$/);
  });

  it('keep ids, times and short numbers readable', async () => {
    const [row] = await look<{ v: object }>(`select private.without_persons($1, $2) as v`, [
      orgId('A'),
      JSON.stringify({
        id: orgId('A'),
        reference: 'RFA-20261129',
        filter: { from: '2026-01-01T00:00:00Z' },
        total: 12345678901,
        name: { from: 'A', to: 'B' },
      }),
    ]);
    expect(row?.v).toEqual({
      id: orgId('A'),
      reference: 'RFA-20261129',
      filter: { from: '2026-01-01T00:00:00Z' },
      total: 12345678901,
      name: { from: 'A', to: 'B' },
    });
  });

  it('have the same pseudonym in one org, and another in another org', async () => {
    const of = async (org: 'A' | 'B') =>
      (await look<{ name: string }>('select private.pseudonym($1, $2) as name', [orgId(org), 'Ana@x.example']))[0]?.name;
    expect(await of('A')).toBe(await of('A'));
    expect(await of('A')).not.toBe(await of('B'));
  });
});

describe('looking for a person', () => {
  const lookUps = (action: string) =>
    look(`select actor_id, detail from public.audit_log where org_id = $1 and action = $2 order by id`, [orgId('A'), action]);

  it('by search, in the histogram and by the hash of a subject is recorded, the same question once', async () => {
    const filter = JSON.stringify({ subjects: ['abc'] });
    for (let n = 0; n < 3; n++) await session.as('analyst A', 'select public.search_events($1, $2)', [orgId('A'), filter]);
    await session.as('analyst A', `select public.events_histogram($1, now() - interval '1 day', now(), 3600, $2)`, [orgId('A'), filter]);
    await session.as('analyst A', 'select * from public.events_of_subject($1, $2)', [orgId('A'), 'abc']);
    expect(await lookUps('people.events')).toEqual([
      { actor_id: userId('A', 'analyst'), detail: { people: [expect.stringMatching(/^person:/)] } },
    ]);
    await session.as('owner A', 'select * from public.events_of_subject($1, $2)', [orgId('A'), 'abc']);
    expect(await lookUps('people.events')).toHaveLength(2);
  });

  it('in another org leaves nothing in the log of that org', async () => {
    await session.as('owner B', 'select * from public.events_of_subject($1, $2)', [orgId('A'), 'abc']);
    await session.as('owner B', 'select public.search_events($1, $2)', [orgId('A'), JSON.stringify({ subjects: ['abc'] })]);
    await expect(session.as('owner B', `select private.audit_look_up($1, 'people.look_up', '{abc}')`, [orgId('A')])).rejects.toMatchObject({
      code: '42501',
    });
    await expect(session.as('owner A', `select private.audit_look_up($1, 'forged', '{abc}')`, [orgId('A')])).rejects.toMatchObject({
      code: '42501',
    });
    expect(await lookUps('people.events')).toEqual([]);
  });
});
