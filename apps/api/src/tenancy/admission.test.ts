import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payingOrg } from '../platform/db.ts';
import { requestCosts } from '../platform/limits.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;

beforeAll(async () => {
  world = await startTestApi({ API_USER_PER_SECOND: '1', API_USER_BURST: '10', API_ORG_PER_SECOND: '1', API_ORG_BURST: '25' });
});
afterAll(() => world.close());

const ask = (user: TestUser, path = '/api/connections?limit=1') => call(world.app, user, 'GET', path);
const askOften = async (user: TestUser, times: number, path?: string) =>
  (await Promise.all(Array.from({ length: times }, () => ask(user, path)))).map(({ status }) => status);
const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length;

describe('the requests of people', () => {
  it('are limited for each person, and the refusal says when to try again', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    const statuses = await askOften(org.owner, 30);
    expect(count(statuses, 200)).toBeGreaterThanOrEqual(10);
    expect(count(statuses, 200)).toBeLessThan(20);
    expect(count(statuses, 200) + count(statuses, 429)).toBe(30);
    const refused = await ask(org.owner);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(other.owner)).status).toBe(200);
  });

  it('are limited for all people of an org together', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    const people = [org.owner, ...(await Promise.all(Array.from({ length: 4 }, () => world.makeMember(org, 'analyst'))))];
    const statuses = (await Promise.all(people.map((one) => askOften(one, 9)))).flat();
    expect(count(statuses, 200)).toBeGreaterThanOrEqual(25);
    expect(count(statuses, 200)).toBeLessThan(40);
    expect((await ask(other.owner)).status).toBe(200);
  });

  it('cost more when they are expensive', async () => {
    const org = await world.makeOrg();
    expect((await ask(org.owner, `/api/dlq/analyze?orgId=${org.id}`)).status).toBe(200);
    expect((await ask(org.owner, `/api/dlq/analyze?orgId=${org.id}`)).status).toBe(429);
  });

  it('count against the org that the query names, and not against an org that the person is not a member of', async () => {
    const [first, second, foreign] = [await world.makeOrg(), await world.makeOrg(), await world.makeOrg()];
    const both: TestUser = await world.makeMember(first, 'admin');
    await join(second, both);
    const spend = async (org: TestOrg, people: number) => {
      for (let n = 0; n < people; n++) await askOften(await world.makeMember(org, 'analyst'), 9, `/api/dlq?orgId=${org.id}&limit=1`);
    };
    await spend(second, 4);
    expect((await ask(both, `/api/dlq?orgId=${second.id}`)).status).toBe(429);
    expect((await ask(both, `/api/dlq?orgId=${first.id}`)).status).toBe(200);
    expect((await ask(both, `/api/dlq?orgId=${foreign.id}`)).status).toBe(404);
  });

  it('cost what one table says, in which every entry is a route', () => {
    const routes = world.app.routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(requestCosts).filter((route) => !routes.includes(route))).toEqual([]);
  });
});

const join = (org: TestOrg, user: TestUser) =>
  world.admin(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'admin')`, [org.id, user.id]);

describe('the database connections of people', () => {
  it('have room for another org while one person runs 150 slow statements, and refuse what waits beyond the limit', async () => {
    const [org, other] = [await world.makeOrg(), await world.makeOrg()];
    const slow = () =>
      world.db
        .as({ ...org.owner.claims, [payingOrg]: org.id }, (sql) => sql('select pg_sleep(0.05)'))
        .then(() => 'done')
        .catch((error: { code: string }) => error.code);
    const clicks = Array.from({ length: 150 }, slow);
    const answers: number[] = [];
    for (let n = 0; n < 10; n++) {
      const started = performance.now();
      await world.db.as({ ...other.owner.claims, [payingOrg]: other.id }, (sql) => sql('select 1'));
      answers.push(performance.now() - started);
    }
    const started = performance.now();
    const outcomes = await Promise.all(clicks);
    // The person's statements that are left take far longer than any answer to the neighbour took.
    expect(Math.max(...answers)).toBeLessThan((performance.now() - started) / 2);
    expect(outcomes.filter((outcome) => outcome === 'rate_limited')).toHaveLength(47);
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(103);
  });
});
