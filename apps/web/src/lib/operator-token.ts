import { useSyncExternalStore } from 'react';

// The token of an operator is kept only in memory: it is forgotten when the tab closes or reloads.
let token: string | undefined;
const listeners = new Set<() => void>();

/** Keeps the token for all pages of this tab; undefined forgets it. */
export function keepOperatorToken(next: string | undefined): void {
  token = next;
  for (const listener of listeners) listener();
}

export function useOperatorToken(): string | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => token,
  );
}
