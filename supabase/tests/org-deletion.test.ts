import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import { type Actor, connectionId, holdId, insertKey, orgId, userId } from './world.ts';

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(async () => {
  await beginWorld(session.client);
  await look('delete from public.org_deletions; update public.legal_holds set released_at = now()');
});
afterEach(() => session.client.query('rollback'));

const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const request = (actor: Actor, name = 'Org A') => session.as(actor, 'select private.request_org_deletion($1, $2)', [orgId('A'), name]);
const cancel = async (actor: Actor) =>
  (await session.as<{ done: boolean }>(actor, 'select private.cancel_org_deletion($1) as done', [orgId('A')]))[0]?.done;
const deletion = async () => (await look('select status, waits_for from public.org_deletions'))[0];
const isActive = async () =>
  (await look<{ is_active: boolean }>('select is_active from public.source_connections where id = $1', [connectionId('A')]))[0]?.is_active;
const step = async (days: number, rows = 1000) =>
  (
    await session.as<{ step: string; deleted: string }>(
      'maintenance',
      `select step, deleted from private.step_org_deletion(now() + make_interval(days => $1), $2, '0 ms')`,
      [days, rows],
    )
  )[0];

/** The line about its deletion outlives an org. The journal of the operators would too, but the world has no act on an org. */
const remains = ['public.org_deletions'];

/** The tables with rows of org A, in whatever column its id is. */
async function tablesOfOrg(): Promise<string[]> {
  const tables = await look<{ name: string; column: string }>(`
    select n.nspname || '.' || c.relname as name, a.attname as column from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.atttypid = 'uuid'::regtype and not a.attisdropped
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition`);
  const found = new Set<string>();
  for (const { name, column } of tables) {
    const rows = await look(`select 1 from ${name} where ${column} = any ($1) limit 1`, [[orgId('A'), connectionId('A')]]);
    if (rows.length > 0) found.add(name);
  }
  return [...found].sort();
}

describe('the deletion of an org', () => {
  it('is requested by an owner who types the name, and by nobody else', async () => {
    for (const actor of ['admin A', 'analyst A', 'owner B', 'stranger'] as const)
      await expect(request(actor)).rejects.toMatchObject({ code: '42501' });
    await expect(request('owner A', 'org a')).rejects.toMatchObject({ constraint: 'org_deletions_name' });
    await request('owner A');
    await request('owner A');
    expect(await deletion()).toEqual({ status: 'scheduled', waits_for: null });
  });

  it('stops the connections at once, and they cannot be activated or made until it is cancelled', async () => {
    await request('owner A');
    expect(await isActive()).toBe(false);
    const activate = () =>
      session.as('admin A', 'update public.source_connections set is_active = true where id = $1', [connectionId('A')]);
    await expect(activate()).rejects.toMatchObject({ constraint: 'org_deletions_pending' });
    await expect(
      session.as(
        'admin A',
        `select private.create_connection(org_id, project_id, 'stripe', 'New', '{}') from public.source_connections where id = $1`,
        [connectionId('A')],
      ),
    ).rejects.toMatchObject({ constraint: 'org_deletions_pending' });
    await look('update public.org_members set role = $1 where user_id = $2', ['owner', userId('A', 'admin')]);
    await expect(cancel('analyst A')).rejects.toMatchObject({ code: '42501' });
    await expect(cancel('owner B')).rejects.toMatchObject({ code: '42501' });
    expect(await cancel('admin A')).toBe(true);
    expect(await isActive()).toBe(true);
    expect(await cancel('owner A')).toBe(false);
    await activate();
  });

  it('activates only the connections that were active when it is cancelled', async () => {
    await look('update public.source_connections set is_active = false where id = $1', [connectionId('A')]);
    await request('owner A');
    await cancel('owner A');
    expect(await isActive()).toBe(false);
  });

  it('does not begin within seven days, and cannot be cancelled after it has begun', async () => {
    await request('owner A');
    expect(await step(6)).toBeUndefined();
    expect(await cancel('owner A')).toBe(true);
    await request('owner A');
    expect(await step(8)).toMatchObject({ step: 'private.org_keys' });
    expect(await cancel('owner A')).toBe(false);
  });

  it('destroys the keys before anything else, and no new keys can be made', async () => {
    await request('owner A');
    await step(8);
    for (const table of ['private.org_keys', 'private.connection_secrets', 'private.alert_channel_secrets'])
      expect(await look(`select 1 from ${table} where org_id = $1`, [orgId('A')])).toEqual([]);
    expect(await look('select 1 from private.erasure_persons')).toHaveLength(1);
    expect(await look('select 1 from public.canonical_events where org_id = $1', [orgId('A')])).not.toEqual([]);
    await expect(session.as('ingest', `select private.create_org_keys($1, '\\x01', '\\x01', 1)`, [orgId('A')])).rejects.toMatchObject({
      constraint: 'org_deletions_pending',
    });
  });

  it('deletes in small steps everything that names the org, nothing of another org, and keeps one line without a person', async () => {
    const before = await look('select count(*)::int as n from public.canonical_events where org_id = $1', [orgId('B')]);
    for (let n = 0; n < 5; n++) await look(insertKey('A', `key ${n}`));
    await request('owner A');
    const steps: string[] = [];
    for (let taken = await step(8, 2); taken; taken = await step(8, 2)) {
      steps.push(taken.step);
      if (steps.length > 300) throw new Error(`the deletion does not end: ${steps.slice(-10).join(', ')}`);
    }
    expect(steps[0]).toBe('private.org_keys');
    expect(steps.at(-1)).toBe('public.orgs');
    expect(await tablesOfOrg()).toEqual(remains);
    expect(await look('select status, requested_by, connection_ids, rows_deleted > 20 as counted from public.org_deletions')).toEqual([
      { status: 'done', requested_by: null, connection_ids: [], counted: true },
    ]);
    expect(await look('select count(*)::int as n from public.canonical_events where org_id = $1', [orgId('B')])).toEqual(before);
    expect(await look('select 1 from private.event_keys')).not.toEqual([]);
    expect(await look('select 1 from private.org_keys where org_id = $1', [orgId('B')])).toHaveLength(2);
  });

  it('repeats nothing and loses nothing when a step is cut off', async () => {
    await request('owner A');
    for (let taken: unknown = {}; taken; ) {
      await look('savepoint crash');
      await step(8, 2);
      await look('rollback to savepoint crash');
      taken = await step(8, 2);
    }
    expect(await tablesOfOrg()).toEqual(remains);
  });

  it('is refused while a legal hold exists, and waits for a hold that was set later, with the reason', async () => {
    const hold = (is: boolean) =>
      look('update public.legal_holds set released_at = $2 where id = $1', [holdId('A'), is ? null : new Date()]);
    await hold(true);
    await expect(request('owner A')).rejects.toMatchObject({ constraint: 'legal_holds_block', message: 'Case 7' });
    await hold(false);
    await request('owner A');
    await hold(true);
    expect(await step(8)).toMatchObject({ step: 'waits' });
    expect(await deletion()).toEqual({ status: 'scheduled', waits_for: 'Case 7' });
    expect(await look('select 1 from private.org_keys where org_id = $1', [orgId('A')])).toHaveLength(2);
    await hold(false);
    expect(await step(8)).toMatchObject({ step: 'private.org_keys' });
    expect(await deletion()).toEqual({ status: 'running', waits_for: null });
  });
});

describe('a table that has rows of an org', () => {
  it('is emptied by the deletion of the org, or with the org itself', async () => {
    // Tables that are left out of the steps lose their rows by a foreign key to the org.
    expect(
      await look(`
        select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
        where n.nspname in ('public', 'private') and c.relkind in ('r', 'p') and not c.relispartition
          and n.nspname || '.' || c.relname not in (select table_name from private.org_tables())
          and not exists (select from pg_constraint k where k.conrelid = c.oid and k.confrelid = 'public.orgs'::regclass and k.confdeltype = 'c')
        order by 1`),
    ).toEqual([{ name: 'private.journal_payloads' }, { name: 'private.operator_acts' }, { name: 'public.org_deletions' }]);
  });

  it('is partitioned only with a rule by which its rows of an org are deleted', async () => {
    expect(
      await look(
        `select table_name from private.org_tables() where is_partitioned and table_name not in (select table_name from private.row_retention)`,
      ),
    ).toEqual([]);
  });
});
