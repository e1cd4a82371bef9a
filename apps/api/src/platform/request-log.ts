import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { toRefusal } from './problem.ts';
import { Refusal } from './refusal.ts';

/** What the one log line of a request says, field by field. */
export type WideEvent = Record<string, unknown>;

export interface Answered {
  method: string;
  /** The pattern of the route, so that no value of a request becomes a label. */
  route: string;
  status: number;
  durationMs: number;
  event: WideEvent;
}

/** Writes the line of a request that was answered, and observes its duration. */
export function createRequestLog({ metrics, log }: { metrics: Pick<Metrics, 'requestDuration'>; log: Logger }) {
  const write = ({ method, route, status, durationMs, event }: Answered): void =>
    log[status >= 500 && status !== 503 ? 'error' : 'info'](
      { method, route, status, durationMs: Math.round(durationMs * 10) / 10, ...event },
      'request',
    );
  return {
    write,
    answered(request: Answered): void {
      metrics.requestDuration.observe({ route: request.route, status_class: statusClass(request.status) }, request.durationMs / 1000);
      write(request);
    },
  };
}

export type RequestLog = ReturnType<typeof createRequestLog>;

export const statusClass = (status: number): string => `${Math.floor(status / 100)}xx`;

/** Turns what was thrown into a refusal, and says in the line of the request why. */
export function explainRefusal(error: unknown, event: WideEvent): Refusal {
  const refusal = toRefusal(error);
  event.code = refusal.code;
  if (refusal.hints.logged !== undefined) event.reason = refusal.hints.logged;
  if (refusal.code === 'internal' || refusal.code === 'database_unavailable') event.err ??= error instanceof Refusal ? undefined : error;
  return refusal;
}
