import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted, Unavailable } from './errors.ts';
import type { Context } from './program.ts';

/** Throws Interrupted when Ctrl-C comes first. */
export async function pause(milliseconds: number, { signal }: Pick<Context, 'signal'>): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw new Interrupted();
  });
}

const waitMsMax = 10_000;

/** Asks until there is an answer, through moments without the server, of which it tells once. Other failures are thrown. */
export async function askPatiently<T>(context: Pick<Context, 'signal' | 'output'>, question: () => Promise<T>): Promise<T> {
  for (let waitMs = 1_000, told = false; ; waitMs = Math.min(waitMs * 2, waitMsMax)) {
    try {
      const answer = await question();
      if (told) context.output.note('Connected again.');
      return answer;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (!told) context.output.note(`${error.message} Trying again; Ctrl-C ends it.`);
      told = true;
      await pause(waitMs, context);
    }
  }
}
