import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

// Several looks of axe in one journey: on a busy machine each takes its seconds.
test.describe.configure({ timeout: 240_000 });

/** An org with a few purchases through two connections, of orders that are known. */
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
/** The orders that the list shows, from top to bottom. */
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

test('filters narrow the list, stand in the address, and Back takes them away again', async ({ page }) => {
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

test('where nothing matches the filters can be cleared, and a time without events leads to the latest', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events?order=HPNOTHING`);
  await expect(page.getByRole('heading', { name: 'No event matches' })).toBeVisible({ timeout: 45_000 });
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Clear filters' }).last().click();
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3', 'HPACAD1']);
  expect(new URL(page.url()).search).toBe('');

  await page.goto(new URL(`/o/${org.slug}/events?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`, page.url()).href);
  await expect(page.getByRole('heading', { name: 'No event in this time' }).last()).toBeVisible();
  await page.getByRole('button', { name: 'Show the latest' }).click();
  await expectOrders(page, ['HPSHOP1', 'HPSHOP2', 'HPSHOP3', 'HPACAD1']);

  const empty = await makeOrg(owner);
  await page.goto(new URL(`/o/${empty.slug}/events`, page.url()).href);
  await expect(page.getByRole('heading', { name: 'No event yet' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to connections' }).click();
  await expect(page.getByRole('heading', { name: 'Connections', level: 1 })).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`an event opens by the keyboard, tells all of itself, and is replayed as a duplicate (${colorScheme})`, async ({ browser }) => {
    const { owner, org } = await makeShop();
    const page = await (await browser.newContext({ colorScheme })).newPage();
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
}

test('text is found whatever its case, and a bar of the histogram is a time to look at', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events?range=1h`);
  await page.getByLabel('Search in text').fill('hpShop');
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
  // Bars of a second are told apart by the second.
  const times = await volume.getByRole('rowheader').allTextContents();
  expect(new Set(times).size).toBe(times.length);
  await page.getByRole('button', { name: 'Remove filter: From … to' }).click();
  await expect(page.getByRole('radio', { name: '24 hours' })).toBeChecked();
  await page.goBack();
  await expect(page).toHaveURL(/from=/);
});

test('a search box keeps what is being typed, and says what is searched for when that changes elsewhere', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events`);
  const text = page.getByLabel('Search in text');
  await text.pressSequentially('curso ');
  await expect(page).toHaveURL(/q=curso$/);
  await text.pressSequentially('de');
  await expect(text).toHaveValue('curso de');
  await expect(page).toHaveURL(/q=curso(\+|%20)de/);
  await page.goBack();
  await expect(text).toHaveValue('');

  await page.getByRole('link', { name: 'Connections', exact: true }).click();
  const name = page.getByLabel('Search by name or platform');
  const rows = page.getByRole('table', { name: 'Connections' }).getByRole('link');
  await name.fill('acad');
  await expect(rows).toHaveText(['Academy']);
  await page.getByRole('link', { name: 'Connections', exact: true }).click();
  await expect(rows).toHaveText(['Academy', 'Shop']);
  await expect(name).toHaveValue('');
});

test('hundreds of events are scrolled through without one missing or there twice', async ({ page }) => {
  const { owner, org, shop } = await makeShop();
  const orders = Array.from({ length: 330 }, (_, n) => `HPMANY${n}`);
  for (let n = 0; n < orders.length; n += 30)
    await Promise.all(orders.slice(n, n + 30).map((transaction) => deliverPurchase(shop, { transaction })));
  await openAs(page, owner, `/o/${org.slug}/events`);
  const list = table(page);
  await expect(list.getByText('HPMANY329')).toBeVisible({ timeout: 45_000 });
  const seen = new Map<string, string>();
  const end = page.getByText('That is all: 334 events');
  await expect
    .poll(
      async () => {
        for (const [index, order] of await list
          .locator('tbody tr[aria-rowindex]')
          .evaluateAll((rows) =>
            rows.map((row) => [row.getAttribute('aria-rowindex') ?? '', row.querySelectorAll('td')[3]?.textContent ?? ''] as const),
          ))
          seen.set(index, order);
        expect(await list.locator('tbody tr[aria-rowindex]').count()).toBeLessThan(80);
        // Row by row as far as they are drawn: a wheel may go past rows before they are.
        await list.locator('tbody tr[aria-rowindex]').last().scrollIntoViewIfNeeded();
        return seen.size;
      },
      { timeout: 90_000, intervals: [50] },
    )
    .toBe(334);
  await expect(end).toBeVisible();
  expect(new Set(seen.values()).size).toBe(334);
});

test('from event to event in the panel one gets past what was loaded at first, and the list comes along', async ({ page }) => {
  const { owner, org, shop } = await makeShop();
  await Promise.all(Array.from({ length: 50 }, () => deliverPurchase(shop)));
  // Short pages and a low window: otherwise it takes a hundred keys to come to the end of what is loaded.
  await page.setViewportSize({ width: 1280, height: 360 });
  await page.route('**/rpc/search_events', (route) => route.continue({ postData: { ...route.request().postDataJSON(), page_limit: 20 } }));
  await openAs(page, owner, `/o/${org.slug}/events`);
  await table(page).getByRole('link').first().click();
  const opened = table(page).locator('tr[aria-current]');
  await expect
    .poll(
      async () => {
        await page.keyboard.press('j');
        return Number(await opened.getAttribute('aria-rowindex'));
      },
      { timeout: 60_000, intervals: [20] },
    )
    .toBeGreaterThan(50);
  await expect(opened).toBeInViewport();
});

test('arrow keys go through the list, J and K through the open event', async ({ page }) => {
  const { owner, org } = await makeShop();
  await openAs(page, owner, `/o/${org.slug}/events?types=order.paid`);
  const links = table(page).getByRole('link');
  await expect(links).toHaveCount(3);
  await links.first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(links.nth(1)).toBeFocused();
  await page.keyboard.press('End');
  await expect(links.nth(2)).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/event=/);
  const opened = () => new URL(page.url()).searchParams.get('event');
  const first = opened();
  await page.keyboard.press('j');
  await expect.poll(opened).not.toBe(first);
  await page.keyboard.press('k');
  await expect.poll(opened).toBe(first);
  await page.goBack();
  await expect.poll(opened).toBeNull();
});

test('an analyst reads everything and sees why nothing can be replayed', async ({ page }) => {
  const { owner, org } = await makeShop();
  const analyst = await makeMember(org, owner, 'analyst');
  await openAs(page, analyst, `/o/${org.slug}/events?order=HPSHOP1`);
  await table(page).getByRole('link', { name: 'order.paid' }).click();
  await page.getByRole('tab', { name: 'Delivery' }).click();
  await expect(page.getByRole('note')).toContainText('Your role is analyst');
  await expect(page.getByRole('button', { name: 'Replay this' })).toHaveCount(0);
});

test('new events are announced to whoever reads further down, and come in by themselves at the top', async ({ page }) => {
  const { owner, org, shop } = await makeShop();
  for (let n = 0; n < 40; n++) expect((await deliverPurchase(shop)).status).toBe(200);
  await openAs(page, owner, `/o/${org.slug}/events`);
  await expect(table(page).getByRole('link').first()).toBeVisible();
  await deliverPurchase(shop, { transaction: 'HPTOP1' });
  await expect(table(page).getByText('HPTOP1')).toBeVisible({ timeout: 20_000 });

  await page.evaluate(() => window.scrollTo(0, 600));
  await deliverPurchase(shop, { transaction: 'HPLOW1' });
  const show = page.getByRole('button', { name: '1 new event – show' });
  await expect(show).toBeAttached({ timeout: 20_000 });
  await expect(table(page).getByText('HPLOW1')).toHaveCount(0);
  await show.click();
  await expect(table(page).getByText('HPLOW1')).toBeVisible();
});

test('in Portuguese on a phone: a dense list, and the event over the whole screen', async ({ browser }) => {
  const { owner, org } = await makeShop();
  const page = await (await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'pt-BR' })).newPage();
  await openAs(page, owner, `/o/${org.slug}/events`);
  await expect(page.getByRole('list', { name: 'Eventos' }).getByRole('link')).toHaveCount(4);
  await expectAccessible(page);
  await page.getByRole('list', { name: 'Eventos' }).getByRole('link', { name: 'order.refunded' }).click();
  const panel = page.getByRole('dialog', { name: 'order.refunded' });
  await expect(panel.getByText('HPSHOP3')).toBeVisible();
  expect((await panel.boundingBox())?.width).toBe(390);
  await expectAccessible(page);
  await panel.getByRole('tab', { name: 'Entrega' }).click();
  await expect(panel.getByRole('button', { name: 'Repetir esta entrega' })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await panel.getByRole('button', { name: 'Fechar' }).click();
  await expect(panel).toHaveCount(0);
});

test('a person is found by what is typed, which stands in no address, and what the list shows comes along as a file', async ({ page }) => {
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

test('an event tells of every attempt at its delivery', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const { body } = await deliverPurchase(await makeHotmart(owner, org));
  await openAs(page, owner, `/o/${org.slug}/events?event=${body.records?.[0]?.eventId}&tab=delivery`);
  const attempts = page.getByRole('region', { name: 'Attempts' });
  await expect(attempts.getByText('Accepted')).toHaveCount(1);
  await expectAccessible(page);
});
