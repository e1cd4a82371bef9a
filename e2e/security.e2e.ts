import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';
import { stack } from './fixtures.ts';

/** Another site, with one page that frames the address in its `?frame=` and one page that may be framed. */
async function startOtherSite(): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://other.invalid');
    response.setHeader('content-type', 'text/html');
    response.end(
      pathname === '/harmless' ? '<p>harmless</p>' : `<iframe src="${searchParams.get('frame')}" width="900" height="600"></iframe>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

test('no other site can frame the dashboard', async ({ page }) => {
  const { url, server } = await startOtherSite();
  try {
    const framed = (target: string) => `${url}/?frame=${encodeURIComponent(target)}`;
    const shown = async () => page.frames()[1]?.evaluate(() => document.body.textContent);
    await page.goto(framed(`${url}/harmless`));
    expect(await shown()).toBe('harmless');
    for (const path of ['/', '/sign-in', '/docs']) {
      await page.goto(framed(stack().apiUrl + path));
      await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
      expect(await page.frames()[1]?.locator('#root').count()).toBe(0);
    }
  } finally {
    server.close();
  }
});

test('only scripts of the build run, even when markup is injected into the page', async ({ page }) => {
  const violations: string[] = [];
  await page.exposeFunction('violated', (what: string) => violations.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      (window as unknown as { violated(what: string): void }).violated(`${event.effectiveDirective} ${event.blockedURI}`),
    );
  });
  // Scripts in the page itself, as if an attacker had changed the answer of the server.
  await page.route('**/sign-in', async (route) => {
    const response = await route.fetch();
    const inline = '<script>window.ran = "inline"</script><script src="data:text/javascript,window.ran=%22data%22"></script>';
    await route.fulfill({ response, body: (await response.text()).replace('</head>', `${inline}</head>`) });
  });
  await page.goto(`${stack().apiUrl}/sign-in`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  // Scripts that are added later, as if the page had inserted a payload as markup.
  await page.evaluate(() => {
    const div = document.createElement('div');
    div.innerHTML = '<img src="data:," onerror="window.ran = \'handler\'"><a id="bad" href="javascript:window.ran = \'address\'">x</a>';
    document.body.append(div);
    const script = document.createElement('script');
    script.textContent = 'window.ran = "added"';
    document.body.append(script);
    document.getElementById('bad')?.click();
    window.setTimeout('window.ran = "eval"');
  });
  await expect
    .poll(() => [...new Set(violations)].sort())
    .toEqual(['script-src eval', 'script-src-attr inline', 'script-src-elem data', 'script-src-elem inline']);
  expect(await page.evaluate(() => (window as unknown as { ran?: string }).ran)).toBeUndefined();
});

test('no file of the dashboard contains a secret of the stack', async ({ request }) => {
  const { apiUrl, databaseUrl, operatorToken, demo, publishableKey } = stack();
  const secrets = new Map([
    ['operatorToken', operatorToken],
    ['demo password', demo.password],
    ['database password', new URL(databaseUrl).password],
  ]);
  const keys = join(dirname(process.env.E2E_STACK ?? ''), 'keys.json');
  if (existsSync(keys))
    for (const [name, value] of Object.entries(JSON.parse(readFileSync(keys, 'utf8')) as Record<string, string>))
      if (value !== publishableKey) secrets.set(name, value);

  const seen = new Map<string, string>();
  const open = async (path: string) => {
    const response = await request.get(apiUrl + path, { headers: { accept: 'text/html,*/*' } });
    expect(response.status(), path).toBe(200);
    seen.set(path, await response.text());
  };
  await open('/');
  await open('/api/config');
  for (const text of seen.values())
    for (const [name] of text.matchAll(/\bassets\/[\w.-]+\.(?:js|css)\b/g)) if (!seen.has(`/${name}`)) await open(`/${name}`);
  // At least the index, the entry and every page were read.
  expect(seen.size).toBeGreaterThan(15);
  for (const [path, text] of seen) for (const [name, secret] of secrets) expect(text.includes(secret), `${name} in ${path}`).toBe(false);
});
