import { AuthClient, isAuthError, isAuthRetryableFetchError } from '@supabase/auth-js';
import { PostgrestClient } from '@supabase/postgrest-js';
import type { Database } from '@tributary/shared/database.types.ts';
import type { Config } from './config.ts';
import { noteContact } from './contact.ts';
import { ApiError, emptyAnswer, refusalText, unreachable } from './errors.ts';

// The two parts of supabase-js that a dashboard needs, put together as supabase-js does it: the whole of it is 45 kB (gzip) more
// of what nobody here uses.

export interface Supabase {
  auth: InstanceType<typeof AuthClient>;
  /** Reads under row level security, as whoever is signed in. */
  data: PostgrestClient<Database>;
}

let client: Supabase | undefined;

/** Called once, before anything is drawn. */
export function connectSupabase({ supabaseUrl, publishableKey }: Config): void {
  const auth = new AuthClient({
    url: `${supabaseUrl}/auth/v1`,
    // Spelt as the client spells it: it puts the token of whoever is signed in over it, and of two spellings both would be sent.
    headers: { apikey: publishableKey, Authorization: `Bearer ${publishableKey}` },
    storageKey: 'tributary.session',
    persistSession: true,
    autoRefreshToken: true,
    detectSessionInUrl: true,
    flowType: 'implicit',
  });
  const data = new PostgrestClient<Database>(`${supabaseUrl}/rest/v1`, {
    headers: { apikey: publishableKey },
    timeout: 60_000,
    // Trying again is the query's business: both of them doing it makes twelve requests out of one.
    retry: false,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', `Bearer ${(await accessToken()) ?? publishableKey}`);
      try {
        const response = await fetch(input, { ...init, headers });
        noteContact('data', true);
        return response;
      } catch (error) {
        noteContact('data', false);
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

/** What Supabase Auth calls a refusal of its; `unreachable` where there was no answer, and nothing for an error of another kind. */
export function authCode(error: unknown): string {
  if (isAuthRetryableFetchError(error)) return 'unreachable';
  return (isAuthError(error) && error.code) || '';
}

/**
 * The token of whoever is signed in, renewed first where it has run out. Throws when it could not be renewed for now: asking without it
 * would be asking as nobody, who sees empty lists.
 */
export async function accessToken(): Promise<string | undefined> {
  const { data, error } = await supabase().auth.getSession();
  if (error) {
    if (isAuthRetryableFetchError(error)) noteContact('data', false);
    throw unreachable();
  }
  return data.session?.access_token;
}

/** What the Data API refuses with codes of its own, as the API calls it: without the right to it, and without a token that still holds. */
const refusals = new Map([
  ['42501', 'forbidden'],
  ['PGRST301', 'unauthorized'],
  ['PGRST303', 'unauthorized'],
]);

/** Unwraps an answer of the Data API, so that a query function throws {@link ApiError}. */
export async function read<T>(
  answer: PromiseLike<{ data: T; error: { message: string; code?: string } | null; status: number }>,
): Promise<NonNullable<T>> {
  const { data, error, status } = await answer;
  if (error) {
    const { code = 'unknown', message } = error;
    throw status === 0 ? unreachable() : new ApiError(status, code, refusalText(refusals.get(code) ?? code, message));
  }
  if (data === null || data === undefined) throw emptyAnswer();
  return data;
}
