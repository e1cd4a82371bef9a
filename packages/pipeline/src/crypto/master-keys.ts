import { open, SealError, seal } from './seal.ts';

/** The keys that wrap the keys of all orgs. `current` wraps new keys; the others unwrap the keys that they wrapped before. */
export interface MasterKeys {
  current: number;
  keys: ReadonlyMap<number, Uint8Array>;
}

export interface WrappedKey {
  /** Version of the master key that wrapped the key. */
  version: number;
  wrapped: Uint8Array;
}

/**
 * Parses the text of `MASTER_KEY`: `v2:<base64 of 32 bytes>,v1:<base64 …>`, of which the first is current; a bare base64 value is v1.
 * Throws SealError that says which entry is wrong and how, without repeating the entry.
 */
export function parseMasterKeys(text: string): MasterKeys {
  const keys = new Map<number, Uint8Array>();
  let current: number | undefined;
  for (const [index, entry] of text
    .trim()
    .split(/\s*,\s*/)
    .entries()) {
    const match = /^(?:v([1-9]\d{0,5}):)?([A-Za-z0-9+/_-]+={0,2})$/.exec(entry);
    if (!match) throw new SealError(`Entry ${index + 1} of MASTER_KEY is not of the form v<number>:<base64>.`);
    const version = Number(match[1] ?? 1);
    if (keys.has(version)) throw new SealError(`MASTER_KEY holds version ${version} twice.`);
    const key = decodeBase64(match[2] ?? '');
    if (key?.length !== 32) throw new SealError(`Entry ${index + 1} of MASTER_KEY is not the base64 of 32 bytes.`);
    keys.set(version, key);
    current ??= version;
  }
  if (current === undefined) throw new SealError('MASTER_KEY is empty.');
  return { current, keys };
}

/** Wraps a key with the current master key. Unwrapping needs the same `aad`. */
export function wrapKey(master: MasterKeys, key: Uint8Array, aad: string): WrappedKey {
  return { version: master.current, wrapped: seal(masterKey(master, master.current), key, aad) };
}

/**
 * The wrapped key in plaintext. Throws SealError when the master key's version is not configured, or the key was wrapped with another key or
 * `aad`.
 */
export function unwrapKey(master: MasterKeys, version: number, wrapped: Uint8Array, aad: string): Uint8Array {
  return open(masterKey(master, version), wrapped, aad);
}

/** The same key, wrapped with the current master key. A rotation rewraps every row. */
export function rewrap(master: MasterKeys, version: number, wrapped: Uint8Array, aad: string): WrappedKey {
  return wrapKey(master, unwrapKey(master, version, wrapped, aad), aad);
}

function masterKey(master: MasterKeys, version: number): Uint8Array {
  const key = master.keys.get(version);
  if (key === undefined) throw new SealError(`MASTER_KEY does not hold version ${version}.`);
  return key;
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
