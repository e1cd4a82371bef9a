import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { dlqTasks } from './jobs.ts';

let world: TestApi;
let app: TestApi['app'];
beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
});
afterAll(() => world?.close());

const hold = (org: TestOrg, connectionId: string) => call(app, org.owner, 'POST', '/api/legal-holds', { connectionId, reason: 'Case 21' });
const release = (org: TestOrg, id: string) => call(app, org.owner, 'POST', `/api/legal-holds/${id}/release`);

async function makeDeadLetter(org: TestOrg, connection: string, due: string | null = null): Promise<string> {
  const [row] = await world.admin<{ id: string }>(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, status, next_retry_at)
     values (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'CONNECTION_ERROR', 'no answer', 'pending', $4) returning id`,
    [org.id, org.projectId, connection, due],
  );
  if (!row) throw new Error('insert returned no row');
  return row.id;
}
const stateOf = async (id: string) =>
  (await world.admin<{ status: string; attempts: number }>('select status, attempts from public.dlq_events where id = $1', [id]))[0];

const refusal = { status: 409, body: { code: 'legal_hold', detail: expect.stringContaining('Case 21') } };

it('a legal hold refuses retry, redrive, discard, purge and re-verification of its dead letters with its reason, until it is released', async () => {
  const org = await world.makeOrg();
  const [held, free] = [await world.makeConnection(org), await world.makeConnection(org)];
  const [one, other] = [await makeDeadLetter(org, held), await makeDeadLetter(org, free)];
  const { id } = (await hold(org, held)).body;
  expect(await call(app, org.owner, 'POST', `/api/dlq/${one}/retry`)).toMatchObject(refusal);
  for (const kind of ['redrive', 'discard', 'purge'])
    for (const dryRun of [true, false])
      expect(await call(app, org.owner, 'POST', `/api/dlq/${kind}`, { orgId: org.id, dryRun }), kind).toMatchObject(refusal);
  // The same commands on a connection without a hold are carried out.
  expect((await call(app, org.owner, 'POST', `/api/dlq/${other}/retry`)).status).toBe(202);
  expect((await call(app, org.owner, 'POST', '/api/dlq/redrive', { orgId: org.id, connectionIds: [free], dryRun: true })).status).toBe(200);
  expect(await stateOf(one)).toEqual({ status: 'pending', attempts: 0 });
  await release(org, id);
  expect((await call(app, org.owner, 'POST', `/api/dlq/${one}/retry`)).status).toBe(202);
});

it('a legal hold refuses the same changes through the Data API', async () => {
  const org = await world.makeOrg();
  const connection = await world.makeConnection(org);
  const id = await makeDeadLetter(org, connection);
  await hold(org, connection);
  for (const status of ['pending', 'discarded'])
    await expect(
      world.db.as(org.owner.claims, (sql) =>
        sql('update public.dlq_events set status = $2, next_retry_at = now() where id = $1', [id, status]),
      ),
    ).rejects.toMatchObject({ constraint: 'legal_holds_block' });
});

it('a legal hold refuses the deletion of its connection with its reason, and a rotation of its secret is allowed', async () => {
  const org = await world.makeOrg();
  const connection = await world.makeConnection(org);
  const { id } = (await hold(org, connection)).body;
  expect(await call(app, org.owner, 'DELETE', `/api/connections/${connection}`)).toMatchObject(refusal);
  expect(
    (await call(app, org.owner, 'POST', `/api/connections/${connection}/secret`, { secret: 'a sensible secret of some length' })).status,
  ).toBe(200);
  await release(org, id);
  expect((await call(app, org.owner, 'DELETE', `/api/connections/${connection}`)).status).toBe(204);
});

it('dead letters that are due under a legal hold are put off without an attempt, and others of the org are retried', async () => {
  const org = await world.makeOrg();
  const [held, free] = [await world.makeConnection(org), await world.makeConnection(org)];
  await hold(org, held);
  const [one, other] = [await makeDeadLetter(org, held, 'now'), await makeDeadLetter(org, free, 'now')];
  await dlqTasks({
    db: world.db,
    connections: world.connections,
    retry: world.config.dlq,
    now: Date.now,
    log: world.log,
    threads: world.threads,
  })['dlq.retry']?.run({}, { signal: new AbortController().signal, log: world.log });
  expect(await stateOf(one)).toEqual({ status: 'pending', attempts: 0 });
  // The delivery of the other one is gone, so its attempt ended.
  expect(await stateOf(other)).toMatchObject({ status: 'exhausted', attempts: 1 });
});

it('setting and releasing a hold are in the audit log', async () => {
  const org = await world.makeOrg();
  const { id } = (await hold(org, await world.makeConnection(org))).body;
  await release(org, id);
  const { rows } = {
    rows: await world.admin<{ action: string }>(`select action from public.audit_log where target_id = $1 order by id`, [id]),
  };
  expect(rows.map((row) => row.action)).toEqual(['legal_holds.insert', 'legal_holds.update']);
});
