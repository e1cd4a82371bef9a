import type { RejectClass, Verdict } from '../source.ts';

/** The message is shown to people of the org: it never repeats a secret or a part of the delivery. */
export function refused(message: string, error: RejectClass = 'INVALID_SIGNATURE'): Verdict {
  return { ok: false, error, message };
}

export function outsideTolerance(toleranceSeconds: number): Verdict {
  return {
    ok: false,
    error: 'TIMESTAMP_OUT_OF_TOLERANCE',
    message: `The delivery was signed more than ${toleranceSeconds} seconds before or after it arrived.`,
  };
}

/**
 * The verdict on a delivery whose signature covers its time. The signature is checked first, so that a sender without the secret cannot
 * probe our clock. A time ahead of ours is refused as well, since a signature dated ahead could be replayed until that time has passed.
 */
export function signedAt(timestampSeconds: number, nowMs: number, toleranceSeconds: number): Verdict {
  return Math.abs(nowMs / 1000 - timestampSeconds) <= toleranceSeconds ? { ok: true } : outsideTolerance(toleranceSeconds);
}

/** Whole seconds since the epoch from a header's text; undefined when it is not a plain decimal integer. */
export function parseUnixSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
