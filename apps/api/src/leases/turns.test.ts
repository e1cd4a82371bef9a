import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, type TestOrg, type World } from '../test/make.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world?.close());

/** A queue of background work: how pieces of work get into it, and how some are claimed. */
interface Queue {
  name: string;
  table: string;
  add(org: TestOrg, pieces: number): Promise<unknown>;
  claim: string;
}

const add = (sql: string) => (org: TestOrg, pieces: number) => world.admin(sql, [org.id, org.owner.id, pieces]);

const queues: Queue[] = [
  {
    name: 'replay plans',
    table: 'public.replay_plans',
    add: add(
      `insert into public.replay_plans (org_id, mode, filter, throttle_per_second, status, matched_count, needs_second_approval, created_by, approved_by,
         approved_at, started_at)
       select $1, 'replay', '{}', 1, 'running', 1, false, $2, $2, now(), now() from generate_series(1, $3)`,
    ),
    claim: 'select id, org_id from private.claim_replays($1, 60, $2, $3)',
  },
  {
    name: 'erasures',
    table: 'public.erasures',
    add: add(
      `with made as (
         insert into public.erasures (id, org_id, kinds, created_by) select gen_random_uuid(), $1, '{email}', $2 from generate_series(1, $3) returning id
       ) insert into private.erasure_persons (erasure_id, key_version, sealed) select id, 1, '\\x00' from made`,
    ),
    claim: 'select id, org_id from private.claim_erasures($1, 60, $2, $3)',
  },
  {
    name: 'operations on dead letters',
    table: 'public.dlq_operations',
    add: add(
      `insert into public.dlq_operations (org_id, kind, filter, total, created_by)
       select $1, 'discard', jsonb_build_object('n', gen_random_uuid()), 1, $2 from generate_series(1, $3)`,
    ),
    claim: 'select id, org_id from private.claim_dlq_operations($1, 60, $2, $3)',
  },
];

const claim = (queue: Queue, most: number, holding: readonly TestOrg[] = []) =>
  world.db.worker((sql) => sql<{ id: string; org_id: string }>(queue.claim, [randomUUID(), most, holding.map((org) => org.id)]));

const suspend = (org: TestOrg, reason: string | null) =>
  world.admin(
    'update public.orgs set suspended_at = case when $2::text is null then null else now() end, suspended_reason = $2 where id = $1',
    [org.id, reason],
  );

describe.each(queues)('the queue of $name', (queue) => {
  let crowd: TestOrg;
  let others: TestOrg[];
  const count = (rows: { org_id: string }[], org: TestOrg) => rows.filter((row) => row.org_id === org.id).length;

  beforeAll(async () => {
    [crowd, ...others] = (await Promise.all([world.makeOrg(), world.makeOrg(), world.makeOrg(), world.makeOrg()])) as [
      TestOrg,
      ...TestOrg[],
    ];
  });
  beforeEach(() => world.admin(`delete from ${queue.table}`));

  it('gives every place to an org that waits alone', async () => {
    await queue.add(crowd, 300);
    expect(count(await claim(queue, 4), crowd)).toBe(4);
    expect(count(await claim(queue, 20, [crowd]), crowd)).toBe(20);
  });

  it('serves the only piece of work of an org in the next claim, whatever another org with 300 pieces holds', async () => {
    await queue.add(crowd, 300);
    await claim(queue, 20);
    for (const org of others) await queue.add(org, 1);
    const next = await claim(queue, others.length, [crowd]);
    expect(others.map((org) => count(next, org))).toEqual([1, 1, 1]);
  });

  it('goes around the orgs when one place is given at a time', async () => {
    for (const org of [crowd, ...others]) await queue.add(org, 10);
    const served: string[] = [];
    for (let turn = 0; turn < 12; turn++) served.push(...(await claim(queue, 1)).map((row) => row.org_id));
    for (const org of [crowd, ...others]) expect(served.filter((id) => id === org.id)).toHaveLength(3);
  });

  it('shares the places equally', async () => {
    for (const org of [crowd, ...others]) await queue.add(org, 300);
    const claimed = await claim(queue, 20);
    expect([crowd, ...others].map((org) => count(claimed, org))).toEqual([5, 5, 5, 5]);
  });

  it('lets the work of a suspended org rest until the org is reactivated', async () => {
    await queue.add(crowd, 3);
    await suspend(crowd, 'sends spam');
    expect(await claim(queue, 4)).toEqual([]);
    expect(await claim(queue, 4, [crowd])).toEqual([]);
    await suspend(crowd, null);
    expect(count(await claim(queue, 4), crowd)).toBe(3);
  });
});

describe('the retries of dead letters', () => {
  const claimDue = async (limit: number) =>
    (
      await world.db.worker((sql) =>
        sql<{ org_id: string }>('select org_id from private.claim_dead_letters($1, $2, 60, 8)', [randomUUID(), limit]),
      )
    ).map((row) => row.org_id);

  const addDead = async (org: TestOrg, entries: number, due: string) => {
    const connection = await world.makeConnection(org);
    await world.admin(
      `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, next_retry_at)
       select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'SCHEMA_DRIFT', 'x', now() + $5::interval from generate_series(1, $4)`,
      [org.id, org.projectId, connection, entries, due],
    );
  };

  it('find the due entry of one org among orgs whose entries are due later', async () => {
    const [late, ...orgs] = await Promise.all(Array.from({ length: 6 }, () => world.makeOrg()));
    if (!late) throw new Error('no org');
    for (const org of orgs) await addDead(org, 5, '1 hour');
    await addDead(late, 1, '-1 second');
    expect(await claimDue(1)).toEqual([late.id]);
  });

  it('of a suspended org rest, also when they come due', async () => {
    const org = await world.makeOrg();
    await addDead(org, 2, '-1 second');
    await suspend(org, 'sends spam');
    expect(await claimDue(100)).not.toContain(org.id);
    await suspend(org, null);
    expect(await claimDue(100)).toEqual([org.id, org.id]);
  });
});

it('an org is found behind more orgs than one search looks at, and no org is passed over', async () => {
  await world.admin('delete from public.erasures');
  const erasures = queues.find((queue) => queue.name === 'erasures');
  if (!erasures) throw new Error('no queue');
  const owner = await world.makeUser();
  const orgs = await world.admin<{ id: string }>(
    `insert into public.orgs (name, slug) select 'Org ' || n, 'turns-' || n from generate_series(1, 450) n returning id`,
  );
  const asOrg = (id: string): TestOrg => ({ id, projectId: '', owner });
  for (const { id } of orgs) await erasures.add(asOrg(id), 1);
  // All but one wait for a later time.
  const due =
    orgs
      .map((org) => org.id)
      .sort()
      .at(-1) ?? '';
  await world.admin(`update public.erasures set lease_until = now() + interval '1 hour' where org_id <> $1`, [due]);
  expect((await claim(erasures, 4)).map((row) => row.org_id)).toEqual([due]);
  await world.admin('update public.erasures set lease_until = null');
  const served = new Set<string>();
  for (let turn = 0; turn < 5; turn++) for (const row of await claim(erasures, 90)) served.add(row.org_id);
  expect(served.size).toBe(450);
});
