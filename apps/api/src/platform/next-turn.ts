let turn: Promise<void> | undefined;

/** Resolves in the next turn of the event loop, for all that wait in this one, in their order. */
export function nextTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}
