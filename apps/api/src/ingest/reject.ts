import type { Connection } from '../deliveries/connection-cache.ts';
import { type Arrival, prepareRejected } from '../deliveries/prepare.ts';
import type { Quarantine } from '../deliveries/quarantine.ts';
import type { Metrics } from '../platform/metrics.ts';
import { statusOf } from '../platform/problem.ts';
import { Refusal, type RefusalCode } from '../platform/refusal.ts';
import type { BodyProgress } from './body.ts';
import { type BodyLimit, ceilingRemedy } from './body-limit.ts';
import type { Rejection } from './take.ts';

export interface RejectDeps {
  /** Gives back the rate-limit token of a delivery: an unauthenticated request must not use up the owner's quota. */
  flow: { limits: { giveBack(connection: Connection): void } };
  quarantine: Quarantine;
  metrics: Metrics;
}

/** Keeps the rejected delivery in quarantine, and refuses it. */
export async function reject(deps: RejectDeps, { connection }: Arrival, { error, detail, rejected }: Rejection): Promise<never> {
  countRejected(deps, connection);
  deps.metrics.deadLettered.inc({ source: connection.source.type, reason: error });
  if (rejected) await deps.quarantine.add(rejected);
  else deps.quarantine.count(connection);
  throw new Refusal(error.toLowerCase() as RefusalCode, detail);
}

/**
 * Keeps a delivery in quarantine whose body was refused before it was read whole, without any of its body: it cannot be proved genuine. One that was
 * refused for lack of room, or that the sender broke off, is sent again by the platform and is no rejection.
 */
export async function rejectUnread(
  deps: RejectDeps,
  arrival: Arrival,
  { error, limit, progress }: { error: unknown; limit: BodyLimit; progress: BodyProgress },
): Promise<void> {
  const { connection } = arrival;
  const code = error instanceof Refusal ? error.code : 'internal';
  if (code !== 'payload_too_large' && code !== 'unsupported_encoding' && code !== 'invalid_payload') {
    if (error instanceof Refusal && statusOf(error) === 503) return deps.flow.limits.giveBack(connection);
    countRejected(deps, connection);
    deps.quarantine.count(connection);
    return;
  }
  countRejected(deps, connection);
  deps.metrics.deadLettered.inc({ source: connection.source.type, reason: 'INVALID_PAYLOAD' });
  const { detail = '' } = error as Refusal;
  const remedy = code !== 'payload_too_large' ? '' : progress.isDecoding ? ceilingRemedy : limit.remedy;
  const whole = [sentence(detail), remedy, 'Nothing of the body is kept.'].filter(Boolean).join(' ');
  await deps.quarantine.add(prepareRejected({ ...arrival, unread: { bytes: progress.bytes } }, 'INVALID_PAYLOAD', whole));
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function countRejected({ metrics, flow }: RejectDeps, connection: Connection): void {
  metrics.records.inc({ source: connection.source.type, outcome: 'rejected' });
  flow.limits.giveBack(connection);
}
