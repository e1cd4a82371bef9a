import { expect, type Page, test } from '@playwright/test';
import { api, deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs, type User } from './fixtures.ts';

const verification = { scheme: 'api-key', in: 'header', name: 'x-api-key' };
const key = 'key-of-the-journey';

/** A webhook whose mapping asks for `number`: records with an `order` become dead letters until the mapping is corrected. */
async function makeHook(owner: User, org: { projectId: string }) {
  const hook = await api<{ id: string; webhookUrl: string }>(owner, 'POST', '/api/connections', {
    projectId: org.projectId,
    type: 'webhook',
    name: 'Shop backend',
    secret: key,
    config: { verification, fields: { id: 'number' } },
  });
  const send = async (records: object[]) => {
    const headers = { 'content-type': 'application/json', 'x-api-key': key };
    const answer = await fetch(hook.webhookUrl, { method: 'POST', headers, body: JSON.stringify(records) });
    expect(answer.status).toBe(200);
  };
  const correctMapping = () => api(owner, 'PATCH', `/api/connections/${hook.id}`, { config: { verification, fields: { id: 'order' } } });
  return { ...hook, send, correctMapping };
}
const broken = (count: number) => Array.from({ length: count }, (_, n) => ({ order: `A-${n}`, type: 'order.paid' }));
const group = (page: Page, name: string) => page.getByRole('region', { name });

test('a rejected delivery becomes an event once the secret is correct', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  expect((await deliverPurchase(connection, { hottok: 'the-hottok-they-really-have', transaction: 'HPQUARANTINE' })).status).toBe(401);

  await openAs(page, owner, `/o/${org.slug}/dead-letters?tab=quarantine`);
  const rejected = group(page, 'Wrong secret, Hotmart shop');
  await expect(rejected).toContainText('What to do');
  await expectAccessible(page);
  await rejected.getByRole('link', { name: 'Hotmart shop' }).click();
  await page.getByRole('button', { name: 'Rotate' }).click();
  await page.getByLabel('New secret').fill('the-hottok-they-really-have');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByText('The secret was rotated')).toBeVisible();

  await page.goto(new URL(`/o/${org.slug}/dead-letters?tab=quarantine`, page.url()).href);
  await rejected.getByRole('button', { name: 'Re-verify' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Verify 1 delivery again' }).click();
  await expect(group(page, 'Verify the quarantine again').getByRole('status')).toContainText('1 of 1 became events', { timeout: 30_000 });
  await expect(page.getByText('Nothing was rejected')).toBeVisible();
  await page.goto(new URL(`/o/${org.slug}/events`, page.url()).href);
  await expect(page.getByText('HPQUARANTINE').first()).toBeVisible();
});

test('several dead letters are redriven after the mapping was corrected: the page counts them, asks for confirmation, shows progress and records who did it', async ({
  page,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const hook = await makeHook(owner, org);
  await hook.send(broken(3));
  await hook.correctMapping();

  await openAs(page, owner, `/o/${org.slug}/dead-letters`);
  const missing = group(page, 'A field is missing, Shop backend');
  await expect(missing).toContainText('3 waiting');
  await missing.getByRole('button', { name: 'Redrive' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('3 dead letters are processed again');
  // The count of one command cannot be confirmed for another command.
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  let count = () => {};
  const counted = new Promise<void>((done) => {
    count = done;
  });
  await page.route('**/api/dlq/purge', async (route) => {
    await counted;
    await route.continue();
  });
  await missing.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Purge…' }).click();
  await expect(dialog).toContainText('Counting');
  await expect(dialog.getByRole('button', { name: /Purge \d/ })).toHaveCount(0);
  count();
  await expect(dialog.getByRole('button', { name: /Purge 3 entries/ })).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toHaveCount(0);

  await missing.getByRole('button', { name: 'Redrive' }).click();
  await dialog.getByRole('button', { name: 'Redrive 3 entries' }).click();
  await expect(group(page, 'Redrive dead letters').getByRole('status')).toContainText('3 of 3 became events', { timeout: 30_000 });
  await expect(page.getByText('Nothing has failed')).toBeVisible();

  await page.getByRole('tab', { name: 'Operations' }).click();
  const kept = page.getByRole('tabpanel').getByRole('region', { name: 'Redrive dead letters' });
  await expect(kept).toContainText('by you');
  await expect(kept).toContainText('Done');
  await expectAccessible(page);
  await page.goto(new URL(`/o/${org.slug}/dead-letters?tab=entries&statuses=resolved`, page.url()).href);
  await expect(page.getByRole('list', { name: 'Entries' }).getByRole('listitem')).toHaveCount(3);
  await page.getByRole('link', { name: 'A field is missing' }).first().click();
  const became = page.getByRole('status').filter({ hasText: 'It became an event' });
  await expect(became.getByRole('link')).toHaveCount(1);
  await expectAccessible(page);
  await became.getByRole('link', { name: 'order.paid' }).click();
  await expect(page).toHaveURL(/\/events\?event=[0-9a-f-]{36}/);
  await expect(page.getByRole('complementary')).toContainText('The payment was approved.');
});

test('a redrive that heals nothing says so before, while it runs and at the end, and the entry shows its attempts', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const hook = await makeHook(owner, org);
  await hook.send(broken(2));

  await openAs(page, owner, `/o/${org.slug}/dead-letters`);
  const missing = group(page, 'A field is missing, Shop backend');
  // The cause is in the mapping, so that the link to the settings is the main action.
  await expect(missing.getByRole('link', { name: 'Change the settings' })).toHaveAttribute('href', /\/connections\/.*tab=settings/);
  await missing.getByRole('button', { name: 'Redrive' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('None of those that were tried would succeed');
  await expect(dialog).toContainText('2 would fail: A field is missing');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Run 2 entries anyway' }).click();
  const outcome = group(page, 'Redrive dead letters');
  await expect(outcome.getByRole('status')).toContainText('0 of 2 became events · 2 failed: A field is missing (2)');
  await expect(outcome).toContainText('Ended with failures');
  await expectAccessible(page);

  await missing.getByRole('link', { name: 'Example' }).click();
  const attempts = page.getByRole('region', { name: 'Attempts so far' });
  await expect(attempts.getByRole('listitem')).toHaveCount(1);
  await expect(attempts).toContainText('bulk operation');
  await expect(attempts).toContainText(owner.email);
  const panel = page.getByRole('complementary');
  await panel.getByRole('button', { name: 'Retry' }).click();
  await expect(panel.getByRole('alert', { name: 'The retry failed' })).toContainText('A field is missing');
  await expect(attempts.getByRole('listitem')).toHaveCount(2);
  await panel.getByRole('button', { name: 'Discard' }).click();
  await expect(panel).toContainText('Was given up');
  await expect(panel.getByRole('button', { name: 'Discard' })).toHaveCount(0);
  await expectAccessible(page);
});

test('an owner retries, discards and purges dead letters, and an analyst sees why they may not', async ({ page, browser }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const analyst = await makeMember(org, owner, 'analyst');
  const hook = await makeHook(owner, org);
  await hook.send(broken(3));
  await hook.correctMapping();

  const context = await browser.newContext();
  const other = await context.newPage();
  await openAs(other, analyst, `/o/${org.slug}/dead-letters?tab=entries`);
  const why = other.getByRole('note').filter({ hasText: 'Your role is analyst.' });
  await expect(why.first()).toBeVisible();
  await other.getByRole('link', { name: 'A field is missing' }).first().click();
  await expect(other.getByText('The delivery in full')).toBeVisible();
  await expect(why.nth(2)).toBeVisible();
  await expect(other.getByRole('button', { name: /Redrive|Retry|Show the delivery/ })).toHaveCount(0);
  await expectAccessible(other);
  await context.close();

  await page.clock.install();
  await openAs(page, owner, `/o/${org.slug}/dead-letters?tab=entries`);
  const rows = page.getByRole('list', { name: 'Entries' }).getByRole('listitem');
  await expect(rows).toHaveCount(3);
  await page.getByRole('link', { name: 'A field is missing' }).first().click();
  await expect(page).toHaveURL(/entry=[0-9a-f-]{36}/);
  await expect(page.getByText('What to do:')).toBeVisible();
  await page.getByRole('button', { name: 'Show the delivery in full' }).click();
  await expect(page.getByText('"order":"A-0"').first()).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByText('It became an event')).toBeVisible({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Close' }).click();
  // The list asks every ten seconds.
  await page.clock.fastForward('00:16');
  await expect(rows).toHaveCount(2);

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Discard' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard 2 entries' }).click();
  await expect(page.getByText('Nothing has failed')).toBeVisible({ timeout: 30_000 });

  await page.goto(new URL(`/o/${org.slug}/dead-letters?tab=entries&statuses=discarded`, page.url()).href);
  await expect(rows).toHaveCount(2);
  const hold = await api<{ id: string }>(owner, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 4711' });
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Purge' }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Case 4711');
  await api(owner, 'POST', `/api/legal-holds/${hold.id}/release`);
  await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('dialog')).toContainText('cannot be undone');
  await page.getByRole('dialog').getByRole('button', { name: 'Purge 2 entries for good' }).click();
  await expect(page.getByText('No dead letter matches')).toBeVisible({ timeout: 30_000 });
});

test('filters are kept in the URL, also in Portuguese, in the dark and on a phone', async ({ browser }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const hook = await makeHook(owner, org);
  await hook.send(broken(2));
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'pt-BR', colorScheme: 'dark' });
  const page = await context.newPage();
  await openAs(page, owner, `/o/${org.slug}/dead-letters`);
  await expect(page.getByRole('heading', { name: 'Falhas', level: 1 })).toBeVisible();
  await page.getByRole('link', { name: 'Falta um campo' }).click();
  await expect(page).toHaveURL(/classes=.*MISSING_FIELD/);
  await expect(page.getByRole('list', { name: 'Registros' }).getByRole('listitem')).toHaveCount(2);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  await page.getByRole('button', { name: 'Evento da plataforma' }).click();
  await page.getByLabel('Evento da plataforma').last().fill('no.such.event');
  await page.getByRole('button', { name: 'Aplicar' }).click();
  await expect(page).toHaveURL(/sourceEventType=no\.such\.event/);
  await expect(page.getByText('Nenhuma falha corresponde')).toBeVisible();
  await page.getByRole('button', { name: 'Limpar filtros' }).last().click();
  await expect(page).not.toHaveURL(/sourceEventType|classes/);
  await expect(page.getByRole('list', { name: 'Registros' }).getByRole('listitem')).toHaveCount(2);
  await context.close();
});
