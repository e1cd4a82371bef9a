import { hash, randomUUID } from 'node:crypto';
import { hashPerson, readPerson } from '@tributary/pipeline/privacy/person.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEntry } from '../deliveries/reopen.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg } from '../test/make.ts';
import { erasureTasks } from './jobs.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

const ana = { email: 'zulmira.teles@example.com', phone: '+55 11 98765-4321', document: '529.982.247-25', externalId: 'cus-9Fh2Kq81xz' };
const [phoneDigits, documentDigits] = ['5511987654321', '52998224725'];

/** The spellings of the person's identifiers that are planted. */
const spellings = [
  ana.email,
  'Zulmira.Teles@EXAMPLE.com',
  ana.phone,
  phoneDigits,
  '(11) 98765-4321',
  ana.document,
  documentDigits,
  ana.externalId,
];
const base64 = (text: string) => Buffer.from(text).toString('base64');
const encodings: ((text: string) => string)[] = [
  (text) => text,
  (text) => encodeURIComponent(text),
  (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(''),
  (text) => base64(`{"customer":"${text}"}`),
  (text) => [...text].map((c) => `&#${c.codePointAt(0)};`).join(''),
  (text) => JSON.stringify({ customer: text }),
];

/** What an erased database may not have anywhere. It is written without the code under test: plain texts, and the digests of them. */
function traces(hashes: readonly string[]): string[] {
  const plain = ['zulmira.teles', 'zulmira%2e', '987654321', '98765-4321', documentDigits, ana.document, ana.externalId];
  const texts = [ana.email, `+${phoneDigits}`, phoneDigits, phoneDigits.slice(2), documentDigits, ana.externalId];
  const digests = texts.flatMap((text) => [hash('sha256', text), hash('sha256', text, 'base64'), hash('md5', text)]);
  const hidden = texts.flatMap((text) => [
    ...encodings.slice(2).map((encode) => encode(text)),
    // Base64 in each of the three positions, without the characters that depend on what stands around the text.
    ...['', 'x', 'xx'].map((before) => base64(before + text).slice(before.length + 3, -4)),
    Buffer.from(text).toString('hex'),
  ]);
  return [...plain, ...digests, ...hidden, ...hashes].map((text) => text.toLowerCase()).filter((text) => text.length >= 9);
}

/** Every column of every table, and every sealed body opened. Bytes are compared as text, hexadecimal and base64. */
async function everything(org: TestOrg): Promise<{ place: string; text: string }[]> {
  const tables = await api.admin<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private', 'graphile_worker') and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const found: { place: string; text: string }[] = [];
  for (const { name } of tables) {
    const rows = await api.admin<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
    for (const { row } of rows) found.push({ place: name, text: row });
  }
  const keys = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
  const ids = await api.admin<{ id: string }>('select journal_id as id from private.journal_payloads where org_id = $1', [org.id]);
  const entries = await api.db.worker((sql) =>
    findJournalEntries(
      sql,
      ids.map(({ id }) => id),
    ),
  );
  for (const entry of entries.values()) {
    const { delivery } = openEntry(entry, keys);
    found.push({
      place: 'a sealed body',
      text: `${JSON.stringify([delivery.url, delivery.headers])}\n${Buffer.from(delivery.raw).toString('latin1')}`,
    });
  }
  return found;
}

async function remains(org: TestOrg, wanted: readonly string[]): Promise<string[]> {
  const rows = await everything(org);
  return rows.flatMap(({ place, text }) => {
    const lower = text.toLowerCase();
    return wanted
      .filter((one) => lower.includes(one))
      .map((one) => `${one} in ${place}: ${text.slice(Math.max(0, lower.indexOf(one) - 60), lower.indexOf(one) + 80)}`);
  });
}

const config = {
  verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' },
  fields: { email: 'who.email', phone: 'who.phone', document: 'who.document', externalId: 'who.id', id: 'id', orderRef: 'order' },
};

/** Every place of a delivery in which a text can stand. */
const places: Record<string, (text: string) => { query?: string; headers?: Record<string, string>; body: string }> = {
  header: (text) => ({ headers: { 'x-customer': text }, body: record({}) }),
  'part of a header': (text) => ({ headers: { 'user-agent': `App/1 (${text})` }, body: record({}) }),
  query: (text) => ({ query: `?c=${encodeURIComponent(text)}`, body: record({}) }),
  'name in the query': (text) => ({ query: `?${encodeURIComponent(text)}=1`, body: record({}) }),
  value: (text) => ({ body: record({ note: text }) }),
  key: (text) => ({ body: record({ by: { [text]: 1 } }) }),
  'nested list': (text) => ({ body: record({ list: [[{ deep: ['x', text] }]] }) }),
  sentence: (text) => ({ body: record({ remark: `gift for ${text}, call first` }) }),
  'key that a later one replaces': (text) => ({ body: record({}).replace('{', `{"note":${JSON.stringify(text)},"note":"x",`) }),
  'idempotency key': (text) => ({ body: record({ id: `order:${text}`.slice(0, 240) }) }),
  'order reference': (text) => ({ body: record({ order: text }) }),
  campaign: (text) => ({ body: record({ utm_content: text, utm_source: text }) }),
  'name of the event': (text) => ({ body: record({ type: text }) }),
  form: (text) => ({
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ type: 'order', id: randomUUID(), [text]: '1', remark: text }).toString(),
  }),
  'one of several records': (text) => ({
    headers: { 'content-type': 'application/x-ndjson' },
    body: [record({ who: { email: 'bob@example.net' }, plan: 'kept' }), record({ note: text }), record({})].join('\n'),
  }),
  'record that cannot be read': (text) => ({ body: JSON.stringify({ type: '', note: text, id: randomUUID() }) }),
  'body that is not JSON': (text) => ({ body: `{"type": "order", "note": ${JSON.stringify(text)}, ` }),
};
const record = (more: object) => JSON.stringify({ id: randomUUID(), type: 'order_paid', total: '12.50', ...more });

it('leaves nothing of the person: each identifier in each spelling, encoding and place of a delivery, in every state of it, and in texts of people', async () => {
  const org = await api.makeOrg();
  const { url } = await api.connect(org, 'webhook', { secret: 'a-good-key' }, config);
  const connectionId = url.split('/').at(-1);
  const send = (text: string, place: keyof typeof places, key = 'a-good-key') => {
    const { query = '', headers = {}, body } = places[place]?.(text) ?? { body: '' };
    return api.sendUntilTaken(`${url}${query}`, body, { 'x-api-key': key, ...headers });
  };
  // Events that are about the person, by each identifier.
  for (const who of [{ email: ana.email }, { phone: ana.phone }, { document: ana.document }, { id: ana.externalId }])
    await api.sendUntilTaken(url, record({ who, note: 'first' }), { 'x-api-key': 'a-good-key' });
  const kept = await api.sendUntilTaken(url, record({ who: { email: 'bob@example.net' }, plan: 'gold' }), { 'x-api-key': 'a-good-key' });

  let sent = 0;
  for (const place of Object.keys(places)) {
    for (const [n, spelling] of spellings.entries()) {
      // Every spelling in every place, and every encoding of it in one of the places.
      for (const encode of [encodings[0], encodings[(n + sent) % encodings.length]]) {
        const header = place.includes('header') ? /^[\x20-\x7e]*$/.test(encode?.(spelling) ?? '') : true;
        if (header) await send(encode?.(spelling) ?? '', place);
        sent += 1;
      }
      if (n % 3 === 0) await send(spelling, place, 'wrong');
    }
  }
  await api.quarantine.drain();
  // Two bodies under one key: the second is a dead letter with the body of the person.
  const conflict = randomUUID();
  for (const note of ['plain', ana.email]) await api.sendUntilTaken(url, record({ id: conflict, note }), { 'x-api-key': 'a-good-key' });
  // Each sample of each platform, with the person in place of the people in it.
  for (const [type, source] of sources) {
    if (type === 'webhook') continue;
    const secrets = source.secrets.map(({ name }) => ({ name, value: 'a-secret-of-this-test' }));
    const platform = await api.connect(org, type, Object.fromEntries(secrets.map(({ name, value }) => [name, value])));
    for (const sample of source.samples) {
      const text = sample
        .body({ id: randomUUID(), nowMs: Date.now() })
        .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, ana.email)
        .replace(/\b55\d{10,11}\b/g, phoneDigits);
      const signed = source.sign(text, secrets, {}, Date.now());
      await api.sendUntilTaken(platform.url, signed.body ?? text, { 'content-type': sample.contentType, ...signed.headers });
    }
  }
  // Deliveries, and dead letters with them, whose bodies retention has removed.
  await api.admin(
    `delete from private.journal_payloads where org_id = $1 and journal_id in (select id from event_journal where org_id = $1 and right(id::text, 1) < '5')
     and journal_id not in (select journal_id from canonical_events where id = $2)`,
    [org.id, kept.body.records?.[0]?.eventId],
  );
  // Rows of an earlier version, which removed less, and texts that people typed.
  await api.admin(
    `update canonical_events set properties = jsonb_build_object('memo', $2::text, 'list', jsonb_build_array($3::text)), order_ref = $3, source_event_id = $2
     where org_id = $1 and subject = '{}' and right(id::text, 1) < '3'`,
    [org.id, `see ${ana.email}`, phoneDigits],
  );
  await api.admin(
    `update dlq_events set sample = jsonb_build_object($2::text, 1), last_error_message = $2 where org_id = $1 and right(id::text, 1) < '4'`,
    [org.id, `bad value ${ana.email}`],
  );
  await api.admin(
    `insert into dlq_operations (org_id, kind, filter, total, status, error) values ($1, 'redrive', jsonb_build_object('q', $2::text), 1, 'done', $2);`,
    [org.id, ana.email],
  );
  await api.admin(
    `insert into approvals (org_id, kind, params, status, requested_by, decided_at) values ($1, 'purge', jsonb_build_object('q', $2::text), 'ended', $3, now())`,
    [org.id, ana.email, org.owner.id],
  );
  await api.admin(`insert into legal_holds (org_id, reason, released_at) values ($1, $2, now())`, [org.id, `case of ${ana.email}`]);
  await api.admin(
    `insert into replay_plans (org_id, name, mode, filter, throttle_per_second, status, matched_count, needs_second_approval, reference, created_by)
     values ($1, $2, 'replay', '{}', 1, 'canceled', 0, false, $3, $4)`,
    [org.id, `for ${ana.email}`, phoneDigits, org.owner.id],
  );

  const keys = await loadOrgKeys(api.db, api.masterKeys, org.id, api.log);
  const { person } = readPerson({ email: ana.email, phone: ana.phone, document: ana.document, external_id: ana.externalId }, ['BR']);
  const wanted = traces([...keys.hash.values()].flatMap((key) => hashPerson(person, key).map((one) => one.hash)));
  const before = await remains(org, wanted);
  expect(before.length).toBeGreaterThan(300);
  for (const place of [
    'public.canonical_events',
    'public.dlq_events',
    'public.legal_holds',
    'public.replay_plans',
    'public.dlq_operations',
    'a sealed body',
  ])
    expect(
      before.some((one) => one.includes(` in ${place}: `)),
      place,
    ).toBe(true);

  const ask = (body: object) => call(api.app as never, org.owner, 'POST', '/api/erasures', { orgId: org.id, ...ana, ...body });
  expect(await ask({ reference: `for ${ana.email}` })).toMatchObject({ status: 400, body: { errors: [{ path: 'reference' }] } });
  expect((await ask({ dryRun: true })).body).toMatchObject({ events: expect.any(Number), erasedBefore: [] });
  const erasure = await ask({ reference: 'DSR-7' });
  expect(erasure.status).toBe(202);
  const tasks = erasureTasks(
    { db: api.db, masterKeys: api.masterKeys, threads: api.threads, log: api.log },
    { sliceMs: 20_000, leaseSeconds: 30, commitSecondsMax: 0 },
  );
  const state = async () => (await call(api.app as never, org.owner, 'GET', `/api/erasures/${erasure.body.id}`)).body;
  for (let runs = 0; runs < 20 && (await state()).status !== 'completed'; runs++) {
    await tasks['erasures.run']?.run({}, { signal: new AbortController().signal, log: api.log });
    await api.admin('update erasures set lease_until = null where lease_owner is null');
  }
  expect(await state()).toMatchObject({ status: 'completed', unreadable: 0 });
  expect(await remains(org, wanted)).toEqual([]);
  expect((await ask({ dryRun: true })).body).toMatchObject({
    events: 0,
    erasedBefore: [{ id: erasure.body.id, completedAt: expect.any(String) }],
  });
  expect(await remains(org, wanted)).toEqual([]);
  expect(api.logged().toLowerCase()).not.toContain('zulmira');

  // The event about somebody else is as it was, and its body can still be replayed.
  const [bob] = await api.admin('select subject, properties, erased_at, journal_id from canonical_events where id = $1', [
    kept.body.records?.[0]?.eventId,
  ]);
  expect(bob).toMatchObject({ subject: { email: expect.any(String) }, properties: { plan: 'gold' }, erased_at: null });
  expect(await api.admin('select 1 as kept from private.journal_payloads where journal_id = $1', [bob?.journal_id])).toEqual([{ kept: 1 }]);
  expect(connectionId).toBeDefined();
}, 120_000);

it('keeps that a record was stored: one that is sent again after its key was erased is a duplicate, and makes no event', async () => {
  const org = await api.makeOrg();
  const { url } = await api.connect(org, 'webhook', { secret: 'a-good-key' }, config);
  // A digest of 32 digits may be any id when it arrives. The erasure compares it with the digests of the person.
  const id = `order-${hash('md5', ana.email)}`;
  const body = record({ id, note: 'x' });
  const send = () => api.sendUntilTaken(url, body, { 'x-api-key': 'a-good-key' });
  const first = await send();
  const keyOf = () => api.admin<{ key: string }>('select idempotency_key as key from canonical_events where org_id = $1', [org.id]);
  expect(await keyOf()).toEqual([{ key: id }]);
  const erasure = await call(api.app as never, org.owner, 'POST', '/api/erasures', { orgId: org.id, email: ana.email });
  const tasks = erasureTasks(
    { db: api.db, masterKeys: api.masterKeys, threads: api.threads, log: api.log },
    { sliceMs: 20_000, leaseSeconds: 30, commitSecondsMax: 0 },
  );
  await tasks['erasures.run']?.run({}, { signal: new AbortController().signal, log: api.log });
  expect((await call(api.app as never, org.owner, 'GET', `/api/erasures/${erasure.body.id}`)).body).toMatchObject({
    status: 'completed',
    otherRows: expect.any(Number),
  });
  expect(await keyOf()).toEqual([{ key: expect.stringMatching(/^hmac:[0-9a-f]{64}$/) }]);
  // Other processes learn of the erased key as they learn of a new key of the org.
  await expect
    .poll(async () => (await send()).body)
    .toMatchObject({ status: 'duplicate', records: [{ eventId: first.body.records?.[0]?.eventId }] });
  expect(await keyOf()).toHaveLength(1);
});
