import { expect, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs, stack } from './fixtures.ts';

test('an admin creates a new data key and a new hash key: deliveries continue, older secrets still open, and people are still found', async ({
  page,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  const before = await deliverPurchase(connection);
  expect(before.body.records?.[0]?.status).toBe('accepted');

  await openAs(page, owner, `/o/${org.slug}/settings?tab=privacy`);
  const keys = page.getByRole('table', { name: 'Keys' });
  await expect(keys.getByRole('row', { name: /^Data key 1/ })).toContainText('In use');
  await page.getByRole('button', { name: 'New data key' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Create the key' }).click();
  await expect(keys.getByRole('row', { name: /^Data key 2/ })).toContainText('In use');
  await expect(keys.getByRole('row', { name: /^Data key 1/ })).toContainText('Opens older data');
  await expect(keys.getByRole('row', { name: /^Hash key 1/ })).toContainText('In use');
  await expect(page.getByRole('table', { name: 'How long data is kept' })).toContainText('90 days');
  await expectAccessible(page);

  // Under a new hash key the same buyer has another hash, and is found under both.
  await page.getByRole('button', { name: 'New hash key' }).click();
  await expect(page.getByRole('dialog')).toContainText('see two people until the older events are reprocessed');
  await expectAccessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Create the key' }).click();
  await expect(keys.getByRole('row', { name: /^Hash key 2/ })).toContainText('In use');
  await expect(keys.getByRole('row', { name: /^Hash key 1/ })).toContainText('Finds older events');
  await expect(page.getByText(/^Events from before .* have hashes of an older key/)).toBeVisible();
  await expectAccessible(page);

  // The secret of the connection was sealed with the first key and still opens.
  const after = await deliverPurchase(connection);
  expect(after.body.records?.[0]?.status).toBe('accepted');
  await page.getByRole('link', { name: 'Plan the reprocessing' }).click();
  const plan = page.getByRole('dialog');
  await expect(plan.getByRole('radio', { name: /Reprocess/ })).toBeChecked();
  await expect(plan).toContainText(/2 deliveries/);

  await page.goto(`${stack().apiUrl}/o/${org.slug}/events`);
  await page.getByRole('button', { name: 'Person' }).click();
  await page.getByLabel('E-mail, phone, document or hash').fill('ana.farias@example.com');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('row', { name: /order\.paid/ })).toHaveCount(2);
});

test('an admin places and releases a legal hold with its reason; an analyst reads it and sees why they may not change it', async ({
  page,
  browser,
}) => {
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
  await dialog.getByRole('button', { name: 'Place the hold' }).click();
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
  await dialog.getByRole('button', { name: 'Release the hold' }).click();
  await expect(holds.getByText('Released')).toBeVisible();
  await expectAccessible(page);
});

test('an admin erases a person: the events are counted first, no data of the person is shown afterwards, and an analyst can only read about it', async ({
  page,
  browser,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  const delivered = await deliverPurchase(connection, {
    change: ({ data }) => Object.assign((data as { buyer: object }).buyer, { email: 'forget.me@example.com' }),
  });
  const id = delivered.body.records?.[0]?.eventId;
  expect((await deliverPurchase(connection)).body.records?.[0]?.status).toBe('accepted');
  const analyst = await makeMember(org, owner, 'analyst');

  await openAs(page, owner, `/o/${org.slug}/settings?tab=privacy`);
  await expect(page.getByText('No person has been erased')).toBeVisible();
  await page.getByRole('button', { name: 'Erase a person' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail address').fill('forget me');
  await dialog.getByRole('button', { name: 'Look up' }).click();
  await expect(dialog.getByText('This value is not valid')).toBeVisible();
  await dialog.getByLabel('E-mail address').fill('Forget.Me@example.com');
  await dialog.getByLabel('Reference').fill('DSR-31');
  await dialog.getByRole('button', { name: 'Look up' }).click();
  await expect(dialog.getByText(/^1 event is about this person/)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Erase 1 event and the deliveries' }).click();
  const row = page.getByRole('table', { name: 'Erasure of people' }).getByRole('row', { name: /DSR-31/ });
  // Events are erased at once, bodies once the deliveries under way are stored.
  await expect(row).toContainText('Events: 1 · bodies: 0');
  await expect(row).toContainText('In progress');
  await expect(page.getByText('forget.me')).toHaveCount(0);
  await expectAccessible(page);

  await page.goto(`${stack().apiUrl}/o/${org.slug}/events?event=${id}`);
  await expect(page.getByRole('note')).toContainText('The person asked to be erased');
  await expect(page.getByText('This event names no person.')).toBeVisible();

  const context = await browser.newContext({ locale: 'pt-BR' });
  const theirs = await context.newPage();
  await openAs(theirs, analyst, `/o/${org.slug}/settings?tab=privacy`);
  await expect(theirs.getByRole('table', { name: 'Eliminação de pessoas' })).toContainText('DSR-31');
  await expect(theirs.getByRole('button', { name: 'Eliminar uma pessoa' })).toHaveCount(0);
  await context.close();
});
