import { writeFileSync } from 'node:fs';
import { createHttpClient } from './http-client.ts';
import { createLatency, type Latency } from './latency.ts';
import { argument, report } from './process.ts';
import { createRequests, type Traffic } from './requests.ts';

export interface OpenLoopResult {
  offeredPerSecond: number;
  acceptedPerSecond: number;
  /** Latency of accepted requests from the moment they were due, which includes the time they waited to be sent. */
  latencyMs: Latency;
  /** Latency of shed requests. */
  shedLatencyMs: Latency;
  statuses: Record<string, number>;
  /** The number of requests that were shed without a Retry-After header. */
  withoutRetryAfter: number;
  errors: Record<string, number>;
  acked: number;
  /** The longest delay in ms between when a request was due and when it was sent: shows whether the generator kept up. */
  lateMs: number;
}

export interface OpenLoopRequest {
  traffic: Traffic;
  perSecond: number;
  seconds: number;
  sockets: number;
  /** A file to write the numbers of the acknowledged requests to, one per line. */
  ackedFile?: string;
}

// Sends at a fixed rate, also when earlier requests are unanswered, as independent senders do.
const { traffic, perSecond, seconds, sockets, ackedFile } = argument<OpenLoopRequest>();
const requestOf = createRequests(traffic);
const client = await createHttpClient(traffic.url, sockets, 20_000);
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
  client.send(headers, body, (answer) => {
    open--;
    if ('error' in answer) errors[answer.error] = (errors[answer.error] ?? 0) + 1;
    else {
      const { status, retryAfter } = answer;
      statuses[status] = (statuses[status] ?? 0) + 1;
      const ms = performance.now() - dueAt;
      if (status >= 200 && status < 300) {
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
  client.close();
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
