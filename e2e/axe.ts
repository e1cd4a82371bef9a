import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface WithAxe {
  axe?: { run: (options: RunOptions) => Promise<AxeResults> };
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
