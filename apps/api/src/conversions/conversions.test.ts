import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import type { TestOrg } from '../test/make.ts';
import { conversionTasks } from './jobs.ts';

const appSecret = 'app-secret-of-meta-tests';
const number = '5511987654321';
/** The id of a message as WhatsApp makes it: base64 of a frame around the number of the customer. */
const wamid = (n: number) => `wamid.${Buffer.from(`\x1d\x18\x0d${number}\x15\x02\x00${String(n).padStart(8, '0')}`).toString('base64')}`;

let api: TestApi;
let org: TestOrg;
let hook: { id: string; url: string };

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());
beforeEach(async () => {
  org = await api.makeOrg();
  hook = await api.connect(org, 'meta', { app_secret: appSecret });
});

const seconds = Math.floor(Date.now() / 1000) - 60;
const change = (value: object) => ({
  object: 'whatsapp_business_account',
  entry: [
    {
      id: '102290129340398',
      changes: [
        {
          field: 'messages',
          value: {
            messaging_product: 'whatsapp',
            metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
            ...value,
          },
        },
      ],
    },
  ],
});
const message = (n: number) =>
  change({
    contacts: [{ profile: { name: 'Ana' }, wa_id: number }],
    messages: [
      {
        from: number,
        id: wamid(n),
        timestamp: String(seconds),
        type: 'text',
        text: { body: 'oi' },
        context: { from: number, id: wamid(n + 1_000) },
      },
    ],
  });
const receipt = (n: number) =>
  change({ statuses: [{ id: wamid(n), status: 'delivered', timestamp: String(seconds), recipient_id: number }] });
async function send(body: object) {
  const raw = JSON.stringify(body);
  const signature = `sha256=${createHmac('sha256', appSecret).update(raw).digest('hex')}`;
  const answer = await api.sendUntilTaken(hook.url, raw, { 'x-hub-signature-256': signature });
  expect(answer.status).toBe(200);
  return answer.body.records?.[0];
}
const events = () =>
  api.admin(
    'select id, idempotency_key, source_event_id, properties::text as properties from public.canonical_events where org_id = $1 order by id',
    [org.id],
  );
const keys = () => api.admin('select idempotency_key, event_id from private.event_keys where source_connection_id = $1', [hook.id]);

/** Makes of the stored rows what the former version stored, and opens the conversion of the org. */
async function asBefore(count: number): Promise<void> {
  const { digestKey } = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
  for (let n = 0; n < count; n++) {
    for (const id of [wamid(n), wamid(n + 1_000)]) {
      const digest = `wamid.${createHmac('sha256', digestKey).update(`id|${id}`).digest('hex').slice(0, 32)}`;
      await api.admin(`update private.event_keys set idempotency_key = replace(idempotency_key, $2, $3) where source_connection_id = $1`, [
        hook.id,
        digest,
        id,
      ]);
      await api.admin(
        `update public.canonical_events set idempotency_key = replace(idempotency_key, $2, $3), source_event_id = replace(source_event_id, $2, $3),
           properties = replace(properties::text, $2, $3)::jsonb where org_id = $1`,
        [org.id, digest, id],
      );
    }
  }
  await api.admin(
    `insert into public.dlq_events (id, org_id, project_id, source_connection_id, journal_id, error_class, last_error_message, idempotency_key, sample)
     select gen_random_uuid(), $1, $2, $3, gen_random_uuid(), 'SCHEMA_DRIFT', 'about ' || $4, $4, jsonb_build_object('id', $4::text, 'big', 12345678901234567890)`,
    [org.id, org.projectId, hook.id, wamid(0)],
  );
  await api.admin('insert into private.id_conversions (org_id, lease_until) values ($1, null)', [org.id]);
  await api.admin(`select pg_notify('connection_changed', 'org:' || $1)`, [org.id]);
  await expect.poll(async () => (await api.connections.get(hook.id))?.keys.hasFormerIds).toBe(true);
}
const convert = (signal = new AbortController().signal, limits = { sliceMs: 20_000, leaseSeconds: 1, rowsMax: 7 }) =>
  conversionTasks({ db: api.db, masterKeys: api.masterKeys, log: api.log }, limits)['ids.convert']?.run({}, { signal, log: api.log });
const statusOf = async () => (await api.admin('select status from private.id_conversions where org_id = $1', [org.id]))[0]?.status;
const plain = async () =>
  (
    await api.admin<{ text: string }>(
      `select e::text as text from public.canonical_events e where org_id = $1 union all select d::text from public.dlq_events d where org_id = $1
       union all select k.idempotency_key from private.event_keys k where k.source_connection_id = $2`,
      [org.id, hook.id],
    )
  ).filter(({ text }) => /wamid\.(?![0-9a-f]{32}(?![\w+/=]))/.test(text));

describe('the conversion of stored ids', () => {
  it('gives every stored id the digest that a new event has, so that joins work, and leaves everything else as it is', async () => {
    for (let n = 0; n < 20; n++) {
      await send(message(n));
      await send(receipt(n));
    }
    const before = await events();
    expect(await plain()).toEqual([]);
    await asBefore(20);
    expect(await plain()).not.toEqual([]);
    await convert();
    expect(await statusOf()).toBe('done');
    expect(await plain()).toEqual([]);
    expect(await events()).toEqual(before);
    const [letter] = await api.admin('select sample::text as sample, last_error_message from public.dlq_events where org_id = $1', [
      org.id,
    ]);
    expect(letter?.sample).toContain('12345678901234567890');
    expect(letter?.last_error_message).toMatch(/^about wamid\.[0-9a-f]{32}$/);
  });

  it('finds a stored record that is sent again before, during and after, when a process dies half way', async () => {
    const count = 30;
    for (let n = 0; n < count; n++) {
      await send(message(n));
      await send(receipt(n));
    }
    const before = await events();
    await asBefore(count);
    expect(await send(message(0))).toMatchObject({ status: 'duplicate' });
    let stopped = false;
    const traffic = (async () => {
      for (let round = 0; !stopped; round++) {
        const n = round % count;
        expect(await send(round % 2 === 0 ? message(n) : receipt(n))).toMatchObject({ status: 'duplicate' });
      }
    })();
    const dying = new AbortController();
    const running = convert(dying.signal, { sliceMs: 20_000, leaseSeconds: 1, rowsMax: 1 });
    await expect
      .poll(async () => (await keys()).filter(({ idempotency_key }) => /^wamid\.[0-9a-f]{32}/.test(String(idempotency_key))).length)
      .toBeGreaterThan(10);
    dying.abort();
    await running;
    expect(await statusOf()).toBe('running');
    // Two instances go on at once.
    await Promise.all([convert(), convert()]);
    await expect
      .poll(
        async () => {
          await convert();
          return statusOf();
        },
        { timeout: 10_000, interval: 300 },
      )
      .toBe('done');
    stopped = true;
    await traffic;
    for (let n = 0; n < count; n++) expect(await send(message(n))).toMatchObject({ status: 'duplicate' });
    expect(await events()).toEqual(before);
    expect(await keys()).toHaveLength(before.length);
    expect(await plain()).toEqual([]);
  });

  it('waits for a legal hold, and the records stay duplicates meanwhile', async () => {
    await send(message(0));
    await asBefore(1);
    await api.admin(`insert into public.legal_holds (id, org_id, reason, created_by) values (gen_random_uuid(), $1, 'a case', $2)`, [
      org.id,
      org.owner.id,
    ]);
    await convert();
    expect(await api.admin('select status, waits_for from private.id_conversions where org_id = $1', [org.id])).toMatchObject([
      { status: 'running', waits_for: expect.stringContaining('legal hold') },
    ]);
    expect(await send(message(0))).toMatchObject({ status: 'duplicate' });
    expect(await events()).toHaveLength(1);
  });

  it('keeps both events apart when a former version stored a record again while it ended', async () => {
    await send(message(0));
    const [stored] = await events();
    await asBefore(1);
    const { digestKey } = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
    const digest = `wamid.${createHmac('sha256', digestKey)
      .update(`id|${wamid(0)}`)
      .digest('hex')
      .slice(0, 32)}`;
    await api.admin(
      `insert into private.event_keys select source_connection_id, $2, gen_random_uuid(), event_time, body_sha256, created_at from private.event_keys where event_id = $1`,
      [stored?.id, digest],
    );
    await convert();
    expect(await statusOf()).toBe('done');
    expect((await keys()).map(({ idempotency_key }) => String(idempotency_key)).sort()).toEqual([
      expect.stringMatching(/^hmac:[0-9a-f]{64}$/),
      digest,
    ]);
    expect(await plain()).toEqual([]);
  });

  it('ends at once for an org without such a source', async () => {
    const other = await api.makeOrg();
    await api.admin('insert into private.id_conversions (org_id, lease_until) values ($1, null)', [other.id]);
    await convert();
    expect(await api.admin('select status, rows_seen::int as seen from private.id_conversions where org_id = $1', [other.id])).toEqual([
      { status: 'done', seen: 0 },
    ]);
  });
});
