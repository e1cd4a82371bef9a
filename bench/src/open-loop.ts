import { writeFileSync } from 'node:fs';
import { createLatency, type Latency } from './latency.ts';
import { argument, report } from './process.ts';
import { createRequests, type Traffic } from './requests.ts';
import { createWire } from './wire.ts';

export interface OpenLoopResult {
  offeredPerSecond: number;
  acceptedPerSecond: number;
  /** Of accepted requests, from the moment they were due: time spent waiting to be sent counts. */
  latencyMs: Latency;
  /** Of requests that were shed. */
  shedLatencyMs: Latency;
  statuses: Record<string, number>;
  /** Shed without saying when to come back. */
  withoutRetryAfter: number;
  errors: Record<string, number>;
  acked: number;
  /** Latest moment a request was sent after it was due, in ms: whether the generator itself kept up. */
  lateMs: number;
}

export interface OpenLoopRequest {
  traffic: Traffic;
  perSecond: number;
  seconds: number;
  sockets: number;
  /** Gets the numbers of the acknowledged requests, one per line. */
  ackedFile?: string;
}

// Arrivals at a fixed rate, whatever becomes of those before: as the world sends.
const { traffic, perSecond, seconds, sockets, ackedFile } = argument<OpenLoopRequest>();
const requestOf = createRequests(traffic);
const wire = await createWire(traffic.url, sockets, 20_000);
const latency = createLatency();
const shedLatency = createLatency();
const statuses: Record<string, number> = {};
const errors: Record<string, number> = {};
const acked: number[] = [];
const total = Math.round(perSecond * seconds);
const intervalMs = 1000 / perSecond;
let withoutRetryAfter = 0;
let lateMs = 0;
let next = 0;
let open = 0;
const started = performance.now();

function send(n: number, dueAt: number): void {
  const { headers, body } = requestOf(n);
  open++;
  wire.send(headers, body, (answer) => {
    open--;
    if ('error' in answer) errors[answer.error] = (errors[answer.error] ?? 0) + 1;
    else {
      const { status, retryAfter } = answer;
      statuses[status] = (statuses[status] ?? 0) + 1;
      const ms = performance.now() - dueAt;
      if (status === 200) {
        latency.record(ms);
        acked.push(n);
      } else {
        shedLatency.record(ms);
        if ((status === 503 || status === 429) && !retryAfter) withoutRetryAfter++;
      }
    }
    if (open === 0 && next === total) finish();
  });
}

function tick(): void {
  const now = performance.now();
  while (next < total) {
    const dueAt = started + next * intervalMs;
    if (dueAt > now) break;
    lateMs = Math.max(lateMs, now - dueAt);
    send(next++, dueAt);
  }
  if (next < total) setTimeout(tick, 1);
}

function finish(): void {
  wire.close();
  if (ackedFile) writeFileSync(ackedFile, acked.join('\n'));
  const result: OpenLoopResult = {
    offeredPerSecond: Math.round(perSecond),
    acceptedPerSecond: Math.round(acked.length / seconds),
    latencyMs: latency.result(),
    shedLatencyMs: shedLatency.result(),
    statuses,
    withoutRetryAfter,
    errors,
    acked: acked.length,
    lateMs: Math.round(lateMs),
  };
  report(result);
}

tick();
