import { AuthClient, isAuthError, isAuthRetryableFetchError } from '@supabase/auth-js';
import { PostgrestClient } from '@supabase/postgrest-js';
import type { Database } from '@tributary/shared/database.types.ts';
import type { Config } from './config.ts';
import { recordAnswer } from './contact.ts';
import { ApiError, emptyAnswer, unreachable } from './errors.ts';
import { refusalText } from './refusals.ts';

// The two parts of supabase-js that the dashboard needs, combined as supabase-js does it: the whole package would add 45 kB (gzip) of
// unused code.

export interface Supabase {
  auth: InstanceType<typeof AuthClient>;
  /** Reads under row level security as the signed-in user. */
  data: PostgrestClient<Database>;
}

/** Where the browser keeps the session. */
export const sessionKey = 'tributary.session';

let client: Supabase | undefined;
let isExpected = false;

/** Says whether somebody is signed in: from then on a request without a token is refused here, because its answer would be an empty list. */
export function expectSession(expected: boolean): void {
  isExpected = expected;
}

/** Called once, before anything is rendered. */
export function connectSupabase({ supabaseUrl, publishableKey }: Config): void {
  const auth = new AuthClient({
    url: `${supabaseUrl}/auth/v1`,
    // Spelt exactly as the client spells it, because the client overwrites it with the user's token; with two spellings both headers would
    // be sent.
    headers: { apikey: publishableKey, Authorization: `Bearer ${publishableKey}` },
    storageKey: sessionKey,
    persistSession: true,
    autoRefreshToken: true,
    detectSessionInUrl: true,
    flowType: 'implicit',
  });
  const data = new PostgrestClient<Database>(`${supabaseUrl}/rest/v1`, {
    headers: { apikey: publishableKey },
    timeout: 60_000,
    // Only TanStack Query retries: if both retried, one request would become twelve.
    retry: false,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${(await accessToken()) ?? publishableKey}`);
      try {
        const response = await fetch(input, { ...init, headers });
        recordAnswer('data', true);
        return response;
      } catch (error) {
        recordAnswer('data', false);
        throw error;
      }
    },
  });
  client = { auth, data };
}

export function supabase(): Supabase {
  if (!client) throw new Error('supabase() before connectSupabase()');
  return client;
}

/** The error code of a refusal by Supabase Auth; `unreachable` when there was no answer, and an empty string for any other error. */
export function authCode(error: unknown): string {
  if (isAuthRetryableFetchError(error)) return 'unreachable';
  return (isAuthError(error) && error.code) || '';
}

/**
 * The token of the signed-in user, renewed first when it has expired. Throws when it cannot be renewed for now: a request without a token
 * would be anonymous and return empty lists.
 */
export async function accessToken(): Promise<string | undefined> {
  const { data, error } = await supabase().auth.getSession();
  if (isAuthRetryableFetchError(error)) {
    recordAnswer('data', false);
    throw unreachable();
  }
  if (!data.session && isExpected) throw new ApiError(401, 'unauthorized', refusalText('unauthorized', ''));
  if (error) throw unreachable();
  return data.session?.access_token;
}

const checkEveryMs = 30_000;
let checkedAt = Number.NEGATIVE_INFINITY;

/** Renews the session after a server has refused its token. When it cannot be renewed, it has ended, and its followers are told. */
export async function checkSession(): Promise<void> {
  if (performance.now() - checkedAt < checkEveryMs) return;
  checkedAt = performance.now();
  await client?.auth.refreshSession();
}

/** Error codes of the Data API and what our API calls them: a missing permission, and an invalid or expired token. */
const refusals = new Map([
  ['42501', 'forbidden'],
  ['PT403', 'org_suspended'],
  ['PT429', 'quota_exceeded'],
  ['PGRST301', 'unauthorized'],
  ['PGRST303', 'unauthorized'],
]);

/** Unwraps an answer of the Data API and throws {@link ApiError} for an error. */
export async function read<T>(
  answer: PromiseLike<{ data: T; error: { message: string; code?: string; hint?: string | null } | null; status: number }>,
): Promise<NonNullable<T>> {
  const { data, error, status } = await answer;
  if (error) {
    const { code = 'unknown', message, hint } = error;
    const refusal = hint === 'mfa_required' ? hint : (refusals.get(code) ?? code);
    if (status === 401) void checkSession();
    throw status === 0 ? unreachable() : new ApiError(status, code, refusalText(refusal, message));
  }
  if (data === null || data === undefined) throw emptyAnswer();
  return data;
}
