import { expect, test } from '@playwright/test';
import { api, expectAccessible, makeHotmart, makeOrg, makeUser, openAs, signIn, stack, type User } from './fixtures.ts';

const refused = 'error=access_denied&error_code=otp_expired&error_description=Email+link+is+invalid+or+has+expired';

/** The fragment that Supabase Auth appends to the page when the link of a mail is opened. */
function answerFor({ session }: User, type: 'signup' | 'recovery'): string {
  const answer = new URLSearchParams({ type });
  for (const name of ['access_token', 'refresh_token', 'expires_in', 'token_type']) answer.set(name, String(session[name]));
  return `#${answer}`;
}

test('a forgotten password is replaced by opening the link of a mail', async ({ page }) => {
  const user = await makeUser('forgetful');
  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/auth/v1/recover'));
  await page.goto(`${stack().apiUrl}/sign-in`);
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('E-mail').fill(user.email);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('status')).toContainText(`If ${user.email} has an account`);
  const target = new URL((await asked).url()).searchParams.get('redirect_to');
  expect(target).toBe(`${stack().apiUrl}/new-password`);

  await page.goto(target + answerFor(user, 'recovery'));
  await page.getByLabel('New password').fill('another long one');
  await page.getByRole('button', { name: 'Save and continue' }).click();
  await expect(page.getByRole('heading', { name: 'Create your org' })).toBeVisible();
  expect((await signIn(user.email, 'another long one')).id).toBe(user.id);
});

test('an invited person who confirms their address by mail joins the org with that link', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner, 'Invites by mail');
  const invited = await makeUser('invited');
  const { token } = await api<{ token: string }>(owner, 'POST', '/api/invites', { orgId: org.id, email: invited.email, role: 'analyst' });
  await page.goto(`${stack().apiUrl}/invite#token=${token}${answerFor(invited, 'signup')}`);
  await expect(page.getByRole('combobox', { name: 'Org' })).toHaveValue('Invites by mail');
  expect(page.url()).not.toContain('access_token');
});

test('an expired link of a mail says so, and is removed from the address', async ({ page }) => {
  await page.goto(`${stack().apiUrl}/new-password?${refused}&sb=#${refused}`);
  await expect(page.getByRole('alert')).toHaveText('The link has expired or was used before. Ask for a new one.');
  await expect(page).toHaveURL(`${stack().apiUrl}/sign-in?next=%2Fnew-password`);
  await expectAccessible(page);
});

test('sign-in with an unconfirmed address says so instead of blaming the password, and sends the mail again', async ({ page }) => {
  const resent: unknown[] = [];
  await page.route('**/auth/v1/token**', (route) =>
    route.fulfill({ status: 400, json: { code: 400, error_code: 'email_not_confirmed', msg: 'Email not confirmed' } }),
  );
  await page.route('**/auth/v1/resend**', async (route) => {
    if (route.request().method() === 'POST') resent.push({ ...route.request().postDataJSON(), to: new URL(route.request().url()).search });
    await route.fulfill({ status: 200, json: {}, headers: { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' } });
  });
  await page.goto(`${stack().apiUrl}/sign-in?next=%2Finvite#token=abc`);
  await page.getByLabel('E-mail').fill('new@example.com');
  await page.getByLabel('Password', { exact: true }).fill('long enough');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('not confirmed yet');
  await page.getByRole('button', { name: 'Send the mail again' }).click();
  await expect(page.getByRole('alert')).toContainText('The mail was sent again');
  const to = new URLSearchParams({ redirect_to: `${stack().apiUrl}/invite#token=abc` });
  expect(resent).toEqual([
    expect.objectContaining({ type: 'signup', email: 'new@example.com', to: expect.stringContaining(String(to).replaceAll('+', '%20')) }),
  ]);
  await expectAccessible(page);
});

test('a session that ends in the middle keeps the page with what was typed, and continues after a sign-in in another tab', async ({
  page,
}) => {
  const user = await makeUser('owner');
  const org = await makeOrg(user, 'Kept page');
  await openAs(page, user, `/o/${org.slug}/settings?tab=projects`);
  const name = page.getByRole('textbox', { name: 'Name', exact: true });
  await name.fill('Typed and not saved');
  await page.route('**/auth/v1/token?grant_type=refresh_token', (route) =>
    route.fulfill({ status: 400, json: { code: 400, error_code: 'refresh_token_not_found', msg: 'Invalid Refresh Token' } }),
  );
  await page.evaluate(() => {
    const stored = JSON.parse(localStorage.getItem('tributary.session') ?? '{}');
    localStorage.setItem('tributary.session', JSON.stringify({ ...stored, expires_at: 1, expires_in: 0 }));
  });
  // The next request of the page finds that the session cannot be renewed.
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await expect(dialog).toBeVisible({ timeout: 30_000 });
  await expectAccessible(page);
  const opened = page.context().waitForEvent('page');
  await dialog.getByRole('link', { name: 'Sign in in a new tab' }).click();
  const tab = await opened;
  await tab.getByLabel('E-mail').fill(user.email);
  await tab.getByLabel('Password', { exact: true }).fill(user.password);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await expect(dialog).toHaveCount(0, { timeout: 30_000 });
  await expect(name).toHaveValue('Typed and not saved');
  await page.unroute('**/auth/v1/token?grant_type=refresh_token');
  await page.goto(new URL(`/o/${org.slug}/events`, page.url()).href);
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
});

test('an unknown id says what may have happened, and leads to the org of the person that has it', async ({ page }) => {
  const user = await makeUser('owner');
  const [here, there] = [await makeOrg(user, 'Here'), await makeOrg(user, 'There')];
  const connection = await makeHotmart(user, there);
  await openAs(page, user, `/o/${here.slug}/connections/${connection.id}`);
  await expect(page.getByRole('alert')).toContainText('There is no such connection in Here');
  await expect(page.getByRole('link', { name: 'See the connections' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Open it in There' }).click();
  await expect(page.getByRole('heading', { name: 'Hotmart shop' })).toBeVisible();
  for (const path of ['events?event=', 'dead-letters?entry=', 'replays?plan=']) {
    await page.goto(new URL(`/o/${here.slug}/${path}${connection.id}`, page.url()).href);
    await expect(page.getByRole('alert').filter({ hasText: 'There is no such' })).toContainText('retention');
  }
});
