import { expect, test } from '@playwright/test';
import { api, expectAccessible, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

test.describe.configure({ timeout: 120_000 });

test('an owner requires a second person for releasing holds: an admin asks, the owner finds the request and approves it', async ({
  page,
  browser,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner, 'Cartório');
  const admin = await makeMember(org, owner, 'admin');
  await api(admin, 'POST', '/api/legal-holds', { orgId: org.id, reason: 'Case 4711' });

  await openAs(page, owner, `/o/${org.slug}/settings?tab=security`);
  await page.getByRole('checkbox', { name: 'Releasing a legal hold' }).check();
  await page.getByRole('button', { name: 'Save the rules' }).click();
  await expect(page.getByRole('checkbox', { name: 'Releasing a legal hold' })).toBeChecked();
  await expect.poll(() => api(owner, 'GET', `/api/orgs/${org.id}/security`)).toMatchObject({ secondPerson: ['release_hold'] });
  await expectAccessible(page);

  // The admin is told that nothing has happened yet.
  const context = await browser.newContext();
  const theirs = await context.newPage();
  await openAs(theirs, admin, `/o/${org.slug}/settings?tab=privacy`);
  await theirs.getByRole('button', { name: 'Release' }).click();
  const dialog = theirs.getByRole('dialog');
  await dialog
    .getByRole('button', { name: /release/i })
    .last()
    .click();
  await expect(dialog.getByRole('alert')).toContainText('Nothing has been done yet');
  await context.close();

  await page.reload();
  await expect(page.getByRole('img', { name: 'Requests that wait for a second person: 1' }).first()).toBeVisible();
  const row = page.getByRole('row').filter({ hasText: 'Release the legal hold “Case 4711”' });
  await expect(row).toContainText(`by ${admin.email}`);
  await row.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await expect(row).toContainText('approved by you');
  await expect(page.getByRole('img', { name: /^Requests that wait/ })).toHaveCount(0);
  const { holds } = await api<{ holds: object[] }>(owner, 'GET', `/api/legal-holds?orgId=${org.id}`);
  expect(holds).toMatchObject([{ releasedBy: owner.id }]);

  // Both steps are in the audit log, whose chain is intact.
  await page.getByRole('tab', { name: 'Audit log' }).click();
  await expect(page.getByText(`${admin.email} asked for a second person: release a legal hold`)).toBeVisible();
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await expect(page.getByText(/The chain of all \d+ entries is intact/)).toBeVisible();
});
