import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
const ask = (id: string, user: TestUser | undefined) => call(api.app as never, user, 'GET', `/api/events/${id}/delivery`);

it('answers with the delivery of an event, its other records, every attempt, and whether it can be replayed', async () => {
  const connection = await api.connect(org, 'webhook', { secret: 'a-good-key' }, { verification, fields: { time: { path: 'at' } } });
  const body = JSON.stringify({ id: randomUUID(), type: 'order_paid', at: '2026-11-01T10:00:00Z' });
  const first = await api.send(connection.url, body, { 'x-api-key': 'a-good-key' });
  const id = first.body.records?.[0]?.eventId ?? '';
  const analyst = await api.makeMember(org, 'analyst');

  const before = (await ask(id, analyst)).body;
  expect(before).toMatchObject({
    journal: { connectionId: connection.id, outcome: 'accepted', recordCount: 1, replayOf: null },
    records: [{ kind: 'event', id, revision: 1 }],
    replayable: { ok: true, reason: null, holdReason: null },
  });
  expect(before.attempts).toEqual([before.journal]);

  expect((await call(api.app as never, org.owner, 'POST', `/api/replay/${before.journal.id}`, {})).body).toMatchObject({
    status: 'duplicate',
  });
  const hold = await call(api.app as never, org.owner, 'POST', '/api/legal-holds', {
    orgId: org.id,
    connectionId: connection.id,
    reason: 'Case 9',
  });
  const after = (await ask(id, analyst)).body;
  expect(after.attempts.map((entry: { outcome: string; replayOf: string | null }) => [entry.outcome, entry.replayOf])).toEqual([
    ['accepted', null],
    ['duplicate', before.journal.id],
  ]);
  expect(after.replayable).toEqual({ ok: false, reason: 'legal_hold', holdReason: 'Case 9' });

  await call(api.app as never, org.owner, 'POST', `/api/legal-holds/${hold.body.id}/release`);
  await api.admin('delete from private.journal_payloads where journal_id = $1', [before.journal.id]);
  expect((await ask(id, analyst)).body.replayable).toEqual({ ok: false, reason: 'body_gone', holdReason: null });

  expect((await ask(id, (await api.makeOrg()).owner)).status).toBe(404);
  expect((await ask(id, undefined)).status).toBe(401);
  for (const none of [randomUUID(), 'no-id']) expect((await ask(none, analyst)).status).toBe(404);
});
