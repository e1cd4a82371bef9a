import { Buffer } from 'node:buffer';
import { createHash, type Hash, hash } from 'node:crypto';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { jsonDepthMax } from './json.ts';
import { type PathState, step } from './paths.ts';

/**
 * Room for the canonical bytes of a record, kept for the next one. The bytes are hashed at once: a text of some hundred pieces would have to be
 * glued, flattened and encoded first (measured: 15 µs for a purchase, and 7 with the bytes). A longer record is hashed in pieces of this size.
 */
const scratch = Buffer.allocUnsafeSlow(32_768);
/** How much of the scratch is written. */
let used = 0;
/** The hash of the pieces before, for a record that is longer than the scratch. */
let pieces: Hash | undefined;

/** A longer text is written by native code, and a shorter one character by character, since each native call takes as long as 60 of them. */
const shortCharsMax = 128;
/** Bytes that a short text may take, with its quotes. */
const shortBytesMax = shortCharsMax * 2 + 2;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

/**
 * The SHA-256, in hexadecimal, of the UTF-8 bytes of `prefix` and {@link canonicalJson} of the value without the values at `omit`. Throws
 * INVALID_PAYLOAD when the value is nested deeper than twice {@link jsonDepthMax}.
 */
export function canonicalSha256(value: Json, omit?: PathState, prefix = ''): string {
  used = 0;
  pieces = undefined;
  if (prefix !== '') writeBytesOf(prefix);
  write(value, omit, 0);
  if (pieces === undefined) return hash('sha256', scratch.subarray(0, used), 'hex');
  flush();
  return (pieces as Hash).digest('hex');
}

function write(value: Json, omit: PathState | undefined, depth: number): void {
  if (depth > 2 * jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', 'The record is nested too deep.');
  if (typeof value === 'string') writeText(value);
  else if (typeof value !== 'object' || value === null) writeAscii(String(value));
  else if (Array.isArray(value)) writeArray(value, omit, depth);
  else writeObject(value, omit, depth);
}

function writeArray(array: readonly Json[], omit: PathState | undefined, depth: number): void {
  let isFirst = true;
  writeByte(0x5b);
  for (let index = 0; index < array.length; index++) {
    const state = omit && step(omit, String(index));
    if (state?.end) continue;
    if (isFirst) isFirst = false;
    else writeByte(comma);
    write(array[index] ?? null, state, depth + 1);
  }
  writeByte(0x5d);
}

function writeObject(object: JsonObject, omit: PathState | undefined, depth: number): void {
  let isFirst = true;
  writeByte(0x7b);
  for (const key of sortedKeys(object)) {
    const state = omit && step(omit, key);
    if (state?.end) continue;
    if (isFirst) isFirst = false;
    else writeByte(comma);
    writeText(key);
    writeByte(0x3a);
    write(object[key] ?? null, state, depth + 1);
  }
  writeByte(0x7d);
}

/**
 * The keys by code unit. An object of a platform has few keys, for which moving each to its place takes 2 µs in
 * a purchase, and the general sort 9 µs.
 */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  if (keys.length > 40) return keys.sort();
  for (let next = 1; next < keys.length; next++) {
    const key = keys[next] as string;
    let at = next;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** Writes the text as JSON.stringify does. */
function writeText(text: string): void {
  if (text.length > shortCharsMax || !wroteShort(text)) writeBytesOf(JSON.stringify(text));
}

/** Writes a short text, unless it has a character that is escaped, or one of three or more bytes. */
function wroteShort(text: string): boolean {
  makeRoom(shortBytesMax);
  let at = used;
  scratch[at++] = quote;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === quote || code === backslash || code >= 0x800) return false;
    if (code < 0x80) scratch[at++] = code;
    else {
      scratch[at++] = 0xc0 | (code >> 6);
      scratch[at++] = 0x80 | (code & 0x3f);
    }
  }
  scratch[at++] = quote;
  used = at;
  return true;
}

/** Writes the text of a number, a boolean or null. */
function writeAscii(text: string): void {
  makeRoom(text.length);
  for (let index = 0; index < text.length; index++) scratch[used++] = text.charCodeAt(index);
}

function writeByte(byte: number): void {
  makeRoom(1);
  scratch[used++] = byte;
}

/** Writes a text as its UTF-8 bytes. */
function writeBytesOf(text: string): void {
  if (text.length * 3 <= scratch.length) {
    makeRoom(text.length * 3);
    used += scratch.write(text, used, 'utf8');
    return;
  }
  flush();
  pieces?.update(text, 'utf8');
}

function makeRoom(bytes: number): void {
  if (used + bytes > scratch.length) flush();
}

/** Hashes what is written, as the next piece of a record that is longer than the scratch. */
function flush(): void {
  pieces ??= createHash('sha256');
  pieces.update(scratch.subarray(0, used));
  used = 0;
}
