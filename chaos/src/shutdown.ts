import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from './cases.ts';
import { openClientJournal } from './journal.ts';
import { startLoad } from './load.ts';
import { judge } from './oracle.ts';
import { createRandom } from './random.ts';
import { withProofStack } from './stack.ts';

const rounds = 3;
const exitWithinMs = 10_000;

/** SIGTERM under load, three times: no request that was sent stays without an answer, and the process ends by itself. */
export async function shutdown({ seed, say }: CaseContext): Promise<CaseReport> {
  const random = createRandom(seed);
  const journal = await openClientJournal();
  try {
    return await withProofStack(async (stack) => {
      const violations: string[] = [];
      let slowestMs = 0;
      let api = await stack.startApi();
      const port = Number(new URL(api.url).port);
      const load = startLoad({
        url: api.url,
        connections: [stack.connections.hotmart, stack.connections.webhook],
        journal,
        random,
        loops: 32,
      });
      for (let round = 1; round <= rounds; round++) {
        await sleep(700 + random() * 600);
        const before = { ...load.figures };
        const { code, durationMs } = await api.terminate();
        // Requests on their way back to the client when the process ended are counted too.
        await sleep(100);
        const unanswered = load.figures.unknown - before.unknown;
        slowestMs = Math.max(slowestMs, durationMs);
        say(
          `SIGTERM ${round} of ${rounds}: exit code ${code} after ${Math.round(durationMs)} ms, ${unanswered} requests without an answer`,
        );
        if (code !== 0) violations.push(`the API ended with ${code ?? 'a signal'} after SIGTERM`);
        if (durationMs >= exitWithinMs) violations.push(`the API took ${Math.round(durationMs)} ms to end after SIGTERM`);
        if (unanswered > 0) violations.push(`${unanswered} requests got no answer when the API was stopped`);
        api = await stack.startApi({ port });
      }
      await load.finish();
      const verdict = await judge(stack, await journal.read(), random);
      return {
        figures: { ...verdict.figures, 'slowest exit, ms': Math.round(slowestMs), 'unanswered requests': load.figures.unknown },
        violations: [...violations, ...load.figures.surprises, ...verdict.violations],
      };
    });
  } finally {
    await journal.remove();
  }
}
