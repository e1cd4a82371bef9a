/** Asks once at a time, whoever wants to know; an answer, or a failure, is good for so long. */
export function memoizeFor<T>(ask: () => Promise<T>, forMs: number): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    if (!last || performance.now() - last.at > forMs) last = { at: performance.now(), answer: ask() };
    return last.answer;
  };
}
