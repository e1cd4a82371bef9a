import { expect, test } from '@playwright/test';
import { api, data, deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

test('an admin rotates a secret, and both the old and the new secret work during the grace period', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const admin = await makeMember(org, owner, 'admin');
  const connection = await makeHotmart(owner, org);
  expect((await deliverPurchase(connection)).status).toBe(200);

  await openAs(page, admin, `/o/${org.slug}/connections/${connection.id}?tab=setup`);
  await page.getByRole('button', { name: 'Rotate' }).click();
  await page.getByLabel('New secret').fill('the-hottok-of-tomorrow');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByText('The secret was rotated')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await expect(page.getByText(/Replaced; valid until/)).toBeVisible();
  await expectAccessible(page);

  await expect.poll(async () => (await deliverPurchase(connection, { hottok: 'the-hottok-of-tomorrow' })).status).toBe(200);
  expect((await deliverPurchase(connection)).status).toBe(200);
  expect((await deliverPurchase(connection, { hottok: 'neither of them' })).status).toBe(401);
});

test('a generated secret stays on the screen when someone clicks outside the dialog or presses Escape while it is created', async ({
  page,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const { id } = await api<{ id: string }>(owner, 'POST', '/api/connections', {
    projectId: org.projectId,
    type: 'webhook',
    name: 'Backend',
    config: { verification: { scheme: 'api-key', in: 'header', name: 'x-api-key' }, fields: { id: 'number' } },
  });
  const dialog = page.getByRole('dialog');
  // Browsers give pages no clipboard on an http:// address.
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  /** Creates a secret while doing everything that would close the dialog, and returns the secret that is shown. */
  const expectKept = async (command: string, path: string) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route(path, async (route) => {
      if (route.request().method() === 'POST') await held;
      await route.continue();
    });
    await dialog.getByRole('button', { name: command }).click();
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeDisabled();
    await page.keyboard.press('Escape');
    await page.mouse.click(5, 400);
    release();
    await expect(dialog.getByText('shown only this once')).toBeVisible();
    await page.mouse.click(5, 400);
    return (await dialog.locator('code').first().textContent()) ?? '';
  };
  await openAs(page, owner, `/o/${org.slug}/connections/${id}?tab=setup`);
  await page.getByRole('button', { name: 'Rotate' }).click();
  const secret = await expectKept('Rotate', `**/api/connections/${id}/secret`);
  expect(secret).toMatch(/^\S{20,}$/);
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect(dialog.getByRole('button', { name: 'Copied' })).toBeFocused();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await expect(dialog).toHaveCount(0);

  await page.goto(new URL(`/o/${org.slug}/alerts?tab=channels`, page.url()).href);
  await page.getByRole('button', { name: 'Add a channel' }).click();
  await dialog.getByRole('combobox', { name: 'Type' }).click();
  await page.getByRole('option', { name: 'Webhook' }).click();
  await dialog.getByLabel('Name').focus();
  await page.keyboard.press('ControlOrMeta+v');
  await expect(dialog.getByLabel('Name')).toHaveValue(secret);
  await dialog.getByLabel('Name').fill('Status page');
  await dialog.getByLabel('URL').fill('https://status.example.com/alerts');
  await expectKept('Save', '**/api/alerts/channels');
  await page.evaluate(() => Object.assign(document, { execCommand: () => false }));
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('alert')).toContainText('copy it by hand');
});

test('an analyst cannot change anything and sees why', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const analyst = await makeMember(org, owner, 'analyst');
  const connection = await makeHotmart(owner, org);

  await openAs(page, analyst, `/o/${org.slug}/connections`);
  const why = page.getByRole('note').filter({ hasText: 'Only an owner or admin of this org can do this. Your role is analyst.' });
  await expect(why).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add a connection' })).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Hotmart shop' }).click();
  await expect(page.getByRole('heading', { name: 'Hotmart shop' })).toBeVisible();
  await expect(page.getByRole('button', { name: /Pause|Rotate|Delete/ })).toHaveCount(0);
  await page.getByRole('tab', { name: 'Settings' }).click();
  await expect(why.first()).toBeVisible();
  const { id: unfinished } = await api<{ id: string }>(owner, 'POST', '/api/connections', {
    projectId: org.projectId,
    type: 'hotmart',
    name: 'No secret yet',
  });
  await page.goto(new URL(`/o/${org.slug}/connections/${unfinished}?tab=setup`, page.url()).href);
  await expect(page.getByRole('alert').filter({ hasText: 'Still needed' }).getByRole('note')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save the secret' })).toHaveCount(0);

  // With the analyst's own token, without the page, an update reaches no row.
  await data(analyst, 'PATCH', `/rest/v1/source_connections?id=eq.${connection.id}`, { name: 'Mine now' }).catch(() => undefined);
  const [row] = await data<{ name: string }[]>(owner, 'GET', `/rest/v1/source_connections?id=eq.${connection.id}&select=name`);
  expect(row?.name).toBe('Hotmart shop');
});

test('a page that is open follows a change of role and the end of the membership', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const admin = await makeMember(org, owner, 'admin');
  const membership = `/rest/v1/org_members?org_id=eq.${org.id}&user_id=eq.${admin.id}`;
  await page.clock.install();
  await openAs(page, admin, `/o/${org.slug}/settings?tab=projects`);
  const name = page.getByRole('textbox', { name: 'Name', exact: true });
  await expect(name).toBeVisible();

  await data(owner, 'PATCH', membership, { role: 'analyst' });
  await page.clock.fastForward('01:01');
  await expect(page.getByRole('note').filter({ hasText: 'Your role is analyst.' })).toBeVisible();
  await expect(name).toHaveCount(0);

  await data(owner, 'DELETE', membership);
  await page.clock.fastForward('01:01');
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
});

test('two orgs cannot see each other on a page, by a guessed address or through the Data API', async ({ browser }) => {
  const [ana, bea] = [await makeUser('ana'), await makeUser('bea')];
  const [one, two] = [await makeOrg(ana, 'Alfa'), await makeOrg(bea, 'Beta')];
  const [alfa, beta] = [await makeHotmart(ana, one, { name: 'Alfa shop' }), await makeHotmart(bea, two, { name: 'Beta shop' })];
  expect((await deliverPurchase(alfa, { transaction: 'HPALFA1' })).status).toBe(200);
  expect((await deliverPurchase(beta, { transaction: 'HPBETA1' })).status).toBe(200);

  for (const { user, org, own, other, otherOrg, otherOrder } of [
    { user: ana, org: one, own: 'Alfa shop', other: beta, otherOrg: two, otherOrder: 'HPBETA1' },
    { user: bea, org: two, own: 'Beta shop', other: alfa, otherOrg: one, otherOrder: 'HPALFA1' },
  ]) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await openAs(page, user, `/o/${org.slug}/connections`);
    await expect(page.getByRole('link', { name: own })).toBeVisible();
    await expect(page.getByRole('row')).toHaveCount(2);

    // The addresses of the other org's pages look like those of an org that does not exist.
    await page.goto(new URL(`/o/${otherOrg.slug}/events`, page.url()).href);
    await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
    const unknown = await page.locator('main').textContent();
    await page.goto(new URL('/o/no-such-org/events', page.url()).href);
    await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
    expect(await page.locator('main').textContent()).toBe(unknown);
    await page.getByRole('link', { name: 'Go to the start' }).click();
    await expect(page).toHaveURL(new RegExp(`/o/${org.slug}/overview`));
    await page.goto(new URL(`/o/${org.slug}/connections/${other.id}`, page.url()).href);
    await expect(page.getByRole('heading', { name: `There is no such connection in ${org.name}` })).toBeVisible();
    await page.goto(new URL(`/o/${org.slug}/events`, page.url()).href);
    await expect(page.getByRole('cell', { name: 'order.paid' })).toBeVisible();
    await expect(page.getByText(otherOrder)).toHaveCount(0);

    for (const path of [
      `/rest/v1/source_connections?id=eq.${other.id}`,
      `/rest/v1/canonical_events?org_id=eq.${otherOrg.id}`,
      `/rest/v1/event_journal?org_id=eq.${otherOrg.id}`,
      `/rest/v1/orgs?id=eq.${otherOrg.id}`,
    ]) {
      expect(await data(user, 'GET', path)).toEqual([]);
    }
    await context.close();
  }
});
