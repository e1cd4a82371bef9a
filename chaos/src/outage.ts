import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from './cases.ts';
import { createClient } from './client.ts';
import { openClientJournal } from './journal.ts';
import { bodyOf, startLoad } from './load.ts';
import { judge } from './oracle.ts';
import { createRandom } from './random.ts';
import { signed } from './seed.ts';
import { withProofStack } from './stack.ts';

const healsWithinMs = 10_000;

/** Postgres stops under load and comes back: 503 with Retry-After meanwhile, /ready red, /health green, and nothing to be done by hand. */
export async function outage({ seed, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  const journal = await openClientJournal();
  const client = createClient(4);
  try {
    return await withProofStack(async (stack) => {
      const violations: string[] = [];
      const expect = (what: string, found: unknown, wanted: unknown) => {
        if (found !== wanted) violations.push(`${what}: ${found}, not ${wanted}`);
      };
      const api = await stack.startApi();
      const statusOf = async (path: string) => (await fetch(api.url + path, { signal: AbortSignal.timeout(10_000) })).status;
      const load = startLoad({
        url: api.url,
        connections: [stack.connections.hotmart, stack.connections.webhook],
        journal,
        random,
        loops: 16,
      });
      await sleep(1_000);
      expect('/ready before', await statusOf('/ready'), 200);

      await stack.postgres.stop();
      const { hotmart } = stack.connections;
      const { headers, body } = signed(hotmart, bodyOf(hotmart, randomUUID(), Date.now()), [{ name: 'hottok', value: 'wrong' }]);
      const good = signed(hotmart, bodyOf(hotmart, randomUUID(), Date.now()));
      let refused = 0;
      for (let n = 0; n < 10; n++) {
        // A key of its own, outside the load's journal: it must not be stored, and the oracle would notice.
        const answer = await client.post(api.url + hotmart.path, good.headers, good.body);
        expect('a delivery without Postgres', answer.kind === 'answered' ? answer.status : answer.kind, 503);
        if (answer.kind === 'answered' && answer.status === 503) {
          refused++;
          if (!/^\d+$/.test(answer.retryAfter ?? '')) violations.push(`503 with Retry-After ${answer.retryAfter}`);
        }
        await sleep(50);
      }
      // A rejection needs no database to be one; without it the connection may not be known any more either.
      const forged = await client.post(api.url + hotmart.path, headers, body);
      if (forged.kind !== 'answered' || (forged.status !== 401 && forged.status !== 503)) {
        violations.push(`a forged delivery without Postgres: ${JSON.stringify(forged)}`);
      }
      // The probe's answer is good for a second.
      await sleep(1_100);
      expect('/ready without Postgres', await statusOf('/ready'), 503);
      expect('/health without Postgres', await statusOf('/health'), 200);

      await stack.postgres.restart();
      const healed = performance.now();
      while (load.figures.lastAckAt < healed && performance.now() - healed < 30_000) await sleep(5);
      const healMs = Math.round(load.figures.lastAckAt - healed);
      if (healMs < 0 || healMs > healsWithinMs) violations.push(`no acknowledgement within ${healsWithinMs} ms after Postgres was back`);
      await sleep(1_100);
      expect('/ready after', await statusOf('/ready'), 200);
      await load.finish();
      say(
        `Postgres stopped and started: ${load.figures.unavailable} deliveries refused, first acknowledgement ${healMs} ms after it was back`,
      );
      const verdict = await judge(stack, await journal.read(), random);
      return {
        figures: {
          ...verdict.figures,
          'answered 503': load.figures.unavailable + refused,
          'first acknowledgement after it was back, ms': healMs,
        },
        violations: [...violations, ...load.figures.surprises, ...verdict.violations],
      };
    });
  } finally {
    client.close();
    await journal.remove();
  }
}
