import type { PublicConfig } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import manifest from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';
import { describe } from './route-docs.ts';

/** Mounted at /api/config: what the CLI and the dashboard need before anybody is signed in. */
export function publicConfigRoutes({ url, publishableKey }: Config['supabase']) {
  const answer: PublicConfig = { supabaseUrl: url, publishableKey, version: manifest.version };
  return new Hono().get('/', describe.publicConfig, (c) => {
    c.header('cache-control', 'public, max-age=300');
    return c.json(answer);
  });
}
