import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReplayer } from '../deliveries/rerun.ts';
import { findJournalEntries } from '../deliveries/store.ts';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';
import { type ErasureLimits, erasureTasks } from './jobs.ts';

let api: TestApi;
let org: TestOrg;
let url: string;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

const config = {
  verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' },
  fields: { email: 'who.email', phone: 'who.phone', externalId: 'who.id', id: 'id' },
};

/** A new org with a connection, so that each test scans only its own deliveries. */
async function freshOrg(): Promise<void> {
  org = await api.makeOrg();
  ({ url } = await api.connect(org, 'webhook', { secret: 'a-good-key' }, config));
}
const send = (body: object | string) =>
  api
    .send(url, typeof body === 'string' ? body : JSON.stringify(body), { 'x-api-key': 'a-good-key' })
    .then(({ body: answer }) => answer.records ?? []);
const order = (who: object, more: object = {}) => ({ id: randomUUID(), type: 'order_paid', who, total: '12.50', note: 'gift', ...more });
const ask = (user: TestUser | undefined, body: object) =>
  call(api.app as never, user, 'POST', '/api/erasures', { ...(user === org.owner ? { orgId: org.id } : {}), ...body });
const look = (id: string, user = org.owner) => call(api.app as never, user, 'GET', `/api/erasures/${id}`);

/** One run of the job. Deliveries count as committed at once, since no other process writes any. */
async function run(limits: Partial<ErasureLimits> = {}, signal = new AbortController().signal): Promise<void> {
  const tasks = erasureTasks(
    { db: api.db, masterKeys: api.masterKeys, threads: api.threads, log: api.log },
    { sliceMs: 20_000, leaseSeconds: 30, commitSecondsMax: 0, ...limits },
  );
  await tasks['erasures.run']?.run({}, { signal, log: api.log });
}
const event = async (id: string | undefined) =>
  (await api.admin('select subject, properties, attribution, type, erased_at, revision from canonical_events where id = $1', [id]))[0];
const bodies = async () =>
  (
    await api.admin<{ n: number }>(
      `select count(*)::int as n from private.journal_payloads p join event_journal j on j.id = p.journal_id where j.org_id = $1`,
      [org.id],
    )
  )[0]?.n;

describe('an erasure', () => {
  it('empties the events about the person and deletes the bodies that name the person, and no others', async () => {
    await freshOrg();
    const [ana] = await send(order({ email: 'Ana@example.com', phone: '11 98765-4321' }));
    const [byPhone] = await send(order({ phone: '+55 (11) 8765-4321' }));
    const [bob] = await send(order({ email: 'bob@example.com' }));
    // This delivery is about bob and names ana: its event stays, and its body is deleted.
    const [mentions] = await send(order({ email: 'bob@example.com' }, { comment: 'a present for ana@example.com' }));
    const before = await event(bob?.eventId);

    const dry = await ask(org.owner, { email: 'ana@example.com', phone: '11987654321', dryRun: true });
    expect(dry).toMatchObject({ status: 200, body: { dryRun: true, events: 2 } });
    expect(await bodies()).toBe(4);

    const begun = await ask(org.owner, { email: 'ana@example.com', phone: '11987654321', reference: 'DSR-7' });
    expect(begun).toMatchObject({ status: 202, body: { kinds: ['email', 'phone'], reference: 'DSR-7', status: 'running', events: 0 } });
    await run();
    expect((await look(begun.body.id)).body).toMatchObject({
      status: 'completed',
      events: 2,
      deliveries: 3,
      scanned: 4,
      deadLetters: 0,
      unreadable: 0,
      waitsFor: null,
      completedAt: expect.any(String),
    });
    for (const one of [ana, byPhone])
      expect(await event(one?.eventId)).toMatchObject({
        subject: {},
        properties: {},
        attribution: {},
        type: 'webhook.order_paid',
        revision: 1,
      });
    expect((await event(ana?.eventId))?.erased_at).toBeInstanceOf(Date);
    expect(await event(bob?.eventId)).toEqual(before);
    expect((await event(mentions?.eventId))?.erased_at).toBeNull();
    expect(await bodies()).toBe(1);
  });

  it('leaves no identifier of the person in its rows, the log or the audit log', async () => {
    await freshOrg();
    await send(order({ email: 'secret.person@example.com' }));
    const { body, text } = await ask(org.owner, { email: 'secret.person@example.com' });
    expect(text).not.toContain('secret.person');
    const [held] = await api.admin('select encode(sealed, $2) as sealed from private.erasure_persons where erasure_id = $1', [
      body.id,
      'escape',
    ]);
    expect(held?.sealed).not.toContain('secret');
    await run();
    expect(await api.admin('select 1 from private.erasure_persons')).toEqual([]);
    const trail = await api.admin(
      `select actor_id, action, detail from audit_log where org_id = $1 and action like 'erasures.%' order by id`,
      [org.id],
    );
    expect(trail).toMatchObject([
      { actor_id: org.owner.id, action: 'erasures.insert', detail: { kinds: ['email'] } },
      { actor_id: null, action: 'erasures.update', detail: { status: { from: 'running', to: 'completed' } } },
    ]);
    expect(JSON.stringify(trail)).not.toContain('secret');
    expect(api.logged()).not.toContain('secret.person');
  });

  it('discards dead letters of a body that names the person, and empties their samples', async () => {
    await freshOrg();
    const [dead] = await send({ type: '', who: { email: 'ana@example.com' }, plan: 'gold' });
    const [kept] = await send({ type: '', who: { email: 'bob@example.com' } });
    expect([dead?.status, kept?.status]).toEqual(['dead_lettered', 'dead_lettered']);
    // A rejected delivery is not proved genuine, but it names the person as well.
    expect((await api.send(url, JSON.stringify(order({ email: 'ana@example.com' })), { 'x-api-key': 'wrong' })).status).toBe(401);
    await api.quarantine.drain();
    // A person retries it at this moment: that run must write nothing.
    await api.admin(`update dlq_events set status = 'retrying', lease_owner = gen_random_uuid(), next_retry_at = now() where id = $1`, [
      dead?.dlqId,
    ]);

    const { body } = await ask(org.owner, { email: 'ana@example.com' });
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', deliveries: 2, deadLetters: 2, events: 0 });
    const rows = await api.admin('select id, status, sample, lease_owner, is_quarantine from dlq_events where org_id = $1 order by id', [
      org.id,
    ]);
    expect(rows.filter((row) => row.sample === null)).toHaveLength(2);
    for (const row of rows)
      expect(row).toMatchObject(row.id === kept?.dlqId ? { status: 'pending' } : { status: 'discarded', lease_owner: null });
  });

  it('is not undone by a replay that was under way: it waits for the replay to commit, and erases what it wrote', async () => {
    await freshOrg();
    const [ana] = await send(order({ email: 'ana@example.com' }));
    const [journal] = await api.admin<{ id: string }>('select id from event_journal where org_id = $1', [org.id]);
    const id = journal?.id ?? '';
    const replayer = createReplayer({ ...api, now: Date.now });
    const entry = (await api.db.worker((sql) => findJournalEntries(sql, [id]))).get(id);
    if (!entry) throw new Error('the entry is not there');
    // Opened before the erasure, and written after the erasure looked for the first time.
    const prepared = await replayer.prepare(entry);
    if ('reason' in prepared) throw new Error(prepared.reason);
    const { body: erasure } = await ask(org.owner, { email: 'ana@example.com' });
    await run({ commitSecondsMax: 3_600 });
    expect((await look(erasure.id)).body).toMatchObject({ status: 'running', events: 1, scanned: 0, deliveries: 0 });
    expect((await replayer.write([prepared.item], 'reprocess')).flat()).toMatchObject([{ status: 'duplicate' }]);
    expect(await event(ana?.eventId)).toMatchObject({ subject: {}, properties: {} });

    await api.admin('update erasures set lease_until = now()');
    await run();
    expect((await look(erasure.id)).body).toMatchObject({ status: 'completed', deliveries: 2, events: 1 });
    expect(await bodies()).toBe(0);
    expect((await call(api.app as never, org.owner, 'POST', `/api/replay/${id}`, {})).status).toBe(409);
    const filter = { from: '2026-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z', includeReplays: true };
    expect(
      (await call(api.app as never, org.owner, 'POST', '/api/replays', { orgId: org.id, filter, mode: 'replay', dryRun: true })).body,
    ).toMatchObject({ count: 0 });
  });

  it('continues where an interrupted run stopped, and counts no delivery twice', async () => {
    await freshOrg();
    for (let n = 0; n < 12; n++) await send(order({ email: n % 2 ? 'ana@example.com' : `other-${n}@example.com` }));
    const { body } = await ask(org.owner, { email: 'ana@example.com' });
    await run({ sliceMs: 0 });
    const gone = new AbortController();
    gone.abort();
    await run({}, gone.signal);
    expect((await look(body.id)).body).toMatchObject({ status: 'running', scanned: 0 });
    // Another process that held the lease was killed: the erasure does not continue before the lease ends.
    await api.admin(`update erasures set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour' where id = $1`, [
      body.id,
    ]);
    await run();
    expect((await look(body.id)).body.status).toBe('running');
    await api.admin('update erasures set lease_until = now() where id = $1', [body.id]);
    await Promise.all([run(), run(), run()]);
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', events: 6, deliveries: 6, scanned: 12 });
    const again = await ask(org.owner, { email: 'ana@example.com' });
    await run();
    expect((await look(again.body.id)).body).toMatchObject({ status: 'completed', events: 0, deliveries: 0, scanned: 6 });
  });

  it('is refused under a legal hold, and waits while a hold is set later', async () => {
    await freshOrg();
    const [ana] = await send(order({ email: 'ana@example.com' }));
    const hold = (reason: string) => call(api.app as never, org.owner, 'POST', '/api/legal-holds', { orgId: org.id, reason });
    const release = (id: string) => call(api.app as never, org.owner, 'POST', `/api/legal-holds/${id}/release`);
    const first = await hold('Case 1');
    expect(await ask(org.owner, { email: 'ana@example.com' })).toMatchObject({ status: 409, body: { code: 'legal_hold' } });
    await release(first.body.id);
    const { body } = await ask(org.owner, { email: 'ana@example.com' });
    const second = await hold('Case 2');
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'running', waitsFor: expect.stringContaining('Case 2'), events: 0 });
    expect((await event(ana?.eventId))?.erased_at).toBeNull();
    await release(second.body.id);
    await api.admin('update erasures set lease_until = now() where id = $1', [body.id]);
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', waitsFor: null, events: 1 });
  });

  it('waits while a version of the hash key does not open, because events hashed with it could not be found', async () => {
    await freshOrg();
    const [ana] = await send(order({ email: 'ana@example.com' }));
    const { body } = await ask(org.owner, { email: 'ana@example.com' });
    const damage = () =>
      api.admin(
        `update private.org_keys set wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20)) where org_id = $1 and kind = 'hash'`,
        [org.id],
      );
    await damage();
    expect(await ask(org.owner, { email: 'ana@example.com', dryRun: true })).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'running', waitsFor: expect.stringContaining('hash key v1'), events: 0 });
    await damage();
    await api.admin('update erasures set lease_until = now() where id = $1', [body.id]);
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', waitsFor: null, events: 1 });
    expect((await event(ana?.eventId))?.erased_at).not.toBeNull();
  });

  it('looks through deliveries of a deleted connection, and reports how many it cannot open', async () => {
    await freshOrg();
    await send(order({ email: 'ana@example.com' }));
    await send(order({ id: '7', email: 'bob@example.com' }));
    await call(api.app as never, org.owner, 'DELETE', `/api/connections/${url.split('/').at(-1)}`);
    await api.admin(
      `update private.journal_payloads set sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40)) where org_id = $1 and journal_id =
       (select max(id::text)::uuid from event_journal where org_id = $1)`,
      [org.id],
    );
    const { body } = await ask(org.owner, { email: 'ana@example.com' });
    await run();
    expect((await look(body.id)).body).toMatchObject({ status: 'completed', deliveries: 1, unreadable: 1, scanned: 2 });
  });

  it('may be requested by owners and admins of the org only; an analyst may read the erasure', async () => {
    await freshOrg();
    await send(order({ email: 'ana@example.com' }));
    const [admin, analyst, stranger] = [
      await api.makeMember(org, 'admin'),
      await api.makeMember(org, 'analyst'),
      (await api.makeOrg()).owner,
    ];
    const command = { orgId: org.id, email: 'ana@example.com' };
    for (const dryRun of [true, false]) {
      expect((await ask(analyst, { ...command, dryRun })).status).toBe(403);
      expect((await ask(stranger, { ...command, dryRun })).status).toBe(404);
      expect((await ask(undefined, { ...command, dryRun })).status).toBe(401);
    }
    // The functions of the database refuse these callers as well.
    for (const user of [analyst, stranger]) {
      const refused = (statement: string, values: unknown[]) =>
        expect(api.db.as(user.claims, (sql) => sql(statement, values))).rejects.toMatchObject({ code: '42501' });
      await refused('select private.count_events_of_person($1, $2::jsonb[])', [org.id, ['{"email":"x"}']]);
      await refused(`select private.start_erasure(gen_random_uuid(), $1, '{email}', null, 1, '\\x00')`, [org.id]);
    }
    const { status, body } = await ask(admin, command);
    expect(status).toBe(202);
    expect((await look(body.id, analyst)).body).toMatchObject({ id: body.id, createdBy: admin.id });
    expect((await look(body.id, stranger)).status).toBe(404);
    expect((await call(api.app as never, stranger, 'GET', '/api/erasures')).body).toEqual({ erasures: [], next: null });
    expect((await call(api.app as never, analyst, 'GET', '/api/erasures')).body.erasures).toHaveLength(1);
    await run();
  });

  it('names the kinds of identifiers that cannot be read, without repeating the identifiers', async () => {
    await freshOrg();
    const wrong = await ask(org.owner, { email: 'nobody at all', phone: '1' });
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'email' }, { path: 'phone' }] } });
    expect(wrong.text).not.toContain('nobody at all');
    for (const body of [
      {},
      { reference: 'x' },
      { email: '' },
      { email: 1 },
      { email: 'a@b.co', cpf: '1' },
      { email: `${'a'.repeat(320)}@b.co` },
    ])
      expect((await ask(org.owner, body)).status).toBe(400);
  });
});
