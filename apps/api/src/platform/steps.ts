/** Work that pauses after each of its steps, so that the event loop can turn in between. Its return value is the result. */
export type Steps<T> = Generator<void, T, void>;

/** Does the work without a pause, where it keeps nobody waiting. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
