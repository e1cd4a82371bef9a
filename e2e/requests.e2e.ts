import { expect, type Page, type Request, type Route, test } from '@playwright/test';
import { deliverPurchase, makeHotmart, makeOrg, makeUser, openAs, stack } from './fixtures.ts';
import { looksOf } from './pages.ts';

/** The shortest interval at which a page asks again (ui/live.tsx), and how many different things one page asks for at most. */
const fastestSeconds = 5;
const questionsMax = 10;
/** What the overview asks by itself. */
const polled = 'POST /rest/v1/rpc/ingest_timeseries';

/** What is asked, whatever the times in it: a table or function of the Data API, a path of ours. */
const questionOf = (request: Request): string => `${request.method()} ${new URL(request.url()).pathname}`;

/** Counts what a page asks of either server from now on, by question. */
function count(page: Page): { byQuestion: Map<string, number>; total: () => number; clear: () => void } {
  const byQuestion = new Map<string, number>();
  const hosts = [stack().apiUrl, stack().supabaseUrl].map((url) => new URL(url).host);
  page.on('request', (request) => {
    const { host, pathname } = new URL(request.url());
    if (!hosts.includes(host) || pathname.startsWith('/assets/') || request.method() === 'OPTIONS') return;
    byQuestion.set(questionOf(request), (byQuestion.get(questionOf(request)) ?? 0) + 1);
  });
  return { byQuestion, total: () => [...byQuestion.values()].reduce((sum, n) => sum + n, 0), clear: () => byQuestion.clear() };
}

/** What asks more often than `max` times, by name. */
const over = (asked: ReadonlyMap<string, number>, max: (question: string) => number) =>
  [...asked].filter(([question, n]) => n > max(question)).map(([question, n]) => `${question}: ${n} times`);

/** As when another tab is in front: what browsers tell a page then. A headless one has no front. */
async function setVisible(page: Page, visible: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => state === 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    },
    visible ? 'visible' : 'hidden',
  );
}

async function makeBusyOrg() {
  const user = await makeUser();
  const org = await makeOrg(user);
  const connection = await makeHotmart(user, org);
  for (let n = 0; n < 3; n++) expect((await deliverPurchase(connection)).status).toBe(200);
  expect((await deliverPurchase(connection, { hottok: 'wrong' })).status).toBe(401);
  return { user, org, connection };
}

test('every page, left open for a minute, asks no more often than it says', async ({ context }) => {
  test.setTimeout(240_000);
  const { user, org, connection } = await makeBusyOrg();
  const looks = looksOf(org.slug, { connection: connection.id }).filter(({ name }) =>
    /^(overview|connections|connection-activity|events|dead-letters-groups|replays|alerts-incidents|settings-members|pipeline)$/.test(name),
  );
  expect(looks).toHaveLength(9);
  const opened = [];
  for (const look of looks) {
    const page = await context.newPage();
    await openAs(page, user, look.path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    opened.push({ look, asked: count(page) });
  }
  // All of them at once, for a real minute.
  for (const { asked } of opened) asked.clear();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  for (const { look, asked } of opened) {
    console.log(`      ${look.name}: ${asked.total()} requests a minute`);
    // A page that asks nothing would be a test of nothing: each at least asks whether the API is there.
    expect(asked.total(), look.name).toBeGreaterThan(0);
    expect(
      over(asked.byQuestion, () => 60 / fastestSeconds + 1),
      look.name,
    ).toEqual([]);
    expect(asked.total(), look.name).toBeLessThanOrEqual((questionsMax * 60) / fastestSeconds / 2);
  }
});

test('a hidden tab asks nothing, and one round when it is looked at again', async ({ page }) => {
  test.setTimeout(180_000);
  const { user, org } = await makeBusyOrg();
  await openAs(page, user, `/o/${org.slug}/overview?range=1h`);
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
  const asked = count(page);
  // Seen, it asks by itself: the first thing that is asked twice is polled.
  await expect.poll(() => asked.byQuestion.get(polled) ?? 0, { timeout: 30_000 }).toBeGreaterThan(1);

  await setVisible(page, false);
  await page.waitForLoadState('networkidle');
  asked.clear();
  await new Promise((resolve) => setTimeout(resolve, 16_000));
  expect([...asked.byQuestion]).toEqual([]);

  await setVisible(page, true);
  await expect.poll(() => asked.byQuestion.get(polled) ?? 0).toBeGreaterThan(0);
  await page.waitForLoadState('networkidle');
  // Once for coming back; once more where the next round happened to be due.
  expect(over(asked.byQuestion, () => 2)).toEqual([]);
});

/** What servers in trouble do to every request. */
const troubles: Record<string, (route: Route) => Promise<void>> = {
  'answer with errors': (route) =>
    route.fulfill({ status: 500, body: '{"code":"internal","title":"Trouble"}', contentType: 'application/json' }),
  'do not answer': (route) => route.abort('connectionrefused'),
};

test('servers in trouble are not stormed, and everything goes on when they are well', async ({ context }) => {
  test.setTimeout(180_000);
  const { user, org } = await makeBusyOrg();
  const seconds = 30;
  const open = async (trouble: string) => {
    const page = await context.newPage();
    await openAs(page, user, `/o/${org.slug}/overview?range=1h`);
    await expect(page.getByText('Received', { exact: true })).toBeVisible({ timeout: 45_000 });
    return { page, trouble };
  };
  const watch = async ({ page, trouble }: { page: Page; trouble: string }) => {
    const everything = (url: URL) => [stack().apiUrl, stack().supabaseUrl].some((server) => new URL(server).host === url.host);
    await page.route(everything, (route) => troubles[trouble]?.(route));
    const banner = page.getByRole('status').filter({ hasText: 'The server cannot be reached' });
    await expect(banner).toBeVisible({ timeout: 30_000 });

    const asked = count(page);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    // Whether the servers are back is asked every three seconds; everything else three times, then again after a minute.
    const pings = Math.ceil(seconds / 3) + 1;
    expect(asked.byQuestion.get('GET /health') ?? 0, trouble).toBeGreaterThan(2);
    expect(
      over(asked.byQuestion, (question) => (/ \/(health|rest\/v1\/orgs)$/.test(question) ? pings : 6)),
      trouble,
    ).toEqual([]);

    await page.unroute(everything);
    asked.clear();
    await expect(banner).toHaveCount(0);
    await expect.poll(() => asked.byQuestion.get(polled) ?? 0).toBeGreaterThan(0);
    await page.waitForLoadState('networkidle');
    expect(
      over(asked.byQuestion, () => 3),
      trouble,
    ).toEqual([]);
  };
  const opened = [];
  for (const trouble of Object.keys(troubles)) opened.push(await open(trouble));
  await Promise.all(opened.map(watch));
});
