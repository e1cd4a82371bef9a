import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted, Unavailable } from './errors.ts';
import type { Context } from './program.ts';

/** Waits. Throws Interrupted when the user presses Ctrl-C before the time is over. */
export async function pause(milliseconds: number, { signal }: Pick<Context, 'signal'>): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw new Interrupted();
  });
}

const waitMsMax = 10_000;

/** Repeats a request while the server is unavailable, with growing waits, and prints one note about it. Every other failure is thrown. */
export async function retryWhileUnavailable<T>(context: Pick<Context, 'signal' | 'output'>, question: () => Promise<T>): Promise<T> {
  for (let waitMs = 1_000, told = false; ; waitMs = Math.min(waitMs * 2, waitMsMax)) {
    try {
      const answer = await question();
      if (told) context.output.note('Connected again.');
      return answer;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (!told) context.output.note(`${error.message} Trying again; press Ctrl-C to stop.`);
      told = true;
      await pause(waitMs, context);
    }
  }
}
