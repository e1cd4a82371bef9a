import { type Factor, isAuthImplicitGrantRedirectError, isAuthRetryableFetchError, type Session } from '@supabase/auth-js';
import { useSyncExternalStore } from 'react';
import { queryClient } from './query-client.ts';
import { supabase } from './supabase.ts';

let current: Session | null = null;
let refusal: string | undefined;
const listeners = new Set<() => void>();

/**
 * Reads the stored session and follows its changes: sign-in, refresh, sign-out in another tab. Resolves when the session is known. Throws
 * when it has expired and the server that could renew it does not answer, which is no reason to sign the person out. `onChange` is called
 * when a different person signs in, or the person signs out.
 */
export async function followSession(onChange: () => void): Promise<void> {
  const { error: refused } = await supabase().auth.initialize();
  const { data, error } = await supabase().auth.getSession();
  for (const failed of [refused, error]) if (isAuthRetryableFetchError(failed)) throw failed;
  current = data.session;
  refusal = isAuthImplicitGrantRedirectError(refused) ? (refused.details?.code ?? refused.code) : undefined;
  supabase().auth.onAuthStateChange((_event, session) => {
    const before = current?.user.id;
    current = session;
    for (const listener of listeners) listener();
    if (before === session?.user.id) return;
    // The next user must not see what the previous one has read.
    if (before !== undefined) queryClient.clear();
    onChange();
  });
}

/**
 * Why the link of a mail that led here did not sign the person in, as Supabase Auth calls it: `otp_expired` for a link that was used or is
 * too old.
 */
export const linkRefusal = (): string | undefined => refusal;

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

/** The authenticator apps that the person has set up. */
export const verifiedFactors = (of: Session | null): Factor[] =>
  of?.user.factors?.filter((factor) => factor.factor_type === 'totp' && factor.status === 'verified') ?? [];

/** Whether the signed-in person has a second factor and has not entered it in this session. */
export function needsSecondFactor(): boolean {
  return verifiedFactors(current).length > 0 && levelOf(current?.access_token ?? '') !== 'aal2';
}

/** The level of a sign-in as its token states it: `aal2` with a second factor. */
function levelOf(token: string): unknown {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return (JSON.parse(atob(payload)) as { aal?: unknown }).aal;
  } catch {
    return undefined;
  }
}
