import { expect, type Page, test } from '@playwright/test';
import { fillDemoOrg } from './demo-org.ts';
import { expectAccessible, makeOrg, makeUser, openAs, stack } from './fixtures.ts';
import { guestLooks, type Look, looksOf, personalLooks } from './pages.ts';

test.describe.configure({ mode: 'parallel' });

/** Looks at every page in both colour schemes, and tells of all that have a fault, not only of the first. */
async function expectAllAccessible(page: Page, looks: readonly Look[]): Promise<void> {
  for (const look of looks) {
    await page.goto(stack().apiUrl + look.path);
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
    // The first answers are in: what is loading has its own look, of grey bars.
    await page.waitForLoadState('networkidle');
    await expectAccessible(page, { where: look.name });
    // In the dark only the colours are others.
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
    await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one instanceof CSSTransition && one.finished)));
    await expectAccessible(page, { where: `${look.name}, dark`, rules: ['color-contrast'] });
    await page.emulateMedia({ colorScheme: 'light' });
  }
}

test('every page of a busy org is accessible, light and dark', async ({ page }) => {
  test.setTimeout(900_000);
  const { user, org, rows } = await fillDemoOrg(120);
  await openAs(page, user, '/');
  await expectAllAccessible(page, looksOf(org.slug, rows));
});

test('every page of an empty org, and those before one, are accessible, light and dark', async ({ page, browser }) => {
  test.setTimeout(600_000);
  const user = await makeUser();
  const org = await makeOrg(user);
  await openAs(page, user, '/');
  await expectAllAccessible(page, [...personalLooks, ...looksOf(org.slug)]);
  const guest = await (await browser.newContext()).newPage();
  await expectAllAccessible(guest, guestLooks);
  await guest.context().close();
});
