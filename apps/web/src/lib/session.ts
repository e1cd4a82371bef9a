import { type Factor, isAuthImplicitGrantRedirectError, isAuthRetryableFetchError, type Session } from '@supabase/auth-js';
import { useSyncExternalStore } from 'react';
import { queryClient } from './query-client.ts';
import { expectSession, sessionKey, supabase } from './supabase.ts';

let current: Session | null = null;
let refusal: string | undefined;
/** Whether the session ended while the dashboard was open, without the person having signed out. The page is kept until the person decides. */
let ended = false;
/** Whether a stored session turned out to have ended, so that the sign-in can say why it is asked for. */
let endedBefore = false;
let onEnd: () => void = () => {};
const listeners = new Set<() => void>();

/**
 * Reads the stored session and follows its changes: sign-in, refresh, sign-out in another tab. Resolves when the session is known. Throws
 * when it has expired and the server that could renew it does not answer, which is no reason to sign the person out. `onChange` is called
 * when a different person signs in, or the person signs out.
 */
export async function followSession(onChange: () => void): Promise<void> {
  const stored = localStorage.getItem(sessionKey) !== null;
  const { error: refused } = await supabase().auth.initialize();
  const { data, error } = await supabase().auth.getSession();
  for (const failed of [refused, error]) if (isAuthRetryableFetchError(failed)) throw failed;
  current = data.session;
  endedBefore = stored && current === null;
  expectSession(current !== null);
  onEnd = onChange;
  refusal = isAuthImplicitGrantRedirectError(refused) ? (refused.details?.code ?? refused.code) : undefined;
  supabase().auth.onAuthStateChange((_event, session) => {
    if (session === null && current !== null && !isLeaving()) {
      setEnded(true);
      return;
    }
    // The page waits until the sign-in, in another tab, is complete.
    if (ended && (session === null || lacksSecondFactor(session))) return;
    const before = current?.user.id;
    const returned = ended;
    current = session;
    expectSession(session !== null);
    setEnded(false);
    if (before === session?.user.id) {
      if (returned) void queryClient.invalidateQueries();
      return;
    }
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

/** Signs the person out, in all tabs of this browser or everywhere. */
export function signOut(scope: 'local' | 'global') {
  localStorage.setItem(leavingKey, String(Date.now()));
  return supabase().auth.signOut({ scope });
}

const leavingKey = 'tributary.signed-out-at';
/** Whether the person has just signed out, in this tab or in another one. */
const isLeaving = () => Math.abs(Date.now() - Number(localStorage.getItem(leavingKey))) < 10_000;

function setEnded(value: boolean): void {
  ended = value;
  for (const listener of listeners) listener();
}

/** Leaves the page whose session has ended: the router then leads to the sign-in, which leads back to this page. */
export function leaveEndedSession(): void {
  current = null;
  endedBefore = true;
  expectSession(false);
  queryClient.clear();
  setEnded(false);
  onEnd();
}

export const sessionHadEnded = (): boolean => endedBefore;

/** Whether the session ended while the dashboard was open. The page stays as it is, and its requests are refused. */
export const useSessionEnded = (): boolean => useSyncExternalStore(subscribe, () => ended);

export function session(): Session | null {
  return ended ? null : current;
}

export const useSession = (): Session | null => useSyncExternalStore(subscribe, () => current);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The authenticator apps that the person has set up. */
export const verifiedFactors = (of: Session | null): Factor[] =>
  of?.user.factors?.filter((factor) => factor.factor_type === 'totp' && factor.status === 'verified') ?? [];

/** Whether the signed-in person has a second factor and has not entered it in this session. */
export const needsSecondFactor = (): boolean => lacksSecondFactor(current);

const lacksSecondFactor = (of: Session | null) => verifiedFactors(of).length > 0 && levelOf(of?.access_token ?? '') !== 'aal2';

/** The level of a sign-in as its token states it: `aal2` with a second factor. */
function levelOf(token: string): unknown {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return (JSON.parse(atob(payload)) as { aal?: unknown }).aal;
  } catch {
    return undefined;
  }
}
