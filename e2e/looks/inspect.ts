import { expect, type Page } from '@playwright/test';
import { findingsOf, switchColorScheme } from '../axe.ts';
import type { Dashboard } from './dashboard.ts';

interface Shift {
  value: number;
  hadRecentInput: boolean;
}

interface WithLayoutShift {
  layoutShift: number;
}

/** Makes every document that the page opens add up its layout shifts. */
export async function recordLayoutShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const all = globalThis as unknown as { layoutShift: number };
    all.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as Shift[]) if (!entry.hadRecentInput) all.layoutShift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** Opens a path and waits until the page has loaded: every request is answered, no skeleton is left, and two frames are painted. */
export async function open(page: Page, dashboard: Dashboard, path: string): Promise<void> {
  await page.goto(dashboard.url + path);
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await waitUntilStill(page, dashboard);
  await expect.soft(page.getByRole('alert').filter({ hasText: /could not be loaded|Não foi possível carregar/ }), path).toHaveCount(0);
}

async function waitUntilStill(page: Page, dashboard: Dashboard): Promise<void> {
  await dashboard.idle();
  await expect(page.locator('.mantine-Skeleton-root[data-visible]')).toHaveCount(0);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** The cumulative layout shift since the document was opened, as the browser scores it (below 0.1 is good). */
export const layoutShiftOf = (page: Page): Promise<number> => page.evaluate(() => (globalThis as unknown as WithLayoutShift).layoutShift);

/** Expects that the page does not scroll horizontally. It polls, because charts need a moment to adapt to a new size of the window. */
export const expectNoHorizontalScroll = (page: Page, where: string): Promise<void> =>
  expect
    .configure({ soft: true })
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), {
      message: `${where}: not wider than the screen`,
      timeout: 5_000,
      intervals: [20, 100],
    })
    .toBe(0);

/** No serious or critical finding in the light, and none of contrast in the dark, where only the colours are others. */
export async function expectAccessibleInBothSchemes(page: Page, where: string): Promise<void> {
  expect.soft(await findingsOf(page), where).toEqual([]);
  await switchColorScheme(page, 'dark');
  expect.soft(await findingsOf(page, ['color-contrast']), `${where}, dark`).toEqual([]);
  await switchColorScheme(page, 'light');
}

/** Expects no serious or critical finding of axe in the current colour scheme. */
export async function expectAccessibleNow(page: Page, where: string): Promise<void> {
  expect.soft(await findingsOf(page), where).toEqual([]);
}
