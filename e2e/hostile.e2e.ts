import { expect, type Page, test } from '@playwright/test';
import { deliverPurchase, expectAccessible, makeHotmart, makeOrg, makeUser, openAs } from './fixtures.ts';

// The journey opens many pages, and each takes seconds on a busy machine.
test.describe.configure({ timeout: 240_000 });

const script = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">';
/** Reverses the direction of the text after it, unless the page isolates it. */
const reversed = '\u202etxt.exe\u2066';

/** Records the traces of scripts that ran, and every violation of the content security policy: no payload may get as far as being blocked by it. */
async function watch(page: Page) {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.addInitScript(() => {
    const tried: string[] = [];
    Object.assign(window, { tried });
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      // zod tests once whether `eval` is allowed, and works without it.
      if (blockedURI !== 'eval') tried.push(`${violatedDirective} ${blockedURI}`);
    });
  });
  return async () => {
    const state = await page.evaluate(() => {
      const { hacked, tried } = window as unknown as { hacked?: unknown; tried: string[] };
      return { hacked, tried, polluted: ({} as { polluted?: unknown }).polluted, wide: document.documentElement.scrollWidth > innerWidth };
    });
    expect(state).toEqual({ hacked: undefined, tried: [], polluted: undefined, wide: false });
    expect(errors).toEqual([]);
  };
}

/** With the levels of the payload around it, as deeply nested as the pipeline accepts. */
const nested = JSON.parse(`${'{"deeper":'.repeat(90)}4711${'}'.repeat(90)}`);

test('hostile payloads are shown as text: no script runs, no text changes direction, and the page stays usable', async ({ page }) => {
  const owner = await makeUser('owner');
  const org = await makeOrg(owner);
  const connection = await makeHotmart(owner, org, { name: `Shop ${script}`.slice(0, 100) });
  const payloads: Record<string, (data: Record<string, Record<string, unknown>>) => void> = {
    HPSCRIPT: ({ product }) => Object.assign(product ?? {}, { name: script }),
    HPTURN: ({ product }) => Object.assign(product ?? {}, { name: `before ${reversed} after` }),
    HPLONG: ({ product }) => Object.assign(product ?? {}, { name: 'W'.repeat(900_000) }),
    HPDEEP: (data) => Object.assign(data, { extra: nested }),
    HPPROTO: (data) =>
      Object.assign(data, { extra: JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}') }),
    HPNUL: ({ product }) => Object.assign(product ?? {}, { name: 'nul \u0000 end' }),
  };
  for (const [transaction, change] of Object.entries(payloads)) {
    const { status, body } = await deliverPurchase(connection, { transaction, change: ({ data }) => change(data as never) });
    expect(status, transaction).toBe(200);
    // No column of the database holds a NUL, so this record becomes a dead letter.
    expect(body.records?.[0]?.status, transaction).toBe(transaction === 'HPNUL' ? 'dead_lettered' : 'accepted');
  }
  // Two records with the same texts that the pipeline refuses.
  for (const text of [script, reversed]) {
    const { body } = await deliverPurchase(connection, {
      change: ({ data }) => Object.assign(data as object, { purchase: text, product: text }),
    });
    expect(body.records?.[0]?.status ?? body.status).toBe('dead_lettered');
  }
  const expectHarmless = await watch(page);

  await openAs(page, owner, `/o/${org.slug}/events`);
  const table = page.getByRole('table', { name: 'Events' });
  await expect(table.getByText('HPSCRIPT')).toBeVisible({ timeout: 45_000 });
  await expectHarmless();
  // The name of the connection does not change the order of the columns.
  const lefts = await table
    .getByRole('row')
    .nth(1)
    .getByRole('cell')
    .evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().left));
  expect(lefts).toEqual(lefts.toSorted((a, b) => a - b));

  for (const [transaction, shown] of [
    ['HPSCRIPT', script],
    ['HPTURN', 'after'],
    ['HPDEEP', '4711'],
    ['HPPROTO', 'polluted'],
    ['HPLONG', '4774438'],
  ] as const) {
    await page.goto(new URL(`/o/${org.slug}/events?order=${transaction}`, page.url()).href);
    await table.getByRole('link', { name: 'order.paid' }).click();
    const panel = page.getByRole('complementary');
    await panel.getByRole('tab', { name: 'Properties' }).click();
    await expect(panel.getByRole('region', { name: 'Properties' })).toContainText(shown);
    // The page still answers the keyboard at once.
    await page.keyboard.press('Escape');
    await expect(panel).toHaveCount(0);
    await expectHarmless();
  }

  await page.goto(new URL(`/o/${org.slug}/dead-letters`, page.url()).href);
  await expect(page.getByRole('heading', { level: 1, name: 'Dead letters' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText(/INVALID_PAYLOAD|SCHEMA_DRIFT|MISSING/);
  await expectHarmless();
  await expectAccessible(page);
});
