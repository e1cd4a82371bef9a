import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publicUrl, startTestApi, type TestApi } from '../test/api.ts';
import { call } from '../test/call.ts';
import type { ApiDocument } from './routes.ts';

let world: TestApi;
let app: TestApi['app'];
let document: ApiDocument;

beforeAll(async () => {
  world = await startTestApi();
  app = world.app;
  document = (await call(app, undefined, 'GET', '/openapi.json')).body;
});
afterAll(() => world.close());

const methods = ['get', 'post', 'patch', 'delete', 'put'] as const;
const operations = () =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => (item?.[method] ? [{ path, method, operation: item[method] }] : [])),
  );

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and names the server', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.servers).toEqual([{ url: publicUrl }]);
  });

  it('describes every mounted route, and the webhook routes', () => {
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    const mounted = app.routes
      .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(described).toEqual(expect.arrayContaining([...new Set(mounted)]));
    expect(described).toEqual(
      expect.arrayContaining([
        'POST /api/webhooks/{type}/{connectionId}',
        'GET /api/webhooks/{type}/{connectionId}',
        'GET /health',
        'GET /ready',
        'GET /health/detailed',
        'GET /metrics',
      ]),
    );
  });

  it('gives every operation a unique id, a summary, its security and an answer', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations()) {
      expect(operation.summary, path).toBeTruthy();
      expect(operation.security, path).toBeDefined();
      expect(
        Object.keys(operation.responses ?? {}).some((status) => status.startsWith('2')),
        path,
      ).toBe(true);
    }
  });

  it('resolves every reference within itself, and answers every error as a problem', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(refs).toContain('#/components/schemas/Problem');
    for (const ref of refs) {
      const target = ref
        .slice(2)
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key.replaceAll('~1', '/')], document);
      expect(target, ref).toBeDefined();
    }
    for (const [name, response] of Object.entries(document.components?.responses ?? {})) {
      if (name === 'Delivered') continue;
      expect('content' in response && Object.keys(response.content ?? {})).toEqual(['application/problem+json']);
    }
  });

  it('marks only the mandatory fields as required', () => {
    const body = document.components?.schemas?.RotateSecret;
    expect(body).toMatchObject({ type: 'object', additionalProperties: false });
    expect(body?.required ?? []).toEqual([]);
  });
});

describe('/docs', () => {
  it('forbids by its policy to load anything from another host', async () => {
    const answer = await call(app, undefined, 'GET', '/docs');
    expect(answer.status).toBe(200);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(/script-src ([^;]*)/.exec(policy)?.[1]).toBe("'self'");
    const urls = [...answer.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(urls.length).toBeGreaterThan(1);
    for (const url of urls) expect(url).toMatch(/^(\/docs\/|data:,)/);
    for (const url of urls.filter((one) => one.startsWith('/'))) expect((await app.request(url)).status, url).toBe(200);
  });

  it('serves the reference from the installed package, cached and compressed', async () => {
    const plain = await app.request('/docs/scalar.js');
    const zipped = await app.request('/docs/scalar.js', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.headers.get('cache-control')).toContain('immutable');
    const text = await plain.text();
    expect(text).toContain('createApiReference');
    expect(await new Response((await zipped.blob()).stream().pipeThrough(new DecompressionStream('gzip'))).text()).toBe(text);
  });

  it('switches off fonts, proxy, telemetry and assistants of other parties', async () => {
    const script = await (await app.request('/docs/init.js')).text();
    for (const option of [
      'withDefaultFonts: false',
      'telemetry: false',
      "proxyUrl: ''",
      'agent: { disabled: true }',
      'mcp: { disabled: true }',
    ]) {
      expect(script).toContain(option);
    }
  });
});
