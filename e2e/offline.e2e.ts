import { expect, type Page, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

const banner = (page: Page) => page.getByRole('status').filter({ hasText: 'The server cannot be reached' });

async function withPurchase() {
  const user = await makeUser();
  const org = await makeOrg(user);
  const connection = await makeHotmart(user, org);
  expect((await deliverPurchase(connection)).status).toBe(200);
  return { user, org, connection };
}

test('without a network the page keeps its data, a command says why it failed, and the page recovers by itself', async ({
  page,
  context,
}) => {
  const { user, org, connection } = await withPurchase();
  await openAs(page, user, `/o/${org.slug}/connections/${connection.id}`);
  const event = page.getByRole('list', { name: 'Latest events' }).getByRole('link', { name: 'order.paid' });
  await expect(event).toHaveCount(1);

  await page.getByRole('button', { name: 'Pause' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pause Hotmart shop?' });
  await expect(dialog).toContainText('about 1 record a day');
  await context.setOffline(true);
  await expect(banner(page)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Pause and refuse deliveries' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The server does not answer');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(event).toHaveCount(1);
  // A page whose script was not loaded before waits for the network instead of failing.
  await page.getByRole('link', { name: 'Dead letters' }).click();
  await expect(banner(page)).toBeVisible();
  await expect(page.getByText('The server does not answer. This page continues by itself')).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();

  await context.setOffline(false);
  await expect(page.getByRole('heading', { name: 'Dead letters', level: 1 })).toBeVisible();
  await expect(banner(page)).toHaveCount(0);
  // The command that failed offline is not sent later.
  await page.goBack();
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible();
  expect((await deliverPurchase(connection)).status).toBe(200);
  await expect(event).toHaveCount(2);
});

test('a session that cannot be renewed leads to sign-in, and from there back to the same page', async ({ page }) => {
  const { user, org } = await withPurchase();
  await openAs(page, user, `/o/${org.slug}/connections?state=active`);
  await expect(page.getByRole('link', { name: 'Hotmart shop' })).toBeVisible();
  // After a long holiday the token has expired and the server no longer knows the refresh token.
  await page.evaluate(() => {
    const stored = JSON.parse(localStorage.getItem('tributary.session') ?? '{}');
    localStorage.setItem('tributary.session', JSON.stringify({ ...stored, expires_at: 1, refresh_token: 'unknown' }));
  });
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await page.getByRole('dialog', { name: 'Your session has ended' }).getByRole('button', { name: 'Leave this page and sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Hotmart shop' })).toHaveCount(0);
  await page.getByLabel('E-mail').fill(user.email);
  await page.getByLabel('Password', { exact: true }).fill(user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('link', { name: 'Hotmart shop' })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`/o/${org.slug}/connections\\?state=active$`));
});
