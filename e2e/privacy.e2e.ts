import { expect, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

test('an admin makes a new data key, and deliveries and what was sealed before go on', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  const before = await deliverPurchase(connection);
  expect(before.body.records?.[0]?.status).toBe('accepted');

  await openAs(page, owner, `/o/${org.slug}/settings?tab=privacy`);
  const keys = page.getByRole('table', { name: 'Keys' });
  await expect(keys.getByRole('row', { name: /^Data key 1/ })).toContainText('In use');
  await page.getByRole('button', { name: 'New data key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make the key' }).click();
  await expect(keys.getByRole('row', { name: /^Data key 2/ })).toContainText('In use');
  await expect(keys.getByRole('row', { name: /^Data key 1/ })).toContainText('Opens what it sealed');
  await expect(keys.getByRole('row', { name: /^Hash key 1/ })).toContainText('In use');
  await expect(page.getByRole('table', { name: 'How long what is kept' })).toContainText('90 days');
  await expectAccessible(page);

  // The connection's secret was sealed with the first key: it still opens.
  const after = await deliverPurchase(connection);
  expect(after.body.records?.[0]?.status).toBe('accepted');
});

test('a legal hold is placed with its reason, and released; an analyst reads it and sees why no more', async ({ page, browser }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org, { name: 'Held shop' });
  expect((await deliverPurchase(connection)).status).toBe(200);
  const analyst = await makeMember(org, owner, 'analyst');

  await openAs(page, owner, `/o/${org.slug}/settings?tab=privacy`);
  await expect(page.getByText('No legal hold')).toBeVisible();
  await page.getByRole('button', { name: 'Place a hold' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Covers' }).click();
  await page.getByRole('option', { name: 'Held shop' }).click();
  await dialog.getByLabel('Reason').fill('Case 4711 <b>sealed</b>');
  await dialog.getByRole('button', { name: 'Place it' }).click();
  const holds = page.getByRole('table', { name: 'Legal holds' });
  await expect(holds.getByRole('row', { name: /Held shop/ })).toContainText('Case 4711 <b>sealed</b>');

  const context = await browser.newContext({ locale: 'pt-BR', colorScheme: 'dark' });
  const theirs = await context.newPage();
  await openAs(theirs, analyst, `/o/${org.slug}/settings?tab=privacy`);
  await expect(theirs.getByRole('table', { name: 'Retenções legais' })).toContainText('Case 4711');
  await expect(theirs.getByRole('note').first()).toBeVisible();
  await expect(theirs.getByRole('button', { name: /Criar retenção|Liberar|Nova chave/ })).toHaveCount(0);
  await expectAccessible(theirs);
  await context.close();

  await holds.getByRole('button', { name: 'Release' }).click();
  await dialog.getByRole('button', { name: 'Release it' }).click();
  await expect(holds.getByText('Released')).toBeVisible();
  await expectAccessible(page);
});
