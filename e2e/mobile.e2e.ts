import { randomBytes, randomUUID } from 'node:crypto';
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, stack } from './fixtures.ts';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

/** How far the page scrolls horizontally, in pixels. A list that is wider than the screen scrolls inside the page and does not count. */
const horizontalScroll = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test('on a phone a new user opens the first event, using the menu', async ({ page }) => {
  test.setTimeout(180_000);
  await page.goto(`${stack().apiUrl}/sign-up`);
  await page.getByLabel('E-mail').fill(`phone-${randomUUID().slice(0, 8)}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill(randomBytes(12).toString('base64url'));
  await page.getByRole('button', { name: 'Create an account' }).tap();
  await page.getByLabel('Name of the org').fill('Ateliê');
  await page.getByRole('button', { name: 'Create', exact: true }).tap();
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();

  const menu = page.getByRole('button', { name: 'Open menu' });
  const toConnections = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Connections' });
  await expect(toConnections).not.toBeInViewport();
  await menu.tap();
  await expect(toConnections).toBeInViewport();
  await expectAccessible(page);
  await toConnections.tap();
  await expect(page.getByRole('heading', { name: 'Connections', level: 1 })).toBeVisible();
  // The menu closes by itself.
  await expect(toConnections).not.toBeInViewport();

  await page.getByRole('link', { name: 'Add a connection' }).first().tap();
  await expect(page.getByText('1/3 · Platform')).toBeVisible();
  await page.getByRole('button', { name: 'Stripe' }).tap();
  await page.getByLabel('Signing secret', { exact: true }).fill(`whsec_${randomBytes(24).toString('hex')}`);
  await page.getByRole('button', { name: 'Create the connection' }).tap();
  await expect(page.getByText(/\/api\/webhooks\/stripe\/[0-9a-f-]{36}/)).toBeVisible();
  expect(await horizontalScroll(page)).toBe(0);
  await page.getByRole('button', { name: 'Send a test event' }).tap();
  const card = page.getByRole('status').filter({ hasText: 'The test event arrived' });
  await card.getByRole('link', { name: 'Open the event' }).tap();
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/event=[0-9a-f-]{36}/);
  expect(await horizontalScroll(page)).toBe(0);
});
