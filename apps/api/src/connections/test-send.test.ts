import { randomUUID } from 'node:crypto';
import { exampleConfigs } from '@tributary/pipeline/sources/webhook/samples.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { TestedConnection } from '@tributary/shared/api.ts';
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
afterAll(() => api.close());

// `app.request` passes no bindings, so `isTest`, which only the app itself can set, is not set.
const request = (method: string, path: string, body?: unknown, user: TestUser = org.owner) =>
  call({ request: (url: string, init: RequestInit) => api.app.request(url, init, {}) } as never, user, method, path, body);

const test = (id: string, body: object = {}, user: TestUser = org.owner) => request('POST', `/api/connections/${id}/test`, body, user);

async function create(type: string, config: object = {}) {
  const source = sources.get(type);
  const secrets = Object.fromEntries(
    (source?.secrets ?? [])
      .filter((field) => field.issuedBy === 'platform')
      .map((field) => [field.name, `${field.name}/+"secret ${randomUUID()}`]),
  );
  const answer = await request('POST', '/api/connections', { projectId: org.projectId, type, name: `Test ${type}`, secrets, config });
  expect(answer.status).toBe(201);
  return { id: answer.body.id as string, secrets: Object.values({ ...secrets, ...answer.body.secrets }) as string[] };
}

const samples = [...sources.values()].flatMap((source) => source.samples.map((sample) => [source.type, sample.name] as const));
const schemes = Object.entries(exampleConfigs);

describe('a test send', () => {
  it.each(samples)('of %s %s goes through the real endpoint and is stored as a test', async (type, sample) => {
    const { id, secrets } = await create(type, type === 'webhook' ? exampleConfigs['standard-webhooks'] : {});
    const answer = await test(id, { sample });
    expect(answer.status).toBe(200);
    const tested = TestedConnection.parse(answer.body);
    expect(tested).toMatchObject({ sample, request: { method: 'POST' }, response: { status: 200, body: { status: 'accepted' } } });
    expect(tested.request.url).toContain(`/api/webhooks/${type}/${id}`);
    expect(tested.durationMs).toBeGreaterThan(0);

    const events = await api.admin<{ is_test: boolean }>('select is_test from public.canonical_events where source_connection_id = $1', [
      id,
    ]);
    expect(events.length).toBeGreaterThan(0);
    expect(events.every((event) => event.is_test)).toBe(true);
    for (const secret of secrets) {
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) expect(answer.text).not.toContain(form);
    }
  });

  it.each(schemes)('is signed by the scheme of the connection: %s, and shows no credential', async (_, config) => {
    const { id, secrets } = await create('webhook', config);
    const answer = await test(id);
    expect(answer.body.response).toMatchObject({ status: 200, body: { status: 'accepted' } });
    const [secret = ''] = secrets;
    expect(answer.text).not.toContain(secret);
    expect(answer.text).not.toContain(Buffer.from(`tributary:${secret}`).toString('base64'));
  });

  it('masks a credential in the URL', async () => {
    const { id, secrets } = await create('webhook', { verification: { scheme: 'api-key', in: 'query', name: 'key' } });
    const answer = await test(id);
    expect(answer.body.response.status).toBe(200);
    expect(answer.text).not.toContain(secrets[0]);
  });

  it('sends a new event each time, and the first sample when the request names no sample', async () => {
    const { id } = await create('hotmart');
    const first = await test(id);
    const second = await test(id);
    expect(first.body.sample).toBe(sources.get('hotmart')?.samples[0]?.name);
    expect(second.body.response.body.status).toBe('accepted');
    expect(second.body.response.body.records[0].eventId).not.toBe(first.body.response.body.records[0].eventId);
  });

  it('uses the newest secret right after a rotation', async () => {
    const { id } = await create('hotmart');
    await test(id);
    await request('POST', `/api/connections/${id}/secret`, { secret: 'rotated' });
    // The cache of this process learns of the rotation by a notification.
    await expect.poll(async () => (await test(id)).body.response.status, { timeout: 5_000 }).toBe(200);
  });

  it('answers with the 403 of the endpoint when the connection is inactive', async () => {
    const { id } = await create('hotmart');
    await request('PATCH', `/api/connections/${id}`, { isActive: false });
    await expect
      .poll(async () => (await test(id)).body.response, { timeout: 5_000 })
      .toMatchObject({ status: 403, body: { code: 'connection_inactive' } });
  });

  it('answers 409 and names the secret while a secret is missing', async () => {
    const created = await request('POST', '/api/connections', { projectId: org.projectId, type: 'hotmart', name: 'No secret yet' });
    const answer = await test(created.body.id);
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict']);
    expect(answer.body.detail).toContain('hottok');
  });

  it('refuses an unknown sample and names the known ones', async () => {
    const { id } = await create('hotmart');
    const answer = await test(id, { sample: 'nonsense' });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([
      { path: 'sample', message: expect.stringContaining(sources.get('hotmart')?.samples[0]?.name ?? '?') },
    ]);
  });

  it('is refused to an analyst, and unknown to another org, and sends nothing', async () => {
    const { id } = await create('hotmart');
    const analyst = await api.makeMember(org, 'analyst');
    const stranger = (await api.makeOrg()).owner;
    expect((await test(id, {}, analyst)).status).toBe(403);
    expect((await test(id, {}, stranger)).status).toBe(404);
    expect(await api.admin('select from public.event_journal where source_connection_id = $1', [id])).toEqual([]);
  });

  it('leaves no secret in the logs', async () => {
    const { id, secrets } = await create('meta');
    await test(id);
    await expect.poll(() => api.logged()).toContain(id);
    for (const secret of secrets) expect(api.logged()).not.toContain(secret);
  });
});
