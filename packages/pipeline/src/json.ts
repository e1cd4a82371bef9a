import { isObject } from './fields.ts';
import type { PathState } from './paths.ts';
import { step } from './paths.ts';
import { type Json, RecordError } from './source.ts';

/** JSON.parse takes five million levels, and JSON.stringify and jsonb break on a few thousand; no platform sends more than a dozen. */
export const jsonDepthMax = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of UTF-8 bytes, without a byte order mark. Throws INVALID_PAYLOAD on a byte sequence that is not UTF-8. */
export function decodeText(raw: Uint8Array): string {
  try {
    return utf8.decode(raw);
  } catch {
    throw new RecordError('INVALID_PAYLOAD', 'The body is not valid UTF-8.');
  }
}

export interface Scan {
  /** A run of 16 or more digits occurs outside strings: it may be an integer beyond 2^53. */
  longIntegers: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * One pass over JSON text before it is parsed. Throws INVALID_PAYLOAD when it is nested deeper than `depthMax`.
 * Text that is not JSON may pass: the parser says so afterwards.
 */
export function scan(text: string, depthMax: number = jsonDepthMax): Scan {
  const found: Scan = { longIntegers: false };
  let depth = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      digits += 1;
      if (digits === 16) found.longIntegers = true;
      continue;
    }
    digits = 0;
    if (code === quote) at = stringEnd(text, at);
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthMax) throw new RecordError('INVALID_PAYLOAD', `The body is nested deeper than ${depthMax} levels.`);
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return found;
}

/** Position of the quote that closes the string opened at `open`; the end of the text when none does. */
function stringEnd(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return text.length;
}

/**
 * JSON text to values. Integers beyond 2^53 become their decimal text, `__proto__` keys are left out, the last of duplicate keys wins.
 * A number too large for a double (1e400) becomes Infinity, for which its record alone is refused.
 * Throws INVALID_PAYLOAD when it is not JSON or is nested deeper than {@link jsonDepthMax}.
 */
export function parseJson(text: string): Json {
  const found = scan(text);
  let value: Json;
  try {
    value = found.longIntegers ? JSON.parse(text, keepLongInteger) : JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text around the mistake; only its position is safe to repeat.
    const position = Number(/ in JSON at position (\d+)/.exec((error as Error).message)?.[1]);
    throw new RecordError('INVALID_PAYLOAD', `The body is not valid JSON${position <= text.length ? ` at character ${position}` : ''}.`);
  }
  // A key may spell itself with escapes; those of ASCII letters and underscore begin \u005, \u006 or \u007.
  if (text.includes('__proto__') || /\\u00[567]/.test(text)) dropProto(value);
  return value;
}

function keepLongInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isFinite(value) || context?.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? context.source : value;
}

function dropProto(value: Json): void {
  if (Array.isArray(value)) for (const item of value) dropProto(item);
  else if (isObject(value)) {
    if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
    for (const item of Object.values(value)) dropProto(item);
  }
}

/**
 * One text for one meaning: keys sorted by code unit, no white space, values at `omit` left out.
 * Throws INVALID_PAYLOAD when nested deeper than twice {@link jsonDepthMax}.
 */
export function canonicalJson(value: Json, omit?: PathState): string {
  return write(value, omit, 0);
}

function write(value: Json, omit: PathState | undefined, depth: number): string {
  if (depth > 2 * jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', 'The record is nested too deep.');
  if (Array.isArray(value)) {
    let text = '[';
    for (let index = 0; index < value.length; index++) {
      const state = omit && step(omit, String(index));
      if (state?.end) continue;
      text += `${text.length > 1 ? ',' : ''}${write(value[index] ?? null, state, depth + 1)}`;
    }
    return `${text}]`;
  }
  if (!isObject(value)) return typeof value === 'string' ? quoted(value) : String(value);
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const state = omit && step(omit, key);
    if (state?.end) continue;
    text += `${text.length > 1 ? ',' : ''}${quotedKey(key)}:${write(value[key] ?? null, state, depth + 1)}`;
  }
  return `${text}}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As JSON.stringify, which costs several times as much for the short, plain strings that records are made of. */
function quoted(text: string): string {
  return text.length < 100 && !escaped.test(text) ? `"${text}"` : JSON.stringify(text);
}

const quotedKeys = new Map<string, string>();

/** A platform's field names are few and come again in every record. */
function quotedKey(key: string): string {
  let text = quotedKeys.get(key);
  if (text === undefined) {
    text = quoted(key);
    if (key.length <= 60 && quotedKeys.size < 5_000) quotedKeys.set(key, text);
  }
  return text;
}
