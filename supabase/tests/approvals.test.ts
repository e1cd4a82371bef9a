import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, approvalId, become, holdId, orgId, userId } from './world.ts';

// Irreversible acts that wait for a second person.

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));
afterAll(() => session?.close());

const look = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
  (await session.client.query<Row>(sql, values)).rows;
const org = orgId('A');
const needed = { code: '42501', hint: 'approval_required' };

const demand = (...kinds: string[]) =>
  look(
    `insert into public.org_security (org_id, second_person) values ($1, $2)
    on conflict (org_id) do update set second_person = excluded.second_person`,
    [org, kinds],
  );
const request = async (actor: Actor, kind: string, params: object) =>
  (await session.as<{ id: string }>(actor, 'select private.request_approval($1, $2, $3) as id', [org, kind, JSON.stringify(params)]))[0]
    ?.id as string;
const decide = async (actor: Actor, id: string, decision = 'approved') =>
  (await session.as<{ said: string | null }>(actor, 'select private.decide_approval($1, $2) as said', [id, decision]))[0]?.said;
const statusOf = async (id: string) =>
  (await look<{ status: string }>('select status from public.approvals where id = $1', [id]))[0]?.status;
const set = async (actor: Actor, kinds: string[] | null, purgeCount: number | null = null) =>
  (
    await session.as<{ said: string | null }>(actor, 'select private.set_org_security($1, null, $2, $3) as said', [org, kinds, purgeCount])
  )[0]?.said;

const acts: [kind: string, params: object, sql: string][] = [
  ['rotate_key', { keyKind: 'hash' }, `select private.add_org_key('${org}', 'hash', 2, '\\x01', 1)`],
  ['release_hold', { holdId: holdId('A') }, `select private.release_legal_hold('${holdId('A')}')`],
  [
    'erase_person',
    { erasureId: 'a0000000-0000-4000-8000-00000000eeee' },
    `select private.start_erasure('a0000000-0000-4000-8000-00000000eeee', '${org}', '{email}', null, 1, '\\x01')`,
  ],
  ['delete_org', { orgId: org }, `select private.request_org_deletion('${org}', 'Org A')`],
  ['purge', { filter: { classes: ['X'] } }, `select private.start_dlq_operation('${org}', 'purge', '{"classes":["X"]}', 101)`],
];

describe.each(acts)('%s', (kind, params, sql) => {
  beforeEach(async () => {
    if (kind !== 'delete_org') return;
    await look(`update public.org_members set role = 'owner' where user_id = $1`, [userId('A', 'admin')]);
    await look('update public.legal_holds set released_at = now()');
    await look('delete from public.org_deletions');
  });

  it('is done at once in an org that requires no second person for it', async () => {
    await demand();
    await session.as('admin A', sql);
  });

  it('is refused to one person, and done in the transaction in which another one approves exactly this act', async () => {
    await demand(kind);
    await expect(session.as('admin A', sql)).rejects.toMatchObject(needed);
    const other = await request('admin A', kind, { ...params, [Object.keys(params)[0] as string]: 'another' });
    expect(await decide('owner A', other)).toBeNull();
    await expect(session.as('owner A', sql)).rejects.toMatchObject(needed);
    const id = await request('admin A', kind, params);
    expect(await decide('owner A', id)).toBeNull();
    await session.as('owner A', sql);
    expect(await statusOf(id)).toBe('approved');
  });
});

describe('a request', () => {
  beforeEach(() => demand('rotate_key', 'release_hold'));
  const ask = (actor: Actor = 'admin A') => request(actor, 'rotate_key', { keyKind: 'hash' });

  it('is made once by the same person, and by owners and admins only', async () => {
    expect(await ask()).toBe(await ask());
    expect(await ask('owner A')).not.toBe(await ask());
    for (const actor of ['analyst A', 'owner B', 'stranger', 'no sub', 'anon', 'worker'] as const)
      await expect(ask(actor)).rejects.toMatchObject({ code: '42501' });
    await expect(request('admin A', 'change_security', {})).rejects.toMatchObject({ code: '42501' });
    await expect(request('owner A', 'unknown', {})).rejects.toMatchObject({ code: '42501' });
  });

  it('is decided once, by another owner or admin', async () => {
    const id = await ask();
    expect(await decide('admin A', id)).toMatch('another person');
    expect(await decide('owner A', id, 'withdrawn')).toMatch('only the person who requested this');
    for (const actor of ['analyst A', 'owner B', 'stranger', 'no sub', 'worker'] as const)
      await expect(decide(actor, id), actor).rejects.toMatchObject({ code: '42501' });
    expect(await decide('owner A', id, 'rejected')).toBeNull();
    expect(await decide('owner A', id)).toBe('this request is rejected already');
    const another = await ask();
    expect(await decide('admin A', another, 'withdrawn')).toBeNull();
    expect(await statusOf(another)).toBe('withdrawn');
  });

  it('cannot be approved after its time, and its personal part is deleted when it is decided', async () => {
    const id = await ask();
    await look(`update public.approvals set expires_at = now() where id = $1`, [id]);
    expect(await decide('owner A', id)).toBe('this request is expired already');
    const secrets = () => look('select 1 as one from private.approval_secrets where approval_id = $1', [approvalId('A')]);
    expect(await secrets()).toHaveLength(1);
    await look(`update public.approvals set expires_at = now() where id = $1`, [approvalId('A')]);
    expect(await session.as('worker', 'select private.expire_approvals(10) as n')).toEqual([{ n: 2 }]);
    expect(await statusOf(id)).toBe('expired');
    expect(await secrets()).toEqual([]);
  });

  it.each([
    ['demoted', `update public.org_members set role = 'analyst' where user_id = '${userId('A', 'admin')}'`],
    ['removed', `delete from public.org_members where user_id = '${userId('A', 'admin')}'`],
    ['deleted', `delete from auth.users where id = '${userId('A', 'admin')}'`],
  ])('ends when the person who made it is %s', async (_way, sql) => {
    const id = await ask();
    await look(sql);
    expect(await statusOf(id)).toBe('ended');
    expect(await decide('owner A', id)).toMatch('no longer has the role');
  });

  it('has its secret taken only by the person who approved it, in the same transaction', async () => {
    const secret = (actor: Actor) => session.as(actor, 'select key_version from private.take_approval_secret($1)', [approvalId('A')]);
    expect(await secret('admin A')).toEqual([]);
    expect(await decide('admin A', approvalId('A'))).toBeNull();
    expect(await secret('owner A')).toEqual([]);
    expect(await secret('admin A')).toEqual([{ key_version: 1 }]);
    expect(await secret('admin A')).toEqual([]);
  });

  it('is one of at most a hundred open ones', async () => {
    for (let n = 0; n < 99; n++) await request('admin A', 'rotate_key', { keyKind: 'hash', n });
    await expect(ask('owner A')).rejects.toMatchObject({ code: '23514' });
  });
});

describe('purges', () => {
  const purge = (total: number, n: number) =>
    session.as('admin A', 'select private.start_dlq_operation($1, $2, $3, $4)', [
      org,
      'purge',
      JSON.stringify({ classes: [`C${n}`] }),
      total,
    ]);

  it('below the limit need nobody else, until those of a day are above it together', async () => {
    await demand('purge');
    await purge(60, 1);
    await purge(40, 2);
    await expect(purge(1, 3)).rejects.toMatchObject(needed);
    await look(`update public.dlq_operations set created_at = now() - interval '25 hours' where kind = 'purge'`);
    await purge(100, 4);
  });
});

describe('the settings', () => {
  it('are weakened only with a second owner, and strengthened by one', async () => {
    expect(await set('owner A', ['purge', 'rotate_key'], 50)).toBeNull();
    expect(await set('owner A', ['purge', 'rotate_key', 'erase_person'])).toBeNull();
    expect(await set('owner A', null, 10)).toBeNull();
    expect(await set('owner A', ['purge'])).toBe('approval_required');
    expect(await set('owner A', [])).toBe('approval_required');
    expect(await set('owner A', null, 11)).toBe('approval_required');
    const id = await request('owner A', 'change_security', { requiresSecondFactor: false, secondPerson: [], purgeCount: 10 });
    expect(await decide('admin A', id)).toBe('only an owner can approve this');
    await session.as('owner A', `update public.org_members set role = 'owner' where user_id = $1`, [userId('A', 'admin')]);
    expect(await decide('admin A', id)).toBeNull();
    expect(await set('admin A', ['purge'])).toBe('approval_required');
    expect(await set('admin A', [])).toBeNull();
    expect(await look('select second_person, purge_count from public.org_security where org_id = $1', [org])).toEqual([
      { second_person: [], purge_count: 10 },
    ]);
  });

  it('need somebody who could approve, and refuse unknown acts', async () => {
    await expect(set('owner A', ['fly'])).rejects.toMatchObject({ code: '22023' });
    await expect(set('owner A', ['change_security'])).rejects.toMatchObject({ code: '22023' });
    await session.as('owner A', 'delete from public.org_members where user_id = $1', [userId('A', 'admin')]);
    expect(await set('owner A', ['purge'])).toBe('alone');
  });
});

describe('two people who approve at the same moment', () => {
  it('approve once', async () => {
    const own = await openSession();
    await beginWorld(own.client);
    await own.client.query('commit');
    const clients = [0, 1].map(() => new pg.Client({ connectionString: own.database.superuserUrl }));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      const [one, two] = clients as [pg.Client, pg.Client];
      await own.client.query(`insert into auth.users (id) values ('a0000000-0000-4000-8000-000000000094')`);
      await own.client.query(
        `insert into public.org_members (org_id, user_id, role) values ($1, 'a0000000-0000-4000-8000-000000000094', 'admin')`,
        [org],
      );
      await own.client.query(`update public.approvals set requested_by = 'a0000000-0000-4000-8000-000000000094' where id = $1`, [
        approvalId('A'),
      ]);
      const approve = (client: pg.Client) => client.query('select private.decide_approval($1, $2) as said', [approvalId('A'), 'approved']);
      await one.query(`begin; ${become('owner A')}`);
      await two.query(`begin; ${become('admin A')}`);
      expect((await approve(one)).rows).toEqual([{ said: null }]);
      const second = approve(two);
      await one.query('commit');
      expect((await second).rows).toEqual([{ said: 'this request is approved already' }]);
      await two.query('rollback');
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await own.close();
    }
  });
});
