/** Calls `ask` at most once in `forMs`: all callers within that time share one promise, also when it rejects. */
export function memoizeFor<T>(ask: () => Promise<T>, forMs: number): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    if (!last || performance.now() - last.at > forMs) last = { at: performance.now(), answer: ask() };
    return last.answer;
  };
}
