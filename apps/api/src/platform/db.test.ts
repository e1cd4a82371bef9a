import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeWorld, type TestUser, type World } from '../test/make.ts';
import { createDb, isLoginRefused, isUnavailable } from './db.ts';
import { toRefusal } from './problem.ts';

let world: World;
let user: TestUser;
beforeAll(async () => {
  world = await makeWorld();
  user = await world.makeUser();
});
afterAll(() => world?.close());

/** The role and claims that each open session of the command pool still has from its last user. */
async function remembered() {
  const pool = world.db.pools.commands;
  const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  try {
    return await Promise.all(
      clients.map(async (client) => {
        const { rows } = await client.query(`select current_user as role, current_setting('request.jwt.claims', true) as claims`);
        return { role: rows[0].role, claims: rows[0].claims ?? '' };
      }),
    );
  } finally {
    for (const client of clients) client.release();
  }
}

const nobody = { role: 'tributary_api', claims: '' };

test('a pooled session forgets role and claims after success, a refused statement, an exception and a cancelled statement', async () => {
  const whoAmI = `select current_user as role, current_setting('request.jwt.claims', true)::json ->> 'sub' as sub`;
  const endings: ((sql: Parameters<Parameters<World['db']['as']>[1]>[0]) => Promise<unknown>)[] = [
    async () => 'fine',
    (sql) => sql('select 1 / 0'),
    (sql) => sql('select * from private.org_keys'),
    (sql) => sql(`set local statement_timeout = '50ms'; select pg_sleep(5)`),
    () => Promise.reject(new Error('the handler failed')),
  ];
  const seen: string[] = [];
  // There are more concurrent calls than sessions, so every session serves several.
  const ended = await Promise.allSettled(
    Array.from({ length: 30 }, (_, n) =>
      world.db.as(user.claims, async (sql) => {
        const [me] = await sql<{ role: string; sub: string }>(whoAmI);
        seen.push(`${me?.role} ${me?.sub}`);
        await endings[n % endings.length]?.(sql);
      }),
    ),
  );
  expect(seen).toEqual(Array(30).fill(`authenticated ${user.id}`));
  expect(ended.filter((one) => one.status === 'fulfilled').length).toBe(30 / endings.length);
  const sessions = await remembered();
  expect(sessions.length).toBeGreaterThan(1);
  expect(sessions).toEqual(sessions.map(() => nobody));
});

test('a session that failed while it ran as a user has no user for the next caller', async () => {
  await expect(world.db.as(user.claims, (sql) => sql('select 1 / 0'))).rejects.toThrow('division by zero');
  await expect(world.db.pools.commands.query('select * from public.orgs')).rejects.toThrow('permission denied');
});

test('a login that Postgres refuses counts as a database that is unavailable', async () => {
  for (const code of ['28000', '28P01', '3D000']) {
    const error = Object.assign(new Error('refused'), { code });
    expect([isUnavailable(error), isLoginRefused(error), toRefusal(error).code]).toEqual([true, true, 'database_unavailable']);
  }
  const url = new URL(world.databaseUrl);
  url.username = 'no_such_role';
  const elsewhere = createDb({ url: url.href, tls: 'off', ingestConnections: 1, jobConnections: 1 }, world.log);
  expect(await elsewhere.commitFailure()).toBe('database_login_refused');
  await expect(elsewhere.as(user.claims, (sql) => sql('select 1'))).rejects.toSatisfy(isUnavailable);
  await elsewhere.close();
});

test("a person's transaction that loses a deadlock runs again, and both transactions take effect", async () => {
  await world.admin('create table public.raced (id integer primary key, times integer not null default 0)');
  await world.admin('insert into public.raced values (1), (2)');
  await world.admin('grant select, update on public.raced to authenticated');
  const bothHoldARow = Promise.withResolvers<void>();
  let holding = 0;
  let runs = 0;
  const add = (ids: readonly number[]) =>
    world.db.as(user.claims, async (sql) => {
      runs++;
      for (const id of ids) {
        await sql('update public.raced set times = times + 1 where id = $1', [id]);
        if (++holding === 2) bothHoldARow.resolve();
        await bothHoldARow.promise;
      }
    });
  await Promise.all([add([1, 2]), add([2, 1])]);
  expect(runs).toBe(3);
  expect(await world.admin('select id, times from public.raced order by id')).toEqual([
    { id: 1, times: 2 },
    { id: 2, times: 2 },
  ]);
});

test('ingestion opens its connections ahead and keeps them, so that a second batch needs no new one when other clients hold all the others', async () => {
  const { ingest } = world.db.pools;
  await world.db.openIngest();
  expect([ingest.totalCount, ingest.idleCount]).toEqual([ingest.options.max, ingest.options.max]);
  expect(ingest.options.idleTimeoutMillis).toBe(0);
});
