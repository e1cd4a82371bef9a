import { PublicConfig } from '@tributary/shared/api.ts';
import { Hono } from 'hono';
import { describeRoute } from 'hono-openapi';
import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../platform/config.ts';
import { answers } from '../platform/openapi-parts.ts';

const describe = describeRoute({
  operationId: 'publicConfig',
  tags: ['Operation'],
  summary: 'Read the public configuration',
  description: 'The address of Supabase with its publishable key, and the version of this server. It contains no secret.',
  security: [],
  responses: answers(200, 'The configuration.', PublicConfig),
});

/** Mounted at /api/config: what the CLI and the dashboard need to know before a user signs in. */
export function publicConfigRoutes({ url, publishableKey }: Config['supabase']) {
  const answer: PublicConfig = { supabaseUrl: url, publishableKey, version: manifest.version };
  return new Hono().get('/', describe, (c) => {
    c.header('cache-control', 'public, max-age=300');
    return c.json(answer);
  });
}
