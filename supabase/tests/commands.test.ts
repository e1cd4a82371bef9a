import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, connectionId, deletedConnectionId, identities, inviteId, orgId, strangerId, userId } from './world.ts';

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(() => beginWorld(session.client));
afterEach(() => session.client.query('rollback'));

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const refused = { code: '42501' };
const subject = (actor: Actor) => identities[actor].claims.sub;
const lastAudit = async (action: string) =>
  (await look(`select actor_id, org_id, target_id, detail from public.audit_log where action = $1 order by id desc limit 1`, [action]))[0];

describe('create_org', () => {
  it('makes the caller the owner of an org with one project, and writes it to the audit log', async () => {
    const [answer] = await session.as<{ created: { org_id: string; project_id: string } }>(
      'stranger',
      `select public.create_org('Loja do João', 'Vendas') as created`,
    );
    const { org_id, project_id } = answer?.created ?? { org_id: '', project_id: '' };
    expect(await session.as('stranger', 'select id, name, slug from public.orgs')).toEqual([
      { id: org_id, name: 'Loja do João', slug: expect.stringMatching(/^loja-do-jo-o-[0-9a-f]{10}$/) },
    ]);
    expect(await session.as('stranger', 'select user_id, role from public.org_members')).toEqual([{ user_id: strangerId, role: 'owner' }]);
    expect(await session.as('stranger', 'select id, name from public.projects')).toEqual([{ id: project_id, name: 'Vendas' }]);
    expect(await lastAudit('org_members.insert')).toMatchObject({ actor_id: strangerId, org_id, target_id: strangerId });
    expect(await lastAudit('projects.insert')).toMatchObject({ actor_id: strangerId, org_id, target_id: project_id });
  });

  it('gives every org a slug with a random end, so that no slug tells whether another org has the same name', async () => {
    await session.as('stranger', `select public.create_org('Same')`);
    await session.as('owner A', `select public.create_org('Same')`);
    const slugs = await look<{ slug: string }>(`select slug from public.orgs where name = 'Same'`);
    expect(new Set(slugs.map(({ slug }) => slug)).size).toBe(2);
    for (const { slug } of slugs) expect(slug).toMatch(/^same-[0-9a-f]{10}$/);
  });

  it.each(['no sub', 'anon', 'service_role', 'ingest', 'maintenance', 'api login'] as const)('refuses %s', async (actor) => {
    await expect(session.as(actor, `select public.create_org('Mine')`)).rejects.toMatchObject(refused);
  });
});

describe('org_people', () => {
  const people = (actor: Actor, org: 'A' | 'B' = 'A') =>
    session.as<{ email: string; role: string | null }>(actor, 'select email, role from public.org_people($1)', [orgId(org)]);
  const members = [
    { email: 'admin@a.example', role: 'admin' },
    { email: 'analyst@a.example', role: 'analyst' },
    { email: 'owner@a.example', role: 'owner' },
  ];

  it.each(['owner A', 'admin A', 'analyst A'] as const)('lists the members for %s', async (actor) => {
    const found = await people(actor);
    expect(found.sort((a, b) => a.email.localeCompare(b.email))).toEqual(members);
  });

  it.each(['owner B', 'admin B', 'stranger', 'no sub'] as const)('lists no member for %s', async (actor) => {
    expect(await people(actor)).toEqual([]);
  });

  it.each(['anon', 'ingest', 'worker', 'service_role'] as const)('refuses %s', async (actor) => {
    await expect(people(actor)).rejects.toMatchObject(refused);
  });

  it('lists former members only for owners and admins, who read the audit log', async () => {
    await session.as('owner A', 'delete from public.org_members where org_id = $1 and user_id = $2', [orgId('A'), userId('A', 'admin')]);
    await look(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'admin')`, [orgId('A'), strangerId]);
    const former = { email: 'admin@a.example', role: null };
    expect(await people('owner A')).toContainEqual(former);
    expect(await people('stranger')).toContainEqual(former);
    expect(await people('analyst A')).not.toContainEqual(former);
    expect(await people('owner B', 'B')).not.toContainEqual(former);
    // A former member who comes back is listed once, as a member.
    await look(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'analyst')`, [orgId('A'), userId('A', 'admin')]);
    expect((await people('owner A')).filter(({ email }) => email === former.email)).toEqual([{ ...former, role: 'analyst' }]);
  });
});

describe('create_invite', () => {
  const invite = (actor: Actor, role = 'analyst') =>
    session.as(actor, `select * from private.create_invite($1, ' New@C.example ', $2, $3)`, [orgId('A'), role, sha256('token')]);

  it.each(['owner A', 'admin A'] as const)(
    'lets %s invite, with the address normalised and only the hash of the token kept',
    async (actor) => {
      const [made] = await invite(actor);
      expect(made).toMatchObject({
        org_id: orgId('A'),
        email: 'new@c.example',
        role: 'analyst',
        invited_by: subject(actor),
        accepted_at: null,
      });
      expect(await look('select token_sha256 from private.invite_tokens where invite_id = $1', [made?.id])).toEqual([
        { token_sha256: sha256('token') },
      ]);
      expect(await lastAudit('org_invites.insert')).toMatchObject({ actor_id: subject(actor), org_id: orgId('A'), target_id: made?.id });
    },
  );

  it.each(['analyst A', 'owner B', 'stranger', 'no sub', 'anon', 'ingest', 'service_role'] as const)('refuses %s', async (actor) => {
    await expect(invite(actor)).rejects.toMatchObject(refused);
  });

  it('cannot invite an owner', async () => {
    await expect(invite('owner A', 'owner')).rejects.toMatchObject({ code: '23514' });
  });
});

describe('accept_invite', () => {
  const accept = async (actor: Actor, token = 'open') =>
    (await session.as<{ org: string | null }>(actor, 'select private.accept_invite($1) as org', [sha256(token)]))[0]?.org;
  const membership = (user: string) => look('select org_id, role from public.org_members where user_id = $1', [user]);

  beforeEach(() =>
    session.as('owner A', `select private.create_invite($1, 'stranger@c.example', 'analyst', $2)`, [orgId('A'), sha256('open')]),
  );

  it('makes the invited person a member with the invited role, once, under their own name', async () => {
    expect(await accept('stranger')).toBe(orgId('A'));
    expect(await membership(strangerId)).toEqual([{ org_id: orgId('A'), role: 'analyst' }]);
    expect(await lastAudit('org_members.insert')).toMatchObject({ actor_id: strangerId, org_id: orgId('A') });
    expect(await session.as('stranger', 'select id from public.orgs')).toEqual([{ id: orgId('A') }]);
    expect(await accept('stranger'), 'a used token').toBeNull();
  });

  it('refuses an unknown token, a person with another address, and a caller who is not signed in', async () => {
    expect(await accept('stranger', 'guess')).toBeNull();
    expect(await accept('owner B')).toBeNull();
    expect(await accept('no sub')).toBeNull();
    await expect(accept('anon')).rejects.toMatchObject(refused);
    expect(await membership(strangerId)).toEqual([]);
    expect(await membership(userId('B', 'owner'))).toEqual([{ org_id: orgId('B'), role: 'owner' }]);
  });

  it('refuses an expired invite and one that was withdrawn', async () => {
    await look(`update public.org_invites set expires_at = now() where email = 'stranger@c.example'`);
    expect(await accept('stranger')).toBeNull();
    await look(`update public.org_invites set expires_at = now() + interval '1 day' where email = 'stranger@c.example'`);
    await session.as('admin A', `delete from public.org_invites where email = 'stranger@c.example'`);
    expect(await accept('stranger')).toBeNull();
    expect(await membership(strangerId)).toEqual([]);
  });

  it('keeps the role of a member who is invited again', async () => {
    await session.as('admin A', `select private.create_invite($1, 'owner@a.example', 'analyst', $2)`, [orgId('A'), sha256('again')]);
    expect(await accept('owner A', 'again')).toBe(orgId('A'));
    expect(await membership(userId('A', 'owner'))).toEqual([{ org_id: orgId('A'), role: 'owner' }]);
  });
});

describe('ownership', () => {
  it('cannot be taken from the only owner, who can be neither demoted nor removed', async () => {
    const owner = userId('A', 'owner');
    for (const actor of ['owner A', 'admin A', 'analyst A'] as const) {
      expect(await session.as(actor, `update public.org_members set role = 'analyst' where user_id = $1 returning 1`, [owner])).toEqual([]);
      expect(await session.as(actor, `delete from public.org_members where user_id = $1 returning 1`, [owner])).toEqual([]);
    }
  });

  it('is granted by an owner and withdrawn only by another owner', async () => {
    const admin = userId('A', 'admin');
    await session.as('owner A', `update public.org_members set role = 'owner' where user_id = $1`, [admin]);
    expect(await lastAudit('org_members.update')).toEqual({
      actor_id: subject('owner A'),
      org_id: orgId('A'),
      target_id: admin,
      detail: { role: { from: 'admin', to: 'owner' } },
    });
    const demoted = await session.as('admin A', `update public.org_members set role = 'analyst' where user_id = $1 returning role`, [
      userId('A', 'owner'),
    ]);
    expect(demoted).toEqual([{ role: 'analyst' }]);
  });
});

describe('the addresses that may send to a connection', () => {
  it.each([
    ['none', `'{}'`, '23514'],
    ['a null', `'{10.0.0.0/8,null}'`, '23514'],
    ['a table of two dimensions', `'{{10.0.0.0/8},{10.0.0.0/8}}'`, '23514'],
    ['more than a hundred', `array_fill('10.0.0.0/8'::cidr, '{101}')`, '23514'],
    ['a text that is no network', `'{example.com}'`, '22P02'],
  ])('are refused when they are %s', async (_what, value, code) => {
    await expect(session.as('owner A', `update public.source_connections set allowed_ips = ${value}`)).rejects.toMatchObject({ code });
  });
});

describe('a text that people write', () => {
  const spaces = `'x' || repeat(' ', 200)`;
  it.each([
    ['an org', `update public.orgs set name = ${spaces}`, 'orgs_name_check'],
    ['a project', `update public.projects set name = ${spaces}`, 'projects_name_check'],
    ['a connection', `update public.source_connections set name = ${spaces}`, 'source_connections_name_check'],
    [
      'the reason of a suspension',
      `update public.source_connections set suspended_reason = 'x' || repeat(' ', 500)`,
      'source_connections_suspended_reason_check',
    ],
    ['a channel', `update public.alert_channels set name = ${spaces}`, 'alert_channels_name_check'],
    [
      'a hold',
      `insert into public.legal_holds (org_id, reason) select id, 'x' || repeat(' ', 500) from public.orgs`,
      'legal_holds_reason_check',
    ],
  ])('is refused when it is too long with its surrounding spaces: %s', async (_what, sql, constraint) => {
    await expect(session.as('owner A', sql)).rejects.toMatchObject({ code: '23514', constraint });
  });
});

describe('rotate_connection_secret', () => {
  const rotate = (actor: Actor, grace: number, sealed = 'new', connection = connectionId('A')) =>
    session.as(actor, `select private.rotate_connection_secret($1, 'hottok', $2, $3)`, [connection, Buffer.from(sealed), grace]);
  const secrets = () =>
    look(
      `select encode(sealed, 'escape') as sealed, extract(epoch from expires_at - now())::integer as seconds
       from private.connection_secrets where source_connection_id = $1 order by expires_at nulls first`,
      [connectionId('A')],
    );

  it.each(['owner A', 'admin A'] as const)(
    'lets %s replace a secret at once, or with a grace period in which both secrets are valid',
    async (actor) => {
      await rotate(actor, 0);
      expect(await secrets()).toEqual([{ sealed: 'new', seconds: null }]);
      await rotate(actor, 3600, 'newer');
      expect(await secrets()).toEqual([
        { sealed: 'newer', seconds: null },
        { sealed: 'new', seconds: 3600 },
      ]);
      const [found] = await session.as<{ c: { secrets: { sealed: string }[] } }>('ingest', 'select private.find_connection($1) as c', [
        connectionId('A'),
      ]);
      expect(found?.c.secrets.map((secret) => Buffer.from(secret.sealed, 'base64').toString()).sort()).toEqual(['new', 'newer']);
    },
  );

  it('keeps at most five secrets of a name: a further secret ends the grace period of the oldest, and the audit log records that', async () => {
    // All rows of one transaction have the same time, so their order is set here.
    const older = () => look(`update private.connection_secrets set created_at = created_at - interval '1 minute'`);
    for (const sealed of ['1', '2', '3', '4', '5', '6', '7']) {
      await older();
      await rotate('admin A', 3600, sealed);
    }
    const sealedOf = async () => (await secrets()).map((secret) => secret.sealed).toSorted();
    expect(await sealedOf()).toEqual(['3', '4', '5', '6', '7']);
    const [ended] = await look(
      `select count(*)::int as n from public.audit_log where action = 'connection_secrets.delete' and actor_id = $1`,
      [subject('admin A')],
    );
    // The secret of the seed, and numbers 1 and 2.
    expect(ended).toEqual({ n: 3 });
    // The limit of five counts the secrets of each name separately.
    await session.as('admin A', `select private.rotate_connection_secret($1, 'second', $2, 3600)`, [
      connectionId('A'),
      Buffer.from('other'),
    ]);
    expect(await sealedOf()).toEqual(['3', '4', '5', '6', '7', 'other']);
  });

  it('writes the actor to the audit log, and never the secret', async () => {
    await rotate('admin A', 0, 'the-secret-itself');
    const trail = await look(`select * from public.audit_log where action like 'connection_secrets.%' and actor_id is not null`);
    expect(trail.map((row) => row.action).toSorted()).toEqual(['connection_secrets.delete', 'connection_secrets.insert']);
    for (const row of trail)
      expect(row).toMatchObject({ actor_id: subject('admin A'), target_id: connectionId('A'), detail: { name: 'hottok' } });
    expect(JSON.stringify(trail)).not.toContain(Buffer.from('the-secret-itself').toString('hex'));
  });

  it.each(['analyst A', 'owner B', 'stranger', 'no sub', 'anon', 'ingest', 'service_role'] as const)('refuses %s', async (actor) => {
    await expect(rotate(actor, 0)).rejects.toMatchObject(refused);
  });

  it('refuses a deleted connection and an unknown one', async () => {
    await expect(rotate('owner A', 0, 'x', deletedConnectionId('A'))).rejects.toMatchObject(refused);
    await expect(rotate('owner A', 0, 'x', inviteId('A'))).rejects.toMatchObject(refused);
  });

  it('lists names and times of secrets to members of the org only', async () => {
    const both = [[connectionId('A'), connectionId('B')]];
    const listed = (actor: Actor) => session.as(actor, 'select * from private.list_connection_secrets($1)', both);
    for (const actor of ['owner A', 'analyst A'] as const)
      expect(await listed(actor)).toEqual([
        { source_connection_id: connectionId('A'), name: 'hottok', created_at: expect.any(Date), expires_at: null },
      ]);
    for (const actor of ['stranger', 'no sub'] as const) expect(await listed(actor)).toEqual([]);
    for (const actor of ['anon', 'ingest'] as const) await expect(listed(actor)).rejects.toMatchObject(refused);
  });
});

describe('delete_connection', () => {
  const remove = async (actor: Actor, connection = connectionId('A')) =>
    (await session.as<{ deleted: boolean }>(actor, 'select private.delete_connection($1) as deleted', [connection]))[0]?.deleted;

  it.each(['owner A', 'admin A'] as const)(
    'lets %s delete a connection: it is unknown to senders, its secrets are erased, and its history is kept',
    async (actor) => {
      expect(await remove(actor)).toBe(true);
      expect(await session.as('ingest', 'select private.find_connection($1) as found', [connectionId('A')])).toEqual([{ found: null }]);
      expect(await look('select 1 from private.connection_secrets where source_connection_id = $1', [connectionId('A')])).toEqual([]);
      expect(
        await look('select is_active, deleted_at is not null as deleted from public.source_connections where id = $1', [connectionId('A')]),
      ).toEqual([{ is_active: false, deleted: true }]);
      expect(await session.as('analyst A', 'select 1 as kept from public.canonical_events')).toEqual([{ kept: 1 }]);
      expect(await lastAudit('source_connections.update')).toMatchObject({ actor_id: subject(actor), target_id: connectionId('A') });
      expect(await remove(actor), 'a second time').toBe(false);
    },
  );

  it('answers people of other orgs in the same way as for a connection that does not exist', async () => {
    for (const actor of ['owner B', 'stranger', 'no sub'] as const) {
      expect(await remove(actor)).toBe(false);
      expect(await remove(actor, inviteId('A'))).toBe(false);
    }
  });

  it.each(['analyst A', 'anon', 'ingest', 'service_role'] as const)('refuses %s', async (actor) => {
    await expect(remove(actor)).rejects.toMatchObject(refused);
  });
});

describe('the audit log', () => {
  it('holds the changed columns before and after, and no entry for an update that changed nothing', async () => {
    await session.as('admin A', `update public.source_connections set name = 'Store', is_active = is_active where id = $1`, [
      connectionId('A'),
    ]);
    const change = {
      actor_id: subject('admin A'),
      org_id: orgId('A'),
      target_id: connectionId('A'),
      detail: { name: { from: 'Shop', to: 'Store' } },
    };
    expect(await lastAudit('source_connections.update')).toEqual(change);
    const count = () => look('select count(*) from public.audit_log');
    const before = await count();
    await session.as('admin A', `update public.source_connections set name = name where id = $1`, [connectionId('A')]);
    expect(await count()).toEqual(before);
  });

  it('has no actor in the entries of changes by the system', async () => {
    await look(`update public.projects set name = 'Renamed' where org_id = $1`, [orgId('A')]);
    expect(await lastAudit('projects.update')).toMatchObject({ actor_id: null, detail: { name: { from: 'Project', to: 'Renamed' } } });
  });
});

describe('keys of an org', () => {
  const create = (key: string) =>
    session.as('ingest', 'select private.create_org_keys($1, $2, $2, 1)', ['c0000000-0000-4000-8000-000000000001', Buffer.from(key)]);
  const find = () =>
    session.as<{ keys: { kind: string; version: number; wrapped: string }[] }>('ingest', 'select private.find_org_keys($1) as keys', [
      'c0000000-0000-4000-8000-000000000001',
    ]);

  it('are made once: a second caller gets the first pair', async () => {
    await look(`insert into public.orgs (id, name, slug) values ('c0000000-0000-4000-8000-000000000001', 'New', 'new')`);
    await create('first');
    await create('second');
    expect((await find())[0]?.keys.map(({ kind, version, wrapped }) => [kind, version, Buffer.from(wrapped, 'base64').toString()])).toEqual(
      [
        ['data', 1, 'first'],
        ['hash', 1, 'first'],
      ],
    );
  });

  it('have one digest key for ever: a second caller gets the first one', async () => {
    const id = 'c0000000-0000-4000-8000-000000000001';
    await look(`insert into public.orgs (id, name, slug) values ('${id}', 'New', 'new')`);
    const createDigest = (version: number, key: string) =>
      session.as<{ digest: unknown }>('ingest', 'select private.create_digest_key($1, $2, $3) as digest', [id, version, Buffer.from(key)]);
    const first = { key_version: 1, sealed: Buffer.from('first').toString('base64') };
    expect(await createDigest(1, 'first')).toEqual([{ digest: first }]);
    expect(await createDigest(2, 'second')).toEqual([{ digest: first }]);
    expect(await session.as('ingest', 'select private.find_digest_key($1) as digest', [id])).toEqual([{ digest: first }]);
    for (const actor of ['owner A', 'anon', 'maintenance', 'service_role'] as const)
      await expect(session.as(actor, 'select private.find_digest_key($1)', [id])).rejects.toMatchObject(refused);
  });

  it.each(['owner A', 'anon', 'maintenance', 'service_role'] as const)('are not returned to %s', async (actor) => {
    await expect(session.as(actor, 'select private.find_org_keys($1)', [orgId('A')])).rejects.toMatchObject(refused);
    await expect(session.as(actor, 'select private.find_connection($1)', [connectionId('A')])).rejects.toMatchObject(refused);
  });
});

describe('the queries of the dashboard', () => {
  const series = (actor: Actor, bucket = 'hour') =>
    session.as(
      actor,
      `select received, accepted from public.ingest_timeseries($1, now() - interval '1 day', now() + interval '1 hour', $2)`,
      [orgId('A'), bucket],
    );
  const health = (actor: Actor) =>
    session.as(actor, 'select source_connection_id, received, dlq_rate, lag_p50_seconds from public.connection_health($1)', [orgId('A')]);

  it.each(['owner A', 'analyst A'] as const)('return the connections of their org to %s, without deleted ones', async (actor) => {
    expect(await series(actor)).toEqual([{ received: '1', accepted: '1' }]);
    expect(await health(actor)).toEqual([{ source_connection_id: connectionId('A'), received: '1', dlq_rate: 0, lag_p50_seconds: 0.5 }]);
  });

  it.each(['owner B', 'stranger', 'no sub'] as const)('return no row to %s', async (actor) => {
    expect(await series(actor)).toEqual([]);
    expect(await health(actor)).toEqual([]);
  });

  it.each(['anon', 'service_role', 'ingest'] as const)('are refused to %s', async (actor) => {
    await expect(series(actor)).rejects.toMatchObject(refused);
    await expect(health(actor)).rejects.toMatchObject(refused);
  });

  it('refuse an unknown bucket', async () => {
    await expect(series('owner A', 'week')).rejects.toMatchObject({ code: '22023' });
  });
});

describe('looking events up', () => {
  const search = async (filter: unknown, actor: Actor = 'owner A') => {
    const [row] = await session.as<{ page: { rows: { id: string }[]; next: unknown } }>(
      actor,
      'select public.search_events($1, $2::jsonb, null, 5) as page',
      [orgId('A'), JSON.stringify(filter)],
    );
    return row?.page.rows.map(({ id }) => id);
  };
  const bars = async (filter: unknown) => {
    const [row] = await session.as<{ bars: { buckets: { count: number }[] } }>(
      'owner A',
      `select public.events_histogram($1, now() - interval '2 days', now() + interval '1 day', 86400, $2::jsonb) as bars`,
      [orgId('A'), JSON.stringify(filter)],
    );
    return row?.bars.buckets.reduce((sum, { count }) => sum + count, 0);
  };

  it('accepts a filter as JSON, and as JSON in a string, as the embedded Data API passes it', async () => {
    const all = await search({});
    expect(all?.length).toBeGreaterThan(0);
    for (const filter of [{ from: '2000-01-01T00:00:00Z' }, { orderRef: 'of nobody' }]) {
      const found = await search(filter);
      expect(found).toEqual('from' in filter ? all : []);
      expect(await search(JSON.stringify(filter))).toEqual(found);
      expect(await bars(JSON.stringify(filter))).toBe(await bars(filter));
    }
    expect(await search('{}', 'stranger')).toEqual([]);
  });

  it('refuses a filter that it does not know', async () => {
    await expect(search(['from'])).rejects.toMatchObject({ code: '22023' });
  });
});
