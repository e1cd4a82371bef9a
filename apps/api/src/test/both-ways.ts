import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { createApp } from '../app.ts';
import { createServer } from '../server.ts';
import type { TestApi } from './api.ts';

// A delivery comes in by the listener or by the routes of Hono.

export type Way = 'listener' | 'hono';
export const ways: readonly Way[] = ['listener', 'hono'];
export const hottok = 'hottok-of-both-ways-0123456789';

/** Two servers on the same services: one with the listener of production, one with the routes of Hono only. */
export async function serveBothWays(api: TestApi, isStopping = () => false): Promise<{ servers: Record<Way, Server>; close(): void }> {
  const deps = { ...api, jobs: { state: () => ({ concurrency: 0, running: 0 }) }, isStopping };
  const servers = { listener: createServer(deps), hono: createHttpServer(getRequestListener(createApp(deps).fetch)) };
  servers.hono.keepAliveTimeout = servers.listener.keepAliveTimeout;
  for (const server of Object.values(servers)) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return {
    servers,
    close() {
      for (const server of Object.values(servers)) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/** A genuine delivery of Hotmart, which becomes one event. */
export const bodyOf = () =>
  JSON.stringify({ id: randomUUID(), creation_date: Date.now(), event: 'SOMETHING_NEW', version: '2.0.0', data: {} });

export interface Sent {
  method?: string;
  path: string;
  version?: string;
  host?: string;
  headers?: readonly string[];
  body?: string | Buffer;
  /** No Content-Length is added to the headers above. */
  isRaw?: boolean;
}

/** The bytes of a request. */
export function requestOf({ method = 'POST', path, version = '1.1', host = 'in.example.com', headers = [], body = bodyOf(), isRaw }: Sent) {
  const lines = [
    `${method} ${path} HTTP/${version}`,
    ...(host === '' ? [] : [`host: ${host}`]),
    'content-type: application/json',
    ...(headers.some((line) => line.startsWith('x-hotmart-hottok')) ? [] : [`x-hotmart-hottok: ${hottok}`]),
    ...headers,
    ...(isRaw ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

/** Sends the pieces and reads until the server closes or is quiet. */
export async function exchange(server: Server, pieces: readonly Buffer[], answers = 1): Promise<{ text: string; isClosed: boolean }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(20);
  }
  const isComplete = () => (text.match(/HTTP\/1\.1 [2-5]/g) ?? []).length >= answers;
  for (let waited = 0; !socket.closed && !isComplete() && waited < 5_000; waited += 20) await sleep(20);
  for (let waited = 0; !socket.closed && waited < 100; waited += 20) await sleep(20);
  const isClosed = socket.closed || socket.readableEnded;
  socket.destroy();
  return { text, isClosed };
}

/** The answer without what differs between two answers of the same server. */
export function comparable({ text, isClosed }: { text: string; isClosed: boolean }) {
  const same = text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/^date: .*$/gim, 'Date: <date>')
    .replace(/^(Retry-After): \d+/gim, '$1: <seconds>');
  const messages = same.split(/(?=HTTP\/1\.1 \d{3})/).map((message) => {
    const [head = '', ...rest] = message.split('\r\n\r\n');
    const [status, ...headers] = head.split('\r\n');
    return {
      status,
      headers: headers.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())).sort(),
      body: rest.join('\r\n\r\n'),
    };
  });
  return { messages, isClosed };
}
