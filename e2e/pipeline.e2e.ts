import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, makeHotmart, makeOrg, makeUser, openAs, stack } from './fixtures.ts';

/** The header asks for the mode every 15 seconds of the page's clock, and the answer may be a second old: it is asked again until it tells the new mode. */
const expectSoon = (page: Page, check: () => Promise<void>) =>
  expect(async () => {
    await page.clock.fastForward('00:16');
    await check();
  }).toPass({ intervals: [100], timeout: 30_000 });

test('an operator enters the token, starts a brownout and resumes, and members of an org see the mode', async ({ page }) => {
  const { apiUrl, operatorToken } = stack();
  const mode = page.getByRole('button', { name: 'The mode is Brownout: what that means' });
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  await makeHotmart(owner, org);
  await page.clock.install();
  await openAs(page, owner, `/o/${org.slug}/pipeline`);
  await expectAccessible(page);
  await page.getByLabel('Operator token').fill('not the token of anybody');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByText('This is not the operator token.')).toBeVisible();
  await page.getByLabel('Operator token').fill(operatorToken);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByRole('table', { name: 'Instances' }).getByRole('row')).toHaveCount(2);
  await expect(page.getByRole('table', { name: 'Circuits' })).toContainText('closed');
  await expectAccessible(page);

  try {
    // A brownout does not touch connections of normal priority, which all other journeys use.
    await page.getByRole('button', { name: 'Brownout' }).click();
    await page.getByLabel('Reason').fill('Rehearsal of a journey');
    await page.getByRole('button', { name: 'Brownout now' }).click();
    await expect(page.getByRole('region', { name: 'Mode', exact: true })).toContainText('Rehearsal of a journey');
    await expectSoon(page, () => expect(mode).toBeVisible({ timeout: 1_000 }));
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Resume now' }).click();
    await expect(page.getByRole('region', { name: 'Mode', exact: true })).not.toContainText('Rehearsal of a journey');
    await expectSoon(page, () => expect(mode).toHaveCount(0, { timeout: 1_000 }));
    await expect(page.getByRole('table', { name: 'Latest changes of the mode' })).toContainText('Normal → Brownout');
  } finally {
    await fetch(`${apiUrl}/api/admin/resume`, { method: 'POST', headers: { authorization: `Bearer ${operatorToken}` } });
  }
  await page.reload();
  await expect(page.getByLabel('Operator token')).toHaveValue('');
});
