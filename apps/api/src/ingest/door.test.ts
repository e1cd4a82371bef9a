import { createHmac, randomUUID } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';

// What reaches the ingest endpoint of a known connection: every spelling of a genuine delivery is taken, and every refusal is counted with its reason.

const hottok = 'hottok-at-the-door-0123456789';
const appSecret = 'app-secret-at-the-door';
let api: TestApi;
let org: TestOrg;

beforeAll(async () => {
  api = await startTestApi({ QUARANTINE_PER_HOUR: '200' });
  org = await api.makeOrg();
});
afterAll(() => api.close());

const bodyOf = (more: object = {}) =>
  JSON.stringify({ id: randomUUID(), creation_date: Date.now(), event: 'SOMETHING_NEW', version: '2.0.0', data: {}, ...more });
const bytes = (body: Uint8Array) => new Uint8Array(body);
const connect = () => api.connect(org, 'hotmart', { hottok });

/** The refusals of a connection by reason, as its page shows them. */
async function reasonsOf(id: string): Promise<Record<string, number>> {
  await api.quarantine.drain();
  const rows = await api.admin<{ code: string; rejected: string }>(
    'select code, sum(rejected)::int as rejected from connection_rejections where source_connection_id = $1 group by code',
    [id],
  );
  return Object.fromEntries(rows.map(({ code, rejected }) => [code, Number(rejected)]));
}
const activityOf = async (id: string) => {
  await api.quarantine.drain();
  const [row] = await api.admin<{ received: number; rejected: number }>(
    'select coalesce(sum(received), 0)::int as received, coalesce(sum(rejected), 0)::int as rejected from connection_activity where source_connection_id = $1',
    [id],
  );
  return row;
};
const quarantined = (id: string) =>
  api.admin<{ error_class: string; last_error_message: string; sample: { byte_size: number }; byte_size: number; sealed_bytes: number }>(
    `select d.error_class, d.last_error_message, d.sample, j.byte_size, length(p.sealed)::int as sealed_bytes
     from dlq_events d join event_journal j on j.id = d.journal_id join private.journal_payloads p on p.journal_id = j.id
     where d.source_connection_id = $1 and d.is_quarantine order by d.created_at, d.id`,
    [id],
  );

describe('a URL that was typed or pasted with a mistake that nobody sees', () => {
  const spellings = {
    'a slash at the end': (path: string) => `${path}/`,
    'two slashes at the end': (path: string) => `${path}//`,
    'a blank at the end': (path: string) => `${path}%20`,
    'a line break at the end': (path: string) => `${path}%0A`,
    'a Windows line break and a slash': (path: string) => `${path}/%0D%0A`,
    'a tab and a zero-width space': (path: string) => `${path}%09%E2%80%8B`,
    'a doubled slash in front': (path: string) => `/${path}`,
    'doubled slashes within': (path: string) => path.replaceAll('/', '//'),
    'a blank before the id': (path: string) => path.replace(/\/([^/]+)$/, '/%20$1'),
    'the id in capitals': (path: string) => path.replace(/[^/]+$/, (id) => id.toUpperCase()),
    'the source in capitals': (path: string) => path.replace('/hotmart/', '/Hotmart/'),
    'a query after the blank': (path: string) => `${path}%20?utm=1`,
    'an empty query': (path: string) => `${path}?`,
  };
  it.each(Object.entries(spellings))('is taken with %s', async (_, spell) => {
    const { url } = await connect();
    const answer = await api.sendUntilTaken(spell(new URL(url, 'https://in.example.com').pathname), bodyOf(), {
      'x-hotmart-hottok': hottok,
    });
    expect(answer).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });
  it('is answered at a probe and at a handshake, too', async () => {
    const { url } = await connect();
    for (const end of ['/', '%20', '%0A']) expect((await api.app.request(`${url}${end}`)).status).toBe(200);
  });
  it('does not lead to another route, and another path stays unknown', async () => {
    const { url } = await connect();
    for (const path of [`${url}/more`, `${url}%2F..`, '/api//webhooks', '/api/webhooks/%20/%20', '//health'])
      expect((await api.app.request(path, { method: 'POST', body: '{}' })).status, path).toBe(404);
  });
  it('signs as it was called, so that a scheme that covers the URL still holds', async () => {
    const secret = 'secret-of-the-url-scheme';
    const hook = await api.connect(
      org,
      'webhook',
      { secret },
      { verification: { scheme: 'hmac', header: 'x-sig', encoding: 'base64', template: '{method}{url}{body}' } },
    );
    const body = JSON.stringify({ id: randomUUID(), type: 'lead.created' });
    for (const end of ['', '/', '%20']) {
      const called = `https://in.example.com${new URL(hook.url, 'https://in.example.com').pathname}${end}`;
      const signature = createHmac('sha256', secret).update(`POST${called}${body}`).digest('base64');
      expect((await api.sendUntilTaken(called, body, { 'x-sig': signature })).status).toBe(200);
    }
  });
});

describe('the header Content-Encoding', () => {
  const send = (url: string, body: string | Uint8Array<ArrayBuffer>, encoding: string) =>
    api.sendUntilTaken(url, body, { 'x-hotmart-hottok': hottok, 'content-encoding': encoding });
  it.each(['UTF-8', 'utf8', 'none', 'identity', 'Identity', 'binary', '8bit', 'application/json', 'null', 'utf-8, identity', '""', 'foo'])(
    'with %s, which is no coding, leaves the body as it is',
    async (encoding) => {
      const { url } = await connect();
      expect(await send(url, bodyOf(), encoding)).toMatchObject({ status: 200 });
    },
  );
  it.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['identity, gzip', gzipSync],
    ['gzip, identity', gzipSync],
    ['utf-8, gzip', gzipSync],
    [' gzip ;q=1', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['br, gzip', (body: string) => gzipSync(brotliCompressSync(body))],
    ['deflate, br, gzip', (body: string) => gzipSync(brotliCompressSync(deflateRawSync(body)))],
  ] as const)('with %s is decoded', async (encoding, encode) => {
    const { url } = await connect();
    expect(await send(url, bytes(encode(bodyOf())), encoding)).toMatchObject({ status: 200 });
  });
  it.each([
    ['compress', 415, 'unsupported_encoding', 'content encoding compress'],
    ['aws-chunked', 415, 'unsupported_encoding', 'content encoding aws-chunked'],
    ['gzip, gzip, gzip, gzip', 415, 'unsupported_encoding', 'more than 3'],
    ['gzip', 400, 'invalid_payload', 'not valid gzip'],
    ['zstd', 400, 'invalid_payload', 'not valid zstd'],
  ] as const)(
    'with %s that cannot be decoded is answered %i, and kept in quarantine without the body',
    async (encoding, status, code, reason) => {
      const { id, url } = await connect();
      expect(await send(url, bodyOf(), encoding)).toMatchObject({ status, body: { code } });
      const [row] = await quarantined(id);
      expect(row).toMatchObject({ error_class: 'INVALID_PAYLOAD' });
      expect(row?.last_error_message).toContain(reason);
      expect(row?.last_error_message).toContain('Nothing of the body is kept');
      expect(await reasonsOf(id)).toEqual({ [code]: 1 });
      expect(await activityOf(id)).toEqual({ received: 1, rejected: 1 });
    },
  );
  it('with a bomb of several codings is refused at the limit', async () => {
    const { id, url } = await connect();
    const bomb = gzipSync(brotliCompressSync(Buffer.alloc(api.config.limits.inflatedBytesMax + 1)));
    expect(await send(url, bytes(bomb), 'br, gzip')).toMatchObject({ status: 413 });
    expect((await quarantined(id))[0]?.last_error_message).toMatch(/after decompression.*BODY_INFLATED_BYTES_MAX/);
  });
});

describe('a large body', () => {
  const signed = (body: string) => ({ 'x-hub-signature-256': `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}` });
  const status = (filler: number) =>
    JSON.stringify({
      object: 'whatsapp_business_account',
      entry: [{ id: '1', time: 1, changes: [{ field: 'account_update', value: { event: 'VERIFIED_ACCOUNT', note: 'x'.repeat(filler) } }] }],
    });

  it('of 3 MB is taken from WhatsApp, as its documentation says, and a larger one is kept in quarantine with its size and its limit', async () => {
    const { id, url } = await api.connect(org, 'meta', { app_secret: appSecret, verify_token: 'verify-at-the-door' });
    const [large, tooLarge] = [status(2_999_000), status(3_200_000)];
    expect(await api.sendUntilTaken(url, large, signed(large))).toMatchObject({ status: 200 });
    expect(await api.sendUntilTaken(url, tooLarge, signed(tooLarge))).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    const [row] = await quarantined(id);
    expect(row).toMatchObject({ error_class: 'INVALID_PAYLOAD', byte_size: expect.any(Number) });
    expect(row?.byte_size).toBeGreaterThan(3_145_728);
    expect(row?.last_error_message).toMatch(/3145728.*documents.*Nothing of the body is kept/);
    expect(row?.sealed_bytes).toBeLessThan(2_000);
    expect(await reasonsOf(id)).toEqual({ payload_too_large: 1 });
    expect(await activityOf(id)).toMatchObject({ rejected: 1 });
  });

  it('is refused over the default with and without a length, and once more when it is retried, because nothing of it was kept', async () => {
    const { id, url } = await connect();
    const max = api.config.limits.bodyBytesMax;
    const headers = { 'x-hotmart-hottok': hottok, 'content-type': 'application/json' };
    expect((await api.sendUntilTaken(url, 'x'.repeat(max + 1), { ...headers, 'content-length': String(max + 1) })).status).toBe(413);
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let i = 0; i < 40; i++) controller.enqueue(new Uint8Array(65_536));
          controller.close();
        },
      });
    const request = () => new Request(url, { method: 'POST', body: stream(), duplex: 'half', headers } as RequestInit);
    expect((await api.app.request(request())).status).toBe(413);
    const rows = await quarantined(id);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ byte_size: max + 1, sample: { byte_size: max + 1 } });
    expect(rows[0]?.last_error_message).toContain(
      `The body has ${max + 1} bytes and may have at most ${max}. That is the default of this installation`,
    );
    expect(JSON.stringify(rows)).not.toContain(hottok);
  });

  it('has the limit that the settings of a generic webhook name, up to the most that the installation takes', async () => {
    const verification = { scheme: 'api-key', in: 'header', name: 'x-key' };
    const make = (bodyBytesMax: number) => api.connect(org, 'webhook', { secret: 'key-of-large-bodies' }, { verification, bodyBytesMax });
    const hook = await make(4_194_304);
    const body = (size: number) => JSON.stringify({ id: randomUUID(), type: 'lead.created', note: 'x'.repeat(size) });
    expect((await api.sendUntilTaken(hook.url, body(4_000_000), { 'x-key': 'key-of-large-bodies' })).status).toBe(200);
    expect((await api.sendUntilTaken(hook.url, body(4_300_000), { 'x-key': 'key-of-large-bodies' })).status).toBe(413);
    await expect(make(26_214_400)).rejects.toThrow(/too_big.*BODY_INFLATED_BYTES_MAX|BODY_INFLATED_BYTES_MAX.*too_big/);
  });

  it('in a flood takes as many rows as the quarantine has places, and every one is counted', async () => {
    const { id, url } = await connect();
    const max = api.config.limits.bodyBytesMax;
    for (let n = 0; n < 60; n++)
      expect((await api.app.request(url, { method: 'POST', body: '{}', headers: { 'content-length': String(max + 1) } })).status).toBe(413);
    expect((await quarantined(id)).length).toBeLessThanOrEqual(50);
    expect(await reasonsOf(id)).toEqual({ payload_too_large: 60 });
    expect(await activityOf(id)).toEqual({ received: 60, rejected: 60 });
    const [rows] = await api.admin('select count(*)::int as n from connection_rejections where source_connection_id = $1', [id]);
    expect(rows?.n).toBeLessThanOrEqual(2);
  });
});

describe('every refusal is counted with its reason', () => {
  const change = (id: string, changes: object) =>
    api.app.request(`/api/connections/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(changes),
    });
  const genuine = { 'x-hotmart-hottok': hottok };

  test('a wrong credential, an unreadable body, another method and another source in the URL', async () => {
    const { id, url } = await connect();
    expect((await api.sendUntilTaken(url, bodyOf(), { 'x-hotmart-hottok': 'a-wrong-hottok' })).status).toBe(401);
    expect((await api.sendUntilTaken(url, '{"id": ', genuine)).status).toBe(400);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await api.app.request(url, { method, body: '{}', headers: genuine });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD']);
    }
    expect((await api.sendUntilTaken(url.replace('/hotmart/', '/stripe/'), bodyOf(), genuine)).status).toBe(404);
    expect((await api.app.request(`/api/webhooks/hotmart/${randomUUID()}`, { method: 'PUT' })).status).toBe(404);
    expect(await reasonsOf(id)).toEqual({ invalid_hottok: 1, invalid_payload: 1, method_not_allowed: 3, wrong_source: 1 });
    expect(await activityOf(id)).toEqual({ received: 6, rejected: 6 });
  });

  test('a paused connection, a suspended one, and an address that is not allowed', async () => {
    const { id, url } = await connect();
    for (const [changes, reason] of [
      [{ isActive: false }, 'connection_inactive'],
      [{ isActive: true, suspendedReason: 'abuse' }, 'connection_suspended'],
      [{ suspendedReason: null, allowedIps: ['192.0.2.0/24'] }, 'address_not_allowed'],
    ] as const) {
      expect((await change(id, changes)).status).toBe(200);
      await expect.poll(async () => (await api.send(url, bodyOf(), genuine)).body.code).toBe(reason);
      expect((await api.app.request(url)).status).toBe(403);
    }
    const reasons = await reasonsOf(id);
    expect(Object.keys(reasons).sort()).toEqual(['address_not_allowed', 'connection_inactive', 'connection_suspended']);
    expect((await activityOf(id))?.rejected).toBe(Object.values(reasons).reduce((sum, n) => sum + n, 0));
  });

  test('a rate limit and a drain, which the sender is asked to try again and which are no rejections of the activity', async () => {
    const { id, url } = await connect();
    await change(id, { rateLimitPerSecond: 1 });
    await expect.poll(async () => (await api.connections.get(id))?.rateLimitPerSecond).toBe(1);
    const statuses: number[] = [];
    for (let n = 0; n < 20; n++) statuses.push((await api.send(url, bodyOf(), genuine)).status);
    const limited = statuses.filter((status) => status === 429).length;
    expect(limited).toBeGreaterThan(0);
    expect((await reasonsOf(id)).rate_limited).toBe(limited);
    expect((await activityOf(id))?.rejected).toBe(0);
  });

  test('a stranger’s id writes nothing', async () => {
    const before = await api.admin('select count(*)::int as n from connection_rejections');
    for (let n = 0; n < 5; n++) expect((await api.send(`/api/webhooks/hotmart/${randomUUID()}`, '{}')).status).toBe(404);
    await api.quarantine.drain();
    expect(await api.admin('select count(*)::int as n from connection_rejections')).toEqual(before);
  });
});

test('a secret beyond ASCII that is sent by a test is taken, and so is the same secret from a sender that writes UTF-8', async () => {
  const secret = 'chave-é-ção-da-porta';
  const hook = await api.connect(org, 'webhook', { secret }, { verification: { scheme: 'api-key', in: 'header', name: 'x-key' } });
  const tested = await api.app.request(`/api/connections/${hook.id}/test`, {
    method: 'POST',
    headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(await tested.json()).toMatchObject({ response: { status: 200 } });
  const asUtf8 = Buffer.from(secret, 'utf8').toString('latin1');
  for (const key of [asUtf8, secret]) {
    expect((await api.sendUntilTaken(hook.url, JSON.stringify({ id: randomUUID(), type: 'lead.created' }), { 'x-key': key })).status).toBe(
      200,
    );
  }
  const [kept] = await api.admin('select count(*)::int as n from event_journal where source_connection_id = $1', [hook.id]);
  expect(kept?.n).toBe(3);
});
