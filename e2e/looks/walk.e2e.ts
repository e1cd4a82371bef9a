import { expect } from '@playwright/test';
import type { SourceEntry } from '@tributary/shared/api.ts';
import { guestLooks, type Look, looksOf, personalLooks } from '@tributary/web/test/mock/looks.ts';
import { ids, longNames, orgSlug, type World } from '@tributary/web/test/mock/world.ts';
import { stack } from '../fixtures.ts';
import { expectPortuguese } from '../words.ts';
import { expectAccessibleInBothSchemes, expectAccessibleNow, expectNoSideways, open, shiftOf } from './inspect.ts';
import { phone, test, type Visit, wide } from './visit.ts';

// Every page of the dashboard in a real browser, before a mock of the servers: what needs a layout, and a page that is complete.

test.describe.configure({ mode: 'parallel', timeout: 300_000 });

/** What people have typed and what the server says of one delivery, which is the same in every language. */
const typed = [
  ...Object.values(longNames),
  'Case 4711 <b>sealed</b>',
  'Case 4711',
  'Orders of the last hour, with the corrected mapping',
  'the hottok is not the one of this connection',
  'data.purchase.transaction is missing',
];

/** A filled org whose names are longer than a screen, or an empty one. The platforms are those of the real API, in both languages. */
async function worldOf(filled: boolean): Promise<Partial<World>> {
  const sources = async (language: string) =>
    (await (await fetch(`${stack().apiUrl}/api/sources?language=${language}`)).json()) as SourceEntry[];
  return { filled, ...(filled ? longNames : {}), sources: { en: await sources('en'), 'pt-BR': await sources('pt-BR') } };
}

const { connection, event, deadLetter, quarantined, plan, incident } = ids;
const filledLooks = looksOf(orgSlug, { connection, event, deadLetter, quarantined, plan, incident });
const emptyLooks = looksOf(orgSlug);

async function walkWide({ page, dashboard }: Visit, looks: readonly Look[]): Promise<void> {
  for (const { name, path } of looks) {
    await open(page, dashboard, path);
    expect.soft(await shiftOf(page), `${name}: nothing jumps while it fills`).toBeLessThan(0.1);
    await expectAccessibleInBothSchemes(page, name);
    await page.setViewportSize({ width: 390, height: 844 });
    await expectNoSideways(page, name);
    await page.setViewportSize({ width: 1280, height: 800 });
  }
}

async function walkOnPhone({ page, dashboard }: Visit, looks: readonly Look[]): Promise<void> {
  for (const { name, path } of looks) {
    await open(page, dashboard, path);
    expect.soft(await shiftOf(page), `${name}: nothing jumps while it fills`).toBeLessThan(0.1);
    await expectNoSideways(page, name);
    await expectPortuguese(page, name, typed);
    await expectAccessibleNow(page, `${name}, in Portuguese, dark, on a phone`);
  }
}

test('every page of a filled org is accessible in both colour schemes, stands still while it loads, and fits a phone', async ({
  visit,
}) => {
  await walkWide(await visit({ ...wide, world: await worldOf(true) }), filledLooks);
});

test('every page of a filled org in Portuguese on a phone has no English word, fits, stands still and is accessible in the dark', async ({
  visit,
}) => {
  await walkOnPhone(await visit({ ...phone, world: await worldOf(true) }), filledLooks);
});

test('every page of an empty org, and every page before an org, is accessible in both colour schemes, stands still and fits a phone', async ({
  visit,
}) => {
  await walkWide(await visit({ ...wide, world: await worldOf(false) }), [...personalLooks, ...emptyLooks]);
  await walkWide(await visit({ ...wide, world: await worldOf(false), guest: true }), guestLooks);
});

test('every page of an empty org, and every page before an org, has no English word in Portuguese on a phone, fits, stands still and is accessible', async ({
  visit,
}) => {
  await walkOnPhone(await visit({ ...phone, world: await worldOf(false) }), [...personalLooks, ...emptyLooks]);
  await walkOnPhone(await visit({ ...phone, world: await worldOf(false), guest: true }), guestLooks);
});

test('the form of a rule, in Portuguese, dark, on a phone, shows numbers as they are written there and is accessible', async ({
  visit,
}) => {
  const { page, dashboard } = await visit(phone);
  await open(page, dashboard, `/o/${orgSlug}/alerts?tab=rules`);
  await page.getByRole('button', { name: 'Alterar: Taxa de falhas alta' }).click();
  await expect(page.getByRole('dialog').getByLabel('Informação')).toHaveValue('0,5 %');
  await expectAccessibleNow(page, 'form of a rule');
});
