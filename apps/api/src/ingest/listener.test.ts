import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { journalAad, open } from '@tributary/pipeline/crypto/seal.ts';
import { unpackDelivery } from '@tributary/pipeline/journal.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicUrl, startTestApi, type TestApi } from '../test/api.ts';
import { bodyOf, comparable, exchange, hottok, requestOf, type Sent, serveBothWays, type Way, ways } from '../test/both-ways.ts';

// Both ways of a delivery answer the same bytes, apart from ids, times and the order of the headers.

let api: TestApi;
let servers: Record<Way, Server>;
let closeServers: () => void;
let stopping = false;
let paths: Record<'taken' | 'limited' | 'paused' | 'closed', string>;
let ids: Record<keyof typeof paths, string>;

beforeAll(async () => {
  api = await startTestApi({ BODY_BYTES_MAX: '20000', BODY_INFLATED_BYTES_MAX: '40000' });
  const org = await api.makeOrg();
  const made = await Promise.all(Array.from({ length: 4 }, () => api.connect(org, 'hotmart', { hottok })));
  const [taken = '', limited = '', paused = '', closed = ''] = made.map(({ url }) => new URL(url).pathname);
  paths = { taken, limited, paused, closed };
  ids = { taken: made[0]?.id ?? '', limited: made[1]?.id ?? '', paused: made[2]?.id ?? '', closed: made[3]?.id ?? '' };
  await api.admin('update source_connections set rate_limit_per_second = 1 where id = $1', [ids.limited]);
  await api.admin('update source_connections set is_active = false where id = $1', [ids.paused]);
  await api.admin(`update source_connections set allowed_ips = '{192.0.2.0/24}' where id = $1`, [ids.closed]);
  while (!(await api.connections.get(ids.closed))?.allowedNetworks) await sleep(20);
  ({ servers, close: closeServers } = await serveBothWays(api, () => stopping));
});
afterAll(async () => {
  closeServers?.();
  await api.close();
});

const write = (sent: Partial<Sent>) => requestOf({ path: paths.taken, ...sent });

async function both(make: () => readonly Buffer[], answers?: number) {
  const [byListener, byHono] = await Promise.all([exchange(servers.listener, make(), answers), exchange(servers.hono, make(), answers)]);
  expect(comparable(byListener)).toEqual(comparable(byHono));
  return [...byListener.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
}

const other = '018f0000-0000-7000-8000-000000000000';
const chunked = (...chunks: string[]) => `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
const cases: Record<string, [() => Partial<Sent>, number[]]> = {
  'a delivery': [() => ({}), [200]],
  'a delivery with a query': [() => ({ path: `${paths.taken}?a=1&b=%20x` }), [200]],
  'a delivery with a query that has to be encoded': [() => ({ path: `${paths.taken}?a="1"&b='x'` }), [200]],
  'a delivery in pieces of HTTP': [() => ({ isRaw: true, headers: ['transfer-encoding: chunked'], body: chunked(bodyOf()) }), [200]],
  'a compressed delivery': [() => ({ headers: ['content-encoding: gzip'], body: gzipSync(bodyOf()) }), [200]],
  'a delivery after which the sender closes': [() => ({ headers: ['connection: close'] }), [200]],
  'a delivery that waits for 100 Continue': [() => ({ headers: ['expect: 100-continue'] }), [100, 200]],
  'a delivery by HTTP/1.0': [() => ({ version: '1.0' }), [200]],
  'a delivery of several records': [() => ({ body: `[${bodyOf()},${bodyOf()}]` }), [200]],
  'a wrong credential': [() => ({ headers: ['x-hotmart-hottok: wrong'] }), [401]],
  'a body that cannot be read': [() => ({ body: '{"id": ' }), [400]],
  'an empty body': [() => ({ body: '' }), [200]],
  'a coding that is not decoded': [() => ({ headers: ['content-encoding: compress'] }), [415]],
  'a coding that is not true': [() => ({ headers: ['content-encoding: gzip'] }), [400]],
  'a body that is too large': [() => ({ body: 'x'.repeat(20_001) }), [413]],
  'a body in pieces that is too large': [
    () => ({ isRaw: true, headers: ['transfer-encoding: chunked'], body: chunked('x'.repeat(10_000), 'x'.repeat(10_001)) }),
    [413],
  ],
  'a body that is too large when it is decoded': [
    () => ({ headers: ['content-encoding: gzip'], body: gzipSync(Buffer.alloc(50_000)) }),
    [413],
  ],
  'an unknown connection': [() => ({ path: `/api/webhooks/hotmart/${other}` }), [404]],
  'an id that is none': [() => ({ path: '/api/webhooks/hotmart/none' }), [404]],
  'an id with a wrong character': [() => ({ path: `/api/webhooks/hotmart/${'-'.repeat(36)}` }), [404]],
  'another source': [() => ({ path: paths.taken.replace('hotmart', 'stripe') }), [404]],
  'a connection that is not active': [() => ({ path: paths.paused }), [403]],
  'an address that is not allowed': [() => ({ path: paths.closed }), [403]],
  'a source and an id in capitals': [
    () => ({ path: paths.taken.replace('hotmart', 'HotMart').replace(ids.taken, ids.taken.toUpperCase()) }),
    [200],
  ],
  'an address with a slash at its end': [() => ({ path: `${paths.taken}/` }), [200]],
  'an address with a blank': [() => ({ path: `${paths.taken}%20` }), [200]],
  'an address with two slashes': [() => ({ path: `/${paths.taken}` }), [200]],
  'an address with dots': [() => ({ path: paths.taken.replace('/hotmart/', '/x/../hotmart/') }), [200]],
  'an absolute address': [() => ({ path: `http://in.example.com${paths.taken}` }), [200]],
  'a host in capitals': [() => ({ host: 'IN.example.com' }), [200]],
  'a host with a port': [() => ({ host: 'in.example.com:8787' }), [200]],
  'a host that is none': [() => ({ host: 'in example' }), [400]],
  'no host': [() => ({ host: '' }), [400]],
  'a probe': [() => ({ method: 'GET', body: '' }), [200]],
  'a probe without an answer': [() => ({ method: 'HEAD', body: '' }), [200]],
  'the method OPTIONS': [() => ({ method: 'OPTIONS', body: '' }), [405]],
  'the method PUT': [() => ({ method: 'PUT' }), [405]],
  'the method DELETE': [() => ({ method: 'DELETE' }), [405]],
  'the method PROPFIND': [() => ({ method: 'PROPFIND' }), [405]],
  'a method that does not exist': [() => ({ method: 'DELIVER' }), [400]],
  'the method CONNECT': [() => ({ method: 'CONNECT' }), []],
  'an id that is percent-encoded': [() => ({ path: paths.taken.replace(/(.)$/, (last) => `%${last.charCodeAt(0).toString(16)}`) }), [200]],
  'a percent sign without its digits': [() => ({ path: `${paths.taken}%zz` }), [404]],
  'a query with a percent sign without its digits': [() => ({ path: `${paths.taken}?a=%zz` }), [200]],
  'a question mark without a query': [() => ({ path: `${paths.taken}?` }), [200]],
  'a fragment': [() => ({ path: `${paths.taken}#a` }), [200]],
  'a query with bytes above 127': [() => ({ path: `${paths.taken}?a=\u00fc` }), [400]],
  'a backslash': [() => ({ path: paths.taken.replaceAll('/', '\\') }), [400]],
  'an address with a parameter': [() => ({ path: `${paths.taken};a=1` }), [404]],
  'an address with a part too many': [() => ({ path: `${paths.taken}/x` }), [404]],
  'an address in capitals': [() => ({ path: paths.taken.replace('/api/', '/API/') }), [404]],
  'a query of 8,000 characters': [() => ({ path: `${paths.taken}?a=${'x'.repeat(8_000)}` }), [200]],
  'an address that is longer than all headers may be': [() => ({ path: `${paths.taken}?a=${'x'.repeat(20_000)}` }), [431]],
  'an offer to speak WebSocket': [() => ({ headers: ['connection: upgrade', 'upgrade: websocket'] }), [200]],
  'an offer to speak HTTP/2': [
    () => ({ headers: ['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__'] }),
    [200],
  ],
  'an expectation that is not known': [() => ({ headers: ['expect: 200-ok'] }), [417]],
  'a content type twice': [() => ({ headers: ['content-type: text/plain'] }), [200]],
  'a credential twice': [() => ({ headers: [`x-hotmart-hottok: ${hottok}`, `x-hotmart-hottok: ${hottok}`] }), [401]],
  'a host twice': [() => ({ headers: ['host: other.example.com'] }), [200]],
  'an empty host': [() => ({ headers: ['host:'], host: '' }), [400]],
  'a host that is an address of IPv6': [() => ({ host: '[::1]:8787' }), [200]],
  'a host with a port that does not exist': [() => ({ host: 'in.example.com:99999' }), [400]],
  'a host with a user': [() => ({ host: 'a:b@in.example.com' }), [400]],
  'a length that is no number': [() => ({ isRaw: true, headers: ['content-length: ten'] }), [400]],
  'two lengths': [() => ({ headers: ['content-length: 3'] }), [400]],
  'a length and pieces': [() => ({ headers: ['transfer-encoding: chunked'] }), [400]],
  'a length of zero before a body': [() => ({ isRaw: true, headers: ['content-length: 0'], body: '' }), [200]],
  'no length and no pieces': [() => ({ isRaw: true, body: '' }), [200]],
  'a piece with an extension, and a trailer': [
    () => ({ isRaw: true, headers: ['transfer-encoding: chunked'], body: `2;a=b\r\n{}\r\n0\r\nx-after: 1\r\n\r\n` }),
    [200],
  ],
  'a piece whose length is no number': [() => ({ isRaw: true, headers: ['transfer-encoding: chunked'], body: 'zz\r\n{}\r\n' }), [400]],
  'a request id of the sender': [() => ({ headers: ['x-request-id: 018f0000-0000-7000-8000-000000000000'] }), [200]],
  'an origin of a browser': [() => ({ headers: ['origin: https://example.com'] }), [200]],
  'what a browser asks before': [
    () => ({ method: 'OPTIONS', headers: ['origin: https://example.com', 'access-control-request-method: POST'] }),
    [405],
  ],
};

describe('the listener and the routes answer alike', () => {
  it.each(Object.entries(cases))('%s', async (_, [send, statuses]) => {
    expect(await both(() => [write(send())])).toEqual(statuses);
  });

  it('two deliveries in one packet, and one in many', async () => {
    expect(await both(() => [Buffer.concat([write({}), write({})])], 2)).toEqual([200, 200]);
    const pieces = () => {
      const whole = write({});
      return [whole.subarray(0, 90), whole.subarray(90, 250), whole.subarray(250, 280), whole.subarray(280)];
    };
    expect(await both(pieces)).toEqual([200]);
  });

  it('a rate limit, and while no delivery is taken, also for a large body, and the connection serves the next request', async () => {
    await Promise.all(Object.values(servers).map((server) => exchange(server, [write({ path: paths.limited })])));
    expect(await both(() => [write({ path: paths.limited }), write({})], 2)).toEqual([429, 200]);
    await api.flow.setMode('drain', null, 'test', 'bootstrap');
    try {
      expect(await both(() => [write({}), write({ body: 'x'.repeat(19_000) }), write({ method: 'GET', body: '' })], 3)).toEqual([
        503, 503, 200,
      ]);
      expect(await both(() => [write({ headers: ['expect: 100-continue'] })])).toEqual([100, 503]);
    } finally {
      await api.flow.setMode(null, null, 'test', 'bootstrap');
    }
  });

  it('while the process stops: every answer closes its connection', async () => {
    stopping = true;
    try {
      expect(await both(() => [write({})])).toEqual([200]);
      expect(await both(() => [write({ headers: ['x-hotmart-hottok: wrong'] })])).toEqual([401]);
      expect(await both(() => [write({ method: 'GET', body: '' })])).toEqual([200]);
    } finally {
      stopping = false;
    }
  });
});

describe('the listener and the routes store alike', () => {
  const targets: Record<string, string> = {
    'the address as it is written': '',
    'an empty query': '?',
    'a query with every character that the listener takes': '?a-_=1&b[]=2;c=%20%C3%BC+~!$()*,./:@?',
    'a query with characters that have to be encoded': `?a="1"&b='x'&c=<{|}>^`,
    'a fragment': '?a=1#b',
    'a slash at the end': '/?a=1',
  };

  /** The delivery that was stored last, opened: what signatures of the URL are verified with when it is replayed. */
  async function storedLast() {
    const [row] = await api.admin<{ id: string; sealed: Buffer; content_type: string; byte_size: number }>(
      'select j.id, j.content_type, j.byte_size, p.sealed from event_journal j join private.journal_payloads p on p.journal_id = j.id order by j.id desc limit 1',
    );
    const connection = await api.connections.get(ids.taken);
    if (!row || !connection) throw new Error('nothing is stored');
    const opened = open(connection.keys.dataKey.key, row.sealed, journalAad(connection.orgId, row.id));
    const { head, raw } = unpackDelivery(Buffer.from(opened));
    return { head, body: raw.toString(), contentType: row.content_type, bytes: row.byte_size };
  }

  it.each(Object.entries(targets))('%s', async (_, more) => {
    const body = bodyOf();
    const stored = [];
    for (const way of ways) {
      await exchange(servers[way], [write({ path: `${paths.taken}${more}`, body, headers: ['x-signature: a', 'user-agent: Platform/1'] })]);
      stored.push(await storedLast());
    }
    expect(stored[0]).toEqual(stored[1]);
    expect(stored[0]).toMatchObject({ body, contentType: 'application/json', head: { method: 'POST' } });
    expect(stored[0]?.head.url.startsWith(`${publicUrl}${paths.taken}`)).toBe(true);
  });
});

describe('a sender that hangs up', () => {
  const journaled = async () => (await api.admin<{ n: number }>('select count(*)::int as n from event_journal'))[0]?.n ?? 0;

  it.each(ways)('after its last byte has delivered, before it has not: %s', async (way) => {
    const { port } = servers[way].address() as AddressInfo;
    const before = await journaled();
    const whole = write({});
    for (const [bytes, expected] of [
      [whole, before + 1],
      [whole.subarray(0, -5), before + 1],
    ] as const) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.end(bytes);
      await sleep(200);
      socket.destroy();
      await expect.poll(journaled).toBe(expected);
    }
    expect(api.flow.gate.inFlight()).toBe(0);
  });
});
