import { hash } from 'node:crypto';
import type { JsonObject } from '../source.ts';
import { canonicalJson } from './json.ts';
import type { PathState } from './paths.ts';

/** SHA-256 of the bytes as they arrived. */
export function sha256(raw: Uint8Array | string): Buffer {
  return hash('sha256', raw, 'buffer');
}

/**
 * SHA-256 of a record without the paths in `omit` (attempt counters, credentials). Key order and white space do not matter: the hash is equal
 * for two deliveries of one event, and different when the content changed.
 */
export function recordFingerprint(record: JsonObject, omit?: PathState): Buffer {
  return sha256(canonicalJson(record, omit));
}
