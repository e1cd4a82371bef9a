import { decodeBody } from './reading/body.ts';
import { type Body, type Delivery, RecordError, type Secret, type Source, type Verdict } from './source.ts';

export interface Verification {
  verdict: Verdict;
  /** The decoded body of a genuine delivery; undefined where the delivery is refused or its body cannot be decoded. */
  body?: Body;
  /** Why the body of a genuine delivery could not be decoded: INVALID_PAYLOAD, with a message that does not quote the body. */
  bodyError?: RecordError;
}

/**
 * Step one: verifies the delivery on its raw bytes, and decodes the body of a genuine one. Nothing is parsed before the delivery is verified:
 * parsing takes many times the memory of the bytes, and an unauthenticated sender could choose how many. A source that throws refuses the delivery.
 */
export function verifyDelivery(
  source: Source,
  delivery: Delivery,
  connection: { secrets: readonly Secret[]; config: unknown },
  nowMs: number,
): Verification {
  let verdict: Verdict;
  try {
    verdict = source.verify(delivery, connection.secrets, connection.config, nowMs);
  } catch {
    verdict = { ok: false, error: 'INVALID_SIGNATURE', message: 'The delivery could not be verified.' };
  }
  if (!verdict.ok) return { verdict };
  try {
    return { verdict, body: decodeBody(delivery) };
  } catch (error) {
    return {
      verdict,
      bodyError: error instanceof RecordError ? error : new RecordError('INVALID_PAYLOAD', 'The body could not be decoded.'),
    };
  }
}
