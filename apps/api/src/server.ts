import { createServer as createHttpServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { type AppDeps, createApp } from './app.ts';
import { createListener } from './ingest/listener.ts';
import { watchUnreadAnswers } from './platform/unread-answers.ts';

/** The HTTP server of the API, which does not listen yet. */
export function createServer(deps: AppDeps): Server {
  // A client that sends its headers or body a few bytes at a time is cut off; platforms send theirs within milliseconds.
  const listener = createListener(deps.door, deps.isStopping, getRequestListener(createApp(deps).fetch));
  const server = createHttpServer({ connectionsCheckingInterval: 1_000 }, listener);
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  server.keepAliveTimeout = 65_000;
  watchUnreadAnswers(server, { limits: deps.config.people.answers, metrics: deps.metrics, log: deps.log });
  return server;
}

/** How long connections stay open while the process ends: idle ones, and those with a request. */
export interface ClosingTimes {
  idleMs: number;
  busyMs: number;
}

/** A process that stops must end within ten seconds. */
export const beforeStop: ClosingTimes = { idleMs: 800, busyMs: 4_000 };
/** A process that was replaced has time: downloads go on, and a connection that is not idle for long is closed by an answer. */
export const afterReplacement: ClosingTimes = { idleMs: 5_000, busyMs: 60_000 };

/**
 * Stops listening, and answers the requests that still arrive on open connections; each answer closes its connection. http.Server's close()
 * would cut connections that look idle at once, and with them requests that are already on their way (measured: one to nineteen at each
 * stop under load). Deliveries are answered within milliseconds, so a connection that is still open after some seconds carries a download
 * or a very slow sender, and is cut.
 */
export async function closeGently(server: Server, { idleMs, busyMs }: ClosingTimes): Promise<void> {
  const started = performance.now();
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const sweep = setInterval(() => {
    const openMs = performance.now() - started;
    if (openMs > busyMs) server.closeAllConnections();
    else if (openMs > idleMs) server.closeIdleConnections();
  }, 100);
  await closed;
  clearInterval(sweep);
}
