import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { bodyOf, exchange, hottok, requestOf, type Sent, serveBothWays, type Way, ways } from '../test/both-ways.ts';

// Each request raises each counter that concerns it by its records, and writes one line, however it came in and however it ended.

let api: TestApi;
let servers: Record<Way, Server>;
let closeServers: () => void;
let path: string;
let limited: string;
let inactive: string;
let connectionId: string;

beforeAll(async () => {
  api = await startTestApi({ LOG_DELIVERIES: 'all', BODY_BYTES_MAX: '20000' });
  const org = await api.makeOrg();
  const [made, slow, off] = await Promise.all(Array.from({ length: 3 }, () => api.connect(org, 'hotmart', { hottok })));
  connectionId = made?.id ?? '';
  [path = '', limited = '', inactive = ''] = [made, slow, off].map((one) => new URL(one?.url ?? '').pathname);
  await api.admin('update source_connections set rate_limit_per_second = 1 where id = $1', [slow?.id]);
  await api.admin('update source_connections set is_active = false where id = $1', [off?.id]);
  while ((await api.connections.get(off?.id ?? ''))?.isActive !== false) await sleep(20);
  ({ servers, close: closeServers } = await serveBothWays(api));
});
afterAll(async () => {
  closeServers?.();
  await api?.close();
});

const counted = /^(ingest_(?:records|persisted|dlq|duplicates|shed)_total\S*|ingest_(?:request_duration|lag)_seconds_count\S*) (\d+)$/gm;
async function counters(): Promise<Map<string, number>> {
  const text = await api.metrics.registry.metrics();
  return new Map([...text.matchAll(counted)].map(([, name = '', value]) => [name, Number(value)]));
}
const lines = () =>
  api
    .logged()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'request' || msg === 'deliveries' || msg === 'refused');

/** What the act raised, by the name of the counter, and the lines that it wrote. */
async function effectOf(act: () => Promise<unknown>) {
  const [before, written] = [await counters(), lines().length];
  await act();
  // The answer of a request is sent before the request is counted, and a request without a reader is counted later.
  await expect.poll(() => lines().length).toBe(written + 1);
  const after = await counters();
  const raised = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const).filter(([, more]) => more !== 0);
  const [line = {}] = lines().slice(written);
  const { time, pid, hostname, level, durationMs, requestId, msg, journalId, err, ...fields } = line;
  expect([typeof durationMs, typeof requestId, msg]).toEqual(['number', 'string', 'request']);
  return { raised: Object.fromEntries(raised), fields: { ...fields, ...(journalId === undefined ? {} : { journalId: typeof journalId }) } };
}

const route = '/api/webhooks/:type/:connectionId';
const answered = (statusClass: string) => ({
  [`ingest_request_duration_seconds_count{route="${route}",status_class="${statusClass}"}`]: 1,
});
const records = (outcome: string) => ({ [`ingest_records_total{source="hotmart",outcome="${outcome}"}`]: 1 });
const stored = { ...records('accepted'), 'ingest_persisted_total{source="hotmart"}': 1, ingest_lag_seconds_count: 1 };
const dead = (reason: string) => ({ [`ingest_dlq_total{source="hotmart",reason="${reason}"}`]: 1 });
const shed = (reason: string) => ({ [`ingest_shed_total{reason="${reason}"}`]: 1 });

interface Case {
  sent: () => Partial<Sent>;
  status: number;
  raised: Record<string, number>;
  /** What the line says besides the request, its connection and its status. */
  fields: Record<string, unknown>;
  isUnknown?: boolean;
}
const repeated = bodyOf();
const gone = { ...answered('4xx'), ...records('rejected') };
const cases: Record<string, Case> = {
  'a delivery': {
    sent: () => ({}),
    status: 200,
    raised: { ...answered('2xx'), ...stored },
    fields: { records: 1, outcome: 'accepted', bytes: bodyOf().length, journalId: 'string' },
  },
  'a delivery that was stored before': {
    sent: () => ({ body: repeated }),
    status: 200,
    raised: { ...answered('2xx'), ...records('duplicate'), 'ingest_duplicates_total{source="hotmart"}': 1 },
    fields: { records: 1, outcome: 'duplicate', bytes: repeated.length, journalId: 'string' },
  },
  'a record that cannot be read': {
    sent: () => ({ body: JSON.stringify({ id: randomUUID(), version: '2.0.0', data: {} }) }),
    status: 200,
    raised: { ...answered('2xx'), ...records('dead_lettered'), ...dead('MISSING_FIELD') },
    fields: { records: 1, outcome: 'dead_lettered', bytes: 73, journalId: 'string' },
  },
  'a wrong credential': {
    sent: () => ({ headers: ['x-hotmart-hottok: wrong'] }),
    status: 401,
    raised: { ...answered('4xx'), ...records('rejected'), ...dead('INVALID_HOTTOK') },
    fields: { code: 'invalid_hottok', bytes: bodyOf().length },
  },
  'a body that cannot be parsed': {
    sent: () => ({ body: '{' }),
    status: 400,
    raised: { ...answered('4xx'), ...records('rejected'), ...dead('INVALID_PAYLOAD') },
    fields: { code: 'invalid_payload', bytes: 1 },
  },
  'a body that is too large': {
    sent: () => ({ body: 'x'.repeat(20_001) }),
    status: 413,
    raised: { ...answered('4xx'), ...records('rejected'), ...dead('INVALID_PAYLOAD') },
    fields: { code: 'payload_too_large' },
  },
  'a coding that is not decoded': {
    sent: () => ({ headers: ['content-encoding: compress'] }),
    status: 415,
    raised: { ...answered('4xx'), ...records('rejected'), ...dead('INVALID_PAYLOAD') },
    fields: { code: 'unsupported_encoding' },
  },
  'an unknown connection': {
    sent: () => ({ path: path.replace(connectionId, randomUUID()) }),
    status: 404,
    raised: answered('4xx'),
    fields: { code: 'not_found' },
    isUnknown: true,
  },
  'a connection that is not active': {
    sent: () => ({ path: inactive }),
    status: 403,
    raised: { ...answered('4xx'), ...records('rejected') },
    fields: { code: 'connection_inactive' },
  },
  'a rate limit': {
    sent: () => ({ path: limited }),
    status: 429,
    raised: { ...answered('4xx'), ...shed('connection_rate') },
    fields: { code: 'rate_limited' },
  },
};

describe.each(ways)('by the way %s, a request is counted once, and has one line:', (way) => {
  it.each(Object.entries(cases))('%s', async (_, { sent, status, raised, fields, isUnknown }) => {
    if (status === 429) await exchange(servers[way], [requestOf({ path: limited })]);
    if (fields.outcome === 'duplicate') await exchange(servers[way], [requestOf({ path, body: repeated })]);
    let text = '';
    const effect = await effectOf(async () => {
      ({ text } = await exchange(servers[way], [requestOf({ path, ...sent() })]));
    });
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(/^retry-after: [1-9]/im.test(text)).toBe(status === 429);
    expect(effect.raised).toEqual(raised);
    const connection = isUnknown ? {} : { source: 'hotmart', connectionId: expect.any(String) };
    expect(effect.fields).toEqual({ method: 'POST', route, status, ...connection, ...fields });
  });

  it('a refusal while no delivery is taken', async () => {
    await api.flow.setMode('drain', null, 'test', 'bootstrap');
    try {
      let text = '';
      const effect = await effectOf(async () => {
        ({ text } = await exchange(servers[way], [requestOf({ path })]));
      });
      expect(text).toMatch(/^HTTP\/1.1 503 .*^retry-after: [1-9]/ims);
      expect(effect.raised).toEqual({ ...answered('5xx'), ...shed('drain') });
      expect(effect.fields).toEqual({ method: 'POST', route, status: 503, code: 'draining' });
    } finally {
      await api.flow.setMode(null, null, 'test', 'bootstrap');
    }
  });

  const whole = () => requestOf({ path });
  const headers = () => whole().subarray(0, whole().indexOf('\r\n\r\n') + 4);
  const leaving: [string, () => Buffer, Record<string, number>, number][] = [
    ['after the headers', headers, gone, 400],
    ['within the body', () => whole().subarray(0, -5), gone, 400],
    ['after the last byte, before the commit', whole, { ...answered('2xx'), ...stored }, 200],
  ];
  it.each(leaving)('a sender that hangs up %s', async (_, bytes, raised, status) => {
    const { port } = servers[way].address() as AddressInfo;
    const effect = await effectOf(async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.write(bytes(), () => socket.destroy());
    });
    expect(effect.raised).toEqual(raised);
    expect(effect.fields).toMatchObject({ status });
    expect(api.flow.gate.inFlight()).toBe(0);
    if (status === 200) expect(effect.fields).toMatchObject({ records: 1, bytes: bodyOf().length });
  });
});
