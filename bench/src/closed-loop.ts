import { createHttpClient } from './http-client.ts';
import { createLatency, type Latency } from './latency.ts';
import { argument, report } from './process.ts';
import { createRequests, type Traffic } from './requests.ts';

export interface ClosedLoopRequest {
  traffic: Traffic;
  connections: number;
  /** How long requests are sent, at most. */
  seconds: number;
  /** Stops earlier, after this many accepted requests. */
  accepted?: number;
  /** All connections together send at most this many requests a second. */
  perSecond?: number;
}

export interface ClosedLoopResult {
  accepted: number;
  /** From the first request to the last answer. */
  elapsedSeconds: number;
  requestsPerSecond: number;
  latencyMs: Latency;
  /** The longest time in which no request was accepted. */
  longestPauseMs: number;
  statuses: Record<string, number>;
  errors: number;
  /** Refusals with 429 or 503 that had no Retry-After. */
  withoutRetryAfter: number;
}

// Sends as fast as `connections` clients can that each wait for their answer. They do not wait as the Retry-After of a refusal asks.
const { traffic, connections, seconds, accepted: wanted, perSecond } = argument<ClosedLoopRequest>();
const requestOf = createRequests(traffic);
const client = await createHttpClient(traffic.url, connections, 30_000);
const latency = createLatency();
const statuses: Record<string, number> = {};
let sent = 0;
let open = 0;
let accepted = 0;
let errors = 0;
let withoutRetryAfter = 0;
let longestPauseMs = 0;
const started = performance.now();
let lastAnswer = started;
let lastAccepted = started;

function send(): void {
  const now = performance.now();
  if (now >= started + seconds * 1000 || (wanted !== undefined && accepted >= wanted)) {
    if (open === 0) finish();
    return;
  }
  const early = perSecond === undefined ? 0 : started + (sent * 1000) / perSecond - now;
  open++;
  const { headers, body } = requestOf(sent++);
  if (early > 0) setTimeout(request, early, headers, body);
  else request(headers, body);
}

function request(headers: Record<string, string>, body: string): void {
  const sentAt = performance.now();
  client.send(headers, body, (answer) => {
    open--;
    lastAnswer = performance.now();
    if ('error' in answer) errors++;
    else {
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status >= 200 && answer.status < 300) accept(sentAt);
      else if ((answer.status === 503 || answer.status === 429) && !answer.retryAfter) withoutRetryAfter++;
    }
    send();
  });
}

function accept(sentAt: number): void {
  accepted++;
  latency.record(lastAnswer - sentAt);
  longestPauseMs = Math.max(longestPauseMs, lastAnswer - lastAccepted);
  lastAccepted = lastAnswer;
}

let finished = false;
function finish(): void {
  if (finished) return;
  finished = true;
  client.close();
  const elapsedSeconds = (lastAnswer - started) / 1000;
  const result: ClosedLoopResult = {
    accepted,
    elapsedSeconds,
    requestsPerSecond: Math.round((accepted / elapsedSeconds) * 10) / 10,
    latencyMs: latency.result(),
    longestPauseMs: Math.round(longestPauseMs * 10) / 10,
    statuses,
    errors,
    withoutRetryAfter,
  };
  report(result);
}

for (let n = 0; n < connections; n++) send();
