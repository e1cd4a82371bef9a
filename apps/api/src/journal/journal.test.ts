import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let api: TestApi;
let org: TestOrg;
beforeAll(async () => {
  api = await startTestApi();
  org = await api.makeOrg();
});
afterAll(() => api?.close());

const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };
const fields = { time: { path: 'at' } };
const connect = (of = org, config: object = { fields }) =>
  api.connect(of, 'webhook', { secret: 'a-good-key' }, { verification, ...config });
type Connection = Awaited<ReturnType<typeof connect>>;

/** Sends a delivery. Returns the answer, and the ids of its journal entry and its first event. */
async function deliver(connection: Connection, body: object, key = 'a-good-key') {
  const answer = await api.sendUntilTaken(connection.url, JSON.stringify(body), { 'x-api-key': key });
  const [entry] = await api.admin<{ id: string }>(
    'select id from public.event_journal where source_connection_id = $1 order by received_at desc, id desc limit 1',
    [connection.id],
  );
  return { answer, journalId: entry?.id ?? '', eventId: answer.body.records?.[0]?.eventId };
}
const record = (more: object = {}) => ({ id: randomUUID(), type: 'order_paid', at: '2026-11-01T10:00:00Z', ...more });
const replay = (journalId: string, body: object = {}, user: TestUser = org.owner) =>
  call(api.app as never, user, 'POST', `/api/replay/${journalId}`, body);
const reprocess = (journalId: string) => replay(journalId, { mode: 'reprocess' });
const latest = (query = '', user: TestUser = org.owner) => call(api.app as never, user, 'GET', `/api/events/latest${query}`);
const eventOf = async (id: string | undefined) => (await api.admin('select * from public.canonical_events where id = $1', [id]))[0];
const journalOf = async (id: string) => (await api.admin('select * from public.event_journal where id = $1', [id]))[0];
const keyOf = async (eventId: string | undefined) =>
  (await api.admin<{ event_time: Date; body_sha256: Buffer }>('select * from private.event_keys where event_id = $1', [eventId]))[0];

/** Changes the mapping, and waits until the API uses it. */
async function map(connection: Connection, config: object) {
  const { status } = await call(api.app as never, org.owner, 'PATCH', `/api/connections/${connection.id}`, {
    config: { verification, ...config },
  });
  expect(status).toBe(200);
  await expect.poll(async () => (await api.connections.get(connection.id))?.config, { timeout: 10_000 }).toMatchObject(config);
}

/** Backdates the delivery and its event. */
async function backdate(journalId: string, to: string) {
  await api.admin('update public.event_journal set received_at = $2 where id = $1', [journalId, to]);
  await api.admin('update private.journal_payloads set received_at = $2 where journal_id = $1', [journalId, to]);
  await api.admin('update public.canonical_events set received_at = $2 where journal_id = $1', [journalId, to]);
}

describe('GET /api/events/latest', () => {
  it('lists the newest deliveries first, page by page, each once', async () => {
    const mine = await api.makeOrg();
    const connection = await connect(mine);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await deliver(connection, record())).journalId);
    const first = (await latest('?limit=2', mine.owner)).body.entries;
    expect(first[0]).toMatchObject({
      id: ids[0],
      orgId: mine.id,
      connectionId: connection.id,
      connectionName: 'Test webhook',
      sourceType: 'webhook',
      outcome: 'accepted',
      recordCount: 1,
      contentType: 'application/json',
      eventTypes: expect.arrayContaining(['order_paid']),
      isTest: false,
      replayOf: null,
    });
    const second = (await latest(`?limit=2&after=${first[1].id}`, mine.owner)).body.entries;
    const third = (await latest(`?limit=2&after=${second[1].id}`, mine.owner)).body.entries;
    expect([...first, ...second, ...third].map((entry) => entry.id)).toEqual(ids);
    expect((await latest(`?after=${ids.at(-1)}`, mine.owner)).body.entries).toEqual([]);
  });

  it('of one connection leaves out other connections, and an analyst may read it', async () => {
    const mine = await api.makeOrg();
    const [one, other] = [await connect(mine), await connect(mine)];
    const { journalId } = await deliver(one, record());
    await deliver(other, record());
    const analyst = await api.makeMember(mine, 'analyst');
    expect((await latest(`?connectionId=${one.id}`, analyst)).body.entries.map((entry: { id: string }) => entry.id)).toEqual([journalId]);
  });

  it('answers 404 for the org, connection or entries of another org', async () => {
    const theirs = await api.makeOrg();
    const connection = await connect(theirs);
    const { journalId } = await deliver(connection, record());
    for (const query of [`?orgId=${theirs.id}`, `?connectionId=${connection.id}`, `?after=${journalId}`])
      expect((await latest(query)).status, query).toBe(404);
    expect(JSON.stringify((await latest()).body)).not.toContain(connection.id);
    for (const query of ['?limit=0', '?limit=201', '?limit=x', '?after=x', '?more=1'])
      expect((await latest(query)).status, query).toBe(400);
  });
});

describe('POST /api/replay/:journalId', () => {
  it('runs the delivery again as a new journal entry that names the old one, with the same event, and counts both', async () => {
    const connection = await connect();
    const { journalId, eventId } = await deliver(connection, record());
    const { status, body } = await replay(journalId);
    expect(status).toBe(200);
    expect(body).toMatchObject({ replayOf: journalId, mode: 'replay', status: 'duplicate', records: [{ status: 'duplicate', eventId }] });
    expect(await journalOf(body.journalId)).toMatchObject({ replay_of: journalId, outcome: 'duplicate', record_count: 1, org_id: org.id });
    expect(
      await api.admin(
        `select is_replay, sum(received)::int as received, sum(accepted)::int as accepted, sum(duplicates)::int as duplicates
         from public.connection_activity where source_connection_id = $1 group by 1 order by 1`,
        [connection.id],
      ),
    ).toEqual([
      { is_replay: false, received: 1, accepted: 1, duplicates: 0 },
      { is_replay: true, received: 1, accepted: 0, duplicates: 1 },
    ]);
    expect(await eventOf(eventId)).toMatchObject({ journal_id: journalId, revision: 1 });
    expect(await api.metrics.registry.getSingleMetricAsString('replay_records_total')).toMatch(/outcome="duplicate"\} [1-9]/);
  });

  it('stores a record that the current mapping can read, once', async () => {
    const connection = await connect(org, { fields: { type: 'kind' } });
    const { answer, journalId } = await deliver(connection, record({ type: undefined, event: 'order_paid' }));
    expect(answer.body.records).toMatchObject([{ status: 'dead_lettered', code: 'MISSING_FIELD' }]);
    await map(connection, { fields: { type: 'event' } });
    const first = (await replay(journalId)).body;
    expect(first).toMatchObject({ status: 'accepted', records: [{ status: 'accepted' }] });
    expect((await replay(journalId)).body).toMatchObject({ status: 'duplicate', records: [{ eventId: first.records[0].eventId }] });
    expect(await api.admin('select id from public.canonical_events where source_connection_id = $1', [connection.id])).toHaveLength(1);
  });

  it('completes a large delivery that was stored in part, by several statements of which none is larger than a batch', async () => {
    const connection = await connect();
    const { journalId } = await deliver(
      connection,
      Array.from({ length: 1_300 }, (_, n) => ({ id: `large-${n}`, type: 'order_paid', at: '2026-11-01T10:00:00Z' })),
    );
    expect(await journalOf(journalId)).toMatchObject({ outcome: 'accepted', record_count: 1_300 });
    // What a crash between two parts leaves behind.
    const lost = await api.admin<{ event_id: string }>(
      `delete from private.event_keys where source_connection_id = $1 and substring(idempotency_key from '[0-9]+$')::int >= 800 returning event_id`,
      [connection.id],
    );
    await api.admin('delete from public.canonical_events where id = any ($1::uuid[])', [lost.map(({ event_id }) => event_id)]);
    await api.admin(`update public.event_journal set outcome = 'incomplete' where id = $1`, [journalId]);
    expect(lost).toHaveLength(500);

    const { status, body } = await replay(journalId);
    expect([status, body.status]).toEqual([200, 'mixed']);
    const statuses = (body.records as { status: string }[]).map((one) => one.status);
    expect(statuses).toEqual([...Array(800).fill('duplicate'), ...Array(500).fill('accepted')]);
    expect(await journalOf(body.journalId)).toMatchObject({ outcome: 'mixed', record_count: 1_300 });
    expect(await api.admin('select id from public.canonical_events where source_connection_id = $1', [connection.id])).toHaveLength(1_300);
  });

  it('replays a replay in the same way as the first delivery', async () => {
    const connection = await connect();
    const { journalId, eventId } = await deliver(connection, record());
    const second = (await replay(journalId)).body.journalId;
    expect((await replay(second)).body).toMatchObject({ replayOf: second, status: 'duplicate', records: [{ eventId }] });
  });

  it('may be requested by owners and admins only, is audited, and answers 404 to people of other orgs', async () => {
    const connection = await connect();
    const { journalId } = await deliver(connection, record());
    const [admin, analyst] = [await api.makeMember(org, 'admin'), await api.makeMember(org, 'analyst')];
    const stranger = (await api.makeOrg()).owner;
    expect(await replay(journalId, {}, analyst)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await replay(journalId, {}, stranger)).status).toBe(404);
    expect((await replay(randomUUID())).status).toBe(404);
    expect((await replay('no-id')).status).toBe(404);
    expect((await replay(journalId, { mode: 'again' })).status).toBe(400);
    expect((await replay(journalId, { mode: 'reprocess' }, admin)).status).toBe(200);
    expect(
      await api.admin(`select actor_id, detail from public.audit_log where action = 'event_journal.replay' and target_id = $1`, [
        journalId,
      ]),
    ).toEqual([{ actor_id: admin.id, detail: { mode: 'reprocess' } }]);
    expect(await api.admin('select id from public.event_journal where replay_of = $1', [journalId])).toHaveLength(1);
  });

  it('refuses a rejected delivery, a deleted connection, a body that is no longer kept and a legal hold, each with its reason', async () => {
    const connection = await connect();
    const refused = await deliver(connection, record(), 'a wrong key');
    expect(refused.answer.status).toBe(401);
    expect(await replay(refused.journalId)).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('/api/dlq/reverify') },
    });

    const { journalId } = await deliver(connection, record());
    const hold = await call(api.app as never, org.owner, 'POST', '/api/legal-holds', { connectionId: connection.id, reason: 'Case 9' });
    for (const mode of ['replay', 'reprocess'])
      expect(await replay(journalId, { mode })).toMatchObject({
        status: 409,
        body: { code: 'legal_hold', detail: expect.stringContaining('Case 9') },
      });
    await call(api.app as never, org.owner, 'POST', `/api/legal-holds/${hold.body.id}/release`);
    expect((await replay(journalId)).status).toBe(200);

    const dropped = await deliver(connection, record());
    await api.admin('delete from private.journal_payloads where journal_id = $1', [dropped.journalId]);
    expect(await replay(dropped.journalId)).toMatchObject({ status: 409, body: { detail: 'the body of this delivery is no longer kept' } });

    await api.admin(`update private.journal_payloads set sealed = sealed || '\\x00' where journal_id = $1`, [journalId]);
    expect(await replay(journalId)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('cannot be opened') } });

    const gone = await deliver(connection, record());
    await call(api.app as never, org.owner, 'DELETE', `/api/connections/${connection.id}`);
    await expect.poll(async () => (await replay(gone.journalId)).body.detail).toBe('the connection of this delivery was deleted');
  });
});

describe('mode reprocess', () => {
  it('rewrites the event under its id, in the month that its new time belongs to, and moves its key there', async () => {
    const connection = await connect();
    const { journalId, eventId } = await deliver(connection, record({ was: '2026-10-05T10:00:00Z', status: 'paid' }));
    const before = await eventOf(eventId);
    await map(connection, { fields: { time: { path: 'was' } } });
    const { body } = await reprocess(journalId);
    expect(body).toMatchObject({ status: 'accepted', records: [{ status: 'accepted', eventId, revision: 2 }] });
    const after = await eventOf(eventId);
    expect(after).toMatchObject({ revision: 2, journal_id: body.journalId, received_at: before?.received_at, org_id: org.id });
    expect(after?.event_time.toISOString()).toBe('2026-10-05T10:00:00.000Z');
    expect((await keyOf(eventId))?.event_time.toISOString()).toBe('2026-10-05T10:00:00.000Z');
    expect(await api.admin('select 1 from public.canonical_events where source_connection_id = $1', [connection.id])).toHaveLength(1);
    expect(await journalOf(body.journalId)).toMatchObject({ outcome: 'accepted', record_count: 1, replay_of: journalId });
    // A replay of the replay: every delivery of the chain counts with the time of the first delivery.
    expect((await reprocess(body.journalId)).body.records).toMatchObject([{ eventId, revision: 3 }]);
    expect((await eventOf(eventId))?.received_at).toEqual(before?.received_at);
  });

  it('finds people under every version of the hash key, however often it was changed, and within one filter', async () => {
    const ours = await api.makeOrg();
    const connection = await connect(ours, { fields: { email: 'who', time: { path: 'at' } } });
    const stored: string[] = [];
    for (let version = 1; version <= 12; version++) {
      if (version > 1) await call(api.app as never, ours.owner, 'POST', `/api/orgs/${ours.id}/keys/rotate`, { kind: 'hash' });
      if (![1, 5, 12].includes(version)) continue;
      await expect.poll(async () => (await api.connections.get(connection.id))?.keys.hashKey?.version, { timeout: 10_000 }).toBe(version);
      stored.push((await deliver(connection, record({ who: 'ana@example.com' }))).eventId ?? '');
    }
    const { body } = await call(api.app as never, ours.owner, 'POST', '/api/events/subject-hash', { value: 'ana@example.com' });
    const hashes = (body.hashes as { hash: string; keyVersion: number }[]).map(({ hash }) => hash);
    expect(hashes.length).toBeLessThanOrEqual(32);
    expect(new Set(body.hashes.map(({ keyVersion }: { keyVersion: number }) => keyVersion))).toEqual(new Set([1, 5, 12]));
    const found = await api.db.as(ours.owner.claims, async (sql) => {
      const [row] = await sql<{ found: { rows: { id: string }[] } }>('select public.search_events($1, $2::jsonb) as found', [
        ours.id,
        JSON.stringify({ subjects: hashes }),
      ]);
      return row?.found.rows.map(({ id }) => id);
    });
    expect(found?.sort()).toEqual(stored.sort());
  });

  it('hashes people again under a new hash key; until then they are found under both, and no event is stored twice', async () => {
    const ours = await api.makeOrg();
    const connection = await connect(ours, { fields: { email: 'who', time: { path: 'at' } } });
    const [old, late] = [record({ who: 'ana@example.com' }), record({ who: 'Ana@example.com ' })];
    const first = await deliver(connection, old);
    const made = await call(api.app as never, ours.owner, 'POST', `/api/orgs/${ours.id}/keys/rotate`, { kind: 'hash' });
    expect(made.status).toBe(201);
    await expect.poll(async () => (await api.connections.get(connection.id))?.keys.hashKey?.version, { timeout: 10_000 }).toBe(2);
    const second = await deliver(connection, late);
    expect((await deliver(connection, old)).answer.body).toMatchObject({ status: 'duplicate', records: [{ eventId: first.eventId }] });

    const subjects = async () => [(await eventOf(first.eventId))?.subject, (await eventOf(second.eventId))?.subject];
    const [before, after] = await subjects();
    expect([before.hash_version, after.hash_version]).toEqual([1, 2]);
    expect(before.email).not.toBe(after.email);

    const asked = await call(api.app as never, ours.owner, 'POST', '/api/events/subject-hash', { value: 'ana@example.com' });
    const hashes: { kind: string; keyVersion: number; hash: string }[] = asked.body.hashes;
    expect(hashes.filter(({ kind }) => kind === 'email')).toEqual([
      { kind: 'email', keyVersion: 2, hash: after.email },
      { kind: 'email', keyVersion: 1, hash: before.email },
    ]);
    const find = (...found: string[]) =>
      api.db.as(ours.owner.claims, async (sql) => {
        const [row] = await sql<{ found: { rows: { id: string }[] } }>('select public.search_events($1, $2::jsonb) as found', [
          ours.id,
          JSON.stringify({ subjects: found }),
        ]);
        return row?.found.rows.map(({ id }) => id);
      });
    expect((await find(...hashes.map(({ hash }) => hash)))?.sort()).toEqual([first.eventId, second.eventId].sort());

    const again = await call(api.app as never, ours.owner, 'POST', `/api/replay/${first.journalId}`, { mode: 'reprocess' });
    expect(again.body.records).toMatchObject([{ eventId: first.eventId, revision: 2 }]);
    const [anew, same] = await subjects();
    expect([anew, same]).toEqual([after, after]);
    expect((await find(after.email))?.sort()).toEqual([first.eventId, second.eventId].sort());
  });

  it('stores a key that is new', async () => {
    const connection = await connect(org, { fields: { id: 'id' } });
    const { journalId, eventId } = await deliver(connection, record({ number: 'n-1' }));
    await map(connection, { fields: { id: 'number' } });
    const { body } = await reprocess(journalId);
    expect(body.records).toMatchObject([{ status: 'accepted' }]);
    expect(body.records[0].eventId).not.toBe(eventId);
    expect(await eventOf(body.records[0].eventId)).toMatchObject({ revision: 1, idempotency_key: 'n-1' });
  });

  it('replaces the event of an older delivery with that of a newer one and never the reverse, however often the two are replayed', async () => {
    // The settings name the id: without them, another state under one id is another event.
    const connection = await connect(org, { fields: { ...fields, id: 'id' } });
    const same = record({ state: 'first' });
    const older = await deliver(connection, same);
    const newer = await deliver(connection, { ...same, state: 'second' });
    expect(newer.answer.body.records).toMatchObject([{ status: 'dead_lettered', code: 'DUPLICATE_EVENT' }]);
    await backdate(older.journalId, '2026-11-02T10:00:00Z');

    const { body: won } = await reprocess(newer.journalId);
    expect(won.records).toMatchObject([{ status: 'accepted', eventId: older.eventId, revision: 2 }]);
    const stored = await eventOf(older.eventId);
    expect(stored?.properties).toMatchObject({ state: 'second' });

    const { body: lost } = await reprocess(older.journalId);
    expect(lost).toMatchObject({ status: 'dead_lettered', records: [{ status: 'dead_lettered', code: 'OLDER_REVISION' }] });
    expect(await journalOf(lost.journalId)).toMatchObject({ outcome: 'dead_lettered' });
    const [letter] = await api.admin('select * from public.dlq_events where id = $1', [lost.records[0].dlqId]);
    expect(letter).toMatchObject({ error_class: 'OLDER_REVISION', journal_id: lost.journalId, status: 'pending', next_retry_at: null });
    // A replay of the older delivery arrives now, and still counts as the older delivery.
    expect((await reprocess(lost.journalId)).body.records).toMatchObject([{ code: 'OLDER_REVISION' }]);
    expect(await eventOf(older.eventId)).toEqual(stored);
    // In mode replay, the stored body of the key decides the outcome; by now it is the body of the newer delivery.
    expect((await replay(newer.journalId)).body.status).toBe('duplicate');
    expect((await replay(older.journalId)).body.records).toMatchObject([{ code: 'DUPLICATE_EVENT' }]);
  });

  it('never replaces the result of a newer version of the pipeline with that of an older version', async () => {
    const connection = await connect();
    const { journalId, eventId } = await deliver(connection, record());
    await api.admin('update public.canonical_events set schema_version = 2 where id = $1', [eventId]);
    expect((await reprocess(journalId)).body.records).toMatchObject([{ code: 'OLDER_REVISION' }]);
    expect(await eventOf(eventId)).toMatchObject({ schema_version: 2, revision: 1 });
  });

  it('does not store a deleted event again', async () => {
    const connection = await connect();
    const { journalId, eventId } = await deliver(connection, record());
    await api.admin('delete from public.canonical_events where id = $1', [eventId]);
    expect((await reprocess(journalId)).body.records).toMatchObject([{ status: 'duplicate', eventId }]);
    expect(await eventOf(eventId)).toBeUndefined();
  });

  it('keeps the first of two records with the same key, as the first processing of the delivery did', async () => {
    const connection = await connect();
    const id = randomUUID();
    const { journalId, eventId } = await deliver(connection, [record({ id, n: 1 }), record({ id, n: 1 }), record({ id, n: 2 })] as object);
    const { body } = await reprocess(journalId);
    expect(body.records).toMatchObject([
      { status: 'accepted', eventId, revision: 2 },
      { status: 'duplicate', eventId },
      { code: 'DUPLICATE_EVENT' },
    ]);
    expect(body.status).toBe('mixed');
    expect((await eventOf(eventId))?.properties).toMatchObject({ n: 1 });
  });

  it('serializes replays that rewrite the same events at once: there is no deadlock, and each revision number is used once', async () => {
    const connection = await connect();
    const records = Array.from({ length: 6 }, () => record());
    const { journalId, eventId } = await deliver(connection, records);
    const reversed = await deliver(connection, [...records].reverse());
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => reprocess(n % 2 ? journalId : reversed.journalId)));
    const statuses = answers.flatMap(({ body }) => body.records.map((one: { status: string; code?: string }) => one.code ?? one.status));
    expect(new Set(statuses).isSubsetOf(new Set(['accepted', 'OLDER_REVISION']))).toBe(true);
    const accepted = answers.filter(({ body }) => body.status === 'accepted').length;
    expect(accepted).toBeGreaterThanOrEqual(4);
    expect((await eventOf(eventId))?.revision).toBe(1 + accepted);
    expect(await api.admin('select 1 from public.canonical_events where source_connection_id = $1', [connection.id])).toHaveLength(6);
  });

  it('dead-letters only the record that the database refuses', async () => {
    const connection = await connect();
    const [good, bad] = [record(), record()];
    const { journalId, answer } = await deliver(connection, [good, bad]);
    await api.admin(`alter table public.canonical_events add constraint refused check (revision < 2 or source_event_id <> '${bad.id}')`);
    try {
      const { body } = await reprocess(journalId);
      expect(body.records).toMatchObject([
        { status: 'accepted', eventId: answer.body.records?.[0]?.eventId, revision: 2 },
        { status: 'dead_lettered', code: 'CONSTRAINT_VIOLATION' },
      ]);
      expect(await eventOf(answer.body.records?.[1]?.eventId)).toMatchObject({ revision: 1 });
    } finally {
      await api.admin('alter table public.canonical_events drop constraint refused');
    }
  });
});
