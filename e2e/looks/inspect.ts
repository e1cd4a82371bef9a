import { expect, type Page } from '@playwright/test';
import { findingsOf, switchColorScheme } from '../axe.ts';
import type { Dashboard } from './dashboard.ts';

interface Shift {
  value: number;
  hadRecentInput: boolean;
}

interface Watched {
  shifted: number;
}

/** Has every document of the page count how far its contents jump. */
export async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const all = globalThis as unknown as { shifted: number };
    all.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as Shift[]) if (!entry.hadRecentInput) all.shifted += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** Opens a path and waits until it shows what it loads: no answer is awaited, no grey bar is left, and two frames are painted. */
export async function open(page: Page, dashboard: Dashboard, path: string): Promise<void> {
  await page.goto(dashboard.url + path);
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
  await settle(page, dashboard);
  await expect.soft(page.getByRole('alert').filter({ hasText: /could not be loaded|Não foi possível carregar/ }), path).toHaveCount(0);
}

async function settle(page: Page, dashboard: Dashboard): Promise<void> {
  await dashboard.idle();
  await expect(page.locator('.mantine-Skeleton-root[data-visible]')).toHaveCount(0);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** How far the contents have jumped since the document began, as the browser scores it (0.1 is what counts as good). */
export const shiftOf = (page: Page): Promise<number> => page.evaluate(() => (globalThis as unknown as Watched).shifted);

/** The page cannot be pushed sideways: lists that are wider scroll in themselves. Charts take a moment to follow a window that has changed. */
export const expectNoSideways = (page: Page, where: string): Promise<void> =>
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

/** No serious or critical finding in the colour scheme of the moment. */
export async function expectAccessibleNow(page: Page, where: string): Promise<void> {
  expect.soft(await findingsOf(page), where).toEqual([]);
}
