import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addActivity, type Counts, every, minuteMs } from '../test/activity.ts';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';
import { evaluateAlerts } from './evaluate.ts';
import { type AlertTaskDeps, alertTasks } from './jobs.ts';
import { beginPass, claimOrgs } from './store.ts';

let world: World;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Noon of today, UTC, so that the times of day in these tests do not depend on when they run. */
const noon = Math.floor(Date.now() / dayMs) * dayMs + dayMs / 2;

beforeAll(async () => {
  world = await makeWorld();
});
// A pass counts over all orgs, so that incidents of earlier tests must be removed.
beforeEach(async () => {
  await world.admin('delete from public.alert_incidents');
  await world.admin('update public.alert_rules set enabled = false');
});
afterAll(() => world.close());

interface Incident {
  id: string;
  kind: string;
  status: string;
  level: string;
  peak_level: string;
  value: number;
  threshold: number;
  message: string;
  resolution: string | null;
  reminders: number;
}

/** Evaluates as if the evaluator had run without a break until `at`. */
async function evaluate(at: number) {
  await world.admin('update private.alert_clock set evaluated_at = $1', [new Date(at - 30_000).toISOString()]);
  return evaluateAlerts(world.db, { now: new Date(at).toISOString() });
}

/** Makes the orgs whose evaluation failed due again, as if their wait had passed. */
const endWaits = () => world.admin(`update private.alert_turns set held_until = '-infinity'`);

/** An org with one connection that is old enough, one channel, and only the rules of these kinds. */
async function makeWatched(kinds: string[], thresholds?: object) {
  const org = await world.makeOrg();
  const connection = await world.makeConnection(org, { name: 'Shop' });
  await changedAt(connection, noon - 90 * dayMs);
  await world.admin('update public.alert_rules set enabled = kind = any ($2), thresholds = thresholds || $3 where org_id = $1', [
    org.id,
    kinds,
    '{}',
  ]);
  if (thresholds)
    await world.admin('update public.alert_rules set thresholds = thresholds || $3 where org_id = $1 and kind = any ($2)', [
      org.id,
      kinds,
      JSON.stringify(thresholds),
    ]);
  const channel = await addChannel(org);
  const add = (times: readonly number[], counts?: Counts) => addActivity(world, org, connection, times, counts);
  const incidents = () => world.admin<Incident>('select * from public.alert_incidents where org_id = $1 order by opened_at, id', [org.id]);
  const told = async (of = channel) =>
    (
      await world.admin<{ notification: string }>(
        `select kind || ' ' || level as notification from public.alert_notifications where channel_id = $1 order by seq`,
        [of],
      )
    ).map((row) => row.notification);
  return { org, connection, channel, add, incidents, told };
}

/** Makes the connection look as if it was last changed at this time. */
async function changedAt(connection: string, at: number): Promise<void> {
  await world.admin('alter table public.source_connections disable trigger touch');
  await world.admin('update public.source_connections set updated_at = $2 where id = $1', [connection, new Date(at).toISOString()]);
  await world.admin('alter table public.source_connections enable trigger touch');
}

async function addChannel(org: TestOrg, minLevel = 'info'): Promise<string> {
  const [row] = await world.admin<{ id: string }>(
    `insert into public.alert_channels (id, org_id, type, name, target, min_level) values (gen_random_uuid(), $1, 'email', 'On call', 'a@example.com', $2) returning id`,
    [org.id, minLevel],
  );
  return row?.id ?? '';
}

describe('rules', () => {
  it('are created with a new org, one enabled rule of each kind', async () => {
    const org = await world.makeOrg();
    const rows = await world.admin<{ kind: string; enabled: boolean }>(
      'select kind, enabled from public.alert_rules where org_id = $1 order by kind',
      [org.id],
    );
    expect(rows.map((row) => row.kind)).toEqual([
      'ConnectionLag',
      'ConnectionSilent',
      'DuplicateRateHigh',
      'IngestDLQRateHigh',
      'IngestDLQSpike',
      'IngestLagHigh',
      'RejectedRateHigh',
    ]);
    expect(rows.every((row) => row.enabled)).toBe(true);
  });

  it.each([
    ['ConnectionSilent', { warning: 900, critical: 600 }],
    ['ConnectionSilent', { windowMinutes: 5 }],
    ['ConnectionSilent', { info: null, warning: null, critical: null }],
    ['IngestDLQSpike', { windowMinutes: 61 }],
    ['IngestDLQSpike', { windowMinutes: 1.5 }],
    ['IngestDLQSpike', { minRecords: 0 }],
    ['IngestDLQSpike', { warning: '100' }],
    ['IngestDLQSpike', { warning: true }],
    ['IngestDLQSpike', { warning: {} }],
    ['IngestDLQSpike', { other: 1 }],
    ['IngestDLQRateHigh', { critical: 1 }],
    ['IngestDLQRateHigh', { info: 0 }],
    ['IngestLagHigh', { critical: 1e300 }],
  ])('refuse thresholds that cannot be evaluated, also from SQL: %s %j', async (kind, change) => {
    const org = await world.makeOrg();
    const write = world.db.as(org.owner.claims, (sql) =>
      sql('update public.alert_rules set thresholds = thresholds || $2 where org_id = $1 and kind = $3', [
        org.id,
        JSON.stringify(change),
        kind,
      ]),
    );
    await expect(write).rejects.toMatchObject({ code: expect.stringMatching(/^(22|23)/) });
  });
});

describe('a pass', () => {
  const evaluatedAt = (org: string) =>
    world.admin<{ at: string }>('select evaluated_at::text as at from private.alert_turns where org_id = $1', [org]);

  it('that ends early is continued by the next one, which begins with the orgs that it did not reach', async () => {
    const orgs = [await makeWatched(['IngestDLQSpike']), await makeWatched(['IngestDLQSpike'])];
    for (const { add } of orgs) await add([noon - minuteMs], { deadLettered: 150 });
    expect(await evaluateAlerts(world.db, { now: new Date(noon).toISOString(), sliceMs: 0 })).toMatchObject({ opened: 0 });
    await world.admin(`update private.alert_turns set evaluated_at = $2 where org_id = $1`, [
      orgs[0]?.org.id,
      new Date(noon).toISOString(),
    ]);
    const pass = await beginPass(world.db, new Date(noon + 1).toISOString());
    const [first] = await claimOrgs(world.db, pass, { orgs: 1, connections: 200 });
    expect(first).toBe(orgs[1]?.org.id);
    await endWaits();
  });

  it('passes over orgs without activity, rules or connections, and evaluates them as soon as they have some', async () => {
    const empty = await world.makeOrg();
    const { org, add, incidents } = await makeWatched(['IngestDLQSpike']);
    expect(await evaluatedAt(empty.id)).toEqual([]);
    const pass = await beginPass(world.db, new Date(noon).toISOString());
    expect(await claimOrgs(world.db, pass, { orgs: 50, connections: 200 })).toEqual([]);
    expect(await evaluatedAt(org.id)).not.toEqual([{ at: '-infinity' }]);
    await add([noon - minuteMs], { deadLettered: 150 });
    await evaluate(noon + 30_000);
    expect(await incidents()).toHaveLength(1);
  });

  it('rests for a suspended org, and does not count the suspension as silence of its connections', async () => {
    const { org, add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    const suspend = (reason: string | null) =>
      world.admin(
        'update public.orgs set suspended_at = case when $2::text is null then null else now() end, suspended_reason = $2 where id = $1',
        [org.id, reason],
      );
    await suspend('sends spam');
    for (let n = 0; n <= 60; n += 20) await evaluate(noon + n * minuteMs);
    expect(await incidents()).toEqual([]);
    await suspend(null);
    await evaluate(noon + 61 * minuteMs);
    await evaluate(noon + 74 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(noon + 76 * minuteMs);
    expect(await incidents()).toHaveLength(1);
  });
});

describe('an org with unusual data', () => {
  it.each([
    ['IngestLagHigh', '{"info": null, "warning": 60, "critical": 300, "windowMinutes": 5.0, "minRecords": 20}'],
    ['IngestDLQSpike', '{"info": null, "warning": 100.00, "critical": null, "windowMinutes": 1e1, "minRecords": 1.000}'],
  ])('may write whole numbers with decimals: %s %s', async (kind, thresholds) => {
    const { org, add, incidents } = await makeWatched(['IngestDLQSpike', kind]);
    await world.db.as(org.owner.claims, (sql) =>
      sql('update public.alert_rules set thresholds = $2 where org_id = $1 and kind = $3', [org.id, thresholds, kind]),
    );
    await add([noon - minuteMs], { deadLettered: 150 });
    expect(await evaluate(noon)).toMatchObject({ opened: 1, failures: [] });
    expect(await incidents()).toMatchObject([{ kind: 'IngestDLQSpike', value: 150, threshold: 100 }]);
  });

  it('does not prevent the evaluation of other orgs, and is named in the failures', async () => {
    const odd = await makeWatched(['IngestDLQSpike']);
    const others = [await makeWatched(['IngestDLQSpike']), await makeWatched(['IngestDLQSpike'])];
    for (const { add } of [odd, ...others]) await add([noon - minuteMs], { deadLettered: 150 });
    // Simulates a release with a bug that only this org's data triggers.
    await world.admin(`alter table public.alert_incidents add constraint odd check (org_id <> '${odd.org.id}')`);
    expect(await evaluate(noon)).toMatchObject({
      opened: 2,
      notifications: 2,
      failures: [{ org_id: odd.org.id, sqlstate: '23514' }],
    });
    for (const { told } of others) expect(await told()).toEqual(['opened warning']);
    // The job fails, so that the operator is alerted, and its error names the org.
    const task = alertTasks({ db: world.db } as AlertTaskDeps)['alerts.evaluate'];
    await endWaits();
    await odd.add([Math.floor(Date.now() / minuteMs) * minuteMs], { deadLettered: 150 });
    await expect(task?.run({}, { signal: new AbortController().signal, log: world.log })).rejects.toThrow(odd.org.id);
    await world.admin('alter table public.alert_incidents drop constraint odd');
    await endWaits();
    expect(await evaluate(noon + 30_000)).toMatchObject({ opened: 1, failures: [] });
  });

  it('is tried again after half a minute, and later after each further failure', async () => {
    const odd = await makeWatched(['IngestDLQSpike']);
    await odd.add([noon - minuteMs], { deadLettered: 150 });
    await world.admin(`alter table public.alert_incidents add constraint odd check (org_id <> '${odd.org.id}')`);
    const waits: number[] = [];
    for (let failures = 0; failures < 4; failures++) {
      expect((await evaluate(noon + failures * 30_000)).failures).toHaveLength(1);
      expect((await evaluate(noon + failures * 30_000 + 1)).failures, 'while it waits').toEqual([]);
      const [row] = await world.admin<{ seconds: number }>(
        'select extract(epoch from held_until - now())::float8 as seconds from private.alert_turns where org_id = $1',
        [odd.org.id],
      );
      waits.push(Math.round((row?.seconds ?? 0) / 10) * 10);
      await endWaits();
    }
    expect(waits).toEqual([30, 60, 120, 240]);
    await world.admin('alter table public.alert_incidents drop constraint odd');
  });

  it('that takes too long is passed over, and the others are evaluated', async () => {
    const slow = await makeWatched(['IngestDLQSpike']);
    const other = await makeWatched(['IngestDLQSpike']);
    for (const { add } of [slow, other]) await add([noon - minuteMs], { deadLettered: 150 });
    await world.admin(`create function private.dawdle() returns trigger language plpgsql as $$
      begin if new.org_id = '${slow.org.id}' then perform pg_sleep(30); end if; return new; end $$`);
    await world.admin('create trigger dawdle before insert on public.alert_incidents for each row execute function private.dawdle()');
    const pass = await evaluate(noon);
    expect(pass).toMatchObject({ opened: 1, failures: [{ org_id: slow.org.id, sqlstate: '57014' }] });
    expect(await other.incidents()).toHaveLength(1);
    await world.admin('drop function private.dawdle() cascade');
  });

  it('does not prevent the evaluation of other orgs when there are more orgs than one batch holds', async () => {
    await world.admin(`with o as (
        insert into public.orgs (name, slug) select 'Many', 'many-' || n from generate_series(1, 120) n returning id
      ), p as (
        insert into public.projects (org_id, name, slug) select id, 'P', 'p' from o returning id, org_id
      ) insert into public.source_connections (org_id, project_id, name, type) select org_id, id, 'Many', 'webhook' from p`);
    await world.admin(
      `insert into public.activity_minutes (org_id, source_connection_id, bucket, received, dead_lettered)
       select org_id, id, date_trunc('minute', $1::timestamptz), 200, 150 from public.source_connections where name = 'Many'`,
      [new Date(noon - minuteMs).toISOString()],
    );
    await world.admin(
      `update public.alert_rules set enabled = kind = 'IngestDLQSpike' where org_id in (select id from public.orgs where name = 'Many')`,
    );
    const odd = await world.admin<{ id: string }>(`select id from public.orgs where name = 'Many' order by md5(id::text) limit 3`);
    const ids = odd.map((org) => org.id);
    await world.admin(`alter table public.alert_incidents add constraint odd check (org_id <> all ('{${ids.join()}}'))`);
    const pass = await evaluate(noon);
    expect(pass.opened).toBe(117);
    expect(pass.failures.map((failure) => failure.org_id).toSorted()).toEqual(ids.toSorted());
    await world.admin('alter table public.alert_incidents drop constraint odd');
    await endWaits();
    expect(await evaluate(noon + 30_000)).toMatchObject({ opened: 3, failures: [] });
  });

  it.each([
    ['windowMinutes', `10.${'0'.repeat(2000)}`],
    ['warning', `100.${'1'.repeat(2000)}`],
  ])('cannot store a threshold with thousands of digits: %s', async (key, number) => {
    const org = await world.makeOrg();
    const write = world.db.as(org.owner.claims, (sql) =>
      sql(`update public.alert_rules set thresholds = thresholds || $2 where org_id = $1 and kind = 'IngestDLQSpike'`, [
        org.id,
        `{"${key}": ${number}}`,
      ]),
    );
    await expect(write).rejects.toMatchObject({ code: '23514', message: 'these thresholds are not valid' });
  });
});

describe('rates', () => {
  const cases: { kind: string; quiet: Counts; levels: [Counts, string, number][] }[] = [
    {
      kind: 'IngestLagHigh',
      quiet: { accepted: 50, lag: 50 },
      levels: [
        [{ accepted: 50, lag: 100 }, 'warning', 60],
        [{ accepted: 50, lag: 550 }, 'critical', 300],
      ],
    },
    {
      kind: 'IngestDLQRateHigh',
      quiet: { accepted: 1000, deadLettered: 5 },
      levels: [
        [{ accepted: 980, deadLettered: 20 }, 'info', 0.005],
        [{ accepted: 940, deadLettered: 60 }, 'warning', 0.05],
        [{ accepted: 800, deadLettered: 200 }, 'critical', 0.1],
      ],
    },
    { kind: 'IngestDLQSpike', quiet: { deadLettered: 100 }, levels: [[{ deadLettered: 101 }, 'warning', 100]] },
    {
      kind: 'DuplicateRateHigh',
      quiet: { accepted: 990, duplicates: 10 },
      levels: [
        [{ accepted: 950, duplicates: 50 }, 'warning', 0.01],
        [{ accepted: 750, duplicates: 250 }, 'warning', 0.01],
        [{ accepted: 700, duplicates: 300 }, 'critical', 0.25],
      ],
    },
    {
      kind: 'RejectedRateHigh',
      quiet: { accepted: 80, rejected: 20 },
      levels: [
        [{ accepted: 50, rejected: 50 }, 'warning', 0.25],
        [{ rejected: 100 }, 'critical', 0.9],
      ],
    },
  ];

  it.each(cases)('$kind opens an incident above each of its thresholds, not at them', async ({ kind, quiet, levels }) => {
    const calm = await makeWatched([kind]);
    await calm.add([noon - minuteMs], quiet);
    await evaluate(noon);
    expect(await calm.incidents()).toEqual([]);
    for (const [counts, level, threshold] of levels) {
      const watched = await makeWatched([kind]);
      await watched.add([noon - minuteMs], counts);
      await evaluate(noon);
      expect(await watched.incidents()).toMatchObject([{ kind, level, peak_level: level, threshold, status: 'open' }]);
      expect((await watched.incidents())[0]?.message).toContain('Shop');
    }
  });

  it.each([
    ['IngestDLQRateHigh', { accepted: 1, deadLettered: 1 }],
    ['DuplicateRateHigh', { accepted: 1, duplicates: 1 }],
    ['RejectedRateHigh', { accepted: 1, rejected: 1 }],
    ['IngestLagHigh', { accepted: 2, lag: 4000 }],
  ])('%s opens no incident for 1 of 2 records', async (kind, counts) => {
    const { add, incidents } = await makeWatched([kind]);
    await add([noon - minuteMs], counts);
    await evaluate(noon);
    expect(await incidents()).toEqual([]);
  });

  it('do not count replays', async () => {
    const { org, connection, incidents } = await makeWatched(['IngestDLQRateHigh', 'IngestDLQSpike', 'DuplicateRateHigh']);
    const count = (isReplay: boolean, accepted: number, duplicates: number, deadLettered: number) =>
      world.admin(
        `insert into public.connection_activity (org_id, source_connection_id, bucket, received, accepted, duplicates, dead_lettered, is_replay)
         values ($1, $2, date_trunc('minute', now()), $3::int + $4::int + $5::int, $3::int, $4::int, $5::int, $6)`,
        [org.id, connection, accepted, duplicates, deadLettered, isReplay],
      );
    await count(true, 0, 500, 500);
    await count(false, 200, 0, 0);
    await world.db.worker((sql) => sql('select private.roll_up_activity()'));
    await evaluate(Date.now());
    expect(await incidents()).toEqual([]);
    await count(false, 0, 500, 500);
    await world.db.worker((sql) => sql('select private.roll_up_activity()'));
    await evaluate(Date.now());
    expect((await incidents()).map((row) => row.kind).sort()).toEqual(['DuplicateRateHigh', 'IngestDLQRateHigh']);
    await world.admin('update private.activity_rollup set rolled_until = null');
  });

  it('do not count records older than the window', async () => {
    const { add, incidents } = await makeWatched(['IngestDLQSpike']);
    await add([noon - 11 * minuteMs], { deadLettered: 500 });
    await add([noon - minuteMs], { accepted: 5 });
    await evaluate(noon);
    expect(await incidents()).toEqual([]);
  });

  it('use edited thresholds from the next pass on', async () => {
    const { add, incidents } = await makeWatched(['IngestDLQSpike'], { warning: 5, critical: 50 });
    await add([noon - minuteMs], { deadLettered: 51 });
    await evaluate(noon);
    expect(await incidents()).toMatchObject([{ level: 'critical', threshold: 50, value: 51 }]);
  });
});

describe('an incident', () => {
  it('opens once and resolves automatically, with one notification of each', async () => {
    const { add, incidents, told } = await makeWatched(['IngestDLQSpike']);
    await add([noon - minuteMs], { deadLettered: 150 });
    expect(await evaluate(noon)).toMatchObject({ opened: 1, notifications: 1 });
    for (let n = 1; n <= 4; n++) expect(await evaluate(noon + n * 30_000)).toMatchObject({ opened: 0, notifications: 0 });
    expect(await incidents()).toMatchObject([{ status: 'open', value: 150, threshold: 100 }]);
    // The window has passed, so that the condition no longer holds. Five minutes later the incident resolves.
    const clear = noon + 11 * minuteMs;
    await add(every(1, noon, clear + 6 * minuteMs), { accepted: 5 });
    for (let n = 0; n < 10; n++) expect(await evaluate(clear + n * 30_000)).toMatchObject({ resolved: 0 });
    expect(await evaluate(clear + 5 * minuteMs)).toMatchObject({ resolved: 1, notifications: 1 });
    expect(await incidents()).toMatchObject([{ status: 'resolved', resolution: 'recovered' }]);
    expect(await evaluate(clear + 6 * minuteMs)).toMatchObject({ opened: 0, resolved: 0, notifications: 0 });
    expect(await told()).toEqual(['opened warning', 'resolved warning']);
  });

  it('does not flap: it stays open just below the threshold, and when the value rises again within five minutes', async () => {
    const { add, incidents, told } = await makeWatched(['IngestDLQSpike'], { windowMinutes: 1 });
    await add([noon - minuteMs + 1], { deadLettered: 150 });
    await evaluate(noon);
    for (let n = 1; n <= 12; n++) {
      // 90 is below 100 and above 80; then comes a minute with nothing, then 150 again.
      await add([noon + n * minuteMs - 1], { deadLettered: [150, 90, 0, 0][n % 4] ?? 0, accepted: 1 });
      await evaluate(noon + n * minuteMs);
    }
    expect(await incidents()).toMatchObject([{ status: 'open' }]);
    expect(await told()).toEqual(['opened warning']);
  });

  it('escalates with one notification for each new highest level, and with no notification when the level falls', async () => {
    const { add, incidents, told } = await makeWatched(['IngestDLQRateHigh'], { windowMinutes: 1 });
    const rates = [20, 60, 20, 200, 60, 200, 20];
    for (const [n, deadLettered] of rates.entries()) {
      await add([noon + n * minuteMs - 1], { accepted: 1000 - deadLettered, deadLettered });
      await evaluate(noon + n * minuteMs);
    }
    expect(await told()).toEqual(['opened info', 'escalated warning', 'escalated critical']);
    expect(await incidents()).toMatchObject([{ status: 'open', level: 'info', peak_level: 'critical' }]);
  });

  it('notifies the channels whose minimum level it reaches, and notifies the same channels of its end', async () => {
    const { org, add, told } = await makeWatched(['IngestDLQRateHigh'], { windowMinutes: 1 });
    const warning = await addChannel(org, 'warning');
    const critical = await addChannel(org, 'critical');
    for (const [n, deadLettered] of [20, 60].entries()) {
      await add([noon + n * minuteMs - 1], { accepted: 1000 - deadLettered, deadLettered });
      await evaluate(noon + n * minuteMs);
    }
    await world.admin('update public.alert_rules set enabled = false where org_id = $1', [org.id]);
    await evaluate(noon + 2 * minuteMs);
    expect(await told()).toEqual(['opened info', 'escalated warning', 'resolved warning']);
    expect(await told(warning)).toEqual(['escalated warning', 'resolved warning']);
    expect(await told(critical)).toEqual([]);
  });

  it('sends reminders at the interval of its rule until a person acknowledges it', async () => {
    const { org, add, incidents, told } = await makeWatched(['IngestDLQSpike']);
    await world.admin('update public.alert_rules set renotify_minutes = 10 where org_id = $1', [org.id]);
    const until = noon + 45 * minuteMs;
    await add(every(1, noon - minuteMs, until), { deadLettered: 150 });
    let acknowledged = false;
    for (let at = noon; at < until; at += minuteMs) {
      await evaluate(at);
      if (at < noon + 25 * minuteMs || acknowledged) continue;
      const [incident] = await incidents();
      await world.db.as(org.owner.claims, (sql) => sql(`select private.change_alert_incident($1, 'acknowledged')`, [incident?.id]));
      acknowledged = true;
    }
    expect(await told()).toEqual(['opened warning', 'reminder warning', 'reminder warning', 'acknowledged warning']);
    expect(await incidents()).toMatchObject([{ status: 'acknowledged', reminders: 2 }]);
  });

  it('ends when its rule or its connection is disabled or deleted, with the resolution not_watched', async () => {
    for (const off of [
      'update public.alert_rules set enabled = false where org_id = $1',
      'update public.source_connections set is_active = false where org_id = $1',
      'update public.source_connections set is_active = false, deleted_at = now() where org_id = $1',
    ]) {
      const { org, add, incidents, told } = await makeWatched(['IngestDLQSpike']);
      await add([noon - minuteMs], { deadLettered: 150 });
      await evaluate(noon);
      await world.admin(off, [org.id]);
      expect(await evaluate(noon + 30_000)).toMatchObject({ resolved: 1 });
      expect(await incidents()).toMatchObject([{ status: 'resolved', resolution: 'not_watched' }]);
      expect(await told()).toEqual(['opened warning', 'resolved warning']);
    }
  });

  it('is opened again half an hour after a person resolved it, and not before', async () => {
    const { org, add, incidents } = await makeWatched(['IngestDLQSpike']);
    await add(every(1, noon - minuteMs, noon + 45 * minuteMs), { deadLettered: 150 });
    await evaluate(noon);
    const [incident] = await incidents();
    await world.db.as(org.owner.claims, (sql) => sql(`select private.change_alert_incident($1, 'resolved')`, [incident?.id]));
    await world.admin('update public.alert_incidents set resolved_at = $2 where id = $1', [
      incident?.id,
      new Date(noon + minuteMs).toISOString(),
    ]);
    await evaluate(noon + 30 * minuteMs);
    expect(await incidents()).toMatchObject([{ status: 'resolved', resolution: 'by_person' }]);
    await evaluate(noon + 32 * minuteMs);
    expect((await incidents()).map((row) => row.status)).toEqual(['resolved', 'open']);
  });

  it('is opened once when several instances evaluate at the same time', async () => {
    const { add, incidents, told } = await makeWatched(['IngestDLQSpike']);
    await add([noon - minuteMs], { deadLettered: 150 });
    const passes = await Promise.all([evaluate(noon), evaluate(noon), evaluate(noon), evaluate(noon)]);
    expect(passes.reduce((sum, pass) => sum + (pass.opened ?? 0), 0)).toBe(1);
    expect(await incidents()).toHaveLength(1);
    expect(await told()).toEqual(['opened warning']);
    // A constraint allows one open condition of a family and connection, also without the lock.
    await expect(
      world.admin(
        `insert into public.alert_incidents (org_id, kind, source_connection_id, level, peak_level, value, threshold, message, opened_at, last_seen_at, last_notified_at)
        select org_id, kind, source_connection_id, level, level, 1, 1, 'twice', now(), now(), now() from public.alert_incidents where id = $1`,
        [(await incidents())[0]?.id],
      ),
    ).rejects.toMatchObject({ constraint: 'alert_incident_connections_open_key' });
  });
});

describe('ConnectionSilent and ConnectionLag', () => {
  it('report a connection that sent every minute as late after 10 minutes, and the same incident as silent after 15', async () => {
    const { add, incidents, told } = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    await add(every(1, noon - 3 * hourMs, noon));
    const at: Record<number, string[]> = {};
    for (const minutes of [5, 9, 11, 14, 16, 29, 31]) {
      await evaluate(noon + minutes * minuteMs);
      at[minutes] = (await incidents()).map((row) => `${row.kind} ${row.level}`).sort();
    }
    expect(at).toEqual({
      5: [],
      9: [],
      11: ['ConnectionLag warning'],
      14: ['ConnectionLag warning'],
      16: ['ConnectionSilent critical'],
      29: ['ConnectionSilent critical'],
      31: ['ConnectionSilent critical'],
    });
    // The connection sends again.
    await add(every(1, noon + 31 * minuteMs, noon + 40 * minuteMs));
    await evaluate(noon + 32 * minuteMs);
    await evaluate(noon + 38 * minuteMs);
    expect((await incidents()).map((row) => `${row.kind} ${row.status} ${row.resolution}`)).toEqual([
      'ConnectionSilent resolved recovered',
    ]);
    expect(await told()).toEqual(['opened warning', 'escalated critical', 'resolved critical']);
  });

  it('do not report a connection that has sent nothing or only a few times', async () => {
    const never = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    const tested = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    await tested.add([noon - 50 * minuteMs, noon - 40 * minuteMs]);
    await evaluate(noon);
    expect([...(await never.incidents()), ...(await tested.incidents())]).toEqual([]);
  });

  it('report a shop without sales at night by day only', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    // Every five minutes from 08:00 to 22:00, for two weeks; today until 22:00.
    for (let day = 14; day >= 1; day--) await add(every(5, noon - day * dayMs - 4 * hourMs, noon - day * dayMs + 10 * hourMs));
    const evening = noon - dayMs + 10 * hourMs;
    for (const hours of [0.5, 2, 6, 9, 10]) {
      await evaluate(evening + hours * hourMs);
      expect(await incidents(), `${hours} h after the last event`).toEqual([]);
    }
    await add(every(5, noon - 4 * hourMs, noon + 1));
    await evaluate(noon + 14 * minuteMs);
    expect(await incidents()).toMatchObject([{ kind: 'ConnectionLag', level: 'warning' }]);
    await evaluate(noon + 21 * minuteMs);
    expect((await incidents()).map((row) => row.kind)).toEqual(['ConnectionSilent']);
  });

  it('report a feed that sends twice a day when it is late by half of its interval, and not before', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    // The feed sends at 00:00 and 12:00, up to twenty minutes earlier or later.
    const jitter = (n: number) => ((n * 7) % 41) - 20;
    await add(Array.from({ length: 40 }, (_, n) => noon - n * 12 * hourMs + jitter(n) * minuteMs));
    for (const hours of [1, 6, 11, 13, 17]) {
      await evaluate(noon + hours * hourMs);
      expect(await incidents(), `${hours} h after the last event`).toEqual([]);
    }
    await evaluate(noon + 19 * hourMs);
    expect(await incidents()).toMatchObject([{ kind: 'ConnectionSilent', level: 'critical' }]);
  });

  it('do not treat an outage in the past as the usual interval', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    for (let day = 14; day >= 1; day--) {
      // On one day the connection sent nothing from 12:00 to 20:00.
      const stopped = noon - day * dayMs;
      const times = every(2, noon - day * dayMs - 12 * hourMs, noon - day * dayMs + 12 * hourMs);
      await add(day === 5 ? times.filter((time) => time < stopped || time > stopped + 8 * hourMs) : times);
    }
    await add(every(2, noon - 12 * hourMs, noon));
    await evaluate(noon + 17 * minuteMs);
    expect(await incidents()).toMatchObject([{ kind: 'ConnectionSilent' }]);
  });

  it('report late events as a lag, although the connection is not silent', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    await add(every(1, noon - 2 * hourMs, noon), { accepted: 1, lag: 1900 });
    await evaluate(noon);
    expect(await incidents()).toMatchObject([{ kind: 'ConnectionLag', level: 'critical' }]);
  });

  it('do not count rejected deliveries and replays as traffic', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    await add(every(1, noon, noon + 20 * minuteMs), { rejected: 5 });
    await add(every(1, noon, noon + 20 * minuteMs), { replayed: 5 });
    await evaluate(noon + 17 * minuteMs);
    expect(await incidents()).toMatchObject([{ kind: 'ConnectionSilent' }]);
  });

  it('do not report a connection whose only events came by a retry or a replay, and still evaluate other orgs', async () => {
    const mended = await makeWatched(['ConnectionSilent', 'ConnectionLag']);
    const other = await makeWatched(['ConnectionSilent']);
    await other.add(every(1, noon - 3 * hourMs, noon - 20 * minuteMs));
    await mended.add([noon - 45 * minuteMs], { rejected: 1 });
    await mended.add([noon - 40 * minuteMs], { replayed: 1 });
    await world.admin('update public.source_connections set last_event_at = $2 where id = $1', [
      mended.connection,
      new Date(noon - 40 * minuteMs).toISOString(),
    ]);
    await evaluate(noon);
    expect(await mended.incidents()).toEqual([]);
    expect(await other.incidents()).toMatchObject([{ kind: 'ConnectionSilent' }]);
    // After its first live event, the connection is watched like any other connection.
    await mended.add(every(1, noon, noon + 3 * hourMs));
    await evaluate(noon + 3 * hourMs + 17 * minuteMs);
    expect((await mended.incidents()).map((row) => row.kind)).toEqual(['ConnectionSilent']);
  });

  it('do not count the time in which the evaluator did not run', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    const back = noon + 2 * hourMs;
    await world.admin('update private.alert_clock set evaluated_at = $1', [new Date(noon).toISOString()]);
    await evaluateAlerts(world.db, { now: new Date(back).toISOString() });
    await evaluate(back + 14 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(back + 16 * minuteMs);
    expect(await incidents()).toHaveLength(1);
  });

  it('count from the correction on when the clock was ahead and was corrected', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    await world.admin('update private.alert_clock set watching_since = $1', [new Date(noon + 2 * dayMs).toISOString()]);
    await evaluate(noon + hourMs);
    await evaluate(noon + hourMs + 14 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(noon + hourMs + 16 * minuteMs);
    expect(await incidents()).toHaveLength(1);
    await world.admin(`update private.alert_clock set watching_since = '-infinity'`);
  });

  it('do not count the time in which the connection was inactive', async () => {
    const { connection, add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    const back = noon + 2 * hourMs;
    await changedAt(connection, back);
    await evaluate(back + 14 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(back + 16 * minuteMs);
    expect(await incidents()).toHaveLength(1);
  });

  it('do not count the time in which the activity was not rolled up', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    await world.admin('update private.activity_rollup set rolled_until = $1', [new Date(noon).toISOString()]);
    for (let n = 0; n <= 40; n++) await evaluate(noon + n * minuteMs);
    expect(await incidents()).toEqual([]);
    await world.admin('update private.activity_rollup set rolled_until = null');
    await evaluate(noon + 54 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(noon + 56 * minuteMs);
    expect(await incidents()).toHaveLength(1);
  });

  it('do not count the time in which the operator refused deliveries', async () => {
    const { add, incidents } = await makeWatched(['ConnectionSilent']);
    await add(every(1, noon - 3 * hourMs, noon));
    await world.admin(`update private.flow_state set operator_mode = 'drain'`);
    for (let n = 0; n <= 40; n++) await evaluate(noon + n * minuteMs);
    await world.admin('update private.flow_state set operator_mode = null');
    await evaluate(noon + 54 * minuteMs);
    expect(await incidents()).toEqual([]);
    await evaluate(noon + 56 * minuteMs);
    expect(await incidents()).toHaveLength(1);
  });
});
