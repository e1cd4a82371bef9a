import { describe, expect, test } from 'vitest';
import { type ProcessContext, processDelivery } from '../process.ts';
import type { Delivery, Json, RawRecord, Source } from '../source.ts';
import { sources } from '../sources.ts';
import { decodeBody } from './body.ts';
import { recordsMax, recordsOf } from './records.ts';

const now = Date.UTC(2026, 9, 31, 12);
const source = (type: string) => sources.get(type) as Source;
const apiKey = source('webhook').config.parse({ verification: { scheme: 'api-key', in: 'header', name: 'x-key' } });

function deliver(value: Json, type = 'application/json'): Delivery {
  const text = type === 'application/json' ? JSON.stringify(value) : (value as Json[]).map((line) => JSON.stringify(line)).join('\n');
  return { method: 'POST', url: 'https://tributary.test/', headers: { 'content-type': type }, raw: new TextEncoder().encode(text) };
}

function process(type: string, sent: Delivery, config: unknown = {}) {
  const context: ProcessContext = {
    orgId: '11111111-1111-4111-8111-111111111111',
    projectId: '22222222-2222-4222-8222-222222222222',
    connectionId: '33333333-3333-4333-8333-333333333333',
    journalId: '44444444-4444-7444-8444-444444444444',
    config,
    hashKey: { version: 1, key: new Uint8Array(32).fill(9) },
    digestKey: new Uint8Array(32).fill(8),
    receivedAtMs: now,
    nowMs: now,
    isTest: false,
    newId: () => '55555555-5555-7555-8555-555555555555',
  };
  return processDelivery(source(type), sent, decodeBody(sent), context);
}

/** The records of a delivery until it is refused, and whether it was refused. */
function cut(type: string, sent: Delivery, config: unknown = {}) {
  const records: RawRecord[] = [];
  try {
    for (const record of recordsOf(source(type), sent, decodeBody(sent), config)) records.push(record);
    return { records, count: records.length, isRefused: false };
  } catch {
    return { records, count: records.length, isRefused: true };
  }
}

const whatsApp = (value: Json): Json => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '700', changes: [{ field: 'messages', value }] }],
});
const fields = (count: number): Json => ({ object: 'user', entry: [{ id: '1', changed_fields: Array<Json>(count).fill('email') }] });

describe('the number of records', () => {
  test.each([
    ['meta, changed fields', 'meta', fields, {}],
    ['meta, WhatsApp messages', 'meta', (count: number) => whatsApp({ messages: Array<Json>(count).fill({}) }), {}],
    ['meta, entries', 'meta', (count: number) => ({ object: 'page', entry: Array<Json>(count).fill(0) }), {}],
    ['webhook, an array', 'webhook', (count: number) => Array<Json>(count).fill({}), apiKey],
  ] as const)('%s: accepts 10,000 records and refuses one more', (_, type, make, config) => {
    expect(cut(type, deliver(make(10_000)), config)).toMatchObject({ count: 10_000, isRefused: false });
    expect(cut(type, deliver(make(10_001)), config)).toMatchObject({ count: 10_000, isRefused: true });
  });

  test('a delivery with too many records becomes one dead letter, not one for each record', () => {
    const refused = { ok: false, errorClass: 'INVALID_PAYLOAD', message: `The delivery has more than ${recordsMax} records.` };
    expect(process('meta', deliver(fields(100_000)))).toMatchObject([refused]);
    expect(process('webhook', deliver(Array<Json>(10_001).fill({})), apiKey)).toMatchObject([refused]);
  });
});

describe('data that records share', () => {
  const chars = (records: readonly RawRecord[]) => records.reduce((sum, record) => sum + JSON.stringify(record).length, 0);
  const large = Array.from({ length: 20_000 }, (_, index) => `a${100_000 + index}`);

  test.each([
    ['in a WhatsApp value', whatsApp({ shared: large, messages: Array<Json>(1_000).fill({ id: 'm' }) })],
    ['in many keys', whatsApp({ ...Object.fromEntries(large.map((key) => [key, 0])), messages: Array<Json>(1_000).fill({ id: 'm' }) })],
    ['in one contact', whatsApp({ contacts: [{ wa_id: '1', large }], messages: Array<Json>(1_000).fill({ from: '1' }) })],
    [
      'in the time of the notification',
      { object: 'page', entry: [{ id: '1', time: large, changed_fields: Array<Json>(1_000).fill('x') }] },
    ],
    ['in the id of the entry', { object: 'page', entry: [{ id: large.join(' '), changed_fields: Array<Json>(1_000).fill('x') }] }],
  ])('refuses shared data %s that every record would repeat', (_, value) => {
    const sent = deliver(value);
    const { records, isRefused } = cut('meta', sent);
    expect(isRefused).toBe(true);
    expect(chars(records)).toBeLessThan(3 * Math.max(4 * sent.raw.byteLength, 2_097_152));
    expect(process('meta', sent)).toMatchObject([
      { ok: false, errorClass: 'INVALID_PAYLOAD', message: expect.stringContaining('share too much') },
    ]);
  });

  test('allows what a platform sends: thousands of the smallest notices, and a few with a large shared part', () => {
    const metadata = { messaging_product: 'whatsapp', metadata: { display_phone_number: '551155550100', phone_number_id: '700300' } };
    const status = (index: number): Json => ({
      id: `wamid.${String(index).padStart(56, '0')}`,
      status: 'read',
      timestamp: '1700000003',
      recipient_id: '5511955550101',
    });
    const statuses = Array.from({ length: 10_000 }, (_, index) => status(index));
    expect(cut('meta', deliver(whatsApp({ ...metadata, statuses })))).toMatchObject({ count: 10_000, isRefused: false });
    const apart: Json = {
      object: 'whatsapp_business_account',
      entry: statuses.map((one) => ({
        id: '700300',
        time: 1_700_000_003,
        changes: [{ field: 'messages', value: { ...metadata, statuses: [one] } }],
      })),
    };
    expect(cut('meta', deliver(apart))).toMatchObject({ count: 10_000, isRefused: false });
    const few = whatsApp({ ...metadata, errors: large.slice(0, 5_000), statuses: statuses.slice(0, 15) });
    expect(cut('meta', deliver(few))).toMatchObject({ count: 15, isRefused: false });
  });

  test('does not limit records that share nothing: an array and lines of the largest body are accepted', () => {
    const events = Array.from({ length: 10_000 }, (_, index) => ({
      id: String(index),
      note: 'é\u0001'.repeat(10),
      list: [[], {}, 1, null],
    }));
    expect(cut('webhook', deliver(events), apiKey).isRefused).toBe(false);
    expect(cut('webhook', deliver(events, 'application/x-ndjson'), apiKey).isRefused).toBe(false);
  });
});
