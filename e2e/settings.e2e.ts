import { randomBytes, randomUUID } from 'node:crypto';
import { expect, type Page, test } from '@playwright/test';
import { api, data, expectAccessible, makeHotmart, makeMember, makeOrg, makeUser, openAs, stack } from './fixtures.ts';

// Each test opens many pages as several people, so it gets more time.
test.describe.configure({ timeout: 300_000 });

const tab = (org: { slug: string }, name: string) => `/o/${org.slug}/settings?tab=${name}`;
const goto = (page: Page, path: string) => page.goto(stack().apiUrl + path);
const whyNot = (page: Page, text: string) => page.getByRole('note').filter({ hasText: text });

/** Creates an invite on the members' tab, and returns the link, which is shown once. */
async function inviteByHand(page: Page, email: string): Promise<string> {
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByRole('button', { name: 'Create the link' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('The link is shown only now')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Copy the link' })).toBeVisible();
  const link = await dialog.getByText(/#token=/).textContent();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText(link ?? '')).toHaveCount(0);
  return link ?? '';
}

test('an invited person signs up by the link, reads the settings, is made admin and is removed, and the audit log says so', async ({
  page,
  browser,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner, 'Oficina');
  const email = `bia-${randomUUID().slice(0, 8)}@example.com`;
  await openAs(page, owner, tab(org, 'members'));
  await expect(whyNot(page, 'You are the only owner, and an org must keep at least one.')).toBeVisible();
  const link = await inviteByHand(page, email);
  await expect(page.getByRole('list', { name: 'Open invites' }).getByText(email)).toBeVisible();

  // A guest who is signed out signs up, returns to the invite and becomes a member.
  const context = await browser.newContext();
  const guest = await context.newPage();
  await guest.goto(link);
  await expect(guest.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  // The token stays in the fragment, which browsers do not send to servers.
  expect(new URL(guest.url()).search).not.toContain('token');
  await guest.getByRole('link', { name: 'Create an account' }).click();
  expect(new URL(guest.url()).search).not.toContain('token');
  await guest.getByLabel('E-mail').fill(email);
  await guest.getByLabel('Password', { exact: true }).fill(randomBytes(12).toString('base64url'));
  await guest.getByRole('button', { name: 'Create an account' }).click();
  await expect(guest).toHaveURL(new RegExp(`/o/${org.slug}/overview`));

  // An analyst can read everything and sees why nothing can be changed.
  for (const name of ['org', 'projects', 'members']) {
    await goto(guest, tab(org, name));
    await expect(whyNot(guest, 'Only an owner or admin of this org can do this. Your role is analyst.')).toBeVisible();
    await expect(guest.getByRole('button', { name: /Save|Add a project|Create the link|Remove/ })).toHaveCount(0);
    await expectAccessible(guest);
  }
  await expect(guest.getByRole('list', { name: 'Members' }).getByText(owner.email)).toBeVisible();
  await goto(guest, tab(org, 'audit'));
  await expect(whyNot(guest, 'only owners and admins read it. Your role is Analyst.')).toBeVisible();

  // The new admin can change the settings.
  await page.reload();
  await page.getByRole('combobox', { name: `Role of ${email}` }).click();
  await page.getByRole('option', { name: 'Admin' }).click();
  await expect(page.getByText(`${email} is Admin now`)).toBeVisible();
  await goto(guest, tab(org, 'projects'));
  await guest.getByRole('textbox', { name: 'Name', exact: true }).fill('Curso de Violão');
  await expect(guest.getByLabel('Slug')).toHaveValue('curso-de-violao');
  await guest.getByRole('button', { name: 'Add a project' }).click();
  await expect(guest.getByRole('cell', { name: 'curso-de-violao' })).toBeVisible();
  await guest.getByRole('textbox', { name: 'Name', exact: true }).fill('Curso de violao');
  await guest.getByRole('button', { name: 'Add a project' }).click();
  await expect(guest.getByText('Another project of this org has this slug')).toBeVisible();
  await guest.getByRole('button', { name: 'Rename Curso de Violão' }).click();
  await guest.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true }).fill('Violão');
  await guest.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(guest.getByRole('cell', { name: 'Violão', exact: true })).toBeVisible();
  await expectAccessible(guest);
  await goto(guest, tab(org, 'members'));
  await expect(guest.getByRole('note', { name: 'Only owners can change roles. Your role is Admin.' }).first()).toBeVisible();
  await expect(guest.getByRole('combobox', { name: /^Role of/ })).toHaveCount(0);

  // After the removal the former member no longer finds the org.
  await page.getByRole('button', { name: `Remove ${email}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove 1 person' }).click();
  await expect(page.getByText(`${email} was removed`)).toBeVisible();
  await goto(guest, tab(org, 'org'));
  await expect(guest.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  await guest.getByRole('link', { name: 'Go to the start' }).click();
  await expect(guest).toHaveURL(/\/new-org$/);
  await context.close();

  // The header shows the new name at once.
  await page.getByRole('tab', { name: 'Org', exact: true }).click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Oficina Aurora');
  await page.getByRole('textbox', { name: 'Rate limit of the whole org' }).fill('250');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('combobox', { name: 'Org' })).toHaveValue('Oficina Aurora');
  expect(await api(owner, 'GET', `/api/orgs/${org.id}`)).toMatchObject({ name: 'Oficina Aurora', rateLimitPerSecond: 250, slug: org.slug });

  await page.getByRole('tab', { name: 'Audit log' }).click();
  const log = page.getByRole('list', { name: 'Audit log' });
  for (const said of [
    `${owner.email} invited ${email} as analyst`,
    `${email} joined as analyst`,
    `${owner.email} made ${email} admin (before: analyst)`,
    `${email} added the project “Curso de Violão”`,
    `${email} renamed the project “Curso de Violão” to “Violão”`,
    `${owner.email} removed ${email}`,
    `${owner.email} changed the org: name, rate limit`,
  ]) {
    await expect(log.getByRole('button', { name: said, exact: true })).toBeVisible();
  }
  await expectAccessible(page);

  // The filters and the open entry are kept in the address, so that a link shows a colleague the same.
  await page.getByRole('combobox', { name: 'Person' }).click();
  await page.getByRole('option', { name: `${email} (former member)` }).click();
  await expect(log.getByRole('button', { name: new RegExp(`^${owner.email}`) })).toHaveCount(0);
  await page.getByRole('combobox', { name: 'Action' }).click();
  await page.getByRole('option', { name: 'Projects: everything' }).click();
  await expect(log.getByRole('listitem')).toHaveCount(2);
  await log.getByRole('button', { name: /added the project/ }).click();
  await expect(page.getByRole('dialog').getByText('"slug": "curso-de-violao"')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('dialog').getByText('"slug": "curso-de-violao"')).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Action' }).click();
  await page.getByRole('option', { name: 'Legal holds: added' }).click();
  await expect(page.getByText('No entry matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(log.getByRole('button', { name: `${owner.email} joined as owner` })).toBeVisible();
});

test('an invite that was used or withdrawn, is for another address or lacks its token says why it cannot be used', async ({
  page,
  browser,
}) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const [bia, eva] = [await makeUser('bia'), await makeUser('eva')];
  await openAs(page, owner, tab(org, 'members'));
  const used = await inviteByHand(page, bia.email);
  const withdrawn = await inviteByHand(page, eva.email);
  await page.getByRole('button', { name: `Withdraw the invite of ${eva.email}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw 1 invite' }).click();
  await expect(page.getByRole('list', { name: 'Open invites' }).getByText(eva.email)).toHaveCount(0);
  const biasContext = await browser.newContext();
  const bias = await biasContext.newPage();
  const evasContext = await browser.newContext();
  const evas = await evasContext.newPage();

  await openAs(evas, eva, new URL(used).pathname + new URL(used).hash);
  await expect(evas.getByRole('alert')).toContainText('this invite is for another e-mail address');
  await expect(evas.getByText(`You are signed in as ${eva.email}.`)).toBeVisible();
  await openAs(bias, bia, new URL(used).pathname + new URL(used).hash);
  await expect(bias).toHaveURL(new RegExp(`/o/${org.slug}/overview`));
  for (const [guest, link, reason] of [
    [bias, used, 'you have accepted this invite already'],
    [evas, withdrawn, 'there is no invite with this link: it was withdrawn'],
    [evas, `${stack().apiUrl}/invite`, 'The link is incomplete'],
  ] as const) {
    await guest.goto('about:blank');
    await guest.goto(link);
    await expect(guest.getByRole('alert')).toContainText(reason);
    await expectAccessible(guest);
  }

  // A member who is not an owner can leave the org.
  await goto(bias, tab(org, 'members'));
  await bias.getByRole('button', { name: 'Leave this org' }).click();
  await bias.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
  await expect(bias).toHaveURL(/\/new-org$/);
  expect(await data(bia, 'GET', `/rest/v1/orgs?id=eq.${org.id}`)).toEqual([]);
  await biasContext.close();
  await evasContext.close();
});

test('one of two owners makes the other an admin, and the last owner cannot leave or be demoted', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const second = await makeMember(org, owner, 'admin');
  await data(owner, 'PATCH', `/rest/v1/org_members?org_id=eq.${org.id}&user_id=eq.${second.id}`, { role: 'owner' });
  await openAs(page, owner, tab(org, 'members'));
  await expect(whyNot(page, 'An owner cannot leave. Another owner has to change your role first')).toBeVisible();
  await page.getByRole('combobox', { name: `Role of ${second.email}` }).click();
  await page.getByRole('option', { name: 'Admin' }).click();
  await expect(whyNot(page, 'You are the only owner')).toBeVisible();

  // With the owner's own token, without the page, an update or a deletion reaches no row.
  await data(owner, 'DELETE', `/rest/v1/org_members?org_id=eq.${org.id}&user_id=eq.${owner.id}`);
  await data(owner, 'PATCH', `/rest/v1/org_members?org_id=eq.${org.id}&user_id=eq.${owner.id}`, { role: 'analyst' });
  const rows = await data<{ role: string }[]>(owner, 'GET', `/rest/v1/org_members?org_id=eq.${org.id}&role=eq.owner&select=user_id`);
  expect(rows).toEqual([{ user_id: owner.id }]);
});

test('sign-in never leads to another site', async ({ page }) => {
  const user = await makeUser();
  for (const next of ['https://evil.example', '//evil.example', '/\\evil.example']) {
    await goto(page, `/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByLabel('E-mail').fill(user.email);
    await page.getByLabel('Password', { exact: true }).fill(user.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(`${stack().apiUrl}/new-org`);
    await page.evaluate(() => localStorage.clear());
  }
});

test('a rate limit and a priority of a connection can be set, and the limit removed again', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const { id } = await makeHotmart(owner, org);
  const kept = () => api<{ rateLimitPerSecond: number | null; priority: string }>(owner, 'GET', `/api/connections/${id}`);
  await openAs(page, owner, `/o/${org.slug}/connections/${id}?tab=settings`);
  const limit = page.getByRole('textbox', { name: 'Rate limit' });
  await limit.fill('200');
  await page.getByText('Low', { exact: true }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  // A lower limit refuses deliveries, so it is asked for first.
  await page.getByRole('dialog').getByRole('button', { name: 'Save and refuse deliveries' }).click();
  await expect.poll(kept).toMatchObject({ rateLimitPerSecond: 200, priority: 'low' });
  await page.reload();
  await expect(limit).toHaveValue('200 per second');
  // Replacing the first digit leaves "00" for a moment, which the field does not discard.
  await limit.press('Home');
  await limit.press('Delete');
  await limit.pressSequentially('3');
  await expect(limit).toHaveValue('300 per second');
  await expect(page.getByRole('radio', { name: 'Low' })).toBeChecked();
  await expectAccessible(page);
  await limit.fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect.poll(kept).toMatchObject({ rateLimitPerSecond: null, priority: 'low' });
});
