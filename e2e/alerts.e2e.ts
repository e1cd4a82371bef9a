import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { Webhook } from 'standardwebhooks';
import { switchColorScheme } from './axe.ts';
import { deliverPurchase, evaluateAlertsNow, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs } from './fixtures.ts';

/** Longer than the dashboard waits before it asks for the incidents again, on the page's clock. */
const untilAskedAgain = '00:31';

/** A receiver of alerts that keeps each request as it arrived. */
async function startReceiver() {
  const received: { headers: Record<string, string>; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString();
    });
    request.on('end', () => {
      received.push({ headers: request.headers as Record<string, string>, body });
      response.end('<b>thanks</b>');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    /** The types of the alerts that arrived. Fails the test when a signature is not genuine. */
    verified: (secret: string) => received.map(({ headers, body }) => (new Webhook(secret).verify(body, headers) as { type: string }).type),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test('an incident opens, is sent to a signed webhook, is acknowledged in front of a colleague, and resolves by itself', async ({
  page,
  browser,
}) => {
  test.setTimeout(300_000);
  const receiver = await startReceiver();
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const analyst = await makeMember(org, owner, 'analyst');
  const connection = await makeHotmart(owner, org);
  await page.clock.install();

  await test.step('the owner adds a channel, whose secret is shown once, and sends a test over it', async () => {
    await openAs(page, owner, `/o/${org.slug}/alerts?tab=channels`);
    await expect(page.getByRole('heading', { name: 'No channel yet' })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Add a channel' }).click();
    const form = page.getByRole('dialog');
    await form
      .getByRole('textbox', { name: 'Type' })
      .or(form.getByRole('combobox', { name: 'Type' }))
      .click();
    await page.getByRole('option', { name: 'Webhook' }).click();
    await form.getByLabel('Name').fill('Status page');
    await form.getByLabel('URL').fill('not an address');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(form.getByLabel('URL')).toHaveAttribute('aria-invalid', 'true');
    await form.getByLabel('URL').fill(receiver.url);
    await expectAccessible(page);
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(form.getByText('Copy it now: it is shown only this once and stored encrypted.')).toBeVisible();
  });
  const secret = (await page.getByRole('dialog').getByRole('status').locator('code').textContent()) ?? '';
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Send test' }).click();
  const tested = page.getByRole('status').filter({ hasText: 'The test arrived' });
  await expect(tested).toContainText('Answered 200');
  await expect(tested).toContainText('<b>thanks</b>');
  expect(receiver.verified(secret)).toEqual(['alert.test']);
  await expectAccessible(page);

  await test.step('the owner makes a rule more sensitive; a value that the server refuses is reported at its field', async () => {
    await page.getByRole('tab', { name: 'Rules' }).click();
    const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Deliveries are rejected' }) });
    await card.getByRole('button', { name: /^Change/ }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Critical').fill('120');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(form.getByText('Between 0.01% and 99.99%')).toBeVisible();
    await form.getByLabel('Critical').fill('');
    await form.getByLabel('Warning').fill('30');
    await form.getByLabel('Window').fill('1');
    await form.getByLabel('Fewest records').fill('1');
    await form.getByLabel('Resolves after').fill('0');
    await expectAccessible(page);
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(card).toContainText('above 30%');
    await expect(card).toContainText('changed from the default');
    await expectAccessible(page);
  });

  let rejected = 0;
  await test.step('the incident opens, and is shown on the overview, in the menu and on the connection', async () => {
    await page.getByRole('link', { name: 'Overview' }).click();
    const incidents = page.getByRole('region', { name: 'Open incidents' });
    await expect(incidents).toContainText('No open incident.');
    await expect
      .poll(
        async () => {
          rejected += (await deliverPurchase(connection, { hottok: 'not the one' })).status === 401 ? 1 : 0;
          await evaluateAlertsNow();
          await page.clock.fastForward(untilAskedAgain);
          return incidents.textContent();
        },
        { timeout: 90_000, intervals: [500] },
      )
      .toContain('Deliveries are rejected: Hotmart shop');
    await expect(page.getByRole('img', { name: 'Open incidents: 1' })).toBeVisible();
    await expectAccessible(page);
    await switchColorScheme(page, 'dark');
    await expectAccessible(page);
    await switchColorScheme(page, 'light');
    await page.goto(new URL(`/o/${org.slug}/connections/${connection.id}`, page.url()).href);
    await expect(incidents).toContainText('Deliveries are rejected');
    await incidents.getByRole('link', { name: 'Deliveries are rejected' }).click();
  });

  const panel = page.getByRole('dialog', { name: 'Incident' });
  await expect(page).toHaveURL(/incident=[0-9a-f-]{36}/);
  await expect(panel).toContainText('Compare the secret with the platform’s');
  await expect(panel.getByText('Status page: it opened')).toBeVisible();
  await expect(panel.getByRole('region', { name: 'What happened' })).toContainText(/sent/);
  await expectAccessible(page);

  await test.step('the owner acknowledges the incident, and an analyst, who cannot, sees that', async () => {
    const context = await browser.newContext({ colorScheme: 'dark' });
    const other = await context.newPage();
    await other.clock.install();
    await openAs(other, analyst, `/o/${org.slug}/alerts`);
    const row = other.getByRole('list', { name: 'Active' }).getByRole('listitem');
    await expect(row).toContainText('Deliveries are rejected');
    await expect(row.getByRole('button')).toHaveCount(0);
    await expect(row.getByRole('note', { name: /Only an owner or admin/ })).toBeVisible();
    await expectAccessible(other);
    await panel.getByRole('button', { name: 'Acknowledge' }).click();
    await expect(panel).toContainText('Acknowledged by you');
    await other.clock.fastForward(untilAskedAgain);
    await expect(row).toContainText('Acknowledged', { timeout: 30_000 });
    await context.close();
  });
  await panel.getByRole('button', { name: 'Close' }).click();

  await test.step('the incident resolves by itself when its condition ends', async () => {
    const good = await Promise.all(Array.from({ length: 5 * rejected }, () => deliverPurchase(connection)));
    expect(good.every(({ status }) => status === 200)).toBe(true);
    await evaluateAlertsNow();
    await page.clock.fastForward(untilAskedAgain);
    const history = page.getByRole('list', { name: 'History' }).getByRole('listitem');
    await expect(history).toContainText('the condition ended', { timeout: 90_000 });
    // The row stays where the owner has it before them, until the list is refreshed.
    const active = page.getByRole('region', { name: 'Active' });
    await expect(active.getByRole('listitem')).toContainText('Resolved');
    await active.getByRole('button', { name: 'Refresh now' }).click();
    await expect(page.getByRole('heading', { name: 'No incident: all is well' })).toBeVisible();
    await expect(page.getByText('7 rules watch every connection.')).toBeVisible();
    await history.getByRole('link', { name: 'Deliveries are rejected' }).click();
    await expect(panel).toContainText('Resolved by itself');
    await expect.poll(() => receiver.verified(secret)).toEqual(['alert.test', 'alert.opened', 'alert.acknowledged', 'alert.resolved']);
    await expectAccessible(page);
  });
  await receiver.close();
});

test('a rule is switched off, changed in hours and percent, and set back to its default', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  await openAs(page, owner, `/o/${org.slug}/alerts?tab=rules`);
  const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Newest event is old' }) });
  await card.getByRole('switch').click({ force: true });
  await expect(card.getByRole('switch')).not.toBeChecked();
  await page.reload();
  await expect(card.getByRole('switch')).not.toBeChecked();

  await card.getByRole('button', { name: /^Change/ }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Critical', { exact: true }).fill('3');
  await form.getByLabel('Critical: Unit').selectOption('hours');
  await form.getByLabel('Warning', { exact: true }).fill('4');
  await form.getByLabel('Warning: Unit').selectOption('hours');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByRole('alert')).toContainText('must rise from info over warning to critical');
  await form.getByLabel('Warning', { exact: true }).fill('2');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(card).toContainText(/above 2\s?h.*above 3\s?h/);

  await card.getByRole('button', { name: /^Change/ }).click();
  await form.getByRole('button', { name: 'Set back to default' }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(card).toContainText(/above 10\s?min.*above 30\s?min/);
  await expect(card).not.toContainText('changed from the default');

  // People type key by key, so the field passes through "0." and "0.0" on the way to 0.05.
  const rate = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'High dead-letter rate' }) });
  await rate.getByRole('button', { name: /^Change/ }).click();
  const info = form.getByLabel('Info', { exact: true });
  await info.clear();
  await info.pressSequentially('0.059');
  await expect(info).toHaveValue('0.05 %');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(rate).toContainText('above 0.05%');
  await rate.getByRole('button', { name: /^Change/ }).click();
  await expect(info).toHaveValue('0.05 %');
  await info.press('End');
  for (const left of ['0.0 %', '0. %', '0 %']) {
    await info.press('Backspace');
    await expect(info).toHaveValue(left);
  }
});
