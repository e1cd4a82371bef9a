import { randomBytes, randomUUID } from 'node:crypto';
import { expect, type Page, test } from '@playwright/test';
import { api, data, expectAccessible, makeOrg, makeUser, openAs, stack } from './fixtures.ts';

/** Signs up through the form and creates the first org, as every new user does. */
async function signUpWithOrg(page: Page): Promise<void> {
  await page.goto(stack().apiUrl);
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('E-mail').fill(`first-${randomUUID().slice(0, 8)}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill(randomBytes(12).toString('base64url'));
  await page.getByRole('button', { name: 'Create an account' }).click();
  await expect(page.getByRole('heading', { name: 'Create your org' })).toBeVisible();
  await page.getByLabel('Name of the org').fill(`Ateliê ${randomUUID().slice(0, 6)}`);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
}

test('a new user connects a system and opens its first event without a dead end, and sees the generated secret only once', async ({
  page,
}) => {
  test.setTimeout(180_000);
  const started = Date.now();
  await signUpWithOrg(page);
  await page.getByRole('link', { name: 'Add a connection' }).click();
  await page.getByLabel('Find a platform').fill('Webho');
  await page.getByRole('button', { name: 'Webhook (any system)' }).click();
  await page.getByRole('button', { name: 'Create the connection' }).click();

  await expect(page.getByText('Webhook URL', { exact: true }).first()).toBeVisible();
  await expect(page.getByText('Copy it now: it is shown only this once and stored encrypted.')).toBeVisible();
  const secret = (await page.locator('code').nth(1).textContent()) ?? '';
  expect(secret.length).toBeGreaterThan(20);
  await expect(page.getByText(/\/api\/webhooks\/\w+\/[0-9a-f-]{36}/)).toBeVisible();
  const card = page.getByRole('status').filter({ hasText: /first event/ });
  await expect(card).toContainText('Waiting for the first event');
  await expectAccessible(page);
  await page.reload();
  await expect(page.getByText(/\/api\/webhooks\/webhook\//)).toBeVisible();
  await expect(page.getByText(secret)).toHaveCount(0);

  await page.getByRole('button', { name: 'Send a test event' }).click();
  await expect(card).toContainText('The test event arrived');
  await card.getByRole('link', { name: 'Open the event' }).click();
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/event=[0-9a-f-]{36}/);
  // The aim is a minute. A slow machine does not fail the journey.
  const seconds = Math.round((Date.now() - started) / 1000);
  test.info().annotations.push({ type: 'duration', description: `${seconds} s from sign-up to the open event` });
  console.log(`      ${seconds} s from sign-up to the open event`);
});
test('a form that is refused moves the focus to the wrong field, also when that field is out of sight or in a folded section', async ({
  page,
}) => {
  await signUpWithOrg(page);
  await page.getByRole('link', { name: 'Add a connection' }).click();
  await page.getByRole('button', { name: 'Webhook (any system)' }).click();
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('  ');
  const create = page.getByRole('button', { name: 'Create the connection' });
  await create.scrollIntoViewIfNeeded();
  await expect(name).not.toBeInViewport();
  await create.click();
  await expect(name).toBeFocused();
  await expect(name).toBeInViewport();
  await expect(name).toHaveAccessibleDescription('Fill this in.');
  await name.fill('Shop backend');

  // The same happens in a folded section of settings.
  await page.getByRole('textbox', { name: 'Default country' }).fill('b1');
  await page.getByRole('button', { name: 'Settings' }).click();
  await create.click();
  const country = page.getByRole('textbox', { name: 'Default country' });
  await expect(country).toBeFocused();
  await expectAccessible(page);
  await country.fill('BR');
  await create.click();
  await expect(page.getByText('Webhook URL', { exact: true }).first()).toBeVisible();
});

test('an org is created once and an invite is used once, also when opening the org fails afterwards', async ({ page, browser }) => {
  const [owner, guest] = [await makeUser('owner'), await makeUser('guest')];
  const lists = '**/rest/v1/org_members**';
  const openAgain = async (on: Page) => {
    await expect(on.getByText('You are a member of the org now, but it could not be opened.')).toBeVisible();
    await expectAccessible(on);
    await on.unroute(lists);
    await on.getByRole('button', { name: 'Try again' }).click();
    await expect(on.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
  };
  await page.route(lists, (route) => route.abort('connectionrefused'));
  await openAs(page, owner, '/new-org');
  await page.getByLabel('Name of the org').fill('Ateliê');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await openAgain(page);
  expect(await data(owner, 'GET', '/rest/v1/orgs?select=name')).toEqual([{ name: 'Ateliê' }]);

  const org = await makeOrg(owner);
  const invite = await api<{ acceptUrl: string }>(owner, 'POST', '/api/invites', { orgId: org.id, email: guest.email, role: 'analyst' });
  const invited = await (await browser.newContext()).newPage();
  await invited.route(lists, (route) => route.abort('connectionrefused'));
  const { pathname, hash } = new URL(invite.acceptUrl);
  await openAs(invited, guest, pathname + hash);
  await openAgain(invited);
  await expect(invited).toHaveURL(new RegExp(`/o/${org.slug}/overview`));
});
