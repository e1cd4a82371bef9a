import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';

const bootstrap = 'operator-token-for-tests-000000-long';
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ OPERATOR_TOKEN: bootstrap });
});
afterAll(() => api?.close());

const as = (token: string | undefined, method: string, path: string, body?: object) => call(api.app, token, method, path, body);
const op = (method: string, path: string, body?: object) => as(bootstrap, method, path, body);
const create = async (name: string): Promise<string> => (await op('POST', '/api/admin/operators', { name })).body.token;
const acts = async (query = '') => (await op('GET', `/api/admin/acts${query}`)).body.acts;

describe('accounts of operators', () => {
  it('have a token each, which is shown once and stored as a hash', async () => {
    const { status, body } = await op('POST', '/api/admin/operators', { name: 'ana' });
    expect(status).toBe(201);
    expect(body.token).toMatch(/^trb_o_[\w-]{43}$/);
    const [row] = await api.admin<{ sha: string }>(`select encode(token_sha256, 'hex') as sha from private.operators where name = 'ana'`);
    expect(row?.sha).toBe(createHash('sha256').update(body.token).digest('hex'));
    expect((await as(body.token, 'GET', '/api/admin/flow')).status).toBe(200);
    const list = await op('GET', '/api/admin/operators');
    expect(list.body.operators).toMatchObject([{ name: 'ana', createdBy: 'bootstrap', revokedAt: null }]);
    expect(list.text).not.toContain(body.token);
    expect((await op('POST', '/api/admin/operators', { name: 'ana' })).status).toBe(409);
    for (const name of ['bootstrap', 'Ana', 'a', 'a b', 1]) expect((await op('POST', '/api/admin/operators', { name })).status).toBe(400);
  });

  it('are named in the journal of the operators and in the changes of the mode', async () => {
    const token = await create('bia');
    await as(token, 'POST', '/api/admin/drain', { reason: 'a test of the journal' });
    await as(token, 'POST', '/api/admin/flush', { reason: 'before the upgrade' });
    await as(token, 'POST', '/api/admin/resume', {});
    expect(await acts()).toMatchObject([
      { operator: 'bia', action: 'resume', reason: 'resume, by the operator' },
      { operator: 'bia', action: 'flush', reason: 'before the upgrade' },
      { operator: 'bia', action: 'drain', reason: 'a test of the journal' },
      { operator: 'bootstrap', action: 'create_operator', detail: { name: 'bia' } },
      { operator: 'bootstrap', action: 'create_operator', detail: { name: 'ana' } },
    ]);
    const { body } = await op('GET', '/api/admin/transitions');
    expect(body.transitions[1]).toMatchObject({ to: 'drain', operator: 'bia' });
  });

  it('are refused within a second of being revoked, and the name can be given again', async () => {
    const token = await create('caio');
    expect((await as(token, 'GET', '/api/admin/flow')).status).toBe(200);
    expect((await op('DELETE', '/api/admin/operators/caio')).status).toBe(204);
    await expect.poll(async () => (await as(token, 'GET', '/api/admin/flow')).status, { timeout: 1_500 }).toBe(401);
    expect((await op('DELETE', '/api/admin/operators/caio')).status).toBe(404);
    const again = await create('caio');
    expect(again).not.toBe(token);
  });

  it('cannot be changed or forgotten in the journal, not even by the owner of the tables', async () => {
    for (const statement of [
      'update private.operator_acts set operator = $$x$$',
      'delete from private.operator_acts',
      'truncate private.operator_acts',
    ])
      await expect(api.admin(statement)).rejects.toMatchObject({ code: '42501' });
  });

  it('are the only ones who may use these routes: no user of an org may', async () => {
    const org = await api.makeOrg();
    for (const path of ['operators', 'acts', 'orgs', `orgs/${org.id}`, 'quotas'])
      for (const token of [undefined, org.owner.token]) expect((await as(token, 'GET', `/api/admin/${path}`)).status).toBe(401);
  });
});

describe('wrong operator tokens', () => {
  it('are limited, and neither a named account, nor an address that had the right token, nor a long token is locked out', async () => {
    const short = 'twenty-four-characters--';
    const own = await startTestApi({ OPERATOR_TOKEN: short }, { world: api });
    const get = (token: string, address = '10.0.0.1') =>
      own.app.request('/api/admin/flow', { headers: { authorization: `Bearer ${token}` } }, {
        incoming: { socket: { remoteAddress: address } },
      } as never);
    const named = await create('duda');
    expect((await get(short, '10.0.0.2')).status).toBe(200);
    const statuses = await Promise.all(Array.from({ length: 200 }, async (_, n) => (await get(`wrong-token-number-${n}`)).status));
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(180);
    // Beyond the limit, the token of the environment is not compared any more for this address.
    expect((await get(short)).status).toBe(429);
    expect((await get(named)).status).toBe(200);
    // From many addresses, the limit of all addresses together is met.
    const many = await Promise.all(Array.from({ length: 300 }, async (_, n) => (await get('wrong', `10.1.${n >> 8}.${n & 255}`)).status));
    expect(many.filter((status) => status === 401).length).toBeLessThanOrEqual(185);
    expect((await get(short, '10.0.0.2')).status).toBe(200);
    expect((await get(short, '10.0.0.3')).status).toBe(429);
    expect((await get(named, '10.0.0.3')).status).toBe(200);
    for (let n = 0; n < 50; n++) await op('GET', '/api/admin/flow').then(() => as(`wrong-${n}`, 'GET', '/api/admin/flow'));
    expect((await op('GET', '/api/admin/flow')).status).toBe(200);
  });

  it('cost at most one query a second', async () => {
    let reads = 0;
    const db = {
      ...api.db,
      workerStatement: (async (text: string, values?: unknown[]) => {
        if (text.includes('active_operators')) reads++;
        return api.db.workerStatement(text, values);
      }) as typeof api.db.workerStatement,
    };
    const own = await startTestApi({}, { world: api, db });
    await Promise.all(Array.from({ length: 100 }, () => call(own.app, `trb_o_${'A'.repeat(43)}`, 'GET', '/api/admin/acts')));
    expect(reads).toBeLessThanOrEqual(2);
  });
});

describe('orgs of the installation', () => {
  it('are listed by pages with what they use, and found by name, slug and id', async () => {
    const orgs = [];
    for (let n = 0; n < 5; n++) orgs.push(await api.makeOrg());
    const [first] = orgs as [(typeof orgs)[number]];
    await api.makeConnection(first);
    await api.admin(
      `insert into private.quota_usage (org_id, quota, day, used) values ($1, 'events_per_day', (now() at time zone 'utc')::date, 12),
         ($1, 'bytes_per_day', (now() at time zone 'utc')::date, 34), ($1, 'bytes_per_day', '2026-01-01', 1)`,
      [first.id],
    );
    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await op('GET', `/api/admin/orgs?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      expect(body.orgs.length).toBeLessThanOrEqual(2);
      found.push(...body.orgs.map((org: { id: string }) => org.id));
      cursor = body.next;
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(orgs.map(({ id }) => id)));
    const one = (await op('GET', `/api/admin/orgs?search=${first.id}`)).body.orgs;
    expect(one).toMatchObject([
      { id: first.id, members: 1, connections: 1, eventsToday: 12, bytesToday: 34, storedBytes: 35, openWork: 0 },
    ]);
    expect((await op('GET', `/api/admin/orgs?search=${one[0].name.slice(4)}`)).body.orgs).toMatchObject([{ id: first.id }]);
    expect((await op('GET', '/api/admin/orgs?search=%25')).body.orgs).toEqual([]);
    const detail = (await op('GET', `/api/admin/orgs/${first.id}`)).body;
    expect(detail).toMatchObject({ owners: [first.owner.email] });
    expect(detail.quotas).toContainEqual({ name: 'connections', value: 200, defaultValue: 200, used: 1 });
    expect((await op('GET', '/api/admin/orgs/c0000000-0000-4000-8000-00000000ffff')).status).toBe(404);
  });

  it('are suspended with a reason and reactivated, and both are recorded; nothing of the org is deleted', async () => {
    const org = await api.makeOrg();
    const connection = await api.makeConnection(org);
    const path = `/api/admin/orgs/${org.id}`;
    expect((await op('POST', `${path}/suspend`, {})).status).toBe(400);
    const suspended = await op('POST', `${path}/suspend`, { reason: 'floods strangers' });
    expect(suspended.body).toMatchObject({ id: org.id, suspendedReason: 'floods strangers', suspendedAt: expect.any(String) });
    expect((await op('GET', '/api/admin/orgs?suspended=true')).body.orgs).toMatchObject([{ id: org.id }]);
    const rename = () => call(api.app, org.owner, 'PATCH', `/api/orgs/${org.id}`, { name: 'Renamed' });
    expect((await rename()).body.code).toBe('org_suspended');
    expect((await op('POST', `${path}/reactivate`, { reason: 'paid' })).body).toMatchObject({ suspendedAt: null, suspendedReason: null });
    expect((await rename()).status).toBe(200);
    expect(await api.admin('select 1 from public.source_connections where id = $1', [connection])).toHaveLength(1);
    expect(await acts(`?orgId=${org.id}`)).toMatchObject([
      { action: 'reactivate_org', operator: 'bootstrap', reason: 'paid' },
      { action: 'suspend_org', operator: 'bootstrap', reason: 'floods strangers' },
    ]);
    // Its members read in their audit log that it happened and why.
    const trail = await api.db.as(org.owner.claims, (sql) =>
      sql<{ detail: object }>(
        `select detail from public.audit_log where org_id = $1 and action = 'orgs.update' and actor_id is null order by id`,
        [org.id],
      ),
    );
    expect(trail[0]?.detail).toMatchObject({ suspended_reason: { from: null, to: 'floods strangers' } });
    expect((await op('POST', '/api/admin/orgs/c0000000-0000-4000-8000-00000000ffff/suspend', { reason: 'x' })).status).toBe(404);
  });

  it('have quotas that operators set and remove, and the org obeys at once', async () => {
    const org = await api.makeOrg();
    const set = (quotas: object) => op('PATCH', `/api/admin/orgs/${org.id}/quotas`, { quotas, reason: 'a trial' });
    expect((await set({ connections: 1 })).body.quotas).toContainEqual({ name: 'connections', value: 1, defaultValue: 200, used: 0 });
    await api.makeConnection(org);
    await expect(api.makeConnection(org)).rejects.toMatchObject({ code: 'PT429' });
    expect((await set({ connections: null })).body.quotas).toContainEqual({ name: 'connections', value: 200, defaultValue: 200, used: 1 });
    await api.makeConnection(org);
    expect(await acts(`?orgId=${org.id}`)).toMatchObject([
      { action: 'set_quotas', reason: 'a trial' },
      { detail: { values: { connections: 1 } } },
    ]);
    for (const wrong of [{}, { kiwis: 1 }, { connections: -1 }, { connections: 1.5 }, { connections: '1' }])
      expect((await set(wrong)).status).toBe(400);
    // The default of all orgs.
    expect((await op('PATCH', '/api/admin/quotas', { quotas: { open_legal_holds: 101 } })).body.quotas).toContainEqual({
      name: 'open_legal_holds',
      value: 101,
      defaultValue: 101,
      used: 0,
    });
    expect((await op('PATCH', '/api/admin/quotas', { quotas: { open_legal_holds: null } })).status).toBe(400);
    // Traffic: a quota below what was used refuses deliveries at once, and a higher one accepts them again.
    await api.admin(
      `insert into private.quota_usage (org_id, quota, day, used) values ($1, 'bytes_per_day', (now() at time zone 'utc')::date, 1000)`,
      [org.id],
    );
    await set({ bytes_per_day: 10 });
    const exceeded = async () => (await op('GET', `/api/admin/orgs/${org.id}`)).body.exceeded;
    expect(await exceeded()).toBe('bytes_per_day');
    await set({ bytes_per_day: 10_000 });
    expect(await exceeded()).toBeNull();
  });
});
