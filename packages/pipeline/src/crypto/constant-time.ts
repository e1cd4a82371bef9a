import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Compares two strings in a time that depends neither on where they differ nor on the length of the expected one: both are hashed to
 * 32 bytes first (ASVS 11.2.4).
 */
export function safeEqual(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}

/** Whether `given` equals one of `expected`. Every candidate is compared, so that the time does not tell which one matched. */
export function safeEqualAny(given: string, expected: readonly string[]): boolean {
  let found = false;
  for (const candidate of expected) if (safeEqual(given, candidate)) found = true;
  return found;
}

/** Whether any of `given` equals any of `expected`. Every pair is compared. */
export function anySafeEqual(given: readonly string[], expected: readonly string[]): boolean {
  let found = false;
  for (const text of given) if (safeEqualAny(text, expected)) found = true;
  return found;
}
