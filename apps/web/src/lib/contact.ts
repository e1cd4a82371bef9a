/** The two servers of the dashboard: our API for commands, Supabase's Data API for reading. */
type Server = 'api' | 'data';

const silent = new Set<Server>();
const listeners = new Set<() => void>();

/** Records whether a server answered a request; an error is an answer too. */
export function recordAnswer(server: Server, answered: boolean): void {
  if (answered ? !silent.delete(server) : silent.has(server)) return;
  if (!answered) silent.add(server);
  for (const listener of listeners) listener();
}

export const isSilent = (server: Server): boolean => silent.has(server);

/** Calls the listener when a server stops answering or answers again. */
export function onSilenceChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
