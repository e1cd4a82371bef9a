import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from '../server.ts';
import { startTestApi, type TestApi } from '../test/api.ts';

const hottok = 'hottok-over-a-real-socket-012345';
let api: TestApi;
let server: Server;
let port: number;
let path: string;

beforeAll(async () => {
  api = await startTestApi({ BODY_BYTES_MAX: '20000', REQUESTS_IN_FLIGHT_MAX: '10' });
  const org = await api.makeOrg();
  const connection = await api.connect(org, 'hotmart', { hottok });
  path = new URL(connection.url).pathname;
  server = createServer({ ...api, jobs: { state: () => ({ concurrency: 0, running: 0 }) }, isStopping: () => false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await api.close();
});

const body = () =>
  JSON.stringify({ id: randomUUID(), creation_date: Date.now(), event: 'SOMETHING_NEW', version: '2.0.0', data: { product: { id: 1 } } });
const head = (...lines: string[]) =>
  [`POST ${path} HTTP/1.1`, 'host: tributary.test', 'content-type: application/json', `x-hotmart-hottok: ${hottok}`, ...lines, '', ''].join(
    '\r\n',
  );

/** Writes raw bytes, piece by piece, and reads until the server closes or `quietMs` pass without a byte. */
async function exchange(pieces: (string | Buffer)[], quietMs = 700): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  let last = performance.now();
  socket.on('data', (chunk) => {
    answer += chunk;
    last = performance.now();
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await sleep(10);
  }
  while (!socket.closed && performance.now() - last < quietMs) await sleep(20);
  socket.destroy();
  return answer;
}
const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));

describe('over a real socket', () => {
  test('a body in many small pieces is one delivery', async () => {
    const text = body();
    const answer = await exchange([head(`content-length: ${text.length}`), ...(text.match(/.{1,20}/g) ?? [])]);
    expect(statuses(answer)).toEqual([200]);
    expect(answer).toContain('"status":"accepted"');
  });

  test('two requests on one connection are two deliveries', async () => {
    const [a, b] = [body(), body()];
    expect(statuses(await exchange([head(`content-length: ${a.length}`) + a + head(`content-length: ${b.length}`) + b]))).toEqual([
      200, 200,
    ]);
  });

  test('an upload that stalls is aborted when another request needs its place', async () => {
    const idle = Array.from({ length: 14 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    for (const socket of idle) socket.write(`${head('content-length: 1000')}{`);
    const cut = new Set<number>();
    for (const [n, socket] of idle.entries()) socket.on('data', (answer) => String(answer).startsWith('HTTP/1.1 503') && cut.add(n));
    // One org has eight of the ten places, so six of its 14 requests were refused at once.
    await expect.poll(() => cut.size).toBe(6);
    await sleep(1_100);
    const text = body();
    expect(statuses(await exchange([head(`content-length: ${text.length}`) + text]))).toEqual([200]);
    expect(cut.size).toBe(7);
    for (const socket of idle) socket.destroy();
  });

  test('a chunked body without a length is refused with 413 at the limit, and nothing of it is stored', async () => {
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    expect(statuses(await exchange([head('transfer-encoding: chunked'), ...Array.from({ length: 12 }, () => chunk), '0\r\n\r\n']))).toEqual(
      [413],
    );
    const [row] = await api.admin<{ outcome: string; byte_size: number; sealed: number }>(
      'select j.outcome, j.byte_size, length(p.sealed) as sealed from event_journal j join private.journal_payloads p on p.journal_id = j.id where j.byte_size > 5000',
    );
    expect(row).toMatchObject({ outcome: 'rejected' });
    expect(row?.sealed).toBeLessThan(2_000);
  });

  test('an announced length over the limit is refused with 413 before the body is read', async () => {
    expect(statuses(await exchange([head('content-length: 30000'), 'x'.repeat(100)]))).toEqual([413]);
  });

  test('a delivery whose sender hangs up halfway is not stored, and the next sender is served', async () => {
    const before = await api.admin('select count(*)::int as n from event_journal');
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`${head('content-length: 500')}{"id":`);
    await sleep(50);
    socket.destroy();
    await sleep(100);
    expect(await api.admin('select count(*)::int as n from event_journal')).toEqual(before);
    const text = body();
    expect(statuses(await exchange([head(`content-length: ${text.length}`) + text]))).toEqual([200]);
  });

  test('requests with ambiguous framing headers are refused', async () => {
    const smuggled = [
      head('content-length: 4', 'transfer-encoding: chunked'),
      head('content-length: 4', 'content-length: 5'),
      head('transfer-encoding: xchunked'),
      head('content-length : 4'),
    ];
    for (const start of smuggled) expect(statuses(await exchange([`${start}0\r\n\r\n`]))[0]).toBe(400);
  });
});
