import { expect, type Locator, test } from '@playwright/test';
import { api, deliverPurchase, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

interface Shift {
  value: number;
  hadRecentInput: boolean;
}

for (const { width, height } of [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]) {
  test(`nothing jumps while the pages fill, at ${width} pixels`, async ({ page }) => {
    test.setTimeout(180_000);
    const owner = await makeUser('owner');
    const org = await makeOrg(owner);
    const connection = await makeHotmart(owner, org);
    for (let count = 0; count < 8; count++) expect((await deliverPurchase(connection)).status).toBe(200);
    await deliverPurchase(connection, { change: (payload) => delete payload.data });
    await deliverPurchase(connection, { hottok: 'not the one' });
    await page.setViewportSize({ width, height });
    await page.addInitScript(() => {
      const all = globalThis as unknown as { shifted: number };
      all.shifted = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as unknown as Shift[]) if (!entry.hadRecentInput) all.shifted += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    const shifted: Record<string, number> = {};
    for (const path of [
      'overview',
      'connections',
      `connections/${connection.id}`,
      'events',
      'dead-letters',
      'alerts',
      'alerts?tab=rules',
    ]) {
      await openAs(page, owner, `/o/${org.slug}/${path}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.getByRole('status', { name: 'Loading…' })).toHaveCount(0);
      await page.waitForLoadState('networkidle');
      shifted[path] = await page.evaluate(() => (globalThis as unknown as { shifted: number }).shifted);
    }
    expect(Object.entries(shifted).filter(([, value]) => !(value < 0.1))).toEqual([]);
  });
}

test('a panel that opens or closes, and a range that is chosen, leave the reader where they are', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  await deliverPurchase(connection);
  const now = Date.now();
  const filter = { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 60_000).toISOString() };
  await api(owner, 'POST', '/api/replays', { orgId: org.id, name: 'Everything', mode: 'replay', throttlePerSecond: 5, filter });
  // So low that every page can be scrolled.
  await page.setViewportSize({ width: 1280, height: 240 });
  const scrolled = () => page.evaluate(() => Math.round(window.scrollY));
  /** Clicks where it stands just below the header, and again closes what that opened. */
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

  await openAs(page, owner, `/o/${org.slug}/replays`);
  await expectStays(page.getByRole('link', { name: 'Everything' }), /plan=/, true);
  await openAs(page, owner, `/o/${org.slug}/settings?tab=audit`);
  await expectStays(page.getByRole('button', { name: /joined as owner/ }), /entry=/, true);
  await openAs(page, owner, `/o/${org.slug}/overview`);
  await expectStays(page.getByText('7 days', { exact: true }), /range=7d/, false);
  await openAs(page, owner, `/o/${org.slug}/connections/${connection.id}`);
  await expectStays(page.getByText('7 days', { exact: true }), /range=7d/, false);
});
