import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Delivery } from '@tributary/pipeline/source.ts';
import type { Answer } from '../platform/problem.ts';
import type { Arriving } from './arriving.ts';
import type { Door } from './door.ts';
import { receive } from './receive.ts';
import { webhookRoute } from './routes.ts';

/**
 * The URLs that this listener takes: in their one spelling, so that neither they nor the host need be parsed. Everything else goes to the routes of Hono,
 * which answer alike.
 */
const plainTarget = /^\/api\/webhooks\/([\w-]+)\/([\da-fA-F-]{36})(?:\?[\w!$%&()*+,./:;=?@~[\]-]*)?$/;
const plainHost = /^[a-z0-9._-]+(?::(?:[1-5]\d{3,4}|[6-9]\d{3}))?$/;
/** How long the rest of a refused body may take. Its sender is then cut off. */
const restMs = 500;

/**
 * Answers deliveries without a framework, and passes every other request to `others`. Measured together with the counted log line: a third less processor
 * time of the main thread for a delivery.
 */
export function createListener(door: Door, isStopping: () => boolean, others: RequestListener): RequestListener {
  async function take(incoming: IncomingMessage, outgoing: ServerResponse, type: string, connectionId: string): Promise<void> {
    const startedAt = performance.now();
    const requestId = randomUUID();
    const arriving: Arriving = {
      method: 'POST',
      type,
      connectionId,
      target: incoming.url as string,
      headers: incoming.headers as Delivery['headers'],
      remoteAddress: incoming.socket.remoteAddress,
      isTest: false,
      body: { incoming },
      requestId,
      event: { requestId },
    };
    const { answer, delivered } = await receive(door, arriving);
    send(incoming, outgoing, answer, requestId, isStopping());
    const request = {
      method: 'POST',
      route: webhookRoute,
      status: answer.status,
      durationMs: performance.now() - startedAt,
      event: arriving.event,
    };
    if (delivered) door.answered.add(request, delivered);
    else if (request.event.code === 'overloaded') door.answered.refused(request);
    else door.requestLog.answered(request);
  }

  return (incoming, outgoing) => {
    const target = incoming.method === 'POST' && plainHost.test(incoming.headers.host ?? '') ? plainTarget.exec(incoming.url ?? '') : null;
    if (target) void take(incoming, outgoing, target[1] as string, target[2] as string);
    else others(incoming, outgoing);
  };
}

function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Answer,
  requestId: string,
  closes: boolean,
): void {
  // One flat list and one write: Node then neither copies nor checks the headers one by one.
  const list = ['x-request-id', requestId];
  for (const name in headers) list.push(name, headers[name] as string);
  if (closes && headers.connection === undefined) list.push('connection', 'close');
  list.push('content-length', String(Buffer.byteLength(body)));
  outgoing.writeHead(status, list);
  outgoing.end(body);
  // A refusal is answered before its body has arrived, which is often the next thing that the connection brings.
  if (!incoming.complete) outgoing.once('finish', () => dropRest(incoming));
}

/** Reads the rest of a refused body, which nobody needs, so that its connection can bring the next request. */
function dropRest(incoming: IncomingMessage): void {
  if (incoming.complete) return;
  incoming.resume();
  const cut = setTimeout(() => incoming.socket.destroySoon(), restMs).unref();
  incoming.once('close', () => clearTimeout(cut));
}
