import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { watchUnreadAnswers } from './unread-answers.ts';

const megabyte = 1_048_576;
const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A server whose answers are larger than what the kernel keeps for a client. */
async function startServer(limits: { stallMs: number; unreadBytesMax: number }) {
  const body = Buffer.alloc(32 * megabyte);
  const server = createServer((request, response) => response.end(request.url === '/small' ? 'small' : body));
  const metrics = createMetrics();
  opened.push(watchUnreadAnswers(server, { limits, metrics, log: pino({ level: 'silent' }) }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, metrics };
}

/** Asks and reads nothing of the answer. */
function askAndWait(port: number): Socket {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nhost: any\r\n\r\n');
  opened.push(() => socket.destroy());
  return socket;
}

async function cutOff(metrics: { registry: { metrics(): Promise<string> } }, reason: string): Promise<number> {
  const line = new RegExp(`^http_answers_cut_total\\{reason="${reason}"\\} (\\d+)$`, 'm');
  return Number(line.exec(await metrics.registry.metrics())?.[1] ?? 0);
}

it('cuts off a client that reads nothing of its answer for the stated time, and none that reads slowly', async () => {
  const { port, metrics } = await startServer({ stallMs: 2_000, unreadBytesMax: 1_000 * megabyte });
  askAndWait(port);
  const slow = fetch(`http://127.0.0.1:${port}/`).then(async ({ body }) => {
    let bytes = 0;
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes % (8 * megabyte) < chunk.byteLength) await sleep(300);
    }
    return bytes;
  });
  const idle = await fetch(`http://127.0.0.1:${port}/small`);
  expect(await slow).toBe(32 * megabyte);
  await sleep(3_500);
  expect([await cutOff(metrics, 'stalled'), await cutOff(metrics, 'budget')]).toEqual([1, 0]);
  expect(await idle.text()).toBe('small');
});

it('cuts off a client that sends many requests without reading the answers', async () => {
  const { port, metrics } = await startServer({ stallMs: 60_000, unreadBytesMax: 1_000 * megabyte });
  const socket = askAndWait(port);
  socket.write('GET / HTTP/1.1\r\nhost: any\r\n\r\n'.repeat(20));
  await sleep(500);
  expect(await cutOff(metrics, 'pipelined')).toBe(1);
  expect(await (await fetch(`http://127.0.0.1:${port}/small`)).text()).toBe('small');
});

it('cuts off the clients that have read nothing for the longest time when all unread answers take too much memory', async () => {
  const { port, metrics } = await startServer({ stallMs: 60_000, unreadBytesMax: 100 * megabyte });
  for (let n = 0; n < 6; n++) {
    askAndWait(port);
    await sleep(20);
  }
  await sleep(2_500);
  const cut = await cutOff(metrics, 'budget');
  expect(cut).toBeGreaterThanOrEqual(3);
  expect(cut).toBeLessThan(6);
  expect(await cutOff(metrics, 'stalled')).toBe(0);
});
