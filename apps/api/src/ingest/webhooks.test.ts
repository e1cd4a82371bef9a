import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { orgDigest } from '@tributary/pipeline/crypto/org-digest.ts';
import { journalAad, open } from '@tributary/pipeline/crypto/seal.ts';
import { unpackDelivery } from '@tributary/pipeline/journal.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';

const hottok = 'hottok-for-tests-0123456789abcdef';
let api: TestApi;
let org: TestOrg;
let hotmart: { id: string; url: string };
let batch: { id: string; url: string };

beforeAll(async () => {
  api = await startTestApi();
  org = await api.makeOrg();
  hotmart = await api.connect(org, 'hotmart', { hottok });
  batch = await api.connect(
    org,
    'webhook',
    { secret: 'api-key-for-tests' },
    { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' } },
  );
});
afterAll(() => api.close());

function purchase(fields: { id?: string; event?: string; value?: number; createdMs?: number; name?: string } = {}): string {
  const { id = randomUUID(), event = 'PURCHASE_APPROVED', value = 197.5, createdMs = Date.now(), name = 'Ana Souza' } = fields;
  return JSON.stringify({
    id,
    creation_date: createdMs,
    event,
    version: '2.0.0',
    data: {
      product: { id: 4711, name: 'Curso' },
      buyer: { email: 'ana.souza@example.com', name, checkout_phone: '11987654321', document: '52998224725' },
      purchase: { transaction: 'HP1234567890', status: 'APPROVED', price: { value, currency_value: 'BRL' } },
    },
  });
}

const sendPurchase = (body: string, token = hottok) => api.send(hotmart.url, body, { 'x-hotmart-hottok': token });
const sendBatch = (body: string, headers: Record<string, string> = {}) =>
  api.send(batch.url, body, { 'x-api-key': 'api-key-for-tests', ...headers });
/** The digest of a body as the journal has it: under the digest key of the org, and not the SHA-256 that anybody can make. */
const digestOf = async (body: string) =>
  orgDigest(
    (await loadOrgKeys(api.db, api.masterKeys, org.id, api.log)).digestKey,
    'delivery',
    createHash('sha256').update(body).digest('hex'),
  );
const eventsOf = (id: string) =>
  api.admin<{ n: string }>('select count(*) as n from canonical_events where id = $1', [id]).then(([row]) => Number(row?.n));

describe('a genuine delivery', () => {
  test('is answered after its event, journal row, sealed body and activity are committed', async () => {
    const body = purchase();
    const answer = await sendPurchase(body);
    expect(answer).toMatchObject({ status: 200, body: { status: 'accepted', records: [{ status: 'accepted' }] } });
    const eventId = answer.body.records?.[0]?.eventId;
    const [event] = await api.admin('select * from canonical_events where id = $1', [eventId]);
    expect(event).toMatchObject({
      org_id: org.id,
      project_id: org.projectId,
      source_connection_id: hotmart.id,
      type: 'order.paid',
      source_type: 'hotmart',
      source_event_type: 'PURCHASE_APPROVED',
      amount_minor: '19750',
      currency: 'BRL',
      order_ref: 'HP1234567890',
      is_test: false,
    });
    const [journal] = await api.admin('select * from event_journal where id = $1', [event?.journal_id]);
    expect(journal).toMatchObject({ outcome: 'accepted', record_count: 1, byte_size: body.length, content_type: 'application/json' });
    expect(journal?.body_sha256).toBe(await digestOf(body));
    const [payload] = await api.admin<{ sealed: Buffer; key_version: number }>(
      'select sealed, key_version from private.journal_payloads where journal_id = $1',
      [event?.journal_id],
    );
    const keys = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
    const key = keys.data.get(payload?.key_version ?? 0);
    const opened = unpackDelivery(
      Buffer.from(open(key ?? Buffer.alloc(32), payload?.sealed ?? Buffer.alloc(0), journalAad(org.id, event?.journal_id))),
    );
    expect(opened.raw.toString()).toBe(body);
    expect(JSON.stringify(opened.head)).not.toContain(hottok);
    // The seal is bound to the org and the journal row: the sealed bytes do not open under another row's id.
    expect(() => open(key ?? Buffer.alloc(32), payload?.sealed ?? Buffer.alloc(0), journalAad(org.id, randomUUID()))).toThrow();
  });

  test('that is sent again is answered 200 with the id of the first event, is not stored twice, and is in the journal twice', async () => {
    const body = purchase();
    const first = await sendPurchase(body);
    const second = await sendPurchase(body);
    expect(second).toMatchObject({
      status: 200,
      body: { status: 'duplicate', records: [{ status: 'duplicate', eventId: first.body.records?.[0]?.eventId }] },
    });
    expect(await eventsOf(first.body.records?.[0]?.eventId ?? '')).toBe(1);
    const sha = await digestOf(body);
    const outcomes = await api.admin<{ outcome: string }>(
      'select outcome from event_journal where body_sha256 = $1 order by received_at, id',
      [sha],
    );
    expect(outcomes.map((row) => row.outcome)).toEqual(['accepted', 'duplicate']);
  });

  test('with another body under the same key goes to the dead letters, and the first event does not change', async () => {
    const id = randomUUID();
    const first = await sendPurchase(purchase({ id, value: 10 }));
    const second = await sendPurchase(purchase({ id, value: 99 }));
    expect(second).toMatchObject({
      status: 200,
      body: { status: 'dead_lettered', records: [{ status: 'dead_lettered', code: 'DUPLICATE_EVENT' }] },
    });
    const [dead] = await api.admin('select * from dlq_events where id = $1', [second.body.records?.[0]?.dlqId]);
    expect(dead).toMatchObject({
      error_class: 'DUPLICATE_EVENT',
      status: 'pending',
      is_quarantine: false,
      idempotency_key: id,
      record_index: 0,
    });
    expect(dead?.last_error_message).toContain(first.body.records?.[0]?.eventId);
    const [event] = await api.admin('select amount_minor from canonical_events where id = $1', [first.body.records?.[0]?.eventId]);
    expect(event?.amount_minor).toBe('1000');
  });

  test('that cannot be normalised is answered 200 and becomes a dead letter with its reason', async () => {
    const answer = await sendPurchase(purchase().replace('"transaction":"HP1234567890",', ''));
    expect(answer).toMatchObject({ status: 200, body: { status: 'dead_lettered', records: [{ code: 'MISSING_FIELD' }] } });
    const [dead] = await api.admin('select * from dlq_events where id = $1', [answer.body.records?.[0]?.dlqId]);
    expect(dead).toMatchObject({ error_class: 'MISSING_FIELD', source_event_type: null });
    expect(dead?.field_path).toContain('transaction');
  });

  test('becomes a dead letter of class VALIDATION_FAIL when it is more than five minutes ahead of the clock, but not when it is four', async () => {
    expect((await sendPurchase(purchase({ createdMs: Date.now() + 6 * 60_000 }))).body.records?.[0]).toMatchObject({
      code: 'VALIDATION_FAIL',
    });
    expect((await sendPurchase(purchase({ createdMs: Date.now() + 4 * 60_000 }))).body.status).toBe('accepted');
  });

  test('that is years old is stored in the default partition and read like any other event', async () => {
    const answer = await sendPurchase(purchase({ createdMs: Date.parse('2019-03-01T12:00:00Z') }));
    const [event] = await api.admin('select event_time, tableoid::regclass::text as part from canonical_events where id = $1', [
      answer.body.records?.[0]?.eventId,
    ]);
    expect(event).toEqual({ event_time: new Date('2019-03-01T12:00:00Z'), part: 'private.canonical_events_default' });
  });

  test('that is compressed with gzip is read, and the stored hash is that of the decompressed bytes', async () => {
    const body = purchase();
    const answer = await api.send(hotmart.url, new Uint8Array(gzipSync(body)), { 'x-hotmart-hottok': hottok, 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 200, body: { status: 'accepted' } });
    const [row] = await api.admin('select 1 as found from event_journal where body_sha256 = $1', [await digestOf(body)]);
    expect(row).toEqual({ found: 1 });
  });
});

describe('a delivery of several records', () => {
  test('gives each record its own outcome, in order', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await sendBatch(JSON.stringify([{ id: a, type: 'user.seen', n: 1 }]));
    const answer = await sendBatch(
      JSON.stringify([
        { id: a, type: 'user.seen', n: 1 },
        { id: b, type: 'user.seen', n: 2 },
        { id: a, type: 'user.seen', n: 3 },
        { id: b, type: 'user.seen', n: 2 },
      ]),
    );
    expect(answer.body.status).toBe('mixed');
    expect(answer.body.records?.map((record) => record.code ?? record.status)).toEqual([
      'duplicate',
      'accepted',
      'DUPLICATE_EVENT',
      'duplicate',
    ]);
    expect(answer.body.records?.[3]?.eventId).toBe(answer.body.records?.[1]?.eventId);
  });

  test('stores the 249 neighbours of a poison record, and the poison record as a dead letter with its reason', async () => {
    const records = Array.from({ length: 250 }, (_, i) => ({
      id: randomUUID(),
      type: 'thing.happened',
      product_name: i === 137 ? 'nul \u0000 inside' : `product ${i}`,
    }));
    const answer = await sendBatch(JSON.stringify(records));
    const codes = answer.body.records?.map((record) => record.code ?? record.status) ?? [];
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(249);
    expect(codes[137]).toBe('INVALID_PAYLOAD');
  });

  test('is accepted with a type that is too long for its column, and is cut before an emoji', async () => {
    const type = `${'a'.repeat(254)}😀`;
    const answer = await sendBatch(
      JSON.stringify([
        { id: randomUUID(), type },
        { id: randomUUID(), type: 'thing.happened' },
      ]),
    );
    expect(answer).toMatchObject({ status: 200, body: { status: 'accepted' } });
    const [event] = await api.admin('select source_event_type, journal_id from canonical_events where id = $1', [
      answer.body.records?.[0]?.eventId,
    ]);
    expect(event?.source_event_type).toBe('a'.repeat(254));
    const [journal] = await api.admin('select event_types from event_journal where id = $1', [event?.journal_id]);
    expect(journal?.event_types).toContain('a'.repeat(254));
  });

  test('of more than 10,000 records becomes one dead letter, and its body is kept', async () => {
    const body = JSON.stringify(Array.from({ length: 10_001 }, (_, i) => ({ id: `many-${i}` })));
    const answer = await sendBatch(body);
    expect(answer).toMatchObject({ status: 200, body: { status: 'dead_lettered', records: [{ code: 'INVALID_PAYLOAD' }] } });
    const [kept] = await api.admin(
      `select j.byte_size, j.record_count from event_journal j join private.journal_payloads p on p.journal_id = j.id where j.body_sha256 = $1`,
      [await digestOf(body)],
    );
    expect(kept).toEqual({ byte_size: body.length, record_count: 1 });
  });

  test('is accepted whole when it is NDJSON', async () => {
    const lines = [1, 2, 3].map((n) => JSON.stringify({ id: randomUUID(), type: 'line.read', n })).join('\n');
    expect((await sendBatch(lines, { 'content-type': 'application/x-ndjson' })).body).toMatchObject({
      status: 'accepted',
      records: [{}, {}, {}],
    });
  });
});

describe('a refused request', () => {
  test('with a wrong or missing credential is answered 401 and kept in quarantine without the credential', async () => {
    const body = purchase({ name: 'Zoraide Quarentena' });
    const wrong = await sendPurchase(body, 'not-the-hottok-at-all');
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid_hottok' } });
    expect((await api.send(hotmart.url, body)).status).toBe(401);
    const rows = await api.admin(
      `select d.error_class, d.is_quarantine, d.sample, j.outcome from dlq_events d join event_journal j on j.id = d.journal_id where j.body_sha256 = $1`,
      [await digestOf(body)],
    );
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatchObject({ error_class: 'INVALID_HOTTOK', is_quarantine: true, outcome: 'rejected' });
    expect(JSON.stringify(rows)).not.toMatch(/Zoraide|not-the-hottok|ana\.souza/);
  });

  test('with an unreadable body and the right credential is answered 400 and kept in quarantine', async () => {
    expect(await sendPurchase('{"id": ')).toMatchObject({ status: 400, body: { code: 'invalid_payload' } });
    expect(await api.send(hotmart.url, new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), { 'x-hotmart-hottok': hottok })).toMatchObject({
      status: 400,
    });
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    expect(await sendPurchase(deep)).toMatchObject({ status: 400, body: { code: 'invalid_payload' } });
    const [row] = await api.admin(`select count(*)::int as n from dlq_events where error_class = 'INVALID_PAYLOAD' and is_quarantine`);
    expect(row?.n).toBe(3);
  });

  test('for an unknown connection, a wrong type or a malformed id gets the same answer', async () => {
    const paths = [
      `/api/webhooks/hotmart/${randomUUID()}`,
      `/api/webhooks/stripe/${hotmart.id}`,
      '/api/webhooks/hotmart/not-a-uuid',
      `/api/webhooks/nothing/${hotmart.id}`,
    ];
    const answers = await Promise.all(paths.map((path) => api.send(path, purchase(), { 'x-hotmart-hottok': hottok })));
    for (const answer of answers) {
      const { requestId, ...rest } = answer.body;
      expect({ status: answer.status, rest }).toEqual({
        status: 404,
        rest: { type: 'about:blank', title: 'Not found', status: 404, code: 'not_found' },
      });
      expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('with a body over the limit is answered 413, with and without a length and as a gzip bomb', async () => {
    const huge = 'x'.repeat(api.config.limits.bodyBytesMax + 1);
    expect(await sendPurchase(huge)).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < 40; i++) controller.enqueue(new Uint8Array(65_536));
        controller.close();
      },
    });
    const chunked = await api.app.request(
      new Request(hotmart.url, { method: 'POST', body: stream, duplex: 'half', headers: { 'x-hotmart-hottok': hottok } } as RequestInit),
    );
    expect(chunked.status).toBe(413);
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(api.config.limits.inflatedBytesMax + 1)));
    expect(bomb.byteLength).toBeLessThan(api.config.limits.bodyBytesMax);
    expect(await api.send(hotmart.url, bomb, { 'content-encoding': 'gzip', 'x-hotmart-hottok': hottok })).toMatchObject({ status: 413 });
    expect(await api.send(hotmart.url, 'x', { 'content-encoding': 'compress', 'x-hotmart-hottok': hottok })).toMatchObject({ status: 415 });
    expect(await api.send(hotmart.url, 'not gzip', { 'content-encoding': 'gzip', 'x-hotmart-hottok': hottok })).toMatchObject({
      status: 400,
    });
  });
});

describe('a probe', () => {
  test('of a panel by GET or HEAD is answered 200 with a request id', async () => {
    for (const method of ['GET', 'HEAD']) {
      const response = await api.app.request(hotmart.url, { method });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('of Meta is answered with its challenge only for the right verify token', async () => {
    const meta = await api.connect(org, 'meta', { app_secret: 'app-secret-of-meta-tests', verify_token: 'verify-me-please-1234' });
    const ask = (token: string) => api.app.request(`${meta.url}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`);
    const right = await ask('verify-me-please-1234');
    expect([right.status, await right.text(), right.headers.get('content-type')]).toEqual([200, '1158201444', 'text/plain; charset=UTF-8']);
    expect((await ask('wrong')).status).toBe(403);
  });
});

test('no log line repeats a credential, an e-mail, a name or a document', async () => {
  await sendPurchase(purchase());
  await sendPurchase(purchase(), 'not-the-hottok-at-all');
  expect(api.logged()).not.toMatch(/hottok-for-tests|not-the-hottok|ana\.souza|Ana Souza|52998224725|api-key-for-tests/);
  expect(api.logged().includes('"msg":"batch"')).toBe(true);
});

test('a record waits for a retry as PII_HASH_ERROR, with its sealed body, while the org has no usable hash key', async () => {
  const other = await api.makeOrg();
  const connection = await api.connect(other, 'hotmart', { hottok });
  await api.admin(`update private.org_keys set retired_at = now() where org_id = $1 and kind = 'hash'`, [other.id]);
  await expect
    .poll(async () => (await api.send(connection.url, purchase(), { 'x-hotmart-hottok': hottok })).body.records?.[0]?.code)
    .toBe('PII_HASH_ERROR');
  const [dead] = await api.admin(
    'select d.next_retry_at, p.sealed from dlq_events d join private.journal_payloads p using (journal_id) where d.org_id = $1',
    [other.id],
  );
  expect(dead?.next_retry_at).toBeInstanceOf(Date);
  expect(dead?.sealed.length).toBeGreaterThan(300);
});
