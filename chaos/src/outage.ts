import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from './cases.ts';
import { createClient } from './client.ts';
import { type ClientJournal, openClientJournal } from './journal.ts';
import { bodyOf, sha256, startLoad } from './load.ts';
import { judge } from './oracle.ts';
import { createRandom } from './random.ts';
import { type ProofConnection, signed } from './seed.ts';
import { type Api, withProofStack } from './stack.ts';

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
      // Room for every forged delivery, so that storing them is never given up.
      const api = await stack.startApi({ environment: { QUARANTINE_PER_HOUR: '1000000' } });
      const statusOf = async (path: string) => (await fetch(api.url + path, { signal: AbortSignal.timeout(10_000) })).status;
      const load = startLoad({
        url: api.url,
        connections: [stack.connections.hotmart, stack.connections.webhook],
        journal,
        random,
        loops: 16,
      });
      const forgers = startForgers(api, stack.connections.hotmart, journal);
      await sleep(1_000);
      expect('/ready before', await statusOf('/ready'), 200);

      await stack.postgres.stop();
      const { hotmart } = stack.connections;
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
      const rejectedBefore = forgers.rejected();
      await sleep(1_500);
      await load.finish();
      // A blink: what failed to be stored is still due when the database is back, and a quiet moment follows.
      await stack.postgres.restart('immediate');
      await sleep(300);
      violations.push(...(await forgers.finish()));
      await sleep(1_500);
      const last = startForgers(api, stack.connections.hotmart, journal);
      await sleep(300);
      violations.push(...(await last.finish()));
      if (last.rejected() === 0) violations.push('no forged delivery was answered 401 after a short crash of Postgres');
      if (forgers.rejected() === rejectedBefore) violations.push('no forged delivery was answered 401 once Postgres was back');
      say(
        `Postgres stopped and started: ${load.figures.unavailable} deliveries refused, first acknowledgement ${healMs} ms after it was back`,
      );
      const verdict = await judge(stack, await journal.read(), random);
      return {
        figures: {
          ...verdict.figures,
          forged: forgers.rejected(),
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

/** Loops of deliveries with a wrong hottok: 401, or 503 while the connection cannot be looked up, but always an answer. */
function startForgers(api: Api, connection: ProofConnection, journal: ClientJournal) {
  const client = createClient(8);
  const violations: string[] = [];
  let rejected = 0;
  let finishing = false;
  const loops = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!finishing) {
        const key = randomUUID();
        const { headers, body } = signed(connection, bodyOf(connection, key, Date.now()), [{ name: 'hottok', value: 'wrong' }]);
        await journal.note({ what: 'attempted', key, connectionId: connection.id, sha256: sha256(body) });
        const answer = await client.post(api.url + connection.path, headers, body);
        const status = answer.kind === 'answered' ? answer.status : 0;
        if (status === 401) rejected++;
        else if (status !== 503) violations.push(`a forged delivery: ${answer.kind === 'unknown' ? answer.code : status}`);
        await journal.note({ what: 'rejected', key, status });
        await sleep(20);
      }
    }),
  );
  return {
    rejected: () => rejected,
    async finish(): Promise<string[]> {
      finishing = true;
      await loops;
      client.close();
      return violations;
    },
  };
}
