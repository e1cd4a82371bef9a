import { randomUUID } from 'node:crypto';
import type { OperatorMode } from '@tributary/shared/flow.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let api: TestApi;
let concerned: TestOrg;
let other: TestOrg;
let low: { id: string };
beforeAll(async () => {
  api = await startTestApi();
  concerned = await api.makeOrg();
  other = await api.makeOrg();
  low = await api.connect(concerned, 'hotmart', { hottok: 'the-hottok-of-this-connection' });
  await api.connect(other, 'hotmart', { hottok: 'the-hottok-of-this-connection' });
  await api.admin(`update source_connections set priority = 'low' where id = $1`, [low.id]);
});
afterEach(() => setMode(null));
afterAll(() => api?.close());

const ask = (user: TestUser | string | undefined, query = '') => call(api.app as never, user, 'GET', `/api/status${query}`);
const setMode = (mode: OperatorMode | null, rate: number | null = null) => api.flow.setMode(mode, rate, 'rack 7 burns', 'bootstrap');
/** Polls, because the answer may be a second old. */
const told = (user: TestUser, query = '') => expect.poll(async () => (await ask(user, query)).body, { timeout: 3_000, interval: 50 });

describe('the status', () => {
  it('is normal without a cause until the operator sets another mode', async () => {
    await told(other.owner).toEqual({ mode: 'normal', since: expect.any(String), cause: null, brownoutRate: null });
    await setMode('drain');
    await told(other.owner).toEqual({ mode: 'drain', since: expect.any(String), cause: 'operator', brownoutRate: null });
    const { body } = await ask(other.owner);
    expect(Math.abs(Date.parse(body.since) - Date.now())).toBeLessThan(60_000);
    await setMode(null);
    await told(other.owner).toMatchObject({ mode: 'normal', cause: null });
  });

  it('names the load as the cause when an instance changes the mode automatically', async () => {
    const id = randomUUID();
    await api.admin(
      `insert into private.instances (id, automatic_mode, cause, obeyed_mode, buffer_records, buffer_bytes, oldest_age_seconds, in_flight, flushed_turn)
       values ($1, 'throttled', 'pressed', 'throttled', 9, 9, 9, 9, 0)`,
      [id],
    );
    await told(other.owner).toMatchObject({ mode: 'throttled', cause: 'load', brownoutRate: null });
    await api.admin('delete from private.instances where id = $1', [id]);
    await told(other.owner).toMatchObject({ mode: 'normal' });
  });

  it('tells the rate of a brownout only to members of orgs with an active low-priority connection', async () => {
    const analyst = await api.makeMember(concerned, 'analyst');
    await setMode('brownout', 0.3);
    await told(concerned.owner).toMatchObject({ mode: 'brownout', brownoutRate: 0.3 });
    expect((await ask(analyst, `?orgId=${concerned.id}`)).body).toMatchObject({ brownoutRate: 0.3 });
    expect((await ask(other.owner)).body).toMatchObject({ mode: 'brownout', brownoutRate: null });
    // The user cannot see the connections of another org.
    expect((await ask(other.owner, `?orgId=${concerned.id}`)).body).toMatchObject({ mode: 'brownout', brownoutRate: null });
    await api.admin('update source_connections set is_active = false where id = $1', [low.id]);
    expect((await ask(concerned.owner)).body).toMatchObject({ brownoutRate: null });
    await api.admin('update source_connections set is_active = true where id = $1', [low.id]);
  });

  it('contains neither the reason that the operator wrote nor details of the instances', async () => {
    await setMode('paused');
    await told(other.owner).toMatchObject({ mode: 'paused' });
    const { text } = await ask(other.owner);
    expect(text).not.toContain('rack 7');
    expect(text).not.toContain(api.flow.instanceId);
    expect(Object.keys(JSON.parse(text))).toEqual(['mode', 'since', 'cause', 'brownoutRate']);
  });

  it('requires a signed-in user, and refuses an invalid query', async () => {
    expect((await ask(undefined)).status).toBe(401);
    expect((await ask(api.config.operatorToken)).status).toBe(401);
    // A user who is a member of no org may read it, too.
    await told(await api.makeUser()).toMatchObject({ mode: 'normal' });
    for (const query of ['?orgId=x', `?orgId=${'0'.repeat(10_000)}`, '?org=1']) expect((await ask(other.owner, query)).status).toBe(400);
  });
});
