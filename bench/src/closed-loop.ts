import autocannon from 'autocannon';
import { createLatency, type Latency } from './latency.ts';
import { argument, report } from './process.ts';
import { createRequests, type Traffic } from './requests.ts';

export interface ClosedLoopResult {
  requestsPerSecond: number;
  latencyMs: Latency;
  statuses: Record<string, number>;
  errors: number;
}

// Sends as fast as `connections` clients can that each wait for their answer, or at most `perSecond` requests a second together.
const { traffic, connections, seconds, perSecond } = argument<{
  traffic: Traffic;
  connections: number;
  seconds: number;
  perSecond?: number;
}>();
const requestOf = createRequests(traffic);
const latency = createLatency();
const statuses: Record<string, number> = {};
let sent = 0;
let answered = 0;
const started = performance.now();
let lastAnswer = started;

const run = autocannon(
  {
    url: traffic.url,
    connections,
    duration: seconds,
    ...(perSecond === undefined ? {} : { overallRate: perSecond }),
    timeout: 30,
    requests: [{ method: 'POST', setupRequest: (request) => ({ ...request, ...requestOf(sent++) }) }],
  },
  (error, result) => {
    if (error) throw error;
    const elapsed = (lastAnswer - started) / 1000;
    const answer: ClosedLoopResult = {
      requestsPerSecond: Math.round((answered / elapsed) * 10) / 10,
      latencyMs: latency.result(),
      statuses,
      errors: result.errors + result.timeouts,
    };
    report(answer);
  },
);
run.on('response', (_client, status, _bytes, milliseconds) => {
  statuses[status] = (statuses[status] ?? 0) + 1;
  lastAnswer = performance.now();
  if (status !== 200) return;
  answered++;
  latency.record(milliseconds);
});
