import { AuthClient } from '@supabase/auth-js';
import { PostgrestClient } from '@supabase/postgrest-js';
import type { Database } from '@tributary/shared/database.types.ts';
import type { Config } from './config.ts';

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
    headers: { apikey: publishableKey, authorization: `Bearer ${publishableKey}` },
    storageKey: 'tributary.session',
    persistSession: true,
    autoRefreshToken: true,
    detectSessionInUrl: true,
    flowType: 'implicit',
  });
  const data = new PostgrestClient<Database>(`${supabaseUrl}/rest/v1`, {
    headers: { apikey: publishableKey },
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      // Renews the token first where it has run out.
      const token = (await auth.getSession()).data.session?.access_token ?? publishableKey;
      headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  });
  client = { auth, data };
}

export function supabase(): Supabase {
  if (!client) throw new Error('supabase() before connectSupabase()');
  return client;
}

/** Unwraps an answer of the Data API, so that a query function throws. */
export async function read<T>(answer: PromiseLike<{ data: T; error: { message: string; code?: string } | null }>): Promise<NonNullable<T>> {
  const { data, error } = await answer;
  if (error) throw new ReadError(error.message, error.code);
  if (data === null || data === undefined) throw new ReadError('the answer was empty', undefined);
  return data;
}

class ReadError extends Error {
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = 'ReadError';
    this.code = code;
  }
}
