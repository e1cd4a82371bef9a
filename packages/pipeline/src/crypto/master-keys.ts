import { open, SealError, seal } from './seal.ts';

/** The keys that wrap every org's keys. New wraps use `current`; the others still open what they wrapped. */
export interface MasterKeys {
  current: number;
  keys: ReadonlyMap<number, Uint8Array>;
}

export interface WrappedKey {
  /** Version of the master key it is wrapped with. */
  version: number;
  wrapped: Uint8Array;
}

/**
 * `MASTER_KEY` text: `v2:<base64 of 32 bytes>,v1:<base64 …>`, the first one current; a bare base64 value is v1.
 * Throws SealError saying which entry is wrong and how, never repeating it.
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

/** Wraps a key with the current master key. `aad` as {@link open} will be given it. */
export function wrapKey(master: MasterKeys, key: Uint8Array, aad: string): WrappedKey {
  return { version: master.current, wrapped: seal(masterKey(master, master.current), key, aad) };
}

/** Throws SealError when the master key's version is not configured, or the wrapped key does not open. */
export function unwrapKey(master: MasterKeys, version: number, wrapped: Uint8Array, aad: string): Uint8Array {
  return open(masterKey(master, version), wrapped, aad);
}

/** The same key under the current master key: what a rotation does to every row. */
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
