import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginWorld, openSession, type Session } from './session.ts';
import {
  connectionId,
  deletedConnectionId,
  holdId,
  insertDeadLetter,
  insertEvent,
  insertJournal,
  insertPayload,
  type Org,
  orgId,
} from './world.ts';

let session: Session;
beforeAll(async () => {
  session = await openSession();
});
afterAll(() => session?.close());
beforeEach(async () => {
  await beginWorld(session.client);
  await look(`delete from public.legal_holds; delete from public.retention_settings; delete from private.retention_cursors;
    update private.activity_rollup set rolled_until = now()`);
});
afterEach(() => session.client.query('rollback'));

const look = async <T extends Record<string, unknown>>(sql: string, values: unknown[] = []) =>
  (await session.client.query<T>(sql, values)).rows;
const idOf = (org: Org, n: number) => `${org.toLowerCase()}0000000-0000-4000-8000-00000000${7000 + n}`;
const set = (actor: 'owner A' | 'admin A' | 'analyst A' | 'owner B', kind: string, days: number | null, org: Org = 'A') =>
  session.as(actor, 'select private.set_data_retention($1, $2, $3)', [orgId(org), kind, days]);
const shown = async (actor: 'analyst A' | 'owner B' = 'analyst A') =>
  session.as<{ org_id: string; kind: string; keep_days: number; chosen_days: number | null }>(
    actor,
    'select org_id, kind, keep_days, maximum_days, chosen_days from public.data_retention order by kind',
  );

/** Makes a delivery, an event, a dead letter and figures of that age in days. */
async function fill(org: Org, n: number, days: number, connection = connectionId(org)): Promise<void> {
  const at = `now() - interval '${days} days'`;
  await look(insertJournal(org, idOf(org, n)));
  await look(`update public.event_journal set received_at = ${at}, source_connection_id = $2 where id = $1`, [idOf(org, n), connection]);
  await look(insertPayload(org, idOf(org, n)));
  await look(`update private.journal_payloads set received_at = ${at} where journal_id = $1`, [idOf(org, n)]);
  const [{ text }] = (await look<{ text: string }>(`select (${at})::text`)) as [{ text: string }];
  await look(insertEvent(org, idOf(org, n), { at: text, connection }));
  await look(insertDeadLetter(org, idOf(org, n), { connection }));
  await look(`update public.dlq_events set created_at = ${at} where id = $1`, [idOf(org, n)]);
  for (const table of ['activity_minutes', 'activity_hours', 'activity_days'])
    await look(
      `insert into public.${table} (org_id, source_connection_id, bucket) values ($1, $2, date_trunc('minute', ${at}) + make_interval(mins => $3))`,
      [orgId(org), connection, n],
    );
}
const count = async (table: string, org: Org, key = 'id') =>
  (
    await look<{ n: number }>(`select count(*)::int as n from ${table} where org_id = $1 and ${key}::text ~ '-00000000700[0-9]$'`, [
      orgId(org),
    ])
  )[0]?.n;
const counts = async (org: Org) => ({
  events: await count('public.canonical_events', org),
  deliveries: await count('public.event_journal', org),
  bodies: await count('private.journal_payloads', org, 'journal_id'),
  deadLetters: await count('public.dlq_events', org),
});
const all = (n: number) => ({ events: n, deliveries: n, bodies: n, deadLetters: n });

/** Runs whole rounds over all orgs as of that many days from now. */
async function round(days = 0, rows = 1000): Promise<number> {
  let deleted = 0;
  for (let calls = 0; ; calls++) {
    const [step] = await session.as<{ deleted: number; is_over: boolean }>(
      'maintenance',
      `select deleted::int, is_over from private.delete_expired_rows(now() + make_interval(days => $1), $2, '0 ms')`,
      [days, rows],
    );
    deleted += step?.deleted ?? 0;
    if (step?.is_over) return deleted;
    if (calls > 100) throw new Error('the round does not end');
  }
}

describe('the retention of an org', () => {
  it('is shown with the maximum of the platform, to members only', async () => {
    await set('admin A', 'events', 30);
    expect(await shown()).toEqual([
      { org_id: orgId('A'), kind: 'activity', keep_days: 1830, maximum_days: 1830, chosen_days: null },
      { org_id: orgId('A'), kind: 'dead_letters', keep_days: 180, maximum_days: 180, chosen_days: null },
      { org_id: orgId('A'), kind: 'deliveries', keep_days: 90, maximum_days: 90, chosen_days: null },
      { org_id: orgId('A'), kind: 'events', keep_days: 30, maximum_days: 400, chosen_days: 30 },
    ]);
    expect((await shown('owner B')).map((row) => [row.org_id, row.chosen_days])).toEqual(Array(4).fill([orgId('B'), null]));
  });

  it('is set by owners and admins of the org only, within the maximum of the platform, and audited', async () => {
    for (const actor of ['analyst A', 'owner B'] as const) await expect(set(actor, 'events', 30)).rejects.toMatchObject({ code: '42501' });
    await expect(set('owner A', 'events', 401)).rejects.toMatchObject({ code: '23514', constraint: 'retention_settings_maximum' });
    await expect(set('owner A', 'events', 0)).rejects.toMatchObject({ code: '23514' });
    await set('owner A', 'events', 30);
    await set('owner A', 'events', null);
    expect(
      await look(
        `select action from public.audit_log where action ~ '^retention_settings' and target_id = 'events' and actor_id is not null`,
      ),
    ).toEqual([{ action: 'retention_settings.insert' }, { action: 'retention_settings.delete' }]);
  });

  it('deletes older rows of this org a day after it was shortened, and no row of another org', async () => {
    await fill('A', 1, 40);
    await fill('A', 2, 20);
    await fill('B', 1, 40);
    for (const kind of ['events', 'deliveries', 'dead_letters', 'activity']) await set('owner A', kind, 30);
    await round();
    expect(await counts('A')).toEqual(all(2));
    await look(`update private.retention_walk set ended_at = 'epoch'`);
    await round(1);
    expect(await counts('A')).toEqual(all(1));
    expect(await counts('B')).toEqual(all(1));
    for (const table of ['activity_minutes', 'activity_hours', 'activity_days'])
      expect(
        await look(
          `select org_id = '${orgId('A')}' as a, count(*)::int as n from public.${table} where bucket between now() - interval '45 days' and now() - interval '15 days' group by 1 order by 1`,
        ),
      ).toEqual([
        { a: false, n: 1 },
        { a: true, n: 1 },
      ]);
  });

  it('deletes in turns: an org with many rows deletes a few in each of its turns, and the others are not delayed', async () => {
    for (const n of [1, 2, 3, 4, 5]) await fill('A', n, 200);
    await fill('B', 1, 200);
    const [first] = await session.as<{ deleted: number }>(
      'maintenance',
      `select deleted::int from private.delete_expired_rows(now(), 2, '1 minute')`,
    );
    expect(first?.deleted).toBeGreaterThanOrEqual(3);
    expect(await count('public.dlq_events', 'A')).toBe(3);
    expect(await count('public.dlq_events', 'B')).toBe(0);
    await round(0, 2);
    expect(await count('public.dlq_events', 'A')).toBe(0);
  });

  it('keeps rows under a legal hold on a connection, reads them once, and deletes the others', async () => {
    for (const n of [1, 2, 3]) await fill('A', n, 300, deletedConnectionId('A'));
    await fill('A', 4, 299);
    await look(`insert into public.legal_holds (id, org_id, source_connection_id, reason) values ($1, $2, $3, 'Case 8')`, [
      holdId('A'),
      orgId('A'),
      deletedConnectionId('A'),
    ]);
    await look(
      `insert into public.retention_settings (org_id, kind, keep_days, applies_from) select $1, k, 30, now() from unnest('{events,deliveries}'::text[]) k`,
      [orgId('A')],
    );
    await round(0, 2);
    expect(await counts('A')).toEqual(all(3));
    await session.as('owner A', 'select private.release_legal_hold($1)', [holdId('A')]);
    await look(`update private.retention_walk set ended_at = 'epoch'`);
    await round(0, 2);
    expect(await counts('A')).toEqual(all(0));
  });

  it('does not apply while a hold is on the whole org', async () => {
    await fill('A', 1, 300);
    await look(`insert into public.legal_holds (org_id, reason) values ($1, 'Case 9')`, [orgId('A')]);
    await round();
    expect(await count('public.dlq_events', 'A')).toBe(1);
  });
});

describe('the retention of the platform', () => {
  it('deletes old dead letters, ended operations, plans, erasures, incidents, expired invites and secrets, and keeps those that are open or young', async () => {
    await look(`
      update public.org_invites set expires_at = now() - interval '31 days' where org_id = '${orgId('A')}';
      update public.dlq_operations set created_at = now() - interval '401 days', status = case when org_id = '${orgId('A')}' then 'done' else 'running' end;
      update public.replay_plans set created_at = now() - interval '401 days';
      update public.erasures set created_at = now() - interval '1831 days', status = 'completed', completed_at = now() where org_id = '${orgId('A')}';
      update public.alert_incidents set opened_at = now() - interval '401 days';
      update public.alert_incidents set status = 'resolved', resolved_at = now(), resolution = 'recovered' where org_id = '${orgId('A')}';
      insert into private.connection_secrets (org_id, source_connection_id, name, sealed, expires_at) values ('${orgId('A')}', '${connectionId('A')}', 'old', '\\x00', now() - interval '2 days');
      insert into private.flow_transitions (at, from_mode, to_mode, cause, changed_by) values (now() - interval '401 days', 'normal', 'drain', 'long ago', 'operator');
      update private.quarantine_hours set hour = now() - interval '3 days' where source_connection_id = '${connectionId('A')}'`);
    await round();
    const left = async (table: string, condition = 'true') =>
      (await look<{ org: string }>(`select org_id::text as org from ${table} where ${condition} order by 1`)).map((row) => row.org[0]);
    expect(await left('public.org_invites')).toEqual(['b']);
    expect(await left('public.dlq_operations')).toEqual(['b']);
    expect(await left('public.replay_plans')).toEqual([]);
    expect(await left('public.erasures')).toEqual(['b']);
    expect(await left('public.alert_incidents')).toEqual(['b']);
    expect(await left('public.alert_notifications')).toEqual(['b']);
    expect(await left('private.connection_secrets', `name = 'old'`)).toEqual([]);
    expect(await look(`select cause from private.flow_transitions`)).toEqual([{ cause: 'a migration' }]);
    expect(
      await look(
        `select count(*)::int as n from private.quarantine_hours where hour < now() - interval '2 days' and hour > now() - interval '4 days'`,
      ),
    ).toEqual([{ n: 0 }]);
  });

  it('keeps activity that is not rolled up yet', async () => {
    await look(`update private.activity_rollup set rolled_until = now() - interval '100 days'`);
    await fill('A', 1, 50);
    await look(`insert into public.retention_settings (org_id, kind, keep_days, applies_from) values ($1, 'activity', 5, now())`, [
      orgId('A'),
    ]);
    await round();
    expect(
      await look(`select count(*)::int as n from public.activity_minutes where org_id = $1 and bucket > now() - interval '60 days'`, [
        orgId('A'),
      ]),
    ).toEqual([{ n: 1 }]);
  });

  it('begins a round at most every hour', async () => {
    await round();
    await fill('A', 1, 200);
    expect(await round()).toBe(0);
    await look(`update private.retention_walk set ended_at = now() - interval '61 minutes'`);
    expect(await round()).toBeGreaterThan(0);
  });

  it.each(['owner A', 'anon', 'ingest', 'worker', 'service_role', 'api login'] as const)('is refused to %s', async (actor) => {
    await expect(session.as(actor, 'select private.delete_expired_rows()')).rejects.toMatchObject({ code: '42501' });
  });
});
