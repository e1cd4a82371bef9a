import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { alertChannelId, connectionId, deadLetterId, identities, orgId, projectId, strangerId, userId } from './world.ts';

// The second factor that an org can require for commands.

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
const refusal = { code: '42501', hint: 'mfa_required' };
const required = () =>
  look(
    `insert into public.org_security (org_id, requires_second_factor) values ($1, true) on conflict (org_id) do update set requires_second_factor = true`,
    [org],
  );
/** Runs as the owner of org A after a sign-in with the second factor. */
async function withFactor<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
  const claims = identities['owner A'].claims;
  claims.aal = 'aal2';
  try {
    return await session.as<Row>('owner A', sql, values);
  } finally {
    claims.aal = 'aal1';
  }
}

/** One write through each table that people may write, and commands of the API. */
const writes: [string, string][] = [
  ['orgs', `update public.orgs set name = 'X' where id = '${org}'`],
  ['org_members: a role', `update public.org_members set role = 'admin' where org_id = '${org}' and user_id = '${userId('A', 'analyst')}'`],
  ['org_members: a removal', `delete from public.org_members where org_id = '${org}' and user_id = '${userId('A', 'analyst')}'`],
  ['projects: a new one', `insert into public.projects (org_id, name, slug) values ('${org}', 'Second', 'second')`],
  ['projects: a name', `update public.projects set name = 'X' where id = '${projectId('A')}'`],
  ['org_invites', `delete from public.org_invites where org_id = '${org}'`],
  ['source_connections: a new one', `select private.create_connection('${org}', '${projectId('A')}', 'stripe', 'S', '{}')`],
  ['source_connections: a change', `update public.source_connections set is_active = false where id = '${connectionId('A')}'`],
  ['dlq_events', `update public.dlq_events set status = 'pending', next_retry_at = now() where id = '${deadLetterId('A')}'`],
  ['dlq_operations', `update public.dlq_operations set status = 'canceled' where org_id = '${org}'`],
  ['legal_holds', `insert into public.legal_holds (org_id, reason) values ('${org}', 'Case 8')`],
  ['alert_rules', `update public.alert_rules set enabled = false where org_id = '${org}'`],
  ['alert_channels', `update public.alert_channels set is_enabled = false where id = '${alertChannelId('A')}'`],
  ['an invite', `select private.create_invite('${org}', 'x@c.example', 'admin', sha256('x'))`],
  ['a rotated secret', `select private.rotate_connection_secret('${connectionId('A')}', 'hottok', '\\x01', 0)`],
  ['a rotated key', `select private.add_org_key('${org}', 'data', 2, '\\x01', 1)`],
  ['an erasure', `select private.start_erasure(gen_random_uuid(), '${org}', '{email}', null, 1, '\\x01')`],
  ['a full delivery of a dead letter', `select private.audit_full_sample('${org}', '{}')`],
  ['a plan', `select private.create_replay('${org}', 'P', 'replay', '{}', 1, 1, false)`],
];

describe('an org that requires a second factor', () => {
  it.each(writes)('refuses commands of people who signed in without one, also through the Data API: %s', async (_what, sql) => {
    await session.client.query('savepoint before');
    await session.as('owner A', sql);
    await session.client.query('rollback to savepoint before');
    await required();
    await expect(session.as('owner A', sql)).rejects.toMatchObject(refusal);
    await withFactor(sql);
  });

  it('still shows its rows, and leaves other orgs, its background work and new members alone', async () => {
    await look('select private.create_org_keys($1, $2, $2, 1)', [org, Buffer.from('00', 'hex')]);
    await session.as('owner A', `select private.create_invite('${org}', 'stranger@c.example', 'analyst', sha256('open'))`);
    await required();
    expect(await session.as('owner A', 'select name from public.orgs')).toHaveLength(1);
    expect(await session.as('analyst A', 'select id from public.canonical_events')).toHaveLength(1);
    await session.as('owner B', `update public.orgs set name = 'X' where id = '${orgId('B')}'`);
    await session.as('worker', `update public.dlq_events set status = 'exhausted' where id = '${deadLetterId('A')}'`);
    await session.as('stranger', `select private.accept_invite(sha256('open'))`);
    expect(await look('select role from public.org_members where user_id = $1', [strangerId])).toEqual([{ role: 'analyst' }]);
    await look('delete from auth.users where id = $1', [userId('A', 'analyst')]);
  });

  it('can be made one only by an owner who has the second factor now', async () => {
    const set = `select private.set_org_security('${org}', true, null, null) as said`;
    await expect(session.as('owner A', set)).rejects.toMatchObject(refusal);
    for (const actor of ['admin A', 'analyst A', 'owner B', 'stranger', 'anon', 'worker'] as const)
      await expect(session.as(actor, set), actor).rejects.toMatchObject({ code: '42501' });
    expect(await withFactor(set)).toEqual([{ said: null }]);
    await expect(session.as('owner A', `select private.set_org_security('${org}', false, null, null)`)).rejects.toMatchObject(refusal);
    expect(await withFactor(`select private.set_org_security('${org}', false, null, null) as said`)).toEqual([{ said: null }]);
  });
});

describe('every door', () => {
  it('has the check: each table that people may write, for each command that they are granted', async () => {
    const open = await look<{ door: string }>(`
      with granted as (
        select c.oid, c.relname, cmd from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest('{INSERT,UPDATE,DELETE}'::text[]) cmd
        where n.nspname = 'public' and c.relkind in ('r', 'p') and (has_table_privilege('authenticated', c.oid, cmd)
          or cmd <> 'DELETE' and has_any_column_privilege('authenticated', c.oid, cmd)))
      select relname || ' ' || cmd as door from granted g
      where not exists (select from pg_trigger t where t.tgrelid = g.oid and t.tgfoid = 'private.require_second_factor'::regproc and t.tgenabled = 'O'
        and t.tgtype & (case cmd when 'INSERT' then 4 when 'DELETE' then 8 else 16 end) <> 0)`);
    expect(open).toEqual([]);
  });

  it('has the check: each command that changes rows past row level security', async () => {
    const unchecked = await look<{ name: string }>(`
      select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'private' and p.prosecdef and p.provolatile = 'v' and has_function_privilege('authenticated', p.oid, 'execute')
        and p.prosrc !~ 'private.(require_admin|check_second_factor)\\(' order by 1`);
    // These commands belong to no org yet, record or ask for something that was read, or write tables whose trigger checks.
    expect(unchecked.map(({ name }) => name)).toEqual([
      'accept_invite',
      'add_org_key',
      'audit_export',
      'audit_look_up',
      'cancel_org_deletion',
      'create_org',
      'record_audit_export',
      'request_org_deletion',
      'take_approval_secret',
    ]);
  });
});
