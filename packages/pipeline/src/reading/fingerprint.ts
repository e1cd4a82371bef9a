import { hash } from 'node:crypto';
import type { JsonObject, Source } from '../source.ts';
import { canonicalSha256 } from './canonical.ts';
import { compilePaths, type PathState } from './paths.ts';

/** SHA-256 of the bytes as they arrived. */
export function sha256(raw: Uint8Array | string): Buffer {
  return hash('sha256', raw, 'buffer');
}

/**
 * SHA-256, in hexadecimal, of a record without the paths in `omit` (attempt counters, credentials). Key order and white space do not matter: the
 * hash is equal for two deliveries of one event, and different when the content changed. `name` is the event's name where the record does not
 * contain it.
 */
export function recordFingerprint(record: JsonObject, omit?: PathState, name?: string): string {
  return canonicalSha256(record, omit, name === undefined ? '' : `${name}\n`);
}

/** The fingerprint of a record of the source: without its credentials and its volatile paths, and with the name that its delivery gives to it. */
export function fingerprintOf(
  source: Source,
  record: JsonObject,
  { config, headers }: { config: unknown; headers: Readonly<Record<string, string | undefined>> },
): string {
  const omits = omitsOf(
    source.volatileFor?.(config, record) ?? source.volatile,
    (source.credentialsFor?.(config) ?? source.credentials).body,
  );
  return recordFingerprint(record, omits, source.nameOutside?.(config, headers));
}

/** Compiled once for each list of volatile paths and each list of credentials. */
const compiled = new WeakMap<readonly string[], Map<string, PathState | undefined>>();

function omitsOf(volatile: readonly string[], credentials: readonly string[]): PathState | undefined {
  let byCredentials = compiled.get(volatile);
  if (byCredentials === undefined) {
    byCredentials = new Map();
    compiled.set(volatile, byCredentials);
  }
  const key = credentials.join('\n');
  if (!byCredentials.has(key)) byCredentials.set(key, compilePaths([...volatile, ...credentials]));
  return byCredentials.get(key);
}
