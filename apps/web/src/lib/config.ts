/** What the API tells a browser before anybody is signed in. */
export interface Config {
  supabaseUrl: string;
  publishableKey: string;
  version: string;
}

/** Throws when the API cannot be reached. */
export async function fetchConfig(): Promise<Config> {
  const response = await fetch('/api/config', { signal: AbortSignal.timeout(15_000) });
  if (!response.ok) throw new Error(`GET /api/config answered ${response.status}`);
  return (await response.json()) as Config;
}
