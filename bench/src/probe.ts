import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { argument, report } from './process.ts';

export interface ProbeRequest {
  url: string;
  seconds: number;
}

export interface ProbeResult {
  answers: number;
  longestMs: number;
}

// Asks one URL again and again over one connection. The longest answer shows how long the server's event loop was held.
const { url, seconds } = argument<ProbeRequest>();
const { hostname, port, pathname, host } = new URL(url);
const socket = connect({ host: hostname, port: Number(port), noDelay: true });
const started = performance.now();
let answers = 0;
let longestMs = 0;
while (performance.now() < started + seconds * 1000) {
  const sentAt = performance.now();
  socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.once('data', () => resolve());
    socket.once('close', () => reject(new Error('the server closed the connection of the probe')));
  });
  socket.removeAllListeners('close');
  longestMs = Math.max(longestMs, performance.now() - sentAt);
  answers++;
  await sleep(2);
}
socket.destroy();
const result: ProbeResult = { answers, longestMs: Math.round(longestMs * 10) / 10 };
report(result);
