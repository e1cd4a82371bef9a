import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../test/api.ts';

const page = '<!doctype html><title>The dashboard</title>';
const script = 'document.title = "the dashboard";';
let directory: string;
let api: TestApi;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-web-'));
  mkdirSync(join(directory, 'assets'));
  for (const [name, content] of [
    ['index.html', page],
    ['assets/index-abc123.js', script],
  ] as const) {
    writeFileSync(join(directory, name), content);
    writeFileSync(join(directory, `${name}.gz`), gzipSync(content));
    writeFileSync(join(directory, `${name}.br`), brotliCompressSync(content));
  }
  writeFileSync(join(directory, '..', 'tributary-web-neighbour.txt'), 'not of the dashboard');
  api = await startTestApi({ WEB_DIR: directory, SUPABASE_URL: 'https://project.supabase.test' });
});
afterAll(async () => {
  await api.close();
  rmSync(directory, { recursive: true });
  rmSync(join(directory, '..', 'tributary-web-neighbour.txt'));
});

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const get = (path: string, headers: Record<string, string> = html, method = 'GET') =>
  api.app.request(`http://tributary.test${path}`, { method, headers });

describe('the dashboard', () => {
  it('is served with a policy that runs only scripts of the dashboard and forbids every frame', async () => {
    for (const path of ['/', '/o/acme/events?range=7d', '/assets/index-abc123.js']) {
      const { status, headers } = await get(path);
      expect(status).toBe(200);
      const policy = new Map(
        (headers.get('content-security-policy') ?? '').split(';').map((part) => {
          const [name = '', ...values] = part.trim().split(/\s+/);
          return [name, values];
        }),
      );
      expect(policy.get('default-src')).toEqual(["'none'"]);
      // No inline script, no eval, no data: URL and no other host is allowed.
      expect(policy.get('script-src')).toEqual(["'self'"]);
      expect(policy.get('connect-src')).toEqual(["'self'", 'https://project.supabase.test']);
      expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
      expect(policy.get('base-uri')).toEqual(["'none'"]);
      expect(policy.get('form-action')).toEqual(["'self'"]);
      // Browsers report what the policy blocks.
      expect(policy.get('report-uri')).toEqual(['/api/policy-reports']);
      expect(policy.get('report-to')).toEqual(['policy']);
      expect(headers.get('reporting-endpoints')).toBe('policy="/api/policy-reports"');
      // A kind of content that no directive names is not allowed.
      for (const name of ['object-src', 'frame-src', 'worker-src', 'script-src-elem', 'script-src-attr'])
        expect(policy.get(name)).toBeUndefined();
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}/);
      expect(headers.get('permissions-policy')).toContain('camera=()');
    }
  });

  it('forbids frames, sniffing and referrers, and so does every answer of the API', async () => {
    const { headers } = await get('/api/config');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}/);
  });

  it('is served with hashed files that may be cached for ever, and a page that is revalidated each time', async () => {
    expect((await get('/assets/index-abc123.js')).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    for (const path of ['/', '/index.html', '/o/acme/overview']) expect((await get(path)).headers.get('cache-control')).toBe('no-cache');
  });

  it('is compressed as the browser accepts it, and tells caches on the way that the answer depends on accept-encoding', async () => {
    for (const [path, content] of [
      ['/o/acme/overview', page],
      ['/assets/index-abc123.js', script],
    ] as const) {
      for (const [accepted, encoding, open] of [
        ['gzip, br', 'br', brotliDecompressSync],
        ['gzip', 'gzip', gunzipSync],
        ['identity', null, (bytes: Buffer) => bytes],
      ] as const) {
        const response = await get(path, { ...html, 'accept-encoding': accepted });
        expect(response.headers.get('content-encoding')).toBe(encoding);
        expect(response.headers.get('vary')).toBe('Accept-Encoding');
        expect(response.headers.get('content-type')).toMatch(path.endsWith('.js') ? /^text\/javascript/ : /^text\/html/);
        expect(open(Buffer.from(await response.arrayBuffer())).toString()).toBe(content);
      }
    }
  });
});

describe('a request that is not for a page', () => {
  it.each([
    ['an unknown path of the API', '/api/nothing-here', html],
    ['an asset of an older build', '/assets/index-old999.js', html],
    ['a request that does not accept HTML', '/o/acme/events', { accept: 'application/json' }],
    ['a missing script', '/service-worker.js', { accept: '*/*' }],
  ])('is a 404 with a problem: %s', async (_what, path, headers) => {
    const response = await get(path, headers);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('cache-control') ?? '').not.toContain('immutable');
    expect(await response.json()).toMatchObject({ code: 'not_found' });
  });

  it('is a 404 when it is a POST', async () => {
    expect((await get('/o/acme/overview', html, 'POST')).status).toBe(404);
  });

  it.each([
    '/../tributary-web-neighbour.txt',
    '/%2e%2e/tributary-web-neighbour.txt',
    '/..%2ftributary-web-neighbour.txt',
    '/assets/..%5c..%5ctributary-web-neighbour.txt',
    '//etc/passwd',
  ])('never returns a file outside the build: %s', async (path) => {
    const response = await get(path);
    expect(await response.text()).not.toMatch(/not of the dashboard|root:/);
  });
});
