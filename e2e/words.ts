import { expect, type Page } from '@playwright/test';

/** The texts of the page that people read, and those that screen readers read aloud, without values, code and the contents of fields. */
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
/** Names of brands and formats, and identifiers, which are the same in every language. */
const ofAnyLanguage =
  /Standard Webhooks|CloudEvents|HTTP Basic|WhatsApp Business Account|\b[a-z_]+\.[a-z_.]+\b|\b[A-Z]+_[A-Z_]+\b|[a-z]+(-[0-9a-f]{8})?@\S+/g;

/** Expects no English word on the page, except in `typed`: names and reasons that people have entered. */
export async function expectPortuguese(page: Page, where: string, typed: readonly string[] = []): Promise<void> {
  const strip = (text: string) => typed.reduce((rest, name) => rest.replaceAll(name, ''), text).replace(ofAnyLanguage, '');
  const found = (await wordsOf(page)).filter((text) => english.test(strip(text)));
  expect.soft(found, where).toEqual([]);
}
