import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface WithAxe {
  axe?: { run: (options: RunOptions) => Promise<AxeResults> };
}

/** Resolves when no colour of the page fades any more: halfway, texts have less contrast than before and afterwards. */
export const fadingEnded = (page: Page): Promise<unknown> =>
  page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => one instanceof CSSTransition && one.finished)));

/** Switches the colour scheme and waits until nothing fades any more. */
export async function switchColorScheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
  await fadingEnded(page);
}

/** The serious and critical findings of axe on the page as it is now, by all rules or only by `rules`. Pages of the dashboard have no frames. */
export async function findingsOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => (globalThis as unknown as WithAxe).axe !== undefined))) await page.evaluate(source);
  const found = await page.evaluate(
    async (only) => {
      const results = await (globalThis as unknown as WithAxe).axe?.run({
        resultTypes: ['violations'],
        preload: false,
        ...(only ? { runOnly: { type: 'rule', values: only } } : {}),
      });
      return results?.violations.map(({ id, impact, nodes }) => ({ id, impact, targets: nodes.map((one) => one.target.join(' ')) }));
    },
    rules && [...rules],
  );
  if (!found) throw new Error('axe did not run');
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, targets }) => `${id}: ${targets.join(', ')}`);
}
