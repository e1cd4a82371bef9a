import { proveDelivery, type Verification, verifyDelivery } from '@tributary/pipeline/verify.ts';
import type { ErrorClass } from '@tributary/shared/errors.ts';
import { isHeavyInSteps } from '../deliveries/heavy.ts';
import { type PackedConnection, packConnection, unpackConnection } from '../deliveries/packed.ts';
import { type Arrival, prepareInSteps, prepareRejected } from '../deliveries/prepare.ts';
import type { Rejected } from '../deliveries/rejected-queue.ts';
import type { PreparedDelivery, WriteItem } from '../deliveries/rows.ts';
import { Refusal } from '../platform/refusal.ts';
import { finish, type Steps } from '../platform/steps.ts';
import { type Task, ThreadFailure, type Threads } from '../platform/threads.ts';

interface Reason {
  error: ErrorClass;
  /** For the people of the org. */
  message: string;
  /** For the sender. */
  detail?: string;
}

/** Why a delivery is rejected, and what the quarantine keeps of it; undefined where the quarantine has no room for it. */
export type Rejection = Reason & { rejected: Rejected | undefined };

/** The output of the task: the rows of the delivery, or the reason why it is rejected and, from a thread, the row of the rejected delivery. */
type Taken = { item: PreparedDelivery } | (Reason & { sealed?: WriteItem; hasCredential?: boolean });

const tookTooLong = new Refusal('overloaded', 'the delivery took too long to read', { retryAfterSeconds: 60 });

interface Arrived {
  arrival: Arrival;
  /** Set on a thread when the quarantine may have room: a delivery that is rejected is sealed there, too. */
  sealsRejected?: boolean;
  /** Why the body cannot be read, when a thread ran out of memory for it. The delivery is still verified. */
  unreadable?: string;
}

interface PackedArrival extends Omit<Arrived, 'arrival'> {
  arrival: Omit<Arrival, 'connection'> & { connection: PackedConnection };
}

/** Verifies a delivery that arrived, and makes its rows. */
export const takeTask: Task<Arrived, Taken> = {
  name: 'take',
  isHeavy: ({ arrival }) => isHeavyInSteps(arrival.delivery.raw),
  run: (arrived) => finish(take(arrived)),
  pack: ({ arrival, ...rest }): PackedArrival => ({ ...rest, arrival: { ...arrival, connection: packConnection(arrival.connection) } }),
  unpack: ({ arrival, ...rest }: PackedArrival): Arrived => ({
    ...rest,
    arrival: { ...arrival, connection: unpackConnection(arrival.connection) },
  }),
  holderIn: (taken) => ('item' in taken ? taken.item : undefined),
};

export interface TakeDeps {
  threads: Threads;
  /** Whether the quarantine may keep a delivery of so many bytes. */
  mayKeep(bytes: number): boolean;
  /** Does light work at its turn on the event loop. */
  inTurn<T>(work: Steps<T>): Promise<T>;
}

/**
 * Verifies the delivery and makes its rows, at its turn on the event loop or, when it is heavy, on a thread. A genuine delivery that no thread can hold in
 * memory is rejected as INVALID_PAYLOAD, because no repetition would change that. One that took too long is asked for again.
 */
export function takeArrival(deps: TakeDeps, arrival: Arrival): Promise<{ item: PreparedDelivery } | Rejection> {
  if (takeTask.isHeavy({ arrival })) return takeHeavy(deps, arrival);
  return deps.inTurn(takeLight(arrival));
}

function* takeLight(arrival: Arrival): Steps<{ item: PreparedDelivery } | Rejection> {
  const taken = yield* take({ arrival });
  return 'item' in taken ? taken : { ...taken, rejected: prepareRejected(arrival, taken.error, taken.message) };
}

async function takeHeavy({ threads, mayKeep }: TakeDeps, arrival: Arrival): Promise<{ item: PreparedDelivery } | Rejection> {
  const { connection, delivery } = arrival;
  const bytes = delivery.raw.byteLength;
  const arrived = { arrival, sealsRejected: mayKeep(bytes) };
  const taken = await threads.run(takeTask, arrived, connection).catch((error: unknown) => {
    if (!(error instanceof ThreadFailure)) throw error;
    if (error.reason === 'time') throw tookTooLong;
    return threads.run(takeTask, { ...arrived, unreadable: 'The body takes more memory to read than a delivery may.' }, connection);
  });
  if ('item' in taken) return taken;
  const { sealed, hasCredential = false, ...reason } = taken;
  return { ...reason, rejected: sealed && { connection, bytes, hasCredential, seal: () => sealed } };
}

function* take({ arrival, sealsRejected = false, unreadable }: Arrived): Steps<Taken> {
  const { connection, delivery, secrets, receivedAtMs } = arrival;
  const reject = (error: ErrorClass, message: string, detail?: string): Taken => ({
    error,
    message,
    ...(detail === undefined ? {} : { detail }),
    ...(sealsRejected ? sealRejected(prepareRejected(arrival, error, message)) : {}),
  });
  const verifier = { secrets, config: connection.config };
  const { verdict, body, bodyError }: Verification =
    unreadable === undefined
      ? verifyDelivery(connection.source, delivery, verifier, receivedAtMs)
      : { verdict: proveDelivery(connection.source, delivery, verifier, receivedAtMs) };
  if (!verdict.ok) return reject(verdict.error, verdict.message);
  if (body) return { item: yield* prepareInSteps(arrival, body) };
  const message = unreadable ?? bodyError?.message ?? 'the body cannot be read';
  return reject('INVALID_PAYLOAD', message, message);
}

function sealRejected({ seal, hasCredential }: Rejected): { sealed: WriteItem; hasCredential: boolean } {
  return { sealed: seal(), hasCredential };
}
