import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@playwright/test';
import { deliverPurchase, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

test('the figures add up, and what is open now links to a list with as many rows', async ({ page }) => {
  test.setTimeout(180_000);
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  expect((await deliverPurchase(connection)).body.records?.[0]?.status).toBe('accepted');
  expect((await deliverPurchase(connection)).status).toBe(200);
  const lettered = await deliverPurchase(connection, { change: (payload) => delete (payload.data as { purchase?: object }).purchase });
  expect(lettered.body.records?.[0]?.dlqId).toBeDefined();
  expect((await deliverPurchase(connection, { hottok: 'not the one' })).status).toBe(401);

  await openAs(page, owner, `/o/${org.slug}/overview?range=7d`);
  const pipeline = page.getByRole('region', { name: 'From arrival to storage' });
  await expect(pipeline).toContainText(/Stored\s*2/, { timeout: 60_000 });
  await expect(pipeline).toContainText(/Dead-lettered\s*1/);
  await expect(pipeline).toContainText(/Rejected\s*1/);
  await expect(pipeline).toContainText(/Received\s*4/);
  // A table has the same figures for people who cannot see the chart.
  await expect(page.getByRole('table', { name: 'Records over time' }).getByRole('columnheader')).toHaveText([
    '–',
    'Stored',
    'Duplicates',
    'Dead-lettered',
    'Rejected',
  ]);

  // The focus stays on the button when someone refreshes by the keyboard, also during the request.
  const refresh = page.getByRole('button', { name: 'Refresh now' });
  await refresh.focus();
  await Promise.all([page.waitForResponse(/ingest_timeseries/), page.keyboard.press('Enter')]);
  await expect(refresh).toBeFocused();

  // Each number of what is open now is that of the list behind it.
  await pipeline.getByRole('link', { name: 'Open dead letters now: 1' }).click();
  await expect(page).toHaveURL(/\/dead-letters\?.*tab=entries/);
  await expect(page.getByRole('tab', { name: /^Groups/ })).toContainText('1');
  await page.goBack();
  await pipeline.getByRole('link', { name: 'In the quarantine now: 1' }).click();
  await expect(page).toHaveURL(/\/dead-letters\?.*tab=quarantine/);
  await expect(page.getByRole('tab', { name: /^Quarantine/ })).toContainText('1');
  await page.goBack();
  await pipeline.getByRole('link', { name: 'Events of this range' }).click();
  await expect(page).toHaveURL(/\/events\?.*range=7d/);
  await page.goBack();
  await page.getByRole('region', { name: 'Freshness' }).getByRole('link', { name: 'Hotmart shop' }).click();
  await expect(page.getByRole('heading', { name: 'Hotmart shop', level: 1 })).toBeVisible();
});

test('the bar of a day is named after the day in UTC, in every time zone', async ({ browser }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  expect((await deliverPurchase(await makeHotmart(owner, org))).status).toBe(200);
  const context = await browser.newContext({ timezoneId: 'America/Sao_Paulo' });
  const page = await context.newPage();
  await openAs(page, owner, `/o/${org.slug}/overview?range=30d`);
  const today = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date());
  await expect(page.getByRole('table', { name: 'Records over time' }).getByRole('rowheader').last()).toHaveText(`${today} (UTC)`);
  await context.close();
});

test('switching to another org shows no figure of the previous org while the new figures load', async ({ page }) => {
  const owner = await makeUser('owner');
  const [busy, quiet] = [await makeOrg(owner, 'Busy shop'), await makeOrg(owner, 'Quiet shop')];
  expect((await deliverPurchase(await makeHotmart(owner, busy))).status).toBe(200);
  await makeHotmart(owner, quiet);
  await openAs(page, owner, `/o/${busy.slug}/overview`);
  const pipeline = page.getByRole('region', { name: 'From arrival to storage' });
  const stored = pipeline.locator('dl > *').filter({ hasText: /^Stored\s*1/ });
  await expect(stored).toBeVisible({ timeout: 30_000 });
  await page.route('**/rpc/ingest_timeseries', async (route) => {
    await sleep(1_500);
    await route.continue();
  });
  await page.getByRole('combobox', { name: 'Org' }).click();
  await page.getByRole('option', { name: 'Quiet shop' }).click();
  await expect(page).toHaveURL(new RegExp(`/o/${quiet.slug}/overview`));
  await expect(stored).toHaveCount(0, { timeout: 1_000 });
  await expect(pipeline).toContainText(/Stored\s*0/);
});
