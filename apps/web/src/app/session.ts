import { isAuthRetryableFetchError, type Session } from '@supabase/auth-js';
import { useSyncExternalStore } from 'react';
import { supabase } from '../lib/supabase.ts';
import { queryClient } from './providers.tsx';

let current: Session | null = null;
const listeners = new Set<() => void>();

/**
 * Reads the stored session and follows it: sign-in, refresh, sign-out in another tab. Resolves when it is known, throws when it has run out
 * and nobody answers who could renew it: that is no reason to sign anybody out. `onChange` is called when another person or nobody is signed in.
 */
export async function followSession(onChange: () => void): Promise<void> {
  const { data, error } = await supabase().auth.getSession();
  if (error && isAuthRetryableFetchError(error)) throw error;
  current = data.session;
  supabase().auth.onAuthStateChange((_event, session) => {
    const before = current?.user.id;
    current = session;
    for (const listener of listeners) listener();
    if (before === session?.user.id) return;
    // What one user has read must not be shown to the next.
    if (before !== undefined) queryClient.clear();
    onChange();
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
