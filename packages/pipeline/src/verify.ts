import { decodeBody } from './body.ts';
import { type Body, type Delivery, RecordError, type Secret, type Source, type Verdict } from './source.ts';

export interface Verification {
  verdict: Verdict;
  /** The decoded body; undefined where it could not be decoded, or nobody asked for it before the delivery was refused. */
  body?: Body;
  /** Why the body could not be decoded: INVALID_PAYLOAD, with a message that repeats nothing of it. */
  bodyError?: RecordError;
}

/**
 * Step one: is the delivery genuine, and what does its body say. Verified on the raw bytes; the body is decoded before only where the
 * source keeps its credential there. A source that throws refuses: nothing is accepted by accident.
 */
export function verifyDelivery(
  source: Source,
  delivery: Delivery,
  connection: { secrets: readonly Secret[]; config: unknown },
  nowMs: number,
): Verification {
  const decoded: { body?: Body; bodyError?: RecordError } = {};
  const decode = (): Body | undefined => {
    if (decoded.body === undefined && decoded.bodyError === undefined) {
      try {
        decoded.body = decodeBody(delivery);
      } catch (error) {
        decoded.bodyError = error instanceof RecordError ? error : new RecordError('INVALID_PAYLOAD', 'The body could not be decoded.');
      }
    }
    return decoded.body;
  };
  let verdict: Verdict;
  try {
    verdict = source.verify(delivery, connection.secrets, connection.config, nowMs, decode);
  } catch {
    verdict = { ok: false, error: 'INVALID_SIGNATURE', message: 'The delivery could not be verified.' };
  }
  if (verdict.ok) decode();
  return { verdict, ...decoded };
}
