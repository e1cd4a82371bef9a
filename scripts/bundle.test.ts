import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterEach, describe, expect, it } from 'vitest';
import { type BundleReport, examineBundle } from './bundle.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const clean = {
  'index.html': '<!doctype html><div id="root"></div><script type="module" src="/main.ts"></script>',
  'main.ts': "document.title = 'main'; addEventListener('click', () => import('./page.ts'));",
  'page.ts': "document.title = 'a page';",
};

/** Builds a dashboard of three files, one of which the test changes, and examines the output. */
async function examine(
  files: Partial<typeof clean>,
  options: { define?: Record<string, string>; sourcemap?: true } = {},
): Promise<BundleReport> {
  const root = mkdtempSync(join(tmpdir(), 'tributary-bundle-test-'));
  directories.push(root);
  for (const [name, content] of Object.entries({ ...clean, ...files })) writeFileSync(join(root, name), content);
  const { define = {}, sourcemap = false } = options;
  const built = await build({
    root,
    define,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, modulePreload: { polyfill: false }, sourcemap },
  });
  if (!('output' in built)) throw new Error('no single output');
  return examineBundle(built.output, { pages: [join(root, 'page.ts')], markers: { SMTP_URL: 'marker-of-the-mail-server' } });
}

describe('a build of the dashboard', () => {
  it('with nothing wrong has no finding, and reports its sizes', async () => {
    const report = await examine({});
    expect(report.findings).toEqual([]);
    expect(report.initialBytes).toBeGreaterThan(0);
    expect([...report.pages.values()]).toEqual([expect.any(Number)]);
  });

  it('is refused when the script that is loaded first is too large', async () => {
    // Random text stays large when it is compressed.
    const noise = Array.from({ length: 60_000 }, () => Math.random().toString(36).slice(2)).join('');
    const report = await examine({ 'main.ts': `console.log('${noise}'); ${clean['main.ts']}` });
    expect(report.findings).toEqual([expect.stringMatching(/^the initial script has \d+\.\d kB \(gzip\), more than 250\.0 kB$/)]);
  });

  it('may have a larger script for a page that is loaded on demand', async () => {
    const noise = Array.from({ length: 60_000 }, () => Math.random().toString(36).slice(2)).join('');
    const report = await examine({ 'page.ts': `console.log('${noise}');` });
    expect(report.findings).toEqual([]);
    expect([...report.pages.values()][0]).toBeGreaterThan(250_000);
  });

  it('is refused when a page is not in a separate chunk', async () => {
    const report = await examine({ 'main.ts': `import './page.ts'; ${clean['main.ts']}` });
    expect(report.findings).toEqual([expect.stringContaining('page.ts is not in a separate chunk')]);
  });

  const jwt = ['eyJhbGciOiJIUzI1NiJ9', Buffer.from('{"role":"service_role"}').toString('base64url'), 'c2lnbmF0dXJlLW9mLWl0'].join('.');
  it.each([
    ['a service_role key', jwt, /a token \(JWT\)/],
    ['a secret key of Supabase', ['sb', 'secret', 'N7UND0UgjKTVK'].join('_'), /a secret key of Supabase/],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----', /a private key/],
    ['a master key', `v1:${Buffer.alloc(32, 7).toString('base64')}`, /a master key/],
    ['a connection string', 'postgresql://postgres:hunter2@db.example.com/postgres', /a connection string/],
    ['a live key of a platform', ['sk', 'live', '51H'].join('_'), /a live secret of a platform/],
    ['a server setting', 'process.env.OPERATOR_TOKEN', /the name of a server secret/],
    ['the value of a setting', 'marker-of-the-mail-server', /the value of SMTP_URL/],
  ])('is refused with %s in a page', async (_what, planted, finding) => {
    const report = await examine({ 'page.ts': `document.title = ${JSON.stringify(planted)};` });
    expect(report.findings).toEqual([expect.stringMatching(finding)]);
  });

  it('is refused when the build puts a setting of the server into the output', async () => {
    const report = await examine(
      { 'main.ts': `console.log(MAIL); ${clean['main.ts']}` },
      { define: { MAIL: '"marker-of-the-mail-server"' } },
    );
    expect(report.findings).toEqual([expect.stringContaining('the value of SMTP_URL')]);
  });

  it('is refused with source maps', async () => {
    const report = await examine({}, { sourcemap: true });
    expect(report.findings.length).toBeGreaterThan(0);
    expect(report.findings.every((finding) => finding.endsWith('is or has a source map'))).toBe(true);
  });

  it('is refused with a script or a handler in index.html, which the content security policy would not run', async () => {
    const script = await examine({ 'index.html': clean['index.html'].replace('<div', '<script>document.title = "x"</script><div') });
    expect(script.findings).toContain('index.html has an inline script');
    const handler = await examine({ 'index.html': clean['index.html'].replace('<div', '<div onclick="go()"') });
    expect(handler.findings).toEqual(['index.html has an inline event handler']);
  });
});
