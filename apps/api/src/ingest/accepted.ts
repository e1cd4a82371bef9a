import type { Outcome } from '../deliveries/outcomes.ts';
import { nextTurn } from '../platform/next-turn.ts';
import type { Answer } from '../platform/problem.ts';

/** Records whose outcomes are written in one turn of the event loop. Measured: 0.2 ms, where those of 10,000 records in one piece take 2 to 5. */
const turnRecords = 1_000;

/** The answer to a delivery that was committed. That to a large one is written in several turns of the event loop, so that other requests go on meanwhile. */
export async function acceptedAnswer({ status, outcomes }: { status: string; outcomes: readonly Outcome[] }): Promise<Answer> {
  const pieces: string[] = [];
  for (let from = 0; from < outcomes.length; from += turnRecords) {
    if (from > 0) await nextTurn();
    pieces.push(JSON.stringify(outcomes.slice(from, from + turnRecords)).slice(1, -1));
  }
  const body = `{"status":${JSON.stringify(status)},"records":[${pieces.join(',')}]}`;
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}
