import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from './cases.ts';
import { openClientJournal } from './journal.ts';
import { type Load, startLoad } from './load.ts';
import { judge } from './oracle.ts';
import { createRandom } from './random.ts';
import { withProofStack } from './stack.ts';

const loops = 32;
const kills = 3;
/** Acknowledged deliveries between two faults: the load is really running again. */
const ackedBetween = 500;

/** `kill -9` of the API three times and one `immediate` restart of Postgres, each under load. */
export async function crash({ seed, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  const journal = await openClientJournal();
  try {
    return await withProofStack(async (stack) => {
      let api = await stack.startApi();
      const port = Number(new URL(api.url).port);
      const connections = [stack.connections.hotmart, stack.connections.webhook];
      const load = startLoad({ url: api.url, connections, journal, random, loops });
      const faults: string[] = [];
      const heals: number[] = [];

      async function strike(what: string, fault: () => Promise<void>): Promise<void> {
        await underLoad(load, random);
        const unansweredBefore = load.figures.unknown + load.figures.unavailable;
        await fault();
        const healed = performance.now();
        while (load.figures.lastAckAt < healed && performance.now() - healed < 30_000) await sleep(5);
        heals.push(Math.round(load.figures.lastAckAt - healed));
        const hit = load.figures.unknown + load.figures.unavailable - unansweredBefore;
        if (hit === 0) faults.push(`${what} met no request: it proved nothing`);
        say(`${what}: ${hit} requests unanswered or refused, first acknowledgement ${heals.at(-1)} ms after it was back`);
      }

      for (let n = 1; n <= kills; n++) {
        await strike(`kill -9 of the API, ${n} of ${kills}`, async () => {
          await api.kill();
          api = await stack.startApi({ port });
        });
      }
      await strike('immediate restart of Postgres', () => stack.postgres.restart('immediate'));
      await underLoad(load, random);
      await load.finish();

      const verdict = await judge(stack, await journal.read(), random);
      return {
        figures: {
          ...verdict.figures,
          requests: load.figures.requests,
          'unanswered requests': load.figures.unknown,
          'answered 503': load.figures.unavailable,
          'slowest first acknowledgement after a fault, ms': Math.max(...heals),
        },
        violations: [...load.figures.surprises, ...faults, ...verdict.violations],
      };
    });
  } finally {
    await journal.remove();
  }
}

async function underLoad(load: Load, random: () => number): Promise<void> {
  const target = load.figures.acked + ackedBetween;
  const deadline = performance.now() + 60_000;
  while (load.figures.acked < target) {
    if (performance.now() > deadline)
      throw new Error(`only ${load.figures.acked} of ${target} deliveries were acknowledged within a minute`);
    await sleep(10);
  }
  await sleep(random() * 300);
}
