import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Env, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import { policyReportsPath } from './policy-reports.ts';

/**
 * Serves the dashboard as `npm run build -w apps/web` leaves it in `directory`. Hashed files may be cached for ever; index.html answers
 * every path that no route matched, so that a link to any page of the dashboard works. Without a build nothing is mounted. Mount it last.
 */
export function mountWeb<E extends Env>(app: Hono<E>, { directory, supabaseUrl }: { directory: string; supabaseUrl: string }): void {
  if (!existsSync(join(directory, 'index.html'))) return;
  const headers = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      // The component library sets styles on elements and adds its own style sheets; scripts are never inline.
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      manifestSrc: ["'self'"],
      connectSrc: ["'self'", new URL(supabaseUrl).origin],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      // Older browsers know only report-uri.
      reportUri: policyReportsPath,
      reportTo: 'policy',
    },
    reportingEndpoints: [{ name: 'policy', url: policyReportsPath }],
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [] },
  });
  const caching = createMiddleware(async (c, next) => {
    await next();
    if (!c.res.ok) return;
    c.header('cache-control', c.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    // The uncompressed answer needs this header too: without it, a cache on the way would serve the uncompressed answer to every browser.
    c.header('vary', 'Accept-Encoding');
  });
  const files = serveStatic({ root: directory, precompressed: true });
  // Only browsers get index.html: an unknown API path, and an asset of an older build, is answered 404 with a problem.
  const onlyPages = createMiddleware(async (c, next) => {
    if (/^\/(api|assets)\//.test(c.req.path) || !/\btext\/html\b/.test(c.req.header('accept') ?? '')) return c.notFound();
    await next();
  });
  const index = serveStatic({ root: directory, path: 'index.html', precompressed: true });
  app.get('*', headers, caching, files, onlyPages, index);
}
