import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;
beforeAll(async () => {
  world = await startTestApi();
});
afterAll(() => world?.close());

interface Exported {
  id: string;
  type: string;
  subject: object;
  [column: string]: unknown;
}

const secret = 'the-token-of-this-connection';
const body = (id: string) =>
  JSON.stringify({
    id,
    event: 'PURCHASE_APPROVED',
    version: '2.0.0',
    creation_date: 1_700_000_000_000,
    data: {
      product: { id: 7, name: 'Course' },
      buyer: { email: 'ana@example.com' },
      purchase: {
        transaction: `HP${id}`,
        status: 'APPROVED',
        approved_date: 1_700_000_000_000,
        price: { value: 97, currency_value: 'BRL' },
      },
    },
  });

/** An org with a Hotmart connection and three events, and the export of them. */
async function makeExport(): Promise<{ org: TestOrg; connection: { id: string; url: string }; events: Exported[] }> {
  const org = await world.makeOrg();
  const connection = await world.connect(org, 'hotmart', { hottok: secret });
  for (const id of ['1', '2', '3']) expect((await deliver(connection.url, id)).body.status).toBe('accepted');
  return { org, connection, events: await exportOf(org) };
}

const deliver = (url: string, id: string) => world.send(url, body(id), { 'x-hotmart-hottok': secret });

async function exportOf(org: TestOrg): Promise<Exported[]> {
  const { body: made } = await call(world.app, org.owner, 'POST', '/api/events/export', { orgId: org.id, format: 'ndjson' });
  const text = await (await world.app.request(made.url)).text();
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const importInto = (user: TestUser, connectionId: string, events: object[]) =>
  call(world.app, user, 'POST', '/api/events/import', { connectionId, events });

describe('an import', () => {
  it('leaves events that are stored as they are, however often the file is imported', async () => {
    const { org, connection, events } = await makeExport();
    for (let n = 0; n < 2; n++)
      expect(await importInto(org.owner, connection.id, events)).toMatchObject({
        status: 200,
        body: { stored: 0, restored: 0, duplicates: 3 },
      });
    expect(await exportOf(org)).toEqual(events);
  });

  it('stores events again whose rows are gone, under the ids that they had', async () => {
    const { org, connection, events } = await makeExport();
    await world.admin('delete from public.canonical_events where org_id = $1', [org.id]);
    expect((await importInto(org.owner, connection.id, [...events, ...events])).body).toEqual({ stored: 0, restored: 3, duplicates: 3 });
    const withoutCommit = (all: Exported[]) => all.map(({ ingested_at: _, ...event }) => event);
    expect(withoutCommit(await exportOf(org))).toEqual(withoutCommit(events));
  });

  it('makes a record that its platform sends again a duplicate, in another org as well', async () => {
    const { events } = await makeExport();
    const org = await world.makeOrg();
    const connection = await world.connect(org, 'hotmart', { hottok: secret });
    expect((await importInto(org.owner, connection.id, events)).body).toEqual({ stored: 3, restored: 0, duplicates: 0 });
    expect((await deliver(connection.url, '1')).body).toMatchObject({ status: 'duplicate' });
    expect((await deliver(connection.url, '4')).body).toMatchObject({ status: 'accepted' });
    const imported = await exportOf(org);
    expect(imported).toHaveLength(4);
    // Hashes under the key of another org would join with nobody.
    expect(imported.filter(({ subject }) => Object.keys(subject).length > 0)).toHaveLength(1);
    // The ids of the file are in use by the other org.
    expect(imported.some(({ id }) => events.some((event) => event.id === id))).toBe(false);
  });

  it('replaces ids that contain a person’s number, as for a delivery', async () => {
    const org = await world.makeOrg();
    const connection = await world.connect(org, 'meta', { app_secret: 'the-secret-of-this-app', verify_token: 'the-token-of-this-app' });
    const [example] = (await makeExport()).events;
    const wamid = `wamid.${Buffer.from('5511955550001').toString('base64')}HBgNNTUxMTk1NTU1MDAwMRUCABEYEkFBQUE`;
    const event = { ...example, source_type: 'meta', source_event_id: wamid, idempotency_key: `${wamid}:read`, properties: { id: wamid } };
    expect((await importInto(org.owner, connection.id, [event])).body).toEqual({ stored: 1, restored: 0, duplicates: 0 });
    const [stored] = await exportOf(org);
    expect(stored).toMatchObject({
      source_event_id: expect.stringMatching(/^wamid\.[0-9a-f]{32}$/),
      properties: { id: stored?.source_event_id },
    });
    expect(stored?.idempotency_key).toBe(`${stored?.source_event_id}:read`);
    expect((await importInto(org.owner, connection.id, [event])).body).toEqual({ stored: 0, restored: 0, duplicates: 1 });
  });

  it('is refused to analysts, for connections of other orgs, and for events of another source', async () => {
    const { org, connection, events } = await makeExport();
    const stranger = await world.makeOrg();
    const analyst = await world.makeMember(org, 'analyst');
    const stripe = await world.connect(org, 'stripe', { signing_secret: 'whsec_of_the_connection_of_this_test' });
    expect((await importInto(analyst, connection.id, events)).status).toBe(403);
    expect((await importInto(stranger.owner, connection.id, events)).status).toBe(404);
    const refused = await importInto(org.owner, stripe.id, events);
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'events.0.source_type' }] } });
    for (const change of [{ type: '' }, { event_time: 'yesterday' }, { amount_minor: '9.5' }, { subject: { email: 'ana@example.com' } }])
      expect((await importInto(org.owner, connection.id, [{ ...events[0], ...change }])).status).toBe(400);
    expect((await importInto(org.owner, connection.id, [{ ...events[0], properties: { note: 'a\u0000b' } }])).status).toBe(400);
  });

  it('is recorded, and counts against the quota of the day', async () => {
    const { org, connection, events } = await makeExport();
    await importInto(org.owner, connection.id, events);
    const trail = await world.db.as(org.owner.claims, (sql) =>
      sql<{ detail: object; target_id: string }>(
        `select detail, target_id from public.audit_log where org_id = $1 and action = 'canonical_events.import'`,
        [org.id],
      ),
    );
    expect(trail).toEqual([{ detail: { stored: 0, restored: 0, duplicates: 3 }, target_id: connection.id }]);
    await world.admin(`insert into private.quotas (name, org_id, value) values ('imported_events_per_day', $1, 5)`, [org.id]);
    expect(await importInto(org.owner, connection.id, events)).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } });
  });
});
