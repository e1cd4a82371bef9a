import { randomUUID } from 'node:crypto';
import type { Secret } from '@tributary/pipeline/source.ts';
import { sources } from '@tributary/pipeline/sources.ts';
import { Connection, CreatedConnection, ProblemAnswer } from '@tributary/shared/api.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSecrets } from '../deliveries/secrets.ts';
import { loadOrgKeys } from '../tenancy/org-keys.ts';
import { publicUrl, startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { TestOrg, TestUser } from '../test/make.ts';

let world: TestApi;
let app: TestApi['app'];
let org: TestOrg;
let analyst: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
  org = await world.makeOrg();
  analyst = await world.makeMember(org, 'analyst');
  stranger = (await world.makeOrg()).owner;
});
afterAll(() => world.close());

const standardWebhooks = { verification: { scheme: 'standard-webhooks' } };

function create(body: object, user: TestUser = org.owner) {
  return call(app, user, 'POST', '/api/connections', { projectId: org.projectId, type: 'hotmart', name: 'Shop', ...body });
}

/** The secrets with which an API process accepts deliveries. */
async function storedSecrets(id: string): Promise<Secret[]> {
  const keys = await loadOrgKeys(world.db, world.masterKeys, org.id, world.log);
  const secrets = await findSecrets(world.db, id, keys, world.log);
  return secrets.map(({ name, value }) => ({ name, value }));
}

describe('creating a connection', () => {
  it('answers 201 with the id and the URL to paste into the platform', async () => {
    const answer = await create({ secret: 'the-hottok' });
    expect(answer.status).toBe(201);
    const created = CreatedConnection.parse(answer.body);
    expect(created.webhookUrl).toBe(`${publicUrl}/api/webhooks/hotmart/${created.id}`);
    expect(created).not.toHaveProperty('secret');
    expect(created.missingSecrets).toEqual([]);
    expect(await storedSecrets(created.id)).toEqual([{ name: 'hottok', value: 'the-hottok' }]);
  });

  it('is allowed for admins too', async () => {
    const admin = await world.makeMember(org, 'admin');
    expect((await create({ secret: 'secret-x' }, admin)).status).toBe(201);
  });

  it('generates a secret that the platform does not issue, in the form of the scheme, and shows it once', async () => {
    const answer = await create({ type: 'webhook', config: standardWebhooks });
    expect(answer.status).toBe(201);
    const { id, secret, secrets } = CreatedConnection.parse(answer.body);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(secrets).toEqual({ secret });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await storedSecrets(id)).toEqual([{ name: 'secret', value: secret }]);
    expect((await call(app, org.owner, 'GET', `/api/connections/${id}`)).text).not.toContain(secret);
  });

  it('generates only the secrets that the caller leaves out', async () => {
    const answer = await create({ type: 'meta', secret: 'app-secret' });
    const { id, secret, secrets, missingSecrets } = CreatedConnection.parse(answer.body);
    expect(secret).toBeUndefined();
    expect(Object.keys(secrets ?? {})).toEqual(['verify_token']);
    expect(Buffer.from(secrets?.verify_token ?? '', 'base64url')).toHaveLength(32);
    expect(missingSecrets).toEqual([]);
    expect(new Set((await storedSecrets(id)).map(({ name }) => name))).toEqual(new Set(['app_secret', 'verify_token']));

    const all = await create({ type: 'meta', secrets: { app_secret: 'secret-a', verify_token: 'secret-chosen' } });
    expect(all.body).not.toHaveProperty('secrets');
  });

  it('names the secrets that the platform issues and that are still missing', async () => {
    const answer = await create({});
    expect(answer.status).toBe(201);
    expect(answer.body.missingSecrets).toEqual(['hottok']);
    const read = await call(app, org.owner, 'GET', `/api/connections/${answer.body.id}`);
    expect(Connection.parse(read.body).missingSecrets).toEqual(['hottok']);
  });

  it('refuses a secret that the scheme cannot use', async () => {
    const answer = await create({ type: 'webhook', config: standardWebhooks, secret: 'whsec_not base64' });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ path: 'secret' }]);
  });

  it('leaves out the blanks and line breaks that were pasted with a secret', async () => {
    const { id } = (await create({ secret: ' hottok-pasted\n' })).body;
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'hottok-pasted' }]);
    expect((await create({ secret: '        \n' })).status).toBe(400);
    const basic = { verification: { scheme: 'basic', username: 'tributary' } };
    const password = (await create({ type: 'webhook', config: basic, secret: ' a pass word \r\n' })).body;
    expect(await storedSecrets(password.id)).toEqual([{ name: 'secret', value: ' a pass word ' }]);
  });

  it('refuses a secret in a form that the settings do not read, with a code and the form that is wanted', async () => {
    const hmac = (secretEncoding: string) => ({ verification: { scheme: 'hmac', header: 'x-sig', secretEncoding } });
    for (const [secretEncoding, code] of [
      ['hex', 'secret_not_hex'],
      ['base64', 'secret_not_base64'],
      ['whsec', 'secret_not_whsec'],
    ] as const) {
      const answer = await create({ type: 'webhook', config: hmac(secretEncoding), secret: 'not of that form!' });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([{ path: 'secret', code, message: expect.stringMatching(/^must be /) }]);
      expect(answer.text).not.toContain('not of that form');
    }
    for (const [type, secret] of [
      ['stripe', 'sk_test_of_no_account'],
      ['meta', '1234567890123456'],
    ])
      expect((await create({ type, secret })).body.errors).toMatchObject([{ path: 'secret', code: 'secret_of_another_kind' }]);
  });

  it('refuses a secret under a name the source does not have, and the same secret twice', async () => {
    const unknown = await create({ secrets: { token: 'x' } });
    expect(unknown.status).toBe(400);
    expect(unknown.body.errors).toMatchObject([{ path: 'secrets.token', message: expect.stringContaining('hottok') }]);
    expect((await create({ secret: 'secret-a', secrets: { hottok: 'secret-b' } })).status).toBe(400);
  });

  it('refuses an unknown type and names the known ones', async () => {
    const answer = await create({ type: 'nonsense' });
    expect(answer.status).toBe(400);
    for (const type of sources.keys()) expect(answer.body.errors[0].message).toContain(type);
  });

  it('refuses a config that is not valid for the source, and names each wrong field', async () => {
    const answer = await create({ type: 'webhook', config: { verification: { scheme: 'hmac' }, fields: { id: '' } } });
    expect(answer.status).toBe(400);
    expect(ProblemAnswer.parse(answer.body).errors?.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['config.verification.header', 'config.fields.id']),
    );
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each([...sources.values()])(
    'refuses keys in the config that $type does not know, so that no secret can hide there',
    async (source) => {
      const config = { ...(source.type === 'webhook' ? standardWebhooks : {}), secret: 'hidden-value' };
      const answer = await create({ type: source.type, config });
      expect(answer.status).toBe(400);
      expect(answer.text).not.toContain('hidden-value');
    },
  );

  it('refuses unknown fields, a blank name and a body that is not an object', async () => {
    expect((await create({ isActive: false })).status).toBe(400);
    expect((await create({ name: '  ' })).body.errors).toMatchObject([{ path: 'name', code: 'too_small', origin: 'string', minimum: 1 }]);
    expect((await create({ name: 'x'.repeat(121), projectId: 'x' })).body.errors).toMatchObject([
      { path: 'projectId', code: 'invalid_format', format: 'guid' },
      { path: 'name', code: 'too_big', maximum: 120 },
    ]);
    expect((await call(app, org.owner, 'POST', '/api/connections', [])).status).toBe(400);
  });

  it('answers 403 to an analyst and stores nothing', async () => {
    const before = await world.admin<{ n: string }>('select count(*) as n from public.source_connections');
    const answer = await create({ secret: 'secret-x' }, analyst);
    expect(answer.status).toBe(403);
    expect(await world.admin('select count(*) as n from public.source_connections')).toEqual(before);
  });

  it('answers 404 for a project of another org, as for one that does not exist', async () => {
    const other = await create({ secret: 'secret-x' }, stranger);
    const unknown = await create({ secret: 'secret-x', projectId: randomUUID() });
    expect([other.status, unknown.status]).toEqual([404, 404]);
    expect({ ...other.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  });
});

describe('reading connections', () => {
  it('lists the connections of a project, newest first, to every member', async () => {
    const projectId = await world.makeProject(org);
    const first = (await create({ projectId, name: 'First', secret: 'secret-a' })).body.id;
    const second = (await create({ projectId, name: 'Second', secret: 'secret-b' })).body.id;
    const answer = await call(app, analyst, 'GET', `/api/connections?projectId=${projectId}`);
    expect(answer.status).toBe(200);
    expect(answer.body.map((connection: unknown) => Connection.parse(connection).id)).toEqual([second, first]);
    expect(answer.body[0]).toMatchObject({ name: 'Second', isActive: true, orgId: org.id, secrets: [{ name: 'hottok', expiresAt: null }] });
  });

  it('lists the connections of the caller\u2019s orgs only, without a filter', async () => {
    const answer = await call(app, stranger, 'GET', '/api/connections');
    expect(answer.body).toEqual([]);
  });

  it('answers 404 for another org\u2019s project or connection, an unknown id and a malformed id', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    expect((await call(app, stranger, 'GET', `/api/connections?projectId=${org.projectId}`)).status).toBe(404);
    expect((await call(app, stranger, 'GET', `/api/connections/${id}`)).status).toBe(404);
    expect((await call(app, org.owner, 'GET', `/api/connections/${randomUUID()}`)).status).toBe(404);
    expect((await call(app, org.owner, 'GET', '/api/connections/nonsense')).status).toBe(404);
    expect((await call(app, org.owner, 'GET', '/api/connections?projectId=nonsense')).status).toBe(400);
  });
});

describe('changing a connection', () => {
  it('changes the given fields and leaves the others', async () => {
    const { id } = (await create({ secret: 'secret-x', config: { defaultCountry: 'BR' } })).body;
    const renamed = await call(app, org.owner, 'PATCH', `/api/connections/${id}`, { name: ' Renamed ' });
    expect(renamed.status).toBe(200);
    expect(Connection.parse(renamed.body)).toMatchObject({ name: 'Renamed', isActive: true, config: { defaultCountry: 'BR' } });
    const paused = await call(app, org.owner, 'PATCH', `/api/connections/${id}`, { isActive: false, config: { defaultCountry: 'PT' } });
    expect(paused.body).toMatchObject({ name: 'Renamed', isActive: false, config: { defaultCountry: 'PT' } });
    expect(Date.parse(paused.body.updatedAt)).toBeGreaterThan(Date.parse(paused.body.createdAt));
  });

  it('refuses settings that read the stored secret in a form that it does not have, until a fitting secret is set', async () => {
    const hmac = (secretEncoding: string) => ({ verification: { scheme: 'hmac', header: 'x-sig', secretEncoding } });
    const { id } = (await create({ type: 'webhook', config: hmac('utf-8'), secret: 'a text that is no hexadecimal' })).body;
    const change = (secretEncoding: string) => call(app, org.owner, 'PATCH', `/api/connections/${id}`, { config: hmac(secretEncoding) });
    const refused = await change('hex');
    expect(refused.status).toBe(400);
    expect(refused.body.errors).toMatchObject([{ path: 'config', code: 'secret_not_hex' }]);
    expect(refused.text).not.toContain('a text that');
    await call(app, org.owner, 'POST', `/api/connections/${id}/secret`, { secret: 'ab'.repeat(16) });
    expect((await change('hex')).status).toBe(200);
    const rotated = await call(app, org.owner, 'POST', `/api/connections/${id}/secret`, { secret: 'zz'.repeat(16) });
    expect(rotated.body.errors).toMatchObject([{ path: 'secret', code: 'secret_not_hex' }]);
    const generated = await call(app, org.owner, 'POST', `/api/connections/${id}/secret`, {});
    expect(generated.body.secret).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses a config that is not valid for the source, an empty change and a change of the type', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    const path = `/api/connections/${id}`;
    expect((await call(app, org.owner, 'PATCH', path, { config: { hottok: 'x' } })).body.errors).toMatchObject([{ path: 'config' }]);
    expect((await call(app, org.owner, 'PATCH', path, {})).status).toBe(400);
    expect((await call(app, org.owner, 'PATCH', path, { type: 'meta' })).status).toBe(400);
  });

  it('is refused to an analyst, and unknown to another org', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    expect((await call(app, analyst, 'PATCH', `/api/connections/${id}`, { name: 'Mine' })).status).toBe(403);
    expect((await call(app, stranger, 'PATCH', `/api/connections/${id}`, { name: 'Mine' })).status).toBe(404);
    expect((await call(app, org.owner, 'PATCH', `/api/connections/${randomUUID()}`, { name: 'Mine' })).status).toBe(404);
    expect((await call(app, org.owner, 'GET', `/api/connections/${id}`)).body.name).toBe('Shop');
  });
});

describe('deleting a connection', () => {
  it('answers 404 for the connection from then on, and erases its secrets', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    const answer = await call(app, org.owner, 'DELETE', `/api/connections/${id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'Back' }],
      ['DELETE', '', undefined],
      ['POST', '/secret', { secret: 'secret-y' }],
      ['POST', '/test', {}],
    ] as const) {
      expect((await call(app, org.owner, method, `/api/connections/${id}${path}`, body)).status).toBe(404);
    }
    expect((await call(app, org.owner, 'GET', '/api/connections')).text).not.toContain(id);
    expect(await world.admin('select from private.connection_secrets where source_connection_id = $1', [id])).toEqual([]);
  });

  it('is refused to an analyst, and unknown to another org', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    expect((await call(app, analyst, 'DELETE', `/api/connections/${id}`)).status).toBe(403);
    expect((await call(app, stranger, 'DELETE', `/api/connections/${id}`)).status).toBe(404);
    expect((await call(app, org.owner, 'DELETE', `/api/connections/${randomUUID()}`)).status).toBe(404);
    expect((await call(app, org.owner, 'GET', `/api/connections/${id}`)).status).toBe(200);
  });
});

describe('rotating a secret', () => {
  const rotate = (id: string, body: object, user: TestUser = org.owner) => call(app, user, 'POST', `/api/connections/${id}/secret`, body);

  it('ends the old secret at once without a grace period', async () => {
    const { id } = (await create({ secret: 'secret-old' })).body;
    const answer = await rotate(id, { secret: 'secret-new' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: 'hottok', secrets: [{ name: 'hottok', expiresAt: null }] });
    expect(answer.body).not.toHaveProperty('secret');
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'secret-new' }]);
  });

  it('keeps the old secret valid for the grace period, and lists the newest first', async () => {
    const { id } = (await create({ secret: 'secret-old' })).body;
    const answer = await rotate(id, { secret: 'secret-new', graceSeconds: 3600 });
    expect((await storedSecrets(id)).map(({ value }) => value)).toEqual(['secret-new', 'secret-old']);
    const [current, replaced] = answer.body.secrets;
    expect(current.expiresAt).toBeNull();
    const remainingMs = Date.parse(replaced.expiresAt) - Date.now();
    expect(remainingMs).toBeGreaterThan(3_000_000);
    expect(remainingMs).toBeLessThanOrEqual(3_600_000);
  });

  it('keeps at most five secrets: a further rotation ends the oldest', async () => {
    const { id } = (await create({ secret: 'secret-0' })).body;
    for (const n of [1, 2, 3, 4, 5, 6]) expect((await rotate(id, { secret: `secret-${n}`, graceSeconds: 3600 })).status).toBe(200);
    expect((await storedSecrets(id)).map(({ value }) => value)).toEqual(['secret-6', 'secret-5', 'secret-4', 'secret-3', 'secret-2']);
  });

  it('forgets a replaced secret when its grace period is over', async () => {
    const { id } = (await create({ secret: 'secret-old' })).body;
    await rotate(id, { secret: 'secret-new', graceSeconds: 60 });
    await world.admin(
      `update private.connection_secrets set expires_at = now() - interval '1 second' where expires_at is not null and source_connection_id = $1`,
      [id],
    );
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'secret-new' }]);
    expect((await call(app, org.owner, 'GET', `/api/connections/${id}`)).body.secrets).toHaveLength(1);
  });

  it('generates the new secret where the platform does not issue it, and shows it once', async () => {
    const { id, secret: old } = (await create({ type: 'webhook', config: standardWebhooks })).body;
    const { body, headers } = await rotate(id, {});
    expect(body.secret).toMatch(/^whsec_/);
    expect(body.secret).not.toBe(old);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(await storedSecrets(id)).toEqual([{ name: 'secret', value: body.secret }]);
  });

  it('rotates one of several secrets by its name', async () => {
    const { id } = (await create({ type: 'meta', secrets: { app_secret: 'secret-app', verify_token: 'secret-token' } })).body;
    const { body } = await rotate(id, { name: 'verify_token' });
    expect((await storedSecrets(id)).find(({ name }) => name === 'verify_token')?.value).toBe(body.secret);
    expect((await storedSecrets(id)).find(({ name }) => name === 'app_secret')?.value).toBe('secret-app');
  });

  it('sets a secret that was missing', async () => {
    const { id } = (await create({})).body;
    expect((await rotate(id, { secret: 'secret-late' })).status).toBe(200);
    expect((await call(app, org.owner, 'GET', `/api/connections/${id}`)).body.missingSecrets).toEqual([]);
  });

  it('refuses a missing value for a secret that the platform issues, an unknown name, an unusable value and a grace period beyond 30 days', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    expect((await rotate(id, {})).body.errors).toMatchObject([{ path: 'secret' }]);
    expect((await rotate(id, { name: 'token', secret: 'secret-y' })).body.errors).toMatchObject([{ path: 'name' }]);
    expect((await rotate(id, { secret: 'secret-y', graceSeconds: 30 * 86_400 + 1 })).body.errors).toMatchObject([{ path: 'graceSeconds' }]);
    expect((await rotate(id, { secret: 'secret-y', graceSeconds: -1 })).status).toBe(400);
    const { id: webhookId } = (await create({ type: 'webhook', config: standardWebhooks })).body;
    expect((await rotate(webhookId, { secret: 'whsec_***' })).body.errors).toMatchObject([{ path: 'secret' }]);
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'secret-x' }]);
  });

  it('refuses a secret that can be guessed, and says why', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    for (const secret of ['x', '123', '1234567']) {
      const message = 'must have at least 8 characters: a shorter secret can be guessed, and then anybody can send events';
      expect((await rotate(id, { secret })).body.errors).toMatchObject([{ path: 'secret', message }]);
      expect((await create({ secret })).body.errors).toMatchObject([{ path: 'secret', message }]);
      expect((await create({ secrets: { hottok: secret } })).body.errors).toMatchObject([{ path: 'secrets.hottok', message }]);
    }
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'secret-x' }]);
  });

  it('is refused to an analyst, and unknown to another org', async () => {
    const { id } = (await create({ secret: 'secret-x' })).body;
    expect((await rotate(id, { secret: 'secret-y' }, analyst)).status).toBe(403);
    expect((await rotate(id, { secret: 'secret-y' }, stranger)).status).toBe(404);
    expect(await storedSecrets(id)).toEqual([{ name: 'hottok', value: 'secret-x' }]);
  });
});

describe('secrets', () => {
  it('appear in no GET answer, in no row that a member can read, in no audit entry and in no log line', async () => {
    const given = `given-${randomUUID()}`;
    const { id } = (await create({ secret: given })).body;
    const { secret: generated } = (await create({ type: 'webhook', config: standardWebhooks })).body;
    const rotated = `rotated-${randomUUID()}`;
    await call(app, org.owner, 'POST', `/api/connections/${id}/secret`, { secret: rotated, graceSeconds: 60 });
    await call(app, org.owner, 'POST', `/api/connections/${id}/secret`, { secret: ` ${rotated}` });

    const audited = await world.admin<{ action: string }>('select * from public.audit_log where org_id = $1', [org.id]);
    expect(audited.map((entry) => entry.action)).toEqual(
      expect.arrayContaining(['source_connections.insert', 'connection_secrets.insert']),
    );
    const places = [
      (await call(app, org.owner, 'GET', '/api/connections')).text,
      (await call(app, org.owner, 'GET', `/api/connections/${id}`)).text,
      JSON.stringify(audited),
      JSON.stringify(await world.admin('select * from public.source_connections')),
      JSON.stringify(await world.admin(`select *, encode(sealed, 'escape') as bytes from private.connection_secrets`)),
      world.logged(),
    ];
    for (const place of places) {
      expect(place.length).toBeGreaterThan(2);
      for (const secret of [given, generated, rotated]) expect(place).not.toContain(secret);
    }
  });
});

describe('a request', () => {
  it('is refused with 413 beyond 64 KiB, with and without a length header', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(70_000) });
    const headers = { authorization: `Bearer ${org.owner.token}`, 'content-type': 'application/json' };
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    expect((await app.request('/api/connections', { method: 'POST', headers, body })).status).toBe(413);
    const streamed = await app.request('/api/connections', { method: 'POST', headers, body: chunked, duplex: 'half' } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  it('is refused with 415 unless its body is JSON, and with 400 when the JSON is broken', async () => {
    const send = (body: string, type: string) =>
      app.request('/api/connections', {
        method: 'POST',
        headers: { authorization: `Bearer ${org.owner.token}`, 'content-type': type },
        body,
      });
    expect((await send('name=x', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await send('{}', 'text/plain')).status).toBe(415);
    const broken = await send('{"name":', 'application/json; charset=utf-8');
    expect(broken.status).toBe(400);
    expect(((await broken.json()) as { code: string }).code).toBe('invalid_request');
  });
});
