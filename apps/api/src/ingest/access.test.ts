import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';

let api: TestApi;
let org: TestOrg;
beforeAll(async () => {
  api = await startTestApi({ TRUSTED_PROXIES: '10.0.0.0/8' });
  org = await api.makeOrg();
});
afterAll(() => api.close());

const withinASecond = { timeout: 1_000, interval: 20 };
const connect = () => api.connect(org, 'hotmart', { hottok: 'hottok-of-the-access-tests' });
const patch = (id: string, changes: object) => call(api.app, org.owner, 'PATCH', `/api/connections/${id}`, changes);
const countedOf = async (id: string) => {
  await api.quarantine.drain();
  const [row] = await api.admin('select coalesce(sum(rejected), 0)::int as n from connection_activity where source_connection_id = $1', [
    id,
  ]);
  return row?.n;
};

/** Sends a handshake, which takes the same checks as a delivery, from a socket with this address. */
async function askFrom(address: string, url: string, forwardedFor?: string) {
  const headers: Record<string, string> = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  const incoming = { socket: { remoteAddress: address }, headers } as unknown as IncomingMessage;
  const response = await api.app.request(url, { headers }, { incoming });
  return [response.status, ((await response.json()) as { code?: string }).code];
}

test('a connection with a list of addresses answers others with 403, counts them, and believes X-Forwarded-For only from trusted proxies', async () => {
  const { id, url } = await connect();
  expect(await askFrom('198.51.100.1', url)).toEqual([200, undefined]);
  const patched = await patch(id, { allowedIps: ['203.0.113.7', '2001:db8::1/32'] });
  expect([patched.status, patched.body.allowedIps]).toEqual([200, ['203.0.113.7/32', '2001:db8::/32']]);
  await expect.poll(() => askFrom('198.51.100.1', url), withinASecond).toEqual([403, 'address_not_allowed']);
  expect(await askFrom('203.0.113.7', url)).toEqual([200, undefined]);
  expect(await askFrom('::ffff:203.0.113.7', url)).toEqual([200, undefined]);
  expect(await askFrom('2001:db8::42', url)).toEqual([200, undefined]);
  expect(await askFrom('198.51.100.1', url, '203.0.113.7')).toEqual([403, 'address_not_allowed']);
  expect(await askFrom('10.1.1.1', url, '203.0.113.7')).toEqual([200, undefined]);
  expect(await askFrom('10.1.1.1', url, '203.0.113.7, 198.51.100.1')).toEqual([403, 'address_not_allowed']);
  // Three refusals and those of the poll.
  expect(await countedOf(id)).toBeGreaterThanOrEqual(3);
  // A test that the owner sends does not come from the platform's addresses.
  expect((await call(api.app, org.owner, 'POST', `/api/connections/${id}/test`, {})).body.response.status).toBe(200);
  expect((await patch(id, { allowedIps: null })).body.allowedIps).toBeNull();
  await expect.poll(() => askFrom('198.51.100.1', url), withinASecond).toEqual([200, undefined]);
});

test('a suspended connection answers 403 with its code and not with the reason, and is open again when the reason is removed', async () => {
  const { id, url } = await connect();
  const reason = 'the shop was sold';
  expect((await patch(id, { suspendedReason: reason })).body).toMatchObject({ suspendedReason: reason, isActive: true });
  await expect.poll(async () => (await api.send(url, '{}')).body.code, withinASecond).toBe('connection_suspended');
  const { status, body } = await api.send(url, '{}');
  expect([status, JSON.stringify(body).includes(reason)]).toEqual([403, false]);
  expect(await countedOf(id)).toBeGreaterThanOrEqual(2);
  await patch(id, { suspendedReason: null });
  await expect.poll(async () => (await api.send(url, '{}')).status, withinASecond).toBe(401);
});

test('a wrong address list or reason is refused with the field', async () => {
  const { id } = await connect();
  for (const wrong of [{ allowedIps: [] }, { allowedIps: ['example.com'] }, { allowedIps: ['10.0.0.0/64'] }, { suspendedReason: ' ' }]) {
    const { status, body } = await patch(id, wrong);
    expect([JSON.stringify(wrong), status, body.code]).toEqual([JSON.stringify(wrong), 400, 'invalid_request']);
  }
});

test('the deliveries of a suspended org are answered 403, and those of an org over its quota 429 with the time to wait', async () => {
  const { url } = await connect();
  await api.admin(`update orgs set suspended_at = now(), suspended_reason = 'unpaid' where id = $1`, [org.id]);
  await expect.poll(async () => (await api.send(url, '{}')).body.code, withinASecond).toBe('org_suspended');
  await api.admin('update orgs set suspended_at = null, suspended_reason = null where id = $1', [org.id]);
  await expect.poll(async () => (await api.send(url, '{}')).status, withinASecond).toBe(401);

  await api.admin(
    `insert into private.org_measures (org_id, counted_until, exceeded) values ($1, now(), 'events_per_day')
     on conflict (org_id) do update set exceeded = excluded.exceeded`,
    [org.id],
  );
  await api.admin(`select pg_notify('connection_changed', 'org:' || $1)`, [org.id]);
  await expect.poll(async () => (await api.send(url, '{}')).body.code, withinASecond).toBe('quota_exceeded');
  const response = await api.app.request(url, { method: 'POST', body: '{}' });
  expect([response.status, Number(response.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
});
