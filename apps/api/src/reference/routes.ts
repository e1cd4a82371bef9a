import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { DeliveryAnswer, ProblemAnswer } from '@tributary/shared/api.ts';
import type { Env, Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { generateSpecs, resolver } from 'hono-openapi';
import manifest from '../../package.json' with { type: 'json' };
import { problems, schemaOptions } from '../platform/openapi-parts.ts';
import { otherPaths } from './other-paths.ts';

export type ApiDocument = Awaited<ReturnType<typeof generateSpecs>>;

/** The OpenAPI 3.1 document of everything that is mounted on `app` so far. */
async function createDocument<E extends Env>(app: Hono<E>, publicUrl: string): Promise<ApiDocument> {
  const problemContent = { 'application/problem+json': { schema: resolver(ProblemAnswer, schemaOptions) } };
  return generateSpecs(app, {
    defaultValidationErrorResponse: false,
    documentation: {
      info: {
        title: 'Tributary',
        version: manifest.version,
        description:
          'Signed webhooks in, canonical events out, each exactly once. Errors are RFC 9457 problems with a stable `code`; every answer carries `x-request-id`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      tags: [
        { name: 'Connections', description: 'Configured instances of a source, each with its own URL and secrets.' },
        { name: 'Orgs', description: 'Tenants: their name and their limits.' },
        { name: 'Sources', description: 'The platforms that this version can receive events from.' },
        { name: 'Invites', description: 'Invitations of colleagues to an org.' },
        {
          name: 'Events',
          description: 'Exports, look-ups of people, and the delivery of an event. Events are listed and read through the Data API.',
        },
        { name: 'Journal', description: 'Every delivery as it was received, and its replay.' },
        { name: 'Replay plans', description: 'Replays of many deliveries: planned, approved and throttled.' },
        { name: 'Legal holds', description: 'Data that must not change: no replay, purge, erasure or retention.' },
        { name: 'Approvals', description: 'Irreversible acts that wait for a second person.' },
        {
          name: 'Audit log',
          description: 'Its export, and the verification of its chain of hashes. Entries are read through the Data API.',
        },
        { name: 'Alerts', description: 'Rules, the channels that are notified, and incidents.' },
        { name: 'Webhooks', description: 'The URLs that platforms deliver to.' },
        { name: 'Operation', description: 'For load balancers and operators.' },
      ],
      components: {
        securitySchemes: {
          user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token of a signed-in Supabase user.' },
          operator: { type: 'http', scheme: 'bearer', description: 'The operator token.' },
        },
        responses: {
          ...Object.fromEntries(Object.values(problems).map(({ name, description }) => [name, { description, content: problemContent }])),
          Delivered: {
            description: 'The delivery is stored. The answer has the outcome of each record.',
            content: { 'application/json': { schema: resolver(DeliveryAnswer, schemaOptions) } },
          },
        },
      },
      paths: otherPaths,
    },
  });
}

const scalarDirectory = dirname(fileURLToPath(import.meta.resolve('@scalar/api-reference')));

// This server serves everything: no CDN, fonts, proxy, analytics or assistant of another party. The policy holds even when an option of the
// reference is renamed.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // The reference injects its style sheet and sets styles on elements.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = (scriptUrl: string) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tributary API</title><link rel="icon" href="data:,"></head>
<body><div id="reference"></div><script src="${scriptUrl}"></script><script src="/docs/init.js"></script></body>
</html>
`;

const init = `Scalar.createApiReference('#reference', {
  url: '/openapi.json',
  servers: [{ url: location.origin }],
  proxyUrl: '',
  withDefaultFonts: false,
  telemetry: false,
  persistAuth: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
});
`;

/** GET /openapi.json, and /docs to browse it, also without internet access. Mount it after every other route. */
export function mountReference<E extends Env>(app: Hono<E>, { publicUrl }: { publicUrl: string }): void {
  // Bytes, which all answers share: a client that does not read its answer then holds no copy of it.
  let document: Promise<Uint8Array<ArrayBuffer>> | undefined;
  let script: ReturnType<typeof readScript> | undefined;

  app.get('/openapi.json', async (c) => {
    document ??= createDocument(app, publicUrl).then((made) => new TextEncoder().encode(JSON.stringify(made)));
    return c.body(await document, 200, { 'content-type': 'application/json' });
  });

  app.get('/docs', async (c) => {
    c.header('content-security-policy', contentSecurityPolicy);
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header('cache-control', 'no-cache');
    script ??= readScript();
    return c.html(page(`/docs/scalar.js?v=${(await script).digest}`));
  });

  app.get('/docs/init.js', (c) => c.body(init, 200, { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' }));

  app.get('/docs/scalar.js', async (c) => {
    script ??= readScript();
    const { plain, gzipped } = await script;
    const encoding = accepts(c, { header: 'Accept-Encoding', supports: ['gzip', 'identity'], default: 'identity' });
    c.header('content-type', 'text/javascript; charset=utf-8');
    c.header('vary', 'accept-encoding');
    // The URL contains the digest of the script, so the answer never changes.
    c.header('cache-control', 'public, max-age=31536000, immutable');
    if (encoding !== 'gzip') return c.body(plain);
    c.header('content-encoding', 'gzip');
    return c.body(gzipped);
  });
}

async function readScript() {
  const plain = await readFile(join(scalarDirectory, 'browser/standalone.js'));
  return { plain, gzipped: await promisify(gzip)(plain), digest: createHash('sha256').update(plain).digest('hex').slice(0, 12) };
}
