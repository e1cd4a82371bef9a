import { randomBytes, randomUUID } from 'node:crypto';
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, makeHotmart, makeOrg, makeUser, openAs, stack } from './fixtures.ts';
import { guestLooks, type Look, looksOf, personalLooks } from './pages.ts';

test.use({ locale: 'pt-BR' });

/** The words a person reads on the page and those read aloud, without values, code and what people typed themselves. */
const wordsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const words: string[] = [];
    const skip = 'script, style, code, pre, time, .mono, input, textarea';
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (!node.parentElement?.closest(skip)) words.push(node.textContent?.trim() ?? '');
    for (const element of document.querySelectorAll('[aria-label], [placeholder], [title]'))
      for (const name of ['aria-label', 'placeholder', 'title']) words.push(element.getAttribute(name)?.trim() ?? '');
    return [...new Set(words.filter((text) => text !== ''))];
  });

/** Words that only an English sentence has: a page in Portuguese has none of them. */
const english =
  /\b(the|of|and|with|your|this|that|from|not|yet|when|which|every|after|before|until|what|there|here|nothing|anything|add|open|show|save|delete|close|cancel|search|send|loading|settings|overview|connections?|events?|alerts|members?|received|stored|rejected|rules|channels|updated|ago|name|state|time|rate)\b/i;
/** Of brands, formats and platforms' own panels, which are the same in every language. */
const ofAnyLanguage =
  /Standard Webhooks|CloudEvents|HTTP Basic|WhatsApp Business Account|Ateliê|Org [0-9a-f]{6}|Hotmart shop|\b[a-z_]+\.[a-z_.]+\b|\b[A-Z]+_[A-Z_]+\b|[a-z]+-[0-9a-f]{8}@\S+/g;

async function expectPortuguese(page: Page, where: string): Promise<void> {
  const found = (await wordsOf(page)).filter((text) => english.test(text.replace(ofAnyLanguage, '')));
  expect.soft(found, where).toEqual([]);
}

test('a new user whose browser speaks Portuguese has the first event open without reading an English word', async ({ page }) => {
  test.setTimeout(240_000);
  await page.goto(stack().apiUrl);
  await expect(page.locator('html')).toHaveAttribute('lang', 'pt-BR');
  await expectPortuguese(page, 'sign-in');
  await page.getByRole('link', { name: 'Criar uma conta' }).click();
  await page.getByLabel('E-mail').fill(`primeira-${randomUUID().slice(0, 8)}@example.com`);
  await page.getByLabel('Senha', { exact: true }).fill(randomBytes(12).toString('base64url'));
  await expectPortuguese(page, 'sign-up');
  await page.getByRole('button', { name: 'Criar uma conta' }).click();
  await expect(page.getByRole('heading', { name: /Crie sua organização/ })).toBeVisible();
  await expectPortuguese(page, 'new-org');
  await page.getByLabel(/Nome da organização/).fill('Ateliê');
  await page.getByRole('button', { name: 'Criar', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Visão geral', level: 1 })).toBeVisible();
  await expectPortuguese(page, 'overview');
  await page.getByRole('link', { name: 'Adicionar uma conexão' }).click();
  await expectPortuguese(page, 'platforms');
  await page.getByRole('button', { name: 'Hotmart' }).click();
  await page.getByLabel('Hottok', { exact: true }).fill(` ${randomBytes(16).toString('hex')}`);
  await expectPortuguese(page, 'form');
  await page.getByRole('button', { name: 'Criar a conexão' }).click();
  await expect(page.getByRole('alert')).toContainText('O servidor não aceita estes dados');
  await expect(page.getByText(/^Não pode começar nem terminar com espaço/)).toBeVisible();
  await expectPortuguese(page, 'refused');
  await page.getByLabel('Hottok', { exact: true }).fill(randomBytes(16).toString('hex'));
  await page.getByRole('button', { name: 'Criar a conexão' }).click();
  const card = page.getByRole('status').filter({ hasText: /primeiro evento/ });
  await expect(card).toContainText('Aguardando o primeiro evento');
  await expectPortuguese(page, 'waiting');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Enviar evento de teste' }).click();
  await expect(card).toContainText('O primeiro evento chegou');
  await card.getByRole('link', { name: 'Abrir o evento' }).click();
  await expect(page.getByRole('heading', { name: 'Eventos', level: 1 })).toBeVisible();
  await expectPortuguese(page, 'event');
  // Chosen by hand it stays chosen, and comes back.
  await page.getByRole('button', { name: /^Conta de/ }).click();
  await page.getByRole('menuitem', { name: 'English' }).click();
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Events', level: 1 })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('no page has an English word left', async ({ page, browser }) => {
  test.setTimeout(300_000);
  const user = await makeUser();
  const org = await makeOrg(user);
  const connection = await makeHotmart(user, org);
  const look = async (at: Page, { name, path }: Look) => {
    await at.goto(stack().apiUrl + path);
    await expect(at.getByRole('heading', { level: 1 }).first()).toBeVisible();
    await at.waitForLoadState('networkidle');
    await expectPortuguese(at, name);
  };
  await openAs(page, user, '/');
  for (const one of [...personalLooks, ...looksOf(org.slug, { connection: connection.id })]) await look(page, one);
  const guest = await (await browser.newContext({ locale: 'pt-BR' })).newPage();
  for (const one of guestLooks) await look(guest, one);
  await guest.context().close();
});
