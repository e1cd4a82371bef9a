import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, become, orgId, strangerId, userId } from './world.ts';

// Authority ends with its holder: what a person set in motion as owner or admin stops when the person loses that role.

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));
afterAll(() => session?.close());

const look = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
  (await session.client.query<Row>(sql, values)).rows;
const sha256 = (text: string) => createHash('sha256').update(text).digest();
const [org, admin, owner, analyst] = [orgId('A'), userId('A', 'admin'), userId('A', 'owner'), userId('A', 'analyst')];

const invite = (actor: Actor, email: string, role = 'admin', token = 'open') =>
  session.as(actor, 'select private.create_invite($1, $2, $3, $4)', [org, email, role, sha256(token)]);
const accept = async (actor: Actor, token = 'open') =>
  (await session.as<{ org: string | null }>(actor, 'select private.accept_invite($1) as org', [sha256(token)]))[0]?.org;
const roleOf = async (user: string) =>
  (await look<{ role: string }>('select role from public.org_members where org_id = $1 and user_id = $2', [org, user]))[0]?.role;
const openInvites = () => look<{ email: string }>('select email from public.org_invites where invited_by = $1', [admin]);

/** Every way in which the admin of org A loses the role. */
const ways: [string, () => Promise<unknown>][] = [
  ['demoted', () => session.as('owner A', `update public.org_members set role = 'analyst' where user_id = $1`, [admin])],
  ['removed', () => session.as('owner A', 'delete from public.org_members where user_id = $1', [admin])],
  ['gone by their own will', () => session.as('admin A', 'delete from public.org_members where user_id = $1', [admin])],
  ['deleted as a user', () => look('delete from auth.users where id = $1', [admin])],
];

describe.each(ways)('an admin who is %s', (_way, lose) => {
  it('loses the open invites that they made, and cannot become admin by one of them', async () => {
    await invite('admin A', 'stranger@c.example', 'admin', 'for a friend');
    await invite('admin A', 'admin@a.example', 'admin', 'for myself');
    await lose();
    expect(await openInvites()).toEqual([]);
    expect(await accept('stranger', 'for a friend')).toBeNull();
    expect(await roleOf(strangerId)).toBeUndefined();
    const before = await roleOf(admin);
    await session.client.query('savepoint own');
    await accept('admin A', 'for myself').catch(() => session.client.query('rollback to savepoint own'));
    expect(await roleOf(admin)).toBe(before);
  });

  it('keeps the invites that were accepted, and those of colleagues', async () => {
    await invite('admin A', 'stranger@c.example', 'analyst', 'accepted');
    await accept('stranger', 'accepted');
    await invite('owner A', 'other@c.example', 'analyst', 'of the owner');
    await lose();
    expect(await openInvites()).toEqual([{ email: 'stranger@c.example' }]);
    expect(await roleOf(strangerId)).toBe('analyst');
    expect(await look('select 1 as kept from public.org_invites where invited_by = $1', [owner])).toEqual([{ kept: 1 }]);
  });

  it('ends the plans that they made and that have not begun, and every open plan that needed them as one of two people', async () => {
    const plan = (status: string, made: string, approved: string | null, second: boolean) =>
      look<{ id: string }>(
        `insert into public.replay_plans (org_id, mode, filter, throttle_per_second, matched_count, needs_second_approval, created_by, approved_by,
           approved_at, status, reference)
         values ($1, 'replay', '{}', 1, 1, $2, $3, $4, case when $4::uuid is not null then now() end, $5, 'R-1') returning id`,
        [org, second, made, approved, status],
      ).then(([row]) => row?.id);
    const ended = [
      await plan('pending_approval', admin, null, false),
      await plan('approved', admin, owner, true),
      await plan('approved', owner, admin, true),
      await plan('running', admin, owner, true),
      await plan('paused', owner, admin, true),
    ];
    const kept = [
      await plan('pending_approval', owner, null, true),
      await plan('running', admin, admin, false),
      await plan('completed', admin, owner, true),
    ];
    await lose();
    const statusOf = async (ids: unknown[]) =>
      (
        await look<{ status: string }>('select status from public.replay_plans where id = any ($1) order by array_position($1, id)', [ids])
      ).map(({ status }) => status);
    expect(await statusOf(ended)).toEqual(ended.map(() => 'canceled'));
    expect(await statusOf(kept)).toEqual(['pending_approval', 'running', 'completed']);
  });

  it('ends the bulk operations on dead letters that they started', async () => {
    const start = (user: string, kind: string) =>
      look(`insert into public.dlq_operations (org_id, kind, filter, total, created_by) values ($1, $2, '{"x":1}', 1, $3)`, [
        org,
        kind,
        user,
      ]);
    await start(admin, 'purge');
    await start(owner, 'discard');
    await lose();
    expect(await look(`select kind, status from public.dlq_operations where filter ? 'x' order by kind`)).toEqual([
      { kind: 'discard', status: 'queued' },
      { kind: 'purge', status: 'canceled' },
    ]);
  });
});

describe('an invite', () => {
  it('is void when its maker has a lower role than it gives, however that came about', async () => {
    await invite('admin A', 'stranger@c.example');
    await look('alter table public.org_members disable trigger user');
    await look(`update public.org_members set role = 'analyst' where user_id = $1`, [admin]);
    expect(await accept('stranger')).toBeNull();
    await look('delete from public.org_members where user_id = $1', [admin]);
    expect(await accept('stranger')).toBeNull();
    await look('update public.org_invites set invited_by = null');
    expect(await accept('stranger')).toBeNull();
    expect(await roleOf(strangerId)).toBeUndefined();
  });

  it('gives its maker nothing', async () => {
    await invite('admin A', 'admin@a.example');
    expect(await accept('admin A')).toBeNull();
  });

  it('for the address of a member ends when that member is removed', async () => {
    await invite('owner A', 'analyst@a.example', 'admin');
    await session.as('owner A', 'delete from public.org_members where user_id = $1', [analyst]);
    expect(await accept('analyst A')).toBeNull();
    expect(await roleOf(analyst)).toBeUndefined();
  });

  it('stays open when an owner who made it becomes an admin, who may give the same roles', async () => {
    await session.as('owner A', `update public.org_members set role = 'owner' where user_id = $1`, [admin]);
    await invite('admin A', 'stranger@c.example');
    await session.as('owner A', `update public.org_members set role = 'admin' where user_id = $1`, [admin]);
    expect(await accept('stranger')).toBe(org);
  });
});

describe('people who act at the same moment', () => {
  /** Runs on a database of its own with a committed world, because locks only show between transactions. */
  async function withTwo(
    email: string | undefined,
    run: (one: pg.Client, two: pg.Client, role: (user: string) => Promise<string | undefined>) => Promise<void>,
  ): Promise<void> {
    const own = await openSession();
    await beginWorld(own.client);
    if (email) await own.as('admin A', 'select private.create_invite($1, $2, $3, $4)', [org, email, 'admin', sha256('open')]);
    await own.client.query('commit');
    const clients = [0, 1].map(() => new pg.Client({ connectionString: own.database.superuserUrl }));
    try {
      await Promise.all(clients.map((client) => client.connect()));
      const role = async (user: string) =>
        (await own.client.query('select role from public.org_members where org_id = $1 and user_id = $2', [org, user])).rows[0]?.role;
      await run(...(clients as [pg.Client, pg.Client]), role);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await own.close();
    }
  }
  const begin = (client: pg.Client, actor: Actor) => client.query(`begin; ${become(actor)}`);

  it('make one membership when an invite is accepted twice, and the second is told that the invite is used', async () => {
    await withTwo('stranger@c.example', async (one, two, role) => {
      await begin(one, 'stranger');
      await begin(two, 'stranger');
      const first = await one.query('select private.accept_invite($1) as org', [sha256('open')]);
      const second = two.query('select private.accept_invite($1) as org', [sha256('open')]);
      await one.query('commit');
      expect([first.rows, (await second).rows]).toEqual([[{ org }], [{ org: null }]]);
      await two.query('commit');
      expect(await role(strangerId)).toBe('admin');
    });
  });

  it('wait for each other when an invite is accepted while its maker is demoted: the invite is void', async () => {
    await withTwo('stranger@c.example', async (one, two, role) => {
      await begin(one, 'owner A');
      await begin(two, 'stranger');
      await one.query(`update public.org_members set role = 'analyst' where user_id = $1`, [admin]);
      const accepted = two.query('select private.accept_invite($1) as org', [sha256('open')]);
      await one.query('commit');
      expect((await accepted).rows).toEqual([{ org: null }]);
      await two.query('commit');
      expect(await role(strangerId)).toBeUndefined();
    });
  });

  it('wait for each other when a person who is being demoted gives a command: the command is refused', async () => {
    await withTwo(undefined, async (one, two) => {
      await begin(one, 'owner A');
      await begin(two, 'admin A');
      await one.query(`update public.org_members set role = 'analyst' where user_id = $1`, [admin]);
      const invited = two
        .query('select private.create_invite($1, $2, $3, $4)', [org, 'late@c.example', 'admin', sha256('late')])
        .catch((error) => error.code);
      await one.query('commit');
      expect(await invited).toBe('42501');
      await two.query('rollback');
    });
  });
});
