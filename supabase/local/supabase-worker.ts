import { parentPort, workerData } from 'node:worker_threads';
import { serve } from '@hono/node-server';
import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { SupabaseOptions, WorkerMessage } from './supabase.ts';

const { databaseUrl, port, keys, siteUrl, poolSize } = workerData as SupabaseOptions;
const tell = (message: WorkerMessage) => parentPort?.postMessage(message);

const connection = createPostgresConnection({
  url: databaseUrl,
  postgresOptions: { max: poolSize, onnotice: () => {}, connection: { statement_timeout: 15_000 } },
});
// On its first request lite grants everything in every schema that has row level security to anon, authenticated and service_role, which would undo the
// grants of the migrations. This state tells lite that it has already done so. A test checks that the grants stay as they are.
(connection as unknown as { rlsState: string }).rlsState = 'active';

// lite writes the names of rpc arguments unquoted, and `from` and `to` of ingest_timeseries are reserved words. PostgREST quotes them.
const { driver } = connection;
const reserve = driver.reserve.bind(driver);
driver.reserve = async () => {
  const reserved = await reserve();
  const unsafe = reserved.unsafe.bind(reserved) as (text: string, ...rest: unknown[]) => unknown;
  reserved.unsafe = ((text: string, ...rest: unknown[]) =>
    unsafe(text.replace(/\b(from|to) := /g, '"$1" := '), ...rest)) as typeof reserved.unsafe;
  return reserved;
};

const lite = new App({
  connection,
  // The same as `max_rows` in config.toml, which hosted projects are given: no answer has more rows.
  api: { schemas: ['public'], extra_search_path: ['public', 'extensions'], max_rows: 1_000 },
  auth: {
    enabled: true,
    jwt_secret: keys.jwtSecret,
    publishable_key: keys.publishableKey,
    secret_key: keys.secretKey,
    jwt_expiry: 3600,
    minimum_password_length: 8,
    site_url: siteUrl,
    email: { enable_confirmations: false },
  },
  options: { server: { admin: false, disableStudio: true, disableFallback: true } },
});

const app = new Hono<{ Bindings: { incoming: { socket: { remoteAddress?: string } } } }>();
// the auth routes of lite answer a preflight request without the allowed headers, which browsers refuse
app.use(
  cors({
    origin: '*',
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposeHeaders: ['Content-Range', 'Content-Location', 'Preference-Applied', 'X-Sb-Error-Code'],
    maxAge: 3600,
  }),
);
// no other route of lite is served: /_system/info shows the password of the database to anyone
for (const path of ['/auth/v1/*', '/rest/v1/*'])
  app.all(path, (c) => lite.fetch(c.req.raw, { peerAddress: c.env.incoming.socket.remoteAddress ?? null }));

await lite.init();
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port }, (address) => tell({ listening: address.port }));
server.once('error', (error) => {
  tell({ failed: error.message });
  void connection.driver.end({ timeout: 0 }).finally(() => parentPort?.close());
});

parentPort?.once('message', async () => {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await connection.driver.end({ timeout: 1 });
  process.exit(0);
});
