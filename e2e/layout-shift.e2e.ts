import { expect, test } from '@playwright/test';
import { deliverPurchase, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

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
