import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { ApiDocument } from './routes.ts';

let api: TestApi;
let commands: { method: string; path: string; token: string }[];

beforeAll(async () => {
  api = await startTestApi();
  const org = await api.makeOrg();
  const connection = await api.connect(org, 'hotmart', { hottok: 'hottok-of-the-bodies' });
  const document = (await call(api.app, undefined, 'GET', '/openapi.json')).body as ApiDocument;
  commands = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (['post', 'patch', 'put', 'delete'] as const)
      .filter((method) => item?.[method] && !path.startsWith('/api/webhooks/'))
      .map((method) => ({
        method: method.toUpperCase(),
        path: path.replace('{orgId}', org.id).replace(/\{[^}]+\}/g, connection.id),
        token: path.startsWith('/api/admin/') ? api.config.operatorToken : org.owner.token,
      })),
  );
});
afterAll(() => api.close());

const send = async ({ method, path, token }: (typeof commands)[number], body: string) => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await api.app.request(path, { method, headers, body });
  const answer = (await response.json().catch(() => ({}))) as { code?: string };
  return { command: `${method} ${path}`, status: response.status, code: answer.code };
};

it('takes an empty body with a JSON content type as {} on every route', async () => {
  expect(commands.length).toBeGreaterThan(20);
  for (const command of commands) {
    const [empty, object] = [await send(command, ''), await send(command, '{}')];
    expect(empty.status, empty.command).toBeLessThan(500);
    // Some commands can only be given once: then the second answer is another refusal, and never a complaint about the body.
    if (empty.status >= 400) expect([empty.command, object.status]).toEqual([empty.command, empty.status]);
  }
});

it('answers 400 for a body that is not JSON on every route that reads one', async () => {
  for (const command of commands) {
    const { status, code, command: name } = await send(command, '{"a":');
    expect(status, name).toBeLessThan(500);
    if (status === 400) expect(code, name).toBe('invalid_request');
  }
});

it('drains when the body of the command is empty', async () => {
  const drain = { method: 'POST', path: '/api/admin/drain', token: api.config.operatorToken };
  expect(await send(drain, '')).toMatchObject({ status: 200 });
  expect(await send(drain, '{')).toMatchObject({ status: 400, code: 'invalid_request' });
  expect(api.flow.mode()).toBe('drain');
});
