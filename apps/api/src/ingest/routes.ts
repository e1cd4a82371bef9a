import type { HttpBindings } from '@hono/node-server';
import type { Delivery } from '@tributary/pipeline/source.ts';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { validSecrets } from '../deliveries/connection-cache.ts';
import { Refusal } from '../platform/refusal.ts';
import type { WideEvent } from '../platform/request-log.ts';
import { admitConnection, countLost } from './admit.ts';
import type { Arriving } from './arriving.ts';
import { type Delivered, type ReceiveDeps, receive } from './receive.ts';

export const webhookRoute = '/api/webhooks/:type/:connectionId';

/** `isTest` is set by the app itself for test sends; no request from outside can set it. */
export interface IngestEnv {
  Bindings: Partial<HttpBindings> & { isTest?: boolean };
  Variables: { requestId: string; event: WideEvent; delivered?: Delivered };
}

/** The webhook URLs as routes of Hono: test sends, probes, other methods, and deliveries whose URL is not spelled as the listener takes it. */
export function ingestRoutes(deps: ReceiveDeps): Hono<IngestEnv> {
  const routes = new Hono<IngestEnv>();

  routes.post(webhookRoute, async (c) => {
    const { answer, delivered } = await receive(deps, arrivingOf(c));
    if (delivered) c.set('delivered', delivered);
    return c.body(answer.body, answer.status as ContentfulStatusCode, answer.headers);
  });

  // HEAD requests reach this route, too: Hono answers them without the body. Panels probe a URL before they save it.
  routes.get(webhookRoute, async (c) => {
    const connection = await admitConnection(deps, arrivingOf(c));
    const answer = connection.source.handshake?.(new URL(c.req.url).searchParams, validSecrets(connection, deps.now()));
    if (answer) return c.text(answer.body, answer.status, { 'x-content-type-options': 'nosniff' });
    return c.json({ status: 'ready' });
  });

  routes.all(webhookRoute, async (c) => {
    const connection = await admitConnection(deps, arrivingOf(c));
    const refusal = new Refusal('method_not_allowed', 'a delivery is sent by POST');
    countLost(deps, connection);
    deps.quarantine.countReason(connection, refusal.code);
    c.header('allow', 'POST, GET, HEAD');
    throw refusal;
  });

  return routes;
}

function arrivingOf(c: Context<IngestEnv>): Arriving {
  const { type = '', connectionId = '' } = c.req.param() as { type?: string; connectionId?: string };
  const incoming = c.env?.incoming;
  return {
    method: c.req.method,
    type,
    connectionId,
    target: pathAndQuery(c.req.url),
    // Node has parsed and joined the headers of a request that came over a socket.
    headers: incoming ? (incoming.headers as Delivery['headers']) : Object.fromEntries(c.req.raw.headers),
    remoteAddress: incoming?.socket.remoteAddress,
    isTest: c.env?.isTest === true,
    body: incoming ? { incoming } : { stream: c.req.raw.body },
    requestId: c.var.requestId,
    event: c.var.event,
  };
}

function pathAndQuery(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  return start === -1 ? '/' : url.slice(start);
}
