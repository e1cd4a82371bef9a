import { afterAll, beforeAll, expect, it } from 'vitest';
import { withClient } from '../local/database.ts';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { become, createWorld, orgId, userId } from './world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await withClient(database.superuserUrl, async (client) => {
    await createWorld(client);
    await client.query(`update public.org_members set role = 'owner' where user_id = $1`, [userId('A', 'admin')]);
  });
});
afterAll(() => database.drop());

it('two owners who demote each other at the same moment do not leave the org without an owner', async () => {
  await withClient(database.superuserUrl, (first) =>
    withClient(database.superuserUrl, async (second) => {
      const demote = `update public.org_members set role = 'analyst' where org_id = '${orgId('A')}' and user_id = $1 returning role`;
      await first.query(`begin; ${become('owner A')}`);
      await second.query(`begin; ${become('admin A')}`);
      expect((await first.query(demote, [userId('A', 'admin')])).rows).toHaveLength(1);
      // The second transaction waits for the end of the first, and then sees that the org would have no owner left.
      const waiting = second.query(demote, [userId('A', 'owner')]).then(
        () => 'demoted',
        (error: { constraint?: string }) => error.constraint,
      );
      await withClient(database.superuserUrl, (observer) =>
        expect
          .poll(async () => {
            const locks = await observer.query(
              `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
            );
            return locks.rowCount;
          })
          .toBe(1),
      );
      await first.query('commit');
      expect(await waiting).toBe('org_members_keep_an_owner');
      await second.query('rollback');
      const { rows } = await first
        .query(`reset role; select user_id from public.org_members where org_id = '${orgId('A')}' and role = 'owner'`)
        .then((results) => (results as unknown as { rows: unknown[] }[])[1] ?? { rows: [] });
      expect(rows).toEqual([{ user_id: userId('A', 'owner') }]);
    }),
  );
});
