import { expect, test } from '@playwright/test';
import { api, deliverPurchase, evaluateAlertsNow, expectAccessible, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

test('a pause asks first with the traffic it stops, and a paused connection says so on every tab, in the list and on the overview', async ({
  page,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org);
  for (let n = 0; n < 3; n++) expect((await deliverPurchase(connection)).status).toBe(200);
  await openAs(page, owner, `/o/${org.slug}/connections/${connection.id}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  const dialog = page.getByRole('dialog', { name: 'Pause Hotmart shop?' });
  await expect(dialog).toContainText('Every delivery is answered with 403');
  await expect(dialog).toContainText('about 3 records a day', { timeout: 30_000 });
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await deliverPurchase(connection)).status).toBe(200);

  await page.getByRole('button', { name: 'Pause' }).click();
  await dialog.getByRole('button', { name: 'Pause and refuse deliveries' }).click();
  const notice = page.getByRole('status').filter({ hasText: 'until somebody resumes the connection' });
  for (const tab of ['Activity', 'URL and secrets', 'Test', 'Settings']) {
    await page.getByRole('tab', { name: tab, exact: true }).click();
    await expect(notice).toBeVisible();
  }
  expect((await deliverPurchase(connection)).status).toBe(403);
  await page.getByRole('link', { name: 'Connections' }).first().click();
  await expect(page.getByRole('row').filter({ hasText: 'Hotmart shop' })).toContainText('Paused');
  await page.getByRole('link', { name: 'Overview' }).click();
  await expect(page.getByRole('region', { name: 'Open incidents' })).toContainText('1 connection is not OK: Paused.');
  await expect(page.getByRole('region', { name: 'Freshness' })).toContainText('Paused');
  await page.goBack();
  await page.getByRole('link', { name: 'Hotmart shop' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(notice).toHaveCount(0);
  expect((await deliverPurchase(connection)).status).toBe(200);
});

test('a connection without its secret is shown as such everywhere, until the secret is set', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const body = { projectId: org.projectId, type: 'hotmart', name: 'Bare shop' };
  const { id } = await api<{ id: string }>(owner, 'POST', '/api/connections', body);
  await openAs(page, owner, `/o/${org.slug}/connections?state=needs_secret`);
  await expect(page.getByRole('row').filter({ hasText: 'Bare shop' })).toContainText('Needs its secret');
  await page.getByRole('link', { name: 'Overview' }).click();
  await expect(page.getByRole('region', { name: 'Freshness' })).toContainText('Needs its secret');
  await expect(page.getByRole('region', { name: 'Open incidents' })).not.toContainText('Everything is within its limits');
  await page.getByRole('region', { name: 'Freshness' }).getByRole('link', { name: 'Bare shop' }).click();
  const notice = page.getByRole('status').filter({ hasText: 'every delivery is rejected with 401' });
  await expect(notice).toBeVisible();
  await expectAccessible(page);
  await notice.getByRole('link', { name: 'Set the secret' }).click();
  await page.getByRole('textbox', { name: 'Hottok' }).fill('a hottok of more than 8 letters');
  await page.getByRole('button', { name: 'Save the secret' }).click();
  await expect(notice).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(id));
});

test('after an acknowledgement every button stays where it was, and an incident asks before it is resolved', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connections = [await makeHotmart(owner, org), await makeHotmart(owner, org)];
  const rules = await api<{ rules: { id: string; kind: string }[] }>(owner, 'GET', `/api/alerts/rules?orgId=${org.id}`);
  const rule = rules.rules.find((one) => one.kind === 'RejectedRateHigh');
  await api(owner, 'PATCH', `/api/alerts/rules/${rule?.id}`, { thresholds: { minRecords: 1 } });
  await expect
    .poll(
      async () => {
        for (const connection of connections) await deliverPurchase(connection, { hottok: 'not the one' });
        await evaluateAlertsNow();
        return api<{ incidents: object[] }>(owner, 'GET', `/api/alerts/incidents?orgId=${org.id}`).then(({ incidents }) => incidents);
      },
      { timeout: 60_000, intervals: [1_000] },
    )
    .toMatchObject([{ kind: 'RejectedRateHigh', connections: 2, status: 'open' }]);
  await openAs(page, owner, `/o/${org.slug}/alerts`);
  const rows = page.getByRole('region', { name: 'Active' }).getByRole('listitem');
  await expect(rows.first()).toContainText('and 1 more connection');
  await expect(rows).toHaveCount(1);
  const resolve = rows.first().getByRole('button', { name: 'Resolve' });
  const [before, row] = [await resolve.boundingBox(), await rows.first().boundingBox()];
  await rows.first().getByRole('button', { name: 'Acknowledge' }).click();
  await expect(rows.first().getByRole('button', { name: 'Acknowledged' })).toBeDisabled();
  await page.mouse.move(0, 0);
  expect(await resolve.boundingBox()).toEqual(before);
  expect(await rows.first().boundingBox()).toEqual(row);

  await resolve.click();
  const dialog = page.getByRole('dialog', { name: 'Resolve this incident?' });
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(rows.first().getByRole('button', { name: 'Resolve' })).toBeVisible();
  await resolve.click();
  await dialog.getByRole('button', { name: 'Resolve' }).click();
  await expect(rows.first()).toContainText('Resolved');
  expect(await rows.first().boundingBox()).toMatchObject({ y: row?.y });
});
