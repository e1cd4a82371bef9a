import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { handlersOf } from '@tributary/web/test/mock/handlers.ts';
import { makeWorld, type World } from '@tributary/web/test/mock/world.ts';
import { getResponse, type HttpHandler } from 'msw';

const dist = join(import.meta.dirname, '..', '..', 'apps', 'web', 'dist');

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export interface Dashboard {
  url: string;
  /** Requests without a handler in the mock, or whose handler failed: each is a fault of the mock or of the dashboard. */
  unknown: string[];
  /** Resolves when all requests have been answered and no new one has come for a moment. */
  idle: () => Promise<void>;
  close: () => Promise<void>;
}

/** Serves the built dashboard on a free port, with a mock of the API and the Data API instead of a stack. */
export async function startDashboard(options: Partial<World> = {}): Promise<Dashboard> {
  let handlers: HttpHandler[] = [];
  const unknown: string[] = [];
  let pending = 0;
  let last = 0;

  async function answer(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const { pathname } = new URL(url);
    if (!/^\/(api|health|rest|auth)(\/|$)/.test(pathname)) return serveFile(pathname, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = new Request(url, {
      method: request.method ?? 'GET',
      headers: Object.entries(request.headers).filter((one): one is [string, string] => typeof one[1] === 'string'),
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    const found = await getResponse(handlers, asked);
    if (!found) unknown.push(`${request.method} ${pathname}`);
    else if (found.status >= 500) unknown.push(`${request.method} ${pathname}: ${await found.clone().text()}`);
    response.writeHead(found?.status ?? 500, Object.fromEntries(found?.headers ?? []));
    response.end(found ? Buffer.from(await found.arrayBuffer()) : undefined);
  }

  const server = createServer((request, response) => {
    pending += 1;
    response.once('close', () => {
      pending -= 1;
      last = performance.now();
    });
    answer(request, response, `http://${request.headers.host}${request.url}`).catch((error: unknown) => {
      unknown.push(`${request.method} ${request.url}: ${error}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  handlers = handlersOf(makeWorld({ supabaseUrl: url, ...options }));

  return {
    url,
    unknown,
    idle: async () => {
      while (pending > 0 || performance.now() - last < 60) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves a file of the build as the API does: paths without an extension get index.html, and only files with a hash in their name may be cached. */
async function serveFile(pathname: string, response: ServerResponse): Promise<void> {
  const name = extname(pathname) === '' ? '/index.html' : pathname;
  const content = await readFile(join(dist, name)).catch(() => undefined);
  if (!content) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream');
  response.setHeader('cache-control', name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.end(content);
}
