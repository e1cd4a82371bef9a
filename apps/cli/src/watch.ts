import { Interrupted } from './errors.ts';
import type { Context } from './program.ts';
import { pause, retryWhileUnavailable } from './retry.ts';

const pollMs = 500;

/** Work that the server does, and how to read and show its progress. */
export interface Work<State> {
  read(): Promise<State>;
  isOver(state: State): boolean;
  total(state: State): number;
  done(state: State): number;
  note(state: State): string;
  /** Printed when the user leaves with Ctrl-C: the work continues on the server. */
  leaving: string;
}

/** Shows the progress of the server's work until it has ended, and returns its last state. Ctrl-C ends the display, not the work. */
export async function watch<State>(context: Context, started: State, work: Work<State>): Promise<State> {
  const bar = context.output.progress(work.total(started));
  try {
    for (let state = started; ; state = await retryWhileUnavailable(context, work.read)) {
      bar.show(work.done(state), work.total(state), work.note(state));
      if (work.isOver(state)) return state;
      await pause(pollMs, context);
    }
  } catch (error) {
    throw error instanceof Interrupted ? new Interrupted(work.leaving) : error;
  } finally {
    bar.end();
  }
}
