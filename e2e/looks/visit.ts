import { type BrowserContextOptions, test as base, expect, type Page } from '@playwright/test';
import { session, sessionKey, type World } from '@tributary/web/test/mock/world.ts';
import { type Dashboard, startDashboard } from './dashboard.ts';
import { recordLayoutShifts } from './inspect.ts';

export interface Visit {
  page: Page;
  dashboard: Dashboard;
}

interface VisitOptions extends BrowserContextOptions {
  world?: Partial<World>;
  /** Opens the page without a session. */
  guest?: boolean;
}

export const wide: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, locale: 'en-US' };
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  locale: 'pt-BR',
  colorScheme: 'dark',
};

/** `visit` opens a page of a dashboard that talks to a mock of the servers. A request that the mock does not know fails the test. */
export const test = base.extend<{ visit: (options: VisitOptions) => Promise<Visit> }>({
  visit: async ({ browser }, use) => {
    const started: { dashboard: Dashboard; close: () => Promise<void> }[] = [];
    await use(async ({ world = {}, guest = false, ...how }) => {
      const dashboard = await startDashboard(world);
      const context = await browser.newContext({ reducedMotion: 'reduce', timezoneId: 'America/Sao_Paulo', ...how });
      const page = await context.newPage();
      await recordLayoutShifts(page);
      const stored = [sessionKey, JSON.stringify(session())] as const;
      if (!guest) await page.addInitScript(([key, value]) => localStorage.setItem(key, value), stored);
      started.push({ dashboard, close: () => context.close() });
      return { page, dashboard };
    });
    for (const { dashboard, close } of started) {
      await close();
      expect(dashboard.unknown).toEqual([]);
      await dashboard.close();
    }
  },
});
