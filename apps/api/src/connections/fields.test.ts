import { randomUUID } from 'node:crypto';
import { ConnectionFields } from '@tributary/shared/kept.ts';
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
const key = 'a-good-key';

async function connect(config: object = {}, of = org) {
  const connection = await api.connect(of, 'webhook', { secret: key }, { verification, ...config });
  const deliver = async (body: object, sent = key) => {
    const answer = await api.sendUntilTaken(connection.url, JSON.stringify(body), { 'x-api-key': sent });
    const [entry] = await api.admin<{ id: string }>(
      'select id from public.event_journal where source_connection_id = $1 order by received_at desc, id desc limit 1',
      [connection.id],
    );
    return { status: answer.status, journalId: entry?.id ?? '' };
  };
  const fields = async (user: TestUser = of.owner, query = '') => {
    const answer = await call(api.app, user, 'GET', `/api/connections/${connection.id}/fields${query}`);
    return { ...answer, fields: answer.status === 200 ? ConnectionFields.parse(answer.body) : undefined };
  };
  return { ...connection, deliver, fields };
}

const lead = (more: object = {}) => ({
  id: randomUUID(),
  type: 'lead.created',
  occurred_at: '2026-11-01T10:00:00Z',
  customer: { name: 'Ana Souza', email: 'ana@example.com' },
  points: 7,
  remark: 'Wants to be called in the evening',
  ...more,
});

const nothing = { journalId: null, receivedAt: null, records: 0, fields: [], notes: [], isCut: false };

describe('GET /api/connections/:id/fields', () => {
  it('says of the newest delivery what is kept, hashed and dropped, and why, to every member and without any value', async () => {
    const { deliver, fields } = await connect();
    const older = await deliver(lead({ early: 1 }));
    const { journalId } = await deliver(lead());
    const analyst = await api.makeMember(org, 'analyst');
    const answer = await fields(analyst);
    expect(answer.status).toBe(200);
    expect(answer.fields).toMatchObject({ journalId, records: 1, notes: [], isCut: false });
    expect(answer.fields?.fields).toEqual(
      expect.arrayContaining([
        { path: 'points', fate: 'kept', reason: 'plain' },
        { path: 'customer.name', fate: 'dropped', reason: 'person' },
        { path: 'customer.email', fate: 'hashed', reason: 'identifier' },
        { path: 'remark', fate: 'dropped', reason: 'unnamed' },
      ]),
    );
    expect(answer.text).not.toMatch(/Ana|ana@|called|evening/);
    const named = await fields(org.owner, `?journalId=${older.journalId}`);
    expect(named.fields?.fields).toContainEqual({ path: 'early', fate: 'kept', reason: 'plain' });
  });

  it('follows the settings as they are now, before anything is reprocessed', async () => {
    const { id, deliver, fields } = await connect();
    await deliver(lead());
    const config = { verification, keep: ['remark'], personal: ['points'] };
    expect((await call(api.app, org.owner, 'PATCH', `/api/connections/${id}`, { config })).status).toBe(200);
    const fates = new Map((await fields()).fields?.fields.map(({ path, fate, reason }) => [path, `${fate} ${reason}`]));
    expect(fates.get('remark')).toBe('kept text');
    expect(fates.get('points')).toBe('dropped person');
  });

  it('names the time that could not be read', async () => {
    const { deliver, fields } = await connect();
    await deliver(lead({ occurred_at: 'ontem' }));
    expect((await fields()).fields?.notes).toEqual([
      { code: 'time_unreadable', path: 'occurred_at', form: 'aaaaa' },
      { code: 'time_of_arrival' },
    ]);
  });

  it('prefers a real delivery to a later test', async () => {
    const { id, deliver, fields } = await connect();
    const { journalId } = await deliver(lead());
    expect((await call(api.app, org.owner, 'POST', `/api/connections/${id}/test`, {})).status).toBe(200);
    expect((await fields()).fields?.journalId).toBe(journalId);
  });

  it('never opens a delivery that was rejected, was erased or is large, and says that there is none', async () => {
    const { deliver, fields } = await connect();
    expect((await fields()).body).toEqual(nothing);
    const rejected = await deliver(lead(), 'another-key');
    expect(rejected.status).toBe(401);
    const large = await deliver(lead({ more: 'x'.repeat(40_000) }));
    const erased = await deliver(lead());
    await api.admin('update public.event_journal set erased_at = now() where id = $1', [erased.journalId]);
    expect((await fields()).body).toEqual(nothing);
    for (const { journalId } of [rejected, large, erased])
      expect((await fields(org.owner, `?journalId=${journalId}`)).body, journalId).toEqual(nothing);
  });

  it('finds the newest delivery also when the figures of its minute are no longer kept', async () => {
    const { id, deliver, fields } = await connect();
    const { journalId } = await deliver(lead());
    await api.admin('delete from public.connection_activity where source_connection_id = $1', [id]);
    expect((await fields()).fields?.journalId).toBe(journalId);
  });

  it('reads a light body of very many values on a thread, with the same answer', async () => {
    const { deliver, fields } = await connect();
    await deliver(lead({ points: undefined, list: Array.from({ length: 1_000 }, (_, n) => ({ n })) }));
    expect((await fields()).fields?.fields).toContainEqual({ path: 'list.*.n', fate: 'kept', reason: 'plain' });
  });

  it.each([
    ['short', 100],
    ['so long that a thread opens it', 32_500],
  ])('answers 409 for a body that the keys of the org do not open and that is %s', async (_length, chars) => {
    const { deliver, fields } = await connect();
    const { journalId } = await deliver({ id: randomUUID(), type: 'lead.created', more: 'x'.repeat(chars) });
    await api.admin('update private.journal_payloads set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where journal_id = $1', [
      journalId,
    ]);
    const answer = await fields();
    expect(answer.status).toBe(409);
    expect(answer.body.detail).toContain('cannot be opened with the keys of the org');
  });

  it('answers 404 for the connection of another org, and shows no delivery of another connection', async () => {
    const theirs = await api.makeOrg();
    const connection = await connect({}, theirs);
    const { journalId } = await connection.deliver(lead());
    expect((await connection.fields(org.owner)).status).toBe(404);
    const mine = await connect();
    expect((await mine.fields(org.owner, `?journalId=${journalId}`)).body).toEqual(nothing);
    expect((await mine.fields(org.owner, '?journalId=x')).status).toBe(400);
    expect((await mine.fields(org.owner, '?orgId=x')).status).toBe(400);
  });
});
