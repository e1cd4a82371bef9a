import { Interrupted } from './errors.ts';
import { askPatiently, pause } from './patience.ts';
import type { Context } from './program.ts';

const pollMs = 500;

export interface Work<State> {
  read(): Promise<State>;
  isOver(state: State): boolean;
  total(state: State): number;
  done(state: State): number;
  note(state: State): string;
  /** What to tell somebody who leaves with Ctrl-C: the work goes on. */
  leaving: string;
}

/** Shows the progress of work that the server does, until it is over; returns its last state. Ctrl-C ends the showing, not the work. */
export async function watch<State>(context: Context, started: State, work: Work<State>): Promise<State> {
  const bar = context.output.progress(work.total(started));
  try {
    for (let state = started; ; state = await askPatiently(context, work.read)) {
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
