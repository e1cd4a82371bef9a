import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from '@playwright/test';
import { guestLooks, type Look, looksOf, personalLooks } from '@tributary/web/test/mock/looks.ts';
import { findChromium } from './chromium.ts';
import { fillDemoOrg } from './demo-org.ts';
import { makeOrg, makeUser, openAs, stack, type User } from './fixtures.ts';
import globalSetup from './global-setup.ts';

// `npm run screenshots` takes a PNG of every page and panel, light and dark, wide and narrow, and of some in Portuguese and of an empty org. It starts a
// stack, or uses the running one whose stack.json E2E_STACK names. `npm run screenshots -- events` takes only those with the word in their name.
// The run fails when a page shows an error or writes one to the console.

const directory = join(import.meta.dirname, '..', '.local', 'screenshots');
const only = process.argv[2] ?? '';
const portuguese =
  /^(overview|connections|connections-new-waiting|connection-activity|events|dead-letters-groups|replays|alerts-rules|settings-privacy)$/;
const empty = /^(overview|connections|events|dead-letters-groups|dead-letters-quarantine|replays|alerts-incidents|settings-members)$/;
const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };

interface Shoot {
  looks: readonly Look[];
  user?: User | undefined;
  width: keyof typeof sizes;
  dark?: boolean;
  language?: 'en-US' | 'pt-BR';
  suffix?: string;
}

const faults: string[] = [];

async function shoot(browser: Browser, { looks, user, width, dark = false, language = 'en-US', suffix }: Shoot): Promise<void> {
  const context = await browser.newContext({
    viewport: sizes[width],
    colorScheme: dark ? 'dark' : 'light',
    locale: language,
    timezoneId: 'America/Sao_Paulo',
    reducedMotion: 'reduce',
    ...(width === 'narrow' ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}),
  });
  const page = await context.newPage();
  let now = '';
  page.on('console', (message) => message.type() === 'error' && faults.push(`${now}: console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`${now}: ${error.message}`));
  if (user) await openAs(page, user, '/');
  for (const look of looks.filter(({ name }) => name.includes(only))) {
    now = [look.name, width, dark ? 'dark' : 'light', language === 'pt-BR' && 'pt', suffix].filter(Boolean).join('.');
    await page.goto(stack().apiUrl + look.path);
    await waitUntilStill(page);
    const failed = await page
      .getByRole('alert')
      .filter({ hasText: /Request [0-9a-f-]{36}|could not be loaded|Não foi possível carregar/ })
      .count();
    if (failed > 0) faults.push(`${now}: the page says that it failed`);
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (tooWide > 0) faults.push(`${now}: ${tooWide} pixels wider than the screen`);
    // A panel is placed by the window, not by the length of the page, so only the window is captured.
    const panels = await page.getByRole('dialog').count();
    await page.screenshot({ path: join(directory, `${now}.png`), fullPage: panels === 0 });
    console.log(join('.local', 'screenshots', `${now}.png`));
  }
  await context.close();
}

/** Waits until the page has loaded and its charts are drawn. */
async function waitUntilStill(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await page.waitForLoadState('networkidle');
  await page
    .locator('.mantine-Skeleton-root[data-visible]')
    .first()
    .waitFor({ state: 'detached', timeout: 15_000 })
    .catch(() => {});
}

const stop = await globalSetup();
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const { user, org, rows } = await fillDemoOrg(400);
  const newcomer = await makeUser();
  const emptyOrg = await makeOrg(newcomer, 'Ateliê');
  const looks = looksOf(org.slug, rows);
  for (const width of ['wide', 'narrow'] as const)
    for (const dark of [false, true]) {
      await shoot(browser, { looks, user, width, dark });
      await shoot(browser, { looks: guestLooks, width, dark });
    }
  for (const width of ['wide', 'narrow'] as const) {
    await shoot(browser, { looks: looks.filter(({ name }) => portuguese.test(name)), user, width, language: 'pt-BR' });
    const ofNewcomer = [...personalLooks, ...looksOf(emptyOrg.slug).filter(({ name }) => empty.test(name))];
    await shoot(browser, { looks: ofNewcomer, user: newcomer, width, suffix: 'empty' });
  }
} finally {
  await browser.close();
  await stop();
}
for (const fault of faults) console.error(`✗ ${fault}`);
console.log(faults.length === 0 ? 'No page shows or logs an error.' : `${faults.length} faults.`);
process.exitCode = faults.length > 0 ? 1 : 0;
