import { expect, type Page } from '@playwright/test';
import { ids, orgSlug } from '@tributary/web/test/mock/world.ts';
import { expectAccessibleNow, expectNoHorizontalScroll, open } from './inspect.ts';
import { test, wide } from './visit.ts';

// How the list of events behaves on the screen. The results of its filters are tested on a whole stack, in e2e/events.e2e.ts.

const table = (page: Page) => page.getByRole('table', { name: 'Events' });
const path = `/o/${orgSlug}/events`;

test('scrolling through 334 events shows each of them once, and draws few rows at a time', async ({ visit }) => {
  const { page, dashboard } = await visit({ ...wide, world: { rows: 334 } });
  await open(page, dashboard, path);
  const list = table(page);
  const seen = new Map<string, string>();
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
        // Scrolls to the last drawn row each time, because a mouse wheel may skip rows that are not drawn yet.
        await list.locator('tbody tr[aria-rowindex]').last().scrollIntoViewIfNeeded();
        return seen.size;
      },
      { timeout: 90_000, intervals: [20] },
    )
    .toBe(334);
  await expect(page.getByText('That is all: 334 events')).toBeVisible();
  expect(new Set(seen.values()).size).toBe(334);
});

test('J opens one event after another, beyond those loaded at first, and the list scrolls with the open event', async ({ visit }) => {
  const { page, dashboard } = await visit({ ...wide, viewport: { width: 1280, height: 360 }, world: { rows: 40, pageSize: 10 } });
  await open(page, dashboard, path);
  await table(page).getByRole('link').first().click();
  const opened = table(page).locator('tr[aria-current]');
  await expect
    .poll(
      async () => {
        await page.keyboard.press('j');
        return Number(await opened.getAttribute('aria-rowindex'));
      },
      { timeout: 60_000, intervals: [10] },
    )
    .toBeGreaterThan(25);
  await expect(opened).toBeInViewport();
});

test('the arrow keys move the focus in the list, and J and K open the next and the previous event', async ({ visit }) => {
  const { page, dashboard } = await visit(wide);
  await open(page, dashboard, `${path}?types=order.paid`);
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

test('a search box keeps the text that is being typed, and follows the search when it is changed by Back or a link', async ({ visit }) => {
  const { page, dashboard } = await visit(wide);
  await open(page, dashboard, path);
  const text = page.getByLabel('Text or id');
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
  await name.fill('backe');
  await expect(rows).toHaveText(['Backend']);
  await page.getByRole('link', { name: 'Connections', exact: true }).click();
  await expect(rows).toHaveText(['Backend', 'Hotmart shop']);
  await expect(name).toHaveValue('');
});

test('on a phone, in Portuguese, the list is dense and an event covers the whole screen', async ({ visit }) => {
  const { page, dashboard } = await visit({ viewport: { width: 390, height: 844 }, locale: 'pt-BR', world: { rows: 4 } });
  await open(page, dashboard, path);
  const list = page.getByRole('list', { name: 'Eventos' });
  await expect(list.getByRole('link')).toHaveCount(4);
  await expectAccessibleNow(page, 'list');
  await list.getByRole('link', { name: 'order.refunded' }).click();
  const panel = page.getByRole('dialog', { name: 'order.refunded' });
  await expect(panel.getByText('HP000002')).toBeVisible();
  expect((await panel.boundingBox())?.width).toBe(390);
  await expectAccessibleNow(page, 'event');
  await panel.getByRole('tab', { name: 'Entrega' }).click();
  await expect(panel.getByRole('button', { name: 'Repetir esta entrega' })).toBeVisible();
  await expectNoHorizontalScroll(page, 'delivery');
  await panel.getByRole('button', { name: 'Fechar' }).click();
  await expect(panel).toHaveCount(0);
});

test('the page says that a replayed event is a duplicate, and is accessible in both colour schemes', async ({ visit }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, dashboard } = await visit({ ...wide, colorScheme });
    await open(page, dashboard, `${path}?event=${ids.event}&tab=delivery`);
    const panel = page.getByRole('complementary', { name: 'order.paid' });
    await expect(panel.getByRole('region', { name: 'Attempts' }).getByText('Accepted', { exact: true })).toHaveCount(1);
    await panel.getByRole('button', { name: 'Replay this' }).click();
    await expect(panel.getByRole('status')).toContainText('Duplicate: nothing changed');
    await expectAccessibleNow(page, `replayed, ${colorScheme}`);
  }
});
