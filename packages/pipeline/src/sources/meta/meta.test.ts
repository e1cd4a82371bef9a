import * as octokit from '@octokit/webhooks-methods';
import { isCanonicalType, sourceTypePattern } from '@tributary/shared/canonical.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBody } from '../../reading/body.ts';
import {
  type Body,
  type Delivery,
  type Json,
  type JsonObject,
  type RawRecord,
  type Reading,
  RecordError,
  type Secret,
} from '../../source.ts';
import { capturedOnly, capturedVectors, describeDeliveries, expectReading } from '../../test/deliveries.ts';
import { proveSource } from '../../test/prove-source.ts';
import { synthetic } from './fixtures/expected.ts';
import { captured } from './fixtures/expected-captured.ts';
import { meta } from './index.ts';

const now = Date.parse('2026-03-02T12:00:00Z');
const secrets: Secret[] = [
  { name: 'app_secret', value: 'app-secret-of-tests' },
  { name: 'verify_token', value: 'verify-token-of-tests' },
];

function delivery(body: string, headers: Record<string, string> = {}): Delivery {
  return {
    method: 'POST',
    url: 'https://in.example.com/api/webhooks/meta/1',
    headers: { 'content-type': 'application/json', ...headers },
    raw: Buffer.from(body, 'utf8'),
  };
}

function verify(sent: Delivery, using: readonly Secret[] = secrets) {
  return meta.verify(sent, using, {}, now);
}

function bodyOf(value: unknown): Body {
  return decodeBody(delivery(typeof value === 'string' ? value : JSON.stringify(value)));
}

function split(body: Body, config: Parameters<typeof meta.split>[1] = {}) {
  return [...meta.split(body, config)];
}

function readOne(record: RawRecord) {
  return meta.read(record, { config: {}, headers: {}, receivedAtMs: now });
}

function readAll(value: unknown) {
  return split(bodyOf(value), {}).map(readOne);
}

function page(field: string, value: Json, entry: JsonObject = { id: '900100', time: 1_700_000_009 }): JsonObject {
  return { object: 'page', entry: [{ ...entry, changes: [{ field, value }] }] };
}

function whatsApp(value: JsonObject): JsonObject {
  return { object: 'whatsapp_business_account', entry: [{ id: '800200', changes: [{ field: 'messages', value }] }] };
}

function messenger(item: JsonObject, entryTime: Json = 1_700_000_009_000): JsonObject {
  return {
    object: 'page',
    entry: [
      {
        id: '900100',
        time: entryTime,
        messaging: [{ sender: { id: '55501' }, recipient: { id: '900100' }, timestamp: 1_700_000_001_234, ...item }],
      },
    ],
  };
}

function thrown(action: () => unknown): RecordError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RecordError);
    return error as RecordError;
  }
  throw new Error('nothing was thrown');
}

proveSource(meta, {
  signsBody: true,
  people: ['Marina Prado', 'Otávio Lins', '5511955550123', '24000000000000008', '5400000000000009', 'Quando abre a próxima turma'],
});

describe('handshake', () => {
  const ask = (query: string, using = secrets) => meta.handshake?.(new URLSearchParams(query), using);
  const good = 'hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify-token-of-tests';

  it('answers the raw challenge when the verify token is right', () => {
    expect(ask(good)).toEqual({ status: 200, body: '1158201444' });
  });
  it('accepts either of two verify tokens during a rotation', () => {
    expect(ask(good, [{ name: 'verify_token', value: 'newer' }, ...secrets])).toEqual({ status: 200, body: '1158201444' });
  });
  it.each([
    ['another token', 'hub.mode=subscribe&hub.challenge=1&hub.verify_token=other'],
    ['an empty token', 'hub.mode=subscribe&hub.challenge=1&hub.verify_token='],
    ['no token', 'hub.mode=subscribe&hub.challenge=1'],
    ['another mode', 'hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=verify-token-of-tests'],
    ['no mode', 'hub.challenge=1&hub.verify_token=verify-token-of-tests'],
    ['no challenge', 'hub.mode=subscribe&hub.verify_token=verify-token-of-tests'],
  ])('refuses %s', (_, query) => {
    expect(ask(query)).toEqual({ status: 403, body: 'Forbidden' });
  });
  it('refuses every request when the connection has no verify token, or an empty one', () => {
    expect(ask(good, [])?.status).toBe(403);
    expect(ask('hub.mode=subscribe&hub.challenge=1&hub.verify_token=', [{ name: 'verify_token', value: '' }])?.status).toBe(403);
  });
  it('never echoes markup or a long text, even with the right token', () => {
    for (const challenge of ['<script>alert(1)</script>', 'a"b', "a'b", 'a b', 'a\r\nb', '1'.repeat(129), 'javascript:1', '%3Cb%3E']) {
      const query = new URLSearchParams({
        'hub.mode': 'subscribe',
        'hub.verify_token': 'verify-token-of-tests',
        'hub.challenge': challenge,
      });
      expect(meta.handshake?.(query, secrets)).toEqual({ status: 403, body: 'Forbidden' });
    }
  });
  it('does not answer a request without a hub parameter', () => {
    expect(ask('')).toBeUndefined();
    expect(ask('foo=1')).toBeUndefined();
  });
});

describe('verify', () => {
  const body = '{"object":"page","entry":[]}';

  it('accepts signatures of another implementation of the scheme', async () => {
    const signature = await octokit.sign('app-secret-of-tests', body);
    expect(verify(delivery(body, { 'x-hub-signature-256': signature }))).toEqual({ ok: true });
  });
  it('makes signatures that another implementation of the scheme accepts', async () => {
    for (const sample of meta.samples) {
      const text = sample.body({ id: 'c0ffee00', nowMs: now });
      const { headers } = meta.sign(text, secrets, {}, now);
      expect(await octokit.verify('app-secret-of-tests', text, headers['x-hub-signature-256'] ?? '')).toBe(true);
      expect(verify(delivery(text, headers))).toEqual({ ok: true });
    }
  });
  it('signs the raw bytes, with non-ASCII text as it came and not escaped', async () => {
    const text = '{"object":"page","entry":[],"note":"água – ü"}';
    expect(verify(delivery(text, { 'x-hub-signature-256': await octokit.sign('app-secret-of-tests', text) })).ok).toBe(true);
  });
  it('refuses a body of which one bit was flipped', async () => {
    const signature = await octokit.sign('app-secret-of-tests', body);
    const sent = delivery(body, { 'x-hub-signature-256': signature });
    for (let index = 0; index < sent.raw.length; index++) {
      const raw = Buffer.from(sent.raw);
      raw[index] = (raw[index] ?? 0) ^ 1;
      expect(verify({ ...sent, raw })).toMatchObject({ ok: false, error: 'INVALID_SIGNATURE' });
    }
  });
  it('accepts either of two app secrets during a rotation, and refuses a third', async () => {
    const both: Secret[] = [
      { name: 'app_secret', value: 'newer' },
      { name: 'app_secret', value: 'older' },
    ];
    for (const key of ['newer', 'older']) {
      expect(verify(delivery(body, { 'x-hub-signature-256': await octokit.sign(key, body) }), both).ok).toBe(true);
    }
    expect(verify(delivery(body, { 'x-hub-signature-256': await octokit.sign('third', body) }), both).ok).toBe(false);
  });
  it('fails closed when the app secret is missing or empty, or when there is only a verify token', async () => {
    const signature = await octokit.sign('verify-token-of-tests', body);
    const sent = delivery(body, { 'x-hub-signature-256': signature });
    expect(verify(sent, []).ok).toBe(false);
    expect(verify(sent, [{ name: 'app_secret', value: '' }]).ok).toBe(false);
    expect(verify(sent, [{ name: 'verify_token', value: 'verify-token-of-tests' }]).ok).toBe(false);
  });
  it('refuses a delivery that has only the older SHA-1 signature, and says so', () => {
    const verdict = verify(delivery(body, { 'x-hub-signature': 'sha1=0000000000000000000000000000000000000000' }));
    expect(verdict).toMatchObject({ ok: false, error: 'INVALID_SIGNATURE', message: expect.stringContaining('SHA-1') });
  });
  it('refuses a signature that is missing, empty, cut, longer or of another prefix, and reads hexadecimal in either case', async () => {
    const good = await octokit.sign('app-secret-of-tests', body);
    const hex = good.slice('sha256='.length);
    const bad = ['', 'sha256=', good.slice(0, -1), `${good}0`, `SHA256=${hex}`, hex, `sha1=${hex}`];
    for (const header of bad)
      expect(verify(delivery(body, { 'x-hub-signature-256': header })), header).toMatchObject({ ok: false, error: 'INVALID_SIGNATURE' });
    expect(verify(delivery(body))).toMatchObject({ ok: false, error: 'INVALID_SIGNATURE' });
    for (const header of [`sha256=${hex.toUpperCase()}`, `${good}\n`])
      expect(verify(delivery(body, { 'x-hub-signature-256': header })), header).toEqual({ ok: true });
  });
  it('never repeats secret or signature in its message', async () => {
    const header = `sha256=${'ab'.repeat(32)}`;
    const verdict = verify(delivery(body, { 'x-hub-signature-256': header }));
    expect(JSON.stringify(verdict)).not.toContain('abab');
    expect(JSON.stringify(verdict)).not.toContain('app-secret-of-tests');
  });
});

describe('split', () => {
  it('splits a full delivery of 1,000 changes over several pages into 1,000 records, in order', () => {
    const entry = Array.from({ length: 10 }, (_, e) => ({
      id: `9001${e}`,
      time: 1_700_000_009,
      changes: Array.from({ length: 100 }, (_, c) => ({
        field: 'leadgen',
        value: { leadgen_id: String(7_000_000_000_000_000_000n + BigInt(e * 100 + c)), created_time: 1_700_000_000 },
      })),
    }));
    const readings = readAll({ object: 'page', entry });
    expect(readings).toHaveLength(1000);
    expect(readings.map((reading) => reading.idempotencyKey)).toEqual(
      entry.flatMap((one) => one.changes.map((change) => change.value.leadgen_id)),
    );
  });
  it('splits more than 1,000 changes too', () => {
    const changes = Array.from({ length: 2500 }, (_, c) => ({
      field: 'leadgen',
      value: { leadgen_id: String(c + 1), created_time: 1_700_000_000 },
    }));
    expect(split(bodyOf({ object: 'page', entry: [{ id: '1', time: 1_700_000_000, changes }] }), {})).toHaveLength(2500);
  });
  it('keeps the records of different pages apart, each with its own page id', () => {
    const one = page('leadgen', { leadgen_id: '1', created_time: 1_700_000_000 });
    const records = split(
      bodyOf({ object: 'page', entry: [...(one.entry as Json[]), { id: '900200', time: 1, changes: [{ field: 'feed', value: {} }] }] }),
      {},
    );
    expect(records.map((record) => record.value.id)).toEqual(['900100', '900200']);
  });
  it('makes one record of each WhatsApp message and status, with the contact of that record only', () => {
    const body = whatsApp({
      messaging_product: 'whatsapp',
      metadata: { display_phone_number: '551155550100', phone_number_id: '700300' },
      contacts: [
        { wa_id: '5511955550101', profile: { name: 'Ana Teste' } },
        { wa_id: '5511955550102', profile: { name: 'Bia Teste' } },
      ],
      messages: [
        { from: '5511955550101', id: 'wamid.A', timestamp: '1700000001', type: 'text', text: { body: 'oi' } },
        { from: '5511955550102', id: 'wamid.B', timestamp: '1700000002', type: 'text', text: { body: 'olá' } },
      ],
      statuses: [{ id: 'wamid.C', status: 'read', timestamp: '1700000003', recipient_id: '5511955550101' }],
    });
    const records = split(bodyOf(body), {});
    expect(records.map((record) => JSON.stringify((record.value.value as JsonObject).contacts).match(/Ana|Bia/g))).toEqual([
      ['Ana'],
      ['Bia'],
      ['Ana'],
    ]);
    expect(records.map((record) => (record.value.value as JsonObject).metadata)).toEqual(
      Array(3).fill({ display_phone_number: '551155550100', phone_number_id: '700300' }),
    );
    expect(
      records.map(readOne).map((reading) => [reading.type, reading.idempotencyKey, reading.eventTimeMs, reading.subject?.phone]),
    ).toEqual([
      ['message.received', 'wamid.A', 1_700_000_001_000, '+5511955550101'],
      ['message.received', 'wamid.B', 1_700_000_002_000, '+5511955550102'],
      ['message.read', 'wamid.C:read', 1_700_000_003_000, '+5511955550101'],
    ]);
  });
  it('a broken entry, change or message fails without affecting the others', () => {
    const good = { field: 'leadgen', value: { leadgen_id: '42', created_time: 1_700_000_000 } };
    const body = {
      object: 'page',
      entry: [
        null,
        7,
        { id: '1', time: 1_700_000_000 },
        { id: '1', changes: ['x', good, { value: 1 }, { field: 'leadgen', value: null }] },
        { id: '1', messaging: [[]] },
      ],
    };
    const outcomes = split(bodyOf(body), {}).map((record) => {
      try {
        return readOne(record).idempotencyKey;
      } catch (error) {
        return (error as RecordError).errorClass;
      }
    });
    expect(outcomes).toEqual([
      'SCHEMA_DRIFT',
      'SCHEMA_DRIFT',
      'SCHEMA_DRIFT',
      'SCHEMA_DRIFT',
      '42',
      'MISSING_FIELD',
      'MISSING_FIELD',
      'SCHEMA_DRIFT',
    ]);
  });
  it('refuses a body that is not a notification of Meta', () => {
    expect(thrown(() => split({ kind: 'empty' }, {})).errorClass).toBe('INVALID_PAYLOAD');
    expect(thrown(() => split(bodyOf('[]'), {})).errorClass).toBe('INVALID_PAYLOAD');
    expect(thrown(() => split({ kind: 'form', value: { object: 'page' } }, {})).errorClass).toBe('INVALID_PAYLOAD');
    expect(thrown(() => split(bodyOf('{"entry":[]}'), {})).path).toBe('object');
    expect(thrown(() => split(bodyOf('{"object":"page","entry":{}}'), {})).path).toBe('entry');
  });
  it('does not treat the page as a person: its posts have no author, and its id stays', () => {
    const [record] = split(
      bodyOf(
        page('feed', {
          item: 'status',
          verb: 'add',
          post_id: '900100_1',
          created_time: 1_700_000_000,
          from: { id: '900100', name: 'Padaria Teste' },
        }),
      ),
      {},
    );
    expect(record?.value.id).toBe('900100');
    expect(JSON.stringify(record)).not.toContain('Padaria');
  });
});

describe('read', () => {
  it('reads seconds of changes, seconds as text of WhatsApp, and milliseconds of Messenger', () => {
    const created = 1_700_000_000;
    expect(readAll(page('leadgen', { leadgen_id: '1', created_time: created }))[0]?.eventTimeMs).toBe(created * 1000);
    expect(readAll(whatsApp({ messages: [{ id: 'wamid.A', from: '5511955550101', timestamp: String(created) }] }))[0]?.eventTimeMs).toBe(
      created * 1000,
    );
    expect(readAll(messenger({ message: { mid: 'm_1' } }))[0]?.eventTimeMs).toBe(1_700_000_001_234);
  });
  it('uses the notification’s time only where the record has none, in seconds or milliseconds', () => {
    expect(readAll(page('leadgen', { leadgen_id: '1' }))[0]?.eventTimeMs).toBe(1_700_000_009_000);
    expect(readAll({ object: 'user', entry: [{ id: '5', time: 1_700_000_009, changed_fields: ['photos'] }] })[0]?.eventTimeMs).toBe(
      1_700_000_009_000,
    );
    expect(readAll(messenger({ timestamp: null, message: { mid: 'm_1' } }))[0]?.eventTimeMs).toBe(1_700_000_009_000);
  });
  it('makes the same record and fingerprint when Meta sends it again with a later notification time', () => {
    for (const build of [
      (time: number) => page('leadgen', { leadgen_id: '1', created_time: 1_700_000_000 }, { id: '900100', time }),
      (time: number) =>
        page('feed', { item: 'reaction', verb: 'add', post_id: '900100_1', created_time: 1_700_000_000 }, { id: '900100', time }),
      (time: number) => messenger({ read: { watermark: 1_700_000_000_000 } }, time * 1000),
    ]) {
      expect(split(bodyOf(build(1_700_003_600)), {})[0]?.value).toEqual(split(bodyOf(build(1_700_000_009)), {})[0]?.value);
    }
  });
  it('distinguishes two changes without id and time by the notification’s time', () => {
    const at = (time: number) =>
      split(
        bodyOf({ object: 'user', entry: [{ id: '5', time, changes: [{ field: 'photos', value: { verb: 'update', object_id: '9' } }] }] }),
        {},
      )[0]?.value;
    expect(at(1_700_000_000)).not.toEqual(at(1_700_000_001));
  });
  it('gives sent, delivered, read and failed of one WhatsApp message four keys', () => {
    const statuses = ['sent', 'delivered', 'read', 'failed'].map((status) => ({
      id: 'wamid.A',
      status,
      timestamp: '1700000000',
      recipient_id: '5511955550101',
    }));
    const readings = readAll(whatsApp({ statuses }));
    expect(readings.map((reading) => reading.type)).toEqual(['message.sent', 'message.delivered', 'message.read', 'message.failed']);
    expect(readings.map((reading) => reading.idempotencyKey)).toEqual([
      'wamid.A:sent',
      'wamid.A:delivered',
      'wamid.A:read',
      'wamid.A:failed',
    ]);
  });
  it('uses id, verb and created_time as the key of a post or comment, so that an edit is another event', () => {
    const feed = (value: JsonObject) => readAll(page('feed', { post_id: '900100_1', created_time: 1_700_000_000, ...value }))[0];
    expect(feed({ item: 'status', verb: 'add' })).toMatchObject({
      type: 'page.post_created',
      idempotencyKey: '900100_1:add:1700000000',
      sourceEventType: 'page.feed.status.add',
    });
    expect(feed({ item: 'comment', verb: 'add', comment_id: '1_2' })).toMatchObject({
      type: 'page.comment_created',
      idempotencyKey: '1_2:add:1700000000',
    });
    expect(feed({ item: 'comment', verb: 'edited', comment_id: '1_2' })).toMatchObject({
      type: 'page.comment_updated',
      idempotencyKey: '1_2:edited:1700000000',
    });
    expect(feed({ item: 'comment', verb: 'remove', comment_id: '1_2' })).toMatchObject({ type: 'page.comment_deleted' });
  });
  it('does not merge reactions of two people within one second: the key is the fingerprint and contains no person’s id', () => {
    const reaction = (id: string) =>
      page('feed', {
        item: 'reaction',
        verb: 'add',
        reaction_type: 'love',
        post_id: '900100_1',
        created_time: 1_700_000_000,
        from: { id, name: 'X' },
      });
    const [a] = split(bodyOf(reaction('1')), {});
    const [b] = split(bodyOf(reaction('2')), {});
    expect(a && readOne(a)).toMatchObject({ type: 'page.reaction_added', idempotencyKey: undefined, subject: { external_id: '1' } });
    expect(a?.value).not.toEqual(b?.value);
  });
  it('marks the panel’s test ids as tests and never merges two presses of the button', () => {
    const press = (time: number) =>
      page(
        'leadgen',
        { leadgen_id: '444444444444', form_id: '444444444444', page_id: '444444444444', created_time: time },
        { id: '0', time },
      );
    const [first] = split(bodyOf(press(1_700_000_000)), {});
    const [second] = split(bodyOf(press(1_700_000_060)), {});
    expect(first && readOne(first)).toMatchObject({ isTest: true, idempotencyKey: undefined, type: 'lead.created' });
    expect(first?.value).not.toEqual(second?.value);
    expect(readAll(page('leadgen', { leadgen_id: '1', created_time: 1_700_000_000 }))[0]?.isTest).toBe(false);
  });
  it('makes the same key of an id as text or as a number, beyond 2^53 too', () => {
    const leads = (id: string) =>
      readAll(
        `{"object":"page","entry":[{"id":"1","time":1700000000,"changes":[{"field":"leadgen","value":{"leadgen_id":${id},"created_time":1700000000}}]}]}`,
      )[0];
    expect(leads('9007199254740993123')?.idempotencyKey).toBe('9007199254740993123');
    expect(leads('"9007199254740993123"')).toEqual(leads('9007199254740993123'));
  });
  it('reads Messenger: the message by its mid, an echo as sent, and the customer as the person in both', () => {
    expect(readAll(messenger({ message: { mid: 'm_1', text: 'oi' } }))[0]).toMatchObject({
      type: 'message.received',
      idempotencyKey: 'm_1',
      sourceEventType: 'page.messages',
      subject: { external_id: '55501' },
    });
    const echo = messenger({ sender: { id: '900100' }, recipient: { id: '55501' }, message: { mid: 'm_2', is_echo: true } });
    expect(readAll(echo)[0]).toMatchObject({ type: 'message.sent', idempotencyKey: 'm_2', subject: { external_id: '55501' } });
  });
  it('does not confuse a deletion, reaction, edit or read with its message', () => {
    expect(readAll(messenger({ message: { mid: 'm_1', is_deleted: true } }))[0]).toMatchObject({
      type: 'message.deleted',
      idempotencyKey: 'm_1:deleted',
    });
    expect(readAll(messenger({ reaction: { mid: 'm_1', action: 'react' } }))[0]).toMatchObject({
      type: 'message.reaction',
      idempotencyKey: undefined,
    });
    expect(readAll(messenger({ message_edit: { mid: 'm_1', text: 'x' } }))[0]).toMatchObject({
      type: 'message.edited',
      idempotencyKey: undefined,
    });
    expect(readAll(messenger({ read: { mid: 'm_1' } }))[0]).toMatchObject({ type: 'message.read', idempotencyKey: undefined });
    expect(readAll(messenger({ delivery: { mids: ['m_1'], watermark: 1 } }))[0]).toMatchObject({
      type: 'message.delivered',
      idempotencyKey: undefined,
    });
  });
  it('reads standby, and Instagram messages that come as a change', () => {
    const standby = {
      object: 'page',
      entry: [
        {
          id: '900100',
          time: 1_700_000_009_000,
          standby: [{ sender: { id: '55501' }, timestamp: 1_700_000_001_000, message: { mid: 'm_3' } }],
        },
      ],
    };
    expect(readAll(standby)[0]).toMatchObject({
      type: 'message.received',
      sourceEventType: 'page.standby.messages',
      idempotencyKey: 'm_3',
    });
    const change = {
      object: 'instagram',
      entry: [
        {
          id: '77',
          time: 1_700_000_009,
          changes: [
            {
              field: 'messages',
              value: { sender: { id: '12' }, recipient: { id: '77' }, timestamp: '1700000001', message: { mid: 'm_4', text: 'x' } },
            },
          ],
        },
      ],
    };
    expect(readAll(change)[0]).toMatchObject({
      type: 'message.received',
      idempotencyKey: 'm_4',
      eventTimeMs: 1_700_000_001_000,
      subject: { external_id: '12' },
    });
  });
  it('recognises a reaction on WhatsApp, and keeps the ad that led to a conversation', () => {
    const message = {
      id: 'wamid.R',
      from: '5511955550101',
      timestamp: '1700000000',
      type: 'reaction',
      reaction: { message_id: 'wamid.A', emoji: '👍' },
    };
    expect(readAll(whatsApp({ messages: [message] }))[0]).toMatchObject({ type: 'message.reaction', idempotencyKey: 'wamid.R' });
    const referred = { ...message, type: 'text', referral: { source_type: 'ad', source_id: '120', ctwa_clid: 'clid-1' } };
    expect(readAll(whatsApp({ messages: [referred] }))[0]?.attribution).toEqual({
      source_type: 'ad',
      source_id: '120',
      ctwa_clid: 'clid-1',
    });
  });
  it('names the types of unknown objects, fields, items and statuses meta.<…>', () => {
    expect(
      readAll({
        object: 'ad_account',
        entry: [{ id: '1', time: 1_700_000_000, changes: [{ field: 'in_process_ad_objects', value: { id: '4' } }] }],
      })[0]?.type,
    ).toBe('meta.ad_account_in_process_ad_objects');
    expect(readAll(page('feed', { item: 'event', verb: 'add', post_id: '1', created_time: 1_700_000_000 }))[0]?.type).toBe(
      'meta.page_feed_event_add',
    );
    expect(readAll(whatsApp({ statuses: [{ id: 'w', status: 'played', timestamp: '1700000000' }] }))[0]?.type).toBe(
      'meta.whatsapp_business_account_status_played',
    );
    expect(readAll(messenger({ something_new: {} }))[0]?.type).toBe('meta.page_messaging_something_new');
    expect(readAll(messenger({ '5511955550101': {} }))[0]?.type).toBe('meta.page_messaging');
  });
  it('reads notices without values, which Meta sends when "Include values" is off', () => {
    expect(
      readAll({ object: 'page', entry: [{ id: '1', time: 1_700_000_000, changed_fields: ['leadgen', 'feed'] }] }).map((reading) => [
        reading.type,
        reading.eventTimeMs,
      ]),
    ).toEqual([
      ['meta.page_leadgen', 1_700_000_000_000],
      ['meta.page_feed', 1_700_000_000_000],
    ]);
  });
  it('leaves out of an event’s name, type and key what is no word or id of the platform', () => {
    for (const text of ['Ana Sobral', '5511955550101', '203.0.113.7', 'ana@example.com', 'a'.repeat(61), `${'a'.repeat(249)}😀`]) {
      // Digits alone have the form of an id.
      const id = /^\d+$/.test(text) ? 'Ana Sobral' : text;
      expect(readAll(page(text, {}))[0]).toMatchObject({ type: 'meta.page', sourceEventType: 'page' });
      expect(readAll(page('feed', { item: 'comment', verb: text, comment_id: id, created_time: 1_700_000_000 }))[0]).toMatchObject({
        type: 'meta.page_feed_comment',
        sourceEventType: 'page.feed.comment',
        sourceEventId: undefined,
        idempotencyKey: undefined,
      });
      const status = { id, status: text, timestamp: '1700000000' };
      expect(readAll(whatsApp({ statuses: [status] }))[0]).toMatchObject({
        type: 'meta.whatsapp_business_account_status',
        sourceEventType: 'whatsapp_business_account.messages.status',
        idempotencyKey: undefined,
      });
    }
  });
  it('reports a missing field that a known event always has', () => {
    expect(thrown(() => readAll(page('leadgen', { form_id: '1' })))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'value.leadgen_id',
    });
    expect(thrown(() => readAll(whatsApp({ messages: [{ from: '1' }] })))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'value.messages.0.id',
    });
    expect(thrown(() => readAll(whatsApp({ statuses: [{ id: 'w' }] })))).toMatchObject({
      errorClass: 'MISSING_FIELD',
      path: 'value.statuses.0.status',
    });
    expect(thrown(() => readAll(page('leadgen', { leadgen_id: '1', created_time: 'soon' })))).toMatchObject({
      errorClass: 'SCHEMA_DRIFT',
      path: 'value.created_time',
    });
  });
  it('finds no person in a lead notification, which has ids only', () => {
    const [reading] = readAll(page('leadgen', { leadgen_id: '1', ad_id: '2', form_id: '3', created_time: 1_700_000_000 }));
    expect(reading?.subject).toBeUndefined();
    expect(reading?.attribution).toEqual({ ad_id: '2', form_id: '3' });
  });
});

describe('our samples', () => {
  it.each(meta.samples.map((sample) => [sample.name, sample] as const))(
    '%s is verified, read as a canonical event, and new at each send',
    (_, sample) => {
      const text = sample.body({ id: 'first', nowMs: now });
      const [reading] = readAll(text);
      expect(isCanonicalType(reading?.type ?? '')).toBe(true);
      expect(Math.abs((reading?.eventTimeMs ?? 0) - now)).toBeLessThan(1000);
      expect(reading?.isTest).toBe(false);
      expect(readAll(sample.body({ id: 'second', nowMs: now }))[0]?.idempotencyKey).not.toBe(reading?.idempotencyKey);
    },
  );
});

const deliveredBodies: Json[] = [];

describeDeliveries({ folder: 'meta/fixtures', captured: 'meta' }, { synthetic, captured }, ({ files, bodyOf, expectedOf }) => {
  for (const file of files) if (bodyOf(file).length > 0) deliveredBodies.push(JSON.parse(bodyOf(file).toString()) as Json);

  it.each(files)('%s is verified and read with the right type, key, time and person', async (file) => {
    const text = bodyOf(file).toString();
    const sent = delivery(text, { 'x-hub-signature-256': await octokit.sign('app-secret-of-tests', text) });
    expect(verify(sent)).toEqual({ ok: true });
    const readings = split(decodeBody(sent), {}).map(readOne);
    expect(readings).toHaveLength(expectedOf(file).length);
    for (const [index, expected] of expectedOf(file).entries()) expectReading(readings[index] as Reading, expected);
  });
  it('name no person in a lead, for which Meta sends ids only', () => {
    expect(readAll(bodyOf('leadgen_test_tool.json').toString())[0]?.subject).toBeUndefined();
  });
});

describe('signed vectors', () => {
  const accepted = (secret: string, body: string, signature: string) =>
    expect(verify(delivery(body, { 'x-hub-signature-256': signature }), [{ name: 'app_secret', value: secret }])).toEqual({ ok: true });
  const capturedVector = capturedVectors().find((one) => one.platform.startsWith('github / meta'));

  it('of the official package are accepted', async () => {
    accepted('a secret of our own', 'Olá, mundo!', await octokit.sign('a secret of our own', 'Olá, mundo!'));
  });
  it.skipIf(capturedVector === undefined)('of the documentation are accepted', capturedOnly, () => {
    if (capturedVector) accepted(capturedVector.secret, capturedVector.body, capturedVector.headers['X-Hub-Signature-256'] ?? '');
  });
});

describe('any input', () => {
  const bodies: Json[] = [...meta.samples.map((sample) => JSON.parse(sample.body({ id: 'seed', nowMs: now })) as Json), ...deliveredBodies];
  it('split and read throw nothing but RecordError on mutated samples, and every type they give is well-formed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(fc.tuple(fc.nat(), fc.jsonValue({ maxDepth: 2 })), { minLength: 1, maxLength: 3 }),
        (body, edits) => {
          const mutated = edits.reduce<Json>((value, [place, replacement]) => mutate(value, place, replacement as Json), body);
          let records: RawRecord[] = [];
          try {
            records = split({ kind: 'json', value: mutated }, {});
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
          }
          for (const record of records) {
            try {
              const { type, sourceEventType, idempotencyKey } = readOne(record);
              expect(isCanonicalType(type) || sourceTypePattern.test(type), type).toBe(true);
              expect(sourceEventType.length).toBeGreaterThan(0);
              expect(sourceEventType.length).toBeLessThanOrEqual(255);
              expect(idempotencyKey?.length ?? 1).toBeLessThanOrEqual(255);
            } catch (error) {
              if (!(error instanceof RecordError)) throw error;
            }
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

/** The value with the node at a pre-order position replaced. */
function mutate(value: Json, place: number, replacement: Json): Json {
  let left = place % size(value);
  const walk = (node: Json): Json => {
    if (left-- === 0) return replacement;
    if (Array.isArray(node)) return node.map(walk);
    if (typeof node === 'object' && node !== null)
      return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]));
    return node;
  };
  return walk(structuredClone(value));
}

function size(value: Json): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, child) => sum + size(child), 1);
  return typeof value === 'object' && value !== null ? Object.values(value).reduce<number>((sum, child) => sum + size(child), 1) : 1;
}
