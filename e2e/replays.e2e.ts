import { expect, type Page, test } from '@playwright/test';
import { data, deliverPurchase, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

/** The most deliveries of a plan that one person may approve alone: REPLAY_APPROVAL_THRESHOLD of global-setup.ts. */
const small = 20;
const large = small + 1;

// Each test has many steps, and the machine may be busy.
test.beforeEach(() => test.slow());

async function makeShop(deliveries: number) {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  const deliver = async () => expect((await deliverPurchase(connection)).status).toBe(200);
  for (let sent = 0; sent < deliveries; sent += 10) await Promise.all(Array.from({ length: Math.min(10, deliveries - sent) }, deliver));
  return { owner, org, connection, path: `/o/${org.slug}/replays` };
}

/** Fills in the form for every delivery of the last day, and creates the plan. */
async function planAll(page: Page, name: string, count: number, throttle?: number): Promise<void> {
  await page.getByRole('link', { name: 'New plan' }).first().click();
  const form = page.getByRole('dialog', { name: 'New plan' });
  await form.getByLabel('Name').fill(name);
  if (throttle !== undefined) await form.getByLabel('At most, per second').fill(String(throttle));
  await expect(form.getByText(`${count} deliveries match`)).toBeVisible();
  await form.getByRole('button', { name: `Plan ${count} deliveries` }).click();
}

/** The panel of the plan that is open beside the list. */
const panelOf = (page: Page) => page.getByRole('dialog', { name: 'Plan', exact: true });
const figure = (page: Page, name: string) =>
  panelOf(page).getByRole('term').filter({ hasText: name }).locator('xpath=following-sibling::dd');

test('a large plan needs the approval of a second person with a reference, and then runs to its end', async ({ page, browser }) => {
  const { owner, org, path } = await makeShop(large);
  const admin = await makeMember(org, owner, 'admin');
  await openAs(page, owner, path);
  await expect(page.getByText('No plan yet')).toBeVisible();
  await expectAccessible(page);

  await page.getByRole('link', { name: 'New plan' }).first().click();
  const form = page.getByRole('dialog', { name: 'New plan' });
  await expect(form.getByText(`${large} deliveries match`)).toBeVisible();
  await expect(form.getByText('must be approved by another owner or admin')).toBeVisible();
  await expectAccessible(page);
  // The count and the URL follow the fields.
  await form.getByLabel('Event types').fill('order.refunded');
  await form.getByLabel('Event types').press('Enter');
  await expect(form.getByText('0 deliveries match')).toBeVisible();
  await expect(form.getByRole('button', { name: /^Plan / })).toHaveCount(0);
  await expect(page).toHaveURL(/types=.*order\.refunded/);
  await page.reload();
  await expect(form.getByText('0 deliveries match')).toBeVisible();
  await page.keyboard.press('Escape');
  await planAll(page, 'The outage', large);

  const panel = panelOf(page);
  await expect(panel.getByRole('note')).toContainText('Another owner or admin has to approve it');
  await expect(panel.getByRole('button', { name: 'Approve' })).toHaveCount(0);
  await expectAccessible(page);
  const link = await panel.getByRole('note').locator('code').textContent();

  const colleague = await (await browser.newContext({ locale: 'en-US' })).newPage();
  await openAs(colleague, admin, new URL(link ?? '').pathname + new URL(link ?? '').search);
  const theirs = panelOf(colleague);
  await theirs.getByRole('button', { name: 'Approve' }).click();
  const confirm = colleague.getByRole('dialog', { name: 'Approve the plan' });
  await expect(confirm.getByText(`${large} deliveries match now`)).toBeVisible();
  await confirm.getByRole('button', { name: `Approve ${large} deliveries` }).click();
  await expect(confirm.getByText('A plan this large needs a reference.').first()).toBeVisible();
  await expectAccessible(colleague);
  await confirm.getByLabel('Reference').fill('RFA-1234');
  await confirm.getByRole('button', { name: `Approve ${large} deliveries` }).click();
  await theirs.getByRole('button', { name: 'Run' }).click();
  await colleague.getByRole('button', { name: `Run ${large} deliveries` }).click();

  // The page of the person who created the plan updates by itself.
  await expect(panel.getByText('Completed').first()).toBeVisible({ timeout: 45_000 });
  for (const [name, value] of [
    ['Deliveries done', large],
    ['Accepted', 0],
    ['Duplicates', large],
    ['Dead-lettered', 0],
    ['Not opened', 0],
  ] as const)
    await expect(figure(page, name)).toHaveText(String(value));
  const trail = panel.getByRole('region', { name: 'Audit trail' });
  for (const step of ['Plan created', 'Approved', 'Started', 'Completed'])
    await expect(trail.getByText(step, { exact: true })).toBeVisible();
  await expect(trail).toContainText('you');
  await expect(trail).toContainText('RFA-1234');
  await expect(trail.getByTitle(admin.id).first()).toBeVisible();
  await expectAccessible(page);
  await colleague.context().close();
});

test('one person runs, pauses, resumes and cancels a small plan alone, also in the dark and on a phone', async ({ page }) => {
  const { owner, path } = await makeShop(small);
  await page.emulateMedia({ colorScheme: 'dark' });
  await openAs(page, owner, path);
  await planAll(page, 'Slowly', small, 1);
  const panel = panelOf(page);
  await panel.getByRole('button', { name: 'Approve' }).click();
  // Escape closes only the topmost dialog.
  await page.getByRole('dialog', { name: 'Approve the plan' }).getByLabel('Reference').press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(1);
  await expect(page).toHaveURL(/plan=/);
  await panel.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('button', { name: `Approve ${small} deliveries` }).click();
  await panel.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('button', { name: `Run ${small} deliveries` }).click();
  await panel.getByRole('button', { name: 'Pause' }).click();
  await expect(panel.getByText('Paused').first()).toBeVisible();
  await expectAccessible(page);
  await panel.getByRole('button', { name: 'Resume' }).click();
  await expect(panel.getByText('Running').first()).toBeVisible();
  await panel.getByRole('button', { name: 'Cancel the plan' }).click();
  const confirm = page.getByRole('dialog', { name: 'Cancel the plan' });
  await expect(confirm).toContainText(`of ${small} deliveries are done and stay done`);
  await confirm.getByRole('button', { name: /^Give up \d+ deliver/ }).click();
  await expect(panel.getByText('Canceled').first()).toBeVisible();
  await expect(panel.getByRole('button', { name: 'Cancel the plan' })).toHaveCount(0);
  await page.keyboard.press('Escape');

  // No plan is open any more: the filter says so and can be cleared.
  await page.getByText('Open', { exact: true }).click();
  await expect(page.getByText('No plan matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(page.getByRole('link', { name: 'Slowly' })).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.evaluate(() => localStorage.setItem('tributary.language', 'pt-BR'));
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Reprocessamentos' })).toBeVisible();
  await expect(page.getByText('Cancelado')).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  await expectAccessible(page);
});

test('an analyst sees the plans and why they cannot create one; a legal hold is explained before a plan is created', async ({
  page,
  browser,
}) => {
  const { owner, org, path } = await makeShop(1);
  const analyst = await makeMember(org, owner, 'analyst');
  await openAs(page, owner, `${path}?new=1`);
  const form = page.getByRole('dialog', { name: 'New plan' });
  await form.getByRole('button', { name: 'Plan 1 delivery' }).click();
  await expect(panelOf(page).getByText('Waits for approval')).toBeVisible();
  const planUrl = new URL(page.url());

  const other = await (await browser.newContext({ locale: 'en-US' })).newPage();
  await openAs(other, analyst, path);
  await expect(other.getByRole('note').first()).toContainText('Only an owner or admin of this org can do this. Your role is analyst.');
  await expect(other.getByRole('link', { name: 'New plan' })).toHaveCount(0);
  await other.goto(planUrl.href);
  await expect(panelOf(other).getByText('The audit trail is for owners and admins.')).toBeVisible();
  await expect(panelOf(other).getByRole('button', { name: /Approve|Cancel the plan/ })).toHaveCount(0);
  await other.goto(`${planUrl.origin}${path}?new=1`);
  await expect(other.getByRole('dialog', { name: 'New plan' }).getByRole('note')).toContainText('Your role is analyst');
  await expectAccessible(other);
  await other.context().close();

  await data(owner, 'POST', '/rest/v1/legal_holds', { org_id: org.id, reason: 'a lawsuit' });
  await page.goto(`${planUrl.origin}${path}?new=1`);
  await expect(form.getByRole('alert')).toContainText('A legal hold forbids it');
  await expect(form.getByRole('alert')).toContainText('a lawsuit');
  await expect(form.getByRole('button', { name: /^Plan / })).toHaveCount(0);
  await expectAccessible(page);
});
