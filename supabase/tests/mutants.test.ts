import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../local/database.ts';
import type { TestDatabase } from '../local/test-cluster.ts';
import { createTestDatabase } from '../local/testing.ts';
import { runMutants } from '../tools/mutants.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

describe('mutants', () => {
  it('are all killed: a check fails for every policy clause, grant and cross-tenant key that is weakened', {
    timeout: 600_000,
  }, async () => {
    const verdicts = await runMutants(database.superuserUrl);
    expect(verdicts.filter((verdict) => !verdict.killedBy)).toEqual([]);
    const policies = await withClient(database.superuserUrl, (client) =>
      client.query(
        `select from pg_policies, unnest(array[qual, with_check]) clause where schemaname in ('public', 'private') and clause <> 'true'`,
      ),
    );
    expect(verdicts.filter((verdict) => verdict.name.startsWith('policy'))).toHaveLength(policies.rowCount ?? 0);
    expect(policies.rowCount).toBeGreaterThanOrEqual(20);
  });

  it('of a policy clause that no check reads are reported as survivors', { timeout: 600_000 }, async () => {
    const copy = await createTestDatabase();
    try {
      await withClient(copy.adminUrl, (client) =>
        client.query(`
          create table public.unwatched (org_id uuid primary key);
          alter table public.unwatched enable row level security;
          create policy unwatched_select on public.unwatched for select to authenticated using (org_id = any (array(select private.my_orgs())))`),
      );
      // only one of the table's thirty mutants, because a survivor goes through every check, which takes seconds
      const verdicts = await runMutants(copy.superuserUrl, { only: ({ name }) => name === 'policy unwatched_select using' });
      expect(verdicts).toMatchObject([{ table: 'public.unwatched', killedBy: undefined }]);
    } finally {
      await copy.drop();
    }
  });

  it('are not run when the checks already fail on the unchanged database', async () => {
    const copy = await createTestDatabase();
    try {
      await withClient(copy.adminUrl, (client) => client.query('grant insert on public.audit_log to authenticated'));
      await expect(runMutants(copy.superuserUrl)).rejects.toThrow('fail without any mutation');
    } finally {
      await copy.drop();
    }
  });
});
