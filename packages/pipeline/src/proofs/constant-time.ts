import { createHmac, hash, timingSafeEqual } from 'node:crypto';

export type HmacAlgorithm = 'sha1' | 'sha256' | 'sha512';
export type HmacEncoding = 'hex' | 'base64';

/**
 * Compares two strings without telling by its time where they differ or how long the expected one is:
 * both are hashed to 32 bytes first (ASVS 11.2.4).
 */
export function safeEqual(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}

/** True when `given` equals one of `expected`; every candidate is compared, so that the time does not tell which. */
export function safeEqualAny(given: string, expected: readonly string[]): boolean {
  let found = false;
  for (const candidate of expected) if (safeEqual(given, candidate)) found = true;
  return found;
}

/** HMAC of `parts` in order, without joining them first (the raw body is never copied). */
export function hmac(
  algorithm: HmacAlgorithm,
  key: string | Uint8Array,
  parts: readonly (string | Uint8Array)[],
  encoding: HmacEncoding,
): string {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
}

/** Whole seconds since the epoch from a header's text; undefined when it is not a plain decimal integer. */
export function parseUnixSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

/** Whether a signed timestamp lies within `toleranceSeconds` of now, on either side. */
export function withinTolerance(timestampSeconds: number, nowMs: number, toleranceSeconds: number): boolean {
  return Math.abs(nowMs / 1000 - timestampSeconds) <= toleranceSeconds;
}
