import { decodeBody } from './reading/body.ts';
import { type Body, type Delivery, RecordError, type Secret, type Source, type Verdict } from './source.ts';

export interface Verification {
  verdict: Verdict;
  /** The decoded body of a genuine delivery; undefined where the delivery is refused or its body cannot be decoded. */
  body?: Body;
  /** Why the body of a genuine delivery could not be decoded: INVALID_PAYLOAD, with a message that does not quote the body. */
  bodyError?: RecordError;
}

/** The connection as far as it decides whether a delivery is genuine. */
export interface Verifier {
  secrets: readonly Secret[];
  config: unknown;
}

/** Proves the delivery genuine on its raw bytes, without reading its body. A source that throws refuses the delivery. */
export function proveDelivery(source: Source, delivery: Delivery, { secrets, config }: Verifier, nowMs: number): Verdict {
  try {
    return source.verify(delivery, secrets, config, nowMs);
  } catch {
    return { ok: false, error: 'INVALID_SIGNATURE', message: 'The delivery could not be verified.' };
  }
}

/**
 * Step one: verifies the delivery on its raw bytes, and decodes the body of a genuine one. Nothing is parsed before the delivery is verified:
 * parsing takes many times the memory of the bytes, and an unauthenticated sender could choose how many.
 */
export function verifyDelivery(source: Source, delivery: Delivery, connection: Verifier, nowMs: number): Verification {
  const verdict = proveDelivery(source, delivery, connection, nowMs);
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
