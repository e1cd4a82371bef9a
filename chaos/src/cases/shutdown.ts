import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseContext, CaseReport } from '../case.ts';
import { underLoad } from '../scene.ts';

const exitWithinMs = 10_000;

/** Fault 2: SIGTERM under load, repeatedly: every request that was sent gets an answer, and the process exits. */
export async function shutdown(context: CaseContext): Promise<CaseReport> {
  const rounds = context.long ? 10 : 2;
  return underLoad(context, { traffic: { loops: 32 } }, async (scene) => {
    const { figures } = scene.load;
    let slowestMs = 0;
    for (let round = 1; round <= rounds; round++) {
      await scene.ackMore(100);
      await sleep(500 + scene.random() * 600);
      const before = figures.unknown;
      const { code, durationMs } = await scene.api.terminate();
      // Answers that were in flight when the process ended are counted too.
      await sleep(100);
      slowestMs = Math.max(slowestMs, durationMs);
      scene.equal(`SIGTERM ${round}: exit code`, code, 0);
      scene.equal(`SIGTERM ${round}: requests that were sent and got no answer`, figures.unknown - before, 0);
      await scene.restartApi();
    }
    scene.atMost('milliseconds from SIGTERM to the end of the process', slowestMs, exitWithinMs);
  });
}
