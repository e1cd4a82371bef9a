import type { Verdict } from '../../source.ts';

export function refused(message: string): Verdict {
  return { ok: false, error: 'INVALID_SIGNATURE', message };
}

export function tooOld(toleranceSeconds: number): Verdict {
  return {
    ok: false,
    error: 'TIMESTAMP_OUT_OF_TOLERANCE',
    message: `The delivery was signed more than ${toleranceSeconds} seconds before or after it arrived.`,
  };
}
