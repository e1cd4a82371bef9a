import type { Session } from '@supabase/auth-js';
import { useSyncExternalStore } from 'react';
import { supabase } from '../lib/supabase.ts';
import { queryClient } from './providers.tsx';

let current: Session | null = null;
const listeners = new Set<() => void>();

/** Reads the stored session and follows it: sign-in, refresh, sign-out in another tab. Resolves when it is known. */
export async function followSession(onChange: () => void): Promise<void> {
  const { data } = await supabase().auth.getSession();
  current = data.session;
  supabase().auth.onAuthStateChange((event, session) => {
    const before = current?.user.id;
    current = session;
    // What one user has read must not be shown to the next.
    if (before !== undefined && before !== session?.user.id) queryClient.clear();
    for (const listener of listeners) listener();
    if (event !== 'TOKEN_REFRESHED') onChange();
  });
}

export function session(): Session | null {
  return current;
}

export function useSession(): Session | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
