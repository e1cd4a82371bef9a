import { expect, type Locator } from '@playwright/test';
import { ids, orgSlug } from '@tributary/web/test/mock/world.ts';
import { open } from './inspect.ts';
import { test, wide } from './visit.ts';

test('opening and closing a panel, and choosing a range, keep the scroll position', async ({ visit }) => {
  const { page, dashboard } = await visit(wide);
  // The window is so low that every page can be scrolled.
  await page.setViewportSize({ width: 1280, height: 240 });
  const scrolled = () => page.evaluate(() => Math.round(window.scrollY));
  /** Scrolls until `place` is just below the header and clicks it; closes the panel when the click opens one. */
  const expectStays = async (place: Locator, url: RegExp, opens: boolean) => {
    await place.evaluate((element) => window.scrollTo(0, element.getBoundingClientRect().top + window.scrollY - 64));
    const before = await scrolled();
    expect(before).toBeGreaterThan(0);
    await place.click();
    await expect(page).toHaveURL(url);
    if (opens) {
      await expect(page.getByRole('dialog')).toBeVisible();
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await expect(page).not.toHaveURL(url);
    } else await expect(page.getByRole('radio', { name: '7 days' })).toBeChecked();
    expect(await scrolled()).toBe(before);
  };

  await open(page, dashboard, `/o/${orgSlug}/replays`);
  await expectStays(page.getByRole('link', { name: 'Plan 2' }), /plan=/, true);
  await open(page, dashboard, `/o/${orgSlug}/settings?tab=audit`);
  await expectStays(page.getByRole('button', { name: /joined as owner/ }).last(), /entry=/, true);
  await open(page, dashboard, `/o/${orgSlug}/overview`);
  await expectStays(page.getByText('7 days', { exact: true }), /range=7d/, false);
  await open(page, dashboard, `/o/${orgSlug}/connections/${ids.connection}`);
  await expectStays(page.getByText('7 days', { exact: true }), /range=7d/, false);
});
