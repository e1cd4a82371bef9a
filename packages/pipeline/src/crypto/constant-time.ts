import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';

/** Of a SHA-256. */
const hexChars = 64;
const ofGiven = Buffer.alloc(hexChars);
const ofExpected = Buffer.alloc(hexChars);

/**
 * Compares two strings in a time that depends neither on where they differ nor on the length of the expected one: both are hashed first, and
 * the digests are compared (ASVS 11.2.4). The digests are texts in two buffers that are made once (measured: a new buffer takes longer than the
 * hash in it).
 */
export function safeEqual(given: string, expected: string): boolean {
  ofGiven.write(hash('sha256', given, 'hex'), 'latin1');
  ofExpected.write(hash('sha256', expected, 'hex'), 'latin1');
  return timingSafeEqual(ofGiven, ofExpected);
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
