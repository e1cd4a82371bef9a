/** The two servers of a dashboard: ours for commands, Supabase's Data API for reading. */
type Server = 'api' | 'data';

const silent = new Set<Server>();
const listeners = new Set<() => void>();

/** Noted by whoever asked a server anything: it answered, whatever it said, or it did not. */
export function noteContact(server: Server, answered: boolean): void {
  if (answered ? !silent.delete(server) : silent.has(server)) return;
  if (!answered) silent.add(server);
  for (const listener of listeners) listener();
}

export const isSilent = (server: Server): boolean => silent.has(server);

/** Calls back whenever a server falls silent or answers again. */
export function onContact(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
