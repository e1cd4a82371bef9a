import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

// A journey runs axe several times, and each run takes seconds on a busy machine.
test.describe.configure({ timeout: 240_000 });

/** An org with four purchases through two connections, whose orders the tests know. */
async function makeShop() {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const [shop, academy] = [await makeHotmart(owner, org, { name: 'Shop' }), await makeHotmart(owner, org, { name: 'Academy' })];
  for (const { connection, transaction, price, email, event } of [
    { connection: shop, transaction: 'HPSHOP1', price: 49.9, email: 'ana@example.com', event: 'PURCHASE_APPROVED' },
    { connection: shop, transaction: 'HPSHOP2', price: 149.9, email: 'bia@example.com', event: 'PURCHASE_APPROVED' },
    { connection: shop, transaction: 'HPSHOP3', price: 149.9, email: 'ana@example.com', event: 'PURCHASE_REFUNDED' },
    { connection: academy, transaction: 'HPACAD1', price: 997, email: 'caio@example.com', event: 'PURCHASE_APPROVED' },
  ]) {
    const { status } = await deliverPurchase(connection, {
      transaction,
      change: (payload) => {
        payload.event = event;
        const { buyer, purchase } = payload.data as { buyer: Record<string, unknown>; purchase: Record<string, unknown> };
        buyer.email = email;
        Object.assign(purchase, { price: { value: price, currency_value: 'BRL' }, full_price: { value: price, currency_value: 'BRL' } });
      },
    });
    expect(status).toBe(200);
  }
  return { owner, org, shop, academy };
}

const table = (page: Page) => page.getByRole('table', { name: 'Events' });
/** Expects the list to show exactly these orders. */
const expectOrders = (page: Page, orders: readonly string[]) =>
  expect
    .poll(
      async () =>
        (
          await table(page)
            .getByText(/^HP[A-Z]+\d$/)
            .allTextContents()
        ).toSorted(),
      { timeout: 45_000 },
    )
    .toEqual([...orders].sort());

test('filters narrow the list, are kept in the address, and are removed again by Back', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events`);
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3', 'HPACAD1']);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Type', exact: true }).click();
  await page.getByRole('combobox', { name: 'Type' }).fill('order.paid');
  await page.getByRole('option', { name: 'order.paid' }).click();
  await expect(page).toHaveURL(/types=/);
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPACAD1']);
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Amount', exact: true }).click();
  await page.getByLabel('From', { exact: true }).fill('100');
  await page.getByLabel('To', { exact: true }).fill('500,50');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/amount=BRL/);
  await expectOrders(page, ['HPSHOP2']);
  await page.reload();
  await expectOrders(page, ['HPSHOP2']);
  await page.goBack();
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPACAD1']);
  await page.goBack();
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3', 'HPACAD1']);

  await page.getByRole('button', { name: 'Order', exact: true }).click();
  await page.getByRole('textbox', { name: 'Order' }).fill('HPACAD1');
  await page.keyboard.press('Enter');
  await expectOrders(page, ['HPACAD1']);
  await page.getByRole('button', { name: 'Remove filter: Order' }).click();

  await page.getByRole('button', { name: 'Connection', exact: true }).click();
  await page.getByRole('combobox', { name: 'Connection' }).click();
  await page.getByRole('option', { name: 'Academy' }).click();
  await expectOrders(page, ['HPACAD1']);
});

test('an event opens by the keyboard, shows everything about itself, and is stored as a duplicate when it is replayed', async ({
  page,
}) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events?order=HPSHOP2`);
  await table(page).getByRole('link', { name: 'order.paid' }).focus();
  await page.keyboard.press('Enter');
  const panel = page.getByRole('complementary', { name: 'order.paid' });
  await expect(panel.getByText('HPSHOP2')).toBeVisible();
  await expect(panel.getByText('R$149.90')).toBeVisible();
  await expect(panel.getByText('14990 minor units of BRL')).toBeVisible();
  await expect(panel.getByRole('link', { name: 'Shop' })).toBeVisible();
  await expectAccessible(page);

  await panel.getByRole('tab', { name: 'Properties' }).click();
  await expect(panel.getByRole('region', { name: 'Properties' })).toContainText('Curso de violão');
  await expectAccessible(page);
  await panel.getByRole('tab', { name: 'Delivery' }).click();
  await expect(page).toHaveURL(/tab=delivery/);
  await expect(panel.getByRole('region', { name: 'Attempts' }).getByText('Accepted', { exact: true })).toBeVisible();
  await panel.getByRole('button', { name: 'Replay this' }).click();
  await expect(panel.getByRole('status')).toContainText('Duplicate: nothing changed');
  await expectAccessible(page);

  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
  await expect(table(page).getByRole('link', { name: 'order.paid' })).toBeFocused();
  expect(new URL(page.url()).searchParams.has('event')).toBe(false);
});

test('the text search ignores case, and a click on a bar of the histogram filters by its time', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events?range=1h`);
  await page.getByLabel('Text or id').fill('hpShop');
  await expect(page).toHaveURL(/q=hpShop/);
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3']);
  const volume = page.getByRole('region', { name: 'Events over time' });
  await expect(volume.getByText('3 events')).toBeVisible();

  const bar = volume.locator('.recharts-bar-rectangle path').last();
  await bar.hover();
  await expect(volume.locator('.recharts-tooltip-wrapper')).toContainText('Events');
  await bar.click();
  await expect(page).toHaveURL(/from=.*to=/);
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3']);
  // Each bar has a different name, also when bars are a second wide.
  const times = await volume.getByRole('rowheader').allTextContents();
  expect(new Set(times).size).toBe(times.length);
  await page.getByRole('button', { name: 'Remove filter: From … to' }).click();
  await expect(page.getByRole('radio', { name: '24 hours' })).toBeChecked();
  await page.goBack();
  await expect(page).toHaveURL(/from=/);
});

test('the search finds any id of any age, ignores accents, and never puts a typed e-mail into an address', async ({ page }) => {
  const { owner, org } = await makeShop();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('framenavigated', (frame) => asked.push(frame.url()));
  await openAs(page, owner, `/o/${org.slug}/events`);
  const box = page.getByLabel('Text or id');
  await box.pressSequentially('ana@example.com', { delay: 40 });
  await expect(page.getByText('Press Enter to search')).toBeVisible();
  await page.waitForTimeout(500);
  await box.press('Enter');
  await expect(page).toHaveURL(/subject=[0-9a-f]{64}/);
  await expect(box).toHaveValue('');
  expect(asked.filter((url) => /ana(@|%40|%2540)|example\.com/i.test(new URL(url).href.replace(new URL(url).origin, '')))).toEqual([]);
  await page.getByRole('button', { name: 'Clear filters' }).first().click();

  await box.fill('hpshop2');
  const found = page.getByRole('status').filter({ hasText: 'Found by this id' });
  await found.getByRole('link', { name: 'Event: order.paid' }).click();
  const id = new URL(page.url()).searchParams.get('event') ?? '';
  await page.keyboard.press('Escape');
  await page.goto(new URL(`/o/${org.slug}/dead-letters`, page.url()).href);
  await page.getByLabel('Find by an id').fill(` ${id.replaceAll('-', '').toUpperCase()} `);
  await expect(found.getByRole('link', { name: 'Event: order.paid' })).toHaveAttribute('href', new RegExp(`event=${id}`));
  await expectAccessible(page);
});

test('new events appear by themselves at the top of the list, and are announced to a reader further down', async ({ page }) => {
  const { owner, org, shop } = await makeShop();
  await Promise.all(Array.from({ length: 40 }, () => deliverPurchase(shop)));
  await page.clock.install();
  await openAs(page, owner, `/o/${org.slug}/events`);
  await expect(table(page).getByRole('link').first()).toBeVisible();
  await deliverPurchase(shop, { transaction: 'HPTOP1' });
  // The list asks for newer events every ten seconds.
  await page.clock.fastForward('00:11');
  await expect(table(page).getByText('HPTOP1')).toBeVisible({ timeout: 20_000 });

  await page.evaluate(() => window.scrollTo(0, 600));
  await deliverPurchase(shop, { transaction: 'HPLOW1' });
  await page.clock.fastForward('00:11');
  const show = page.getByRole('button', { name: '1 new event – show' });
  await expect(show).toBeAttached({ timeout: 20_000 });
  await expect(table(page).getByText('HPLOW1')).toHaveCount(0);
  await show.click();
  await expect(table(page).getByText('HPLOW1')).toBeVisible();
});

test('a person is found by the e-mail address that is typed, which stays out of the address bar, and the list is exported as a file', async ({
  page,
}) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events`);
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3', 'HPACAD1']);
  await page.getByRole('button', { name: 'Person', exact: true }).click();
  await page.getByLabel('E-mail, phone, document or hash').fill('ANA@example.com');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expectOrders(page, ['HPSHOP1', 'HPSHOP3']);
  await expect(page).toHaveURL(/subject=/);
  expect(decodeURIComponent(page.url()).toLowerCase()).not.toContain('ana@example');

  await page.getByRole('button', { name: 'Export' }).click();
  await expectAccessible(page);
  for (const [format, button] of [
    ['csv', 'CSV, for spreadsheets'],
    ['json', 'JSON, one array'],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('dialog').getByRole('button', { name: button }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`\\.${format}$`));
    const text = await readFile(await download.path(), 'utf8');
    expect((text.match(/HP(SHOP|ACAD)\d/g) ?? []).filter((order, index, all) => all.indexOf(order) === index).sort()).toEqual([
      'HPSHOP1',
      'HPSHOP3',
    ]);
  }
});
