import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import type { Env, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';

/**
 * The dashboard, as `npm run build -w apps/web` leaves it in `directory`: hashed files for ever, index.html for every path that no route
 * took, so that a link into the dashboard opens. Without a build there is nothing to mount. Mount it last.
 */
export function mountWeb<E extends Env>(app: Hono<E>, { directory, supabaseUrl }: { directory: string; supabaseUrl: string }): void {
  if (!existsSync(join(directory, 'index.html'))) return;
  const headers = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      // The component library sets styles on elements and adds style sheets of its own; scripts are never inline.
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      manifestSrc: ["'self'"],
      connectSrc: ["'self'", new URL(supabaseUrl).origin],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [] },
  });
  const caching = createMiddleware(async (c, next) => {
    await next();
    if (!c.res.ok) return;
    c.header('cache-control', c.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    // Of the uncompressed form too, or a cache between keeps it for everybody.
    c.header('vary', 'Accept-Encoding');
  });
  const files = serveStatic({ root: directory, precompressed: true });
  // What a program asks for is not a page: an unknown API path stays a 404 with a problem, and so does an asset of an older build.
  const onlyPages = createMiddleware(async (c, next) => {
    if (/^\/(api|assets)\//.test(c.req.path) || !/\btext\/html\b/.test(c.req.header('accept') ?? '')) return c.notFound();
    await next();
  });
  const index = serveStatic({ root: directory, path: 'index.html', precompressed: true });
  app.get('*', headers, caching, files, onlyPages, index);
}
