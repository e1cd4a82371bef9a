import { type Json, RecordError } from '../source.ts';
import { isObject } from './fields.ts';
import type { PathState } from './paths.ts';
import { step } from './paths.ts';

/** JSON.parse takes five million levels, JSON.stringify and jsonb fail at a few thousand, and no platform sends more than a dozen. */
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

/**
 * Values of one body: objects, arrays, texts, numbers, booleans and nulls. A parsed value takes up to a hundred times its text (`{},` is three
 * characters and 56 bytes), so that the size of the body alone does not bound the memory. Ten thousand records of twenty values fit, and
 * more than two thousand purchases of Hotmart. A megabyte of JSON that a platform writes holds about a quarter as many values.
 */
export const jsonValuesMax = 200_000;

/** How many values the texts of one body may still hold. The lines of an NDJSON body share one budget. */
export interface ValueBudget {
  left: number;
}

/** A range of a text, from `start` up to and without `end`. */
interface Span {
  start: number;
  end: number;
}

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const colon = 0x3a;
const backslash = 0x5c;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
/** One of `.eE+-`, which may continue a number. */
const isNumberSign = (code: number): boolean => code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === minus;

/**
 * One pass over JSON text before it is parsed: counts its values against `budget` and returns where its integers beyond 2^53 stand.
 * Throws INVALID_PAYLOAD when the text is nested deeper than {@link jsonDepthMax} or holds more values than are left, before anything is
 * allocated for them. Text that is not JSON may pass: the parser refuses it afterwards.
 */
export function scan(text: string, budget: ValueBudget): Span[] {
  const longIntegers: Span[] = [];
  let depth = 0;
  let left = budget.left - 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at);
    else if (isDigit(code)) {
      const start = at;
      while (isDigit(text.charCodeAt(at + 1))) at += 1;
      // 2^53 has 16 digits.
      if (at - start >= 15) noteLongInteger(text, start, at + 1, longIntegers);
    } else if (code === comma) left -= 1;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', `The body is nested deeper than ${jsonDepthMax} levels.`);
      // The first value of a container that is not empty. The codes of `}` and `]` are two above those of `{` and `[`.
      if (text.charCodeAt(at + 1) !== code + 2) left -= 1;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
    if (left < 0) throw new RecordError('INVALID_PAYLOAD', `The body has more than ${jsonValuesMax} JSON values.`);
  }
  budget.left = left;
  return longIntegers;
}

/** Position of the quote that closes the string opened at `open`; the end of the text when there is no such quote. */
export function stringEnd(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (close !== -1) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return text.length;
}

/** Adds the digits from `start` to `end` with their sign, where they are a complete integer that a double would round. */
function noteLongInteger(text: string, start: number, end: number, into: Span[]): void {
  const signed = text.charCodeAt(start - 1) === minus ? start - 1 : start;
  const isPart = isNumberSign(text.charCodeAt(signed - 1)) || isNumberSign(text.charCodeAt(end));
  // The added quotes must not turn text that is not JSON into JSON.
  const isMalformed = text.charAt(start) === '0' || text.charCodeAt(afterSpace(text, end)) === colon;
  // A number of 309 digits becomes Infinity, for which its record is refused.
  if (isPart || isMalformed || end - start > 309) return;
  const value = Number(text.slice(signed, end));
  if (!Number.isSafeInteger(value) && Number.isFinite(value)) into.push({ start: signed, end });
}

function afterSpace(text: string, at: number): number {
  let after = at;
  while (isSpace(text.charCodeAt(after))) after += 1;
  return after;
}

/**
 * JSON text to values. Integers beyond 2^53 become their decimal text, `__proto__` keys are left out, the last of duplicate keys wins.
 * A number too large for a double (1e400) becomes Infinity, for which its record alone is refused.
 * Throws INVALID_PAYLOAD when the text is not JSON, is nested deeper than {@link jsonDepthMax}, or holds more values than `budget` has left.
 */
export function parseJson(text: string, budget: ValueBudget = { left: jsonValuesMax }): Json {
  const longIntegers = scan(text, budget);
  let value: Json;
  try {
    // The integers are quoted in the text: a reviver is called for every value, and costs eighty times the text in memory.
    value = JSON.parse(longIntegers.length === 0 ? text : quoteSpans(text, longIntegers));
  } catch (error) {
    // The engine's message quotes the text around the mistake; only its position is safe to repeat.
    const quoted = Number(/ in JSON at position (\d+)/.exec((error as Error).message)?.[1]);
    const position = withoutQuotes(quoted, longIntegers);
    throw new RecordError('INVALID_PAYLOAD', `The body is not valid JSON${position <= text.length ? ` at character ${position}` : ''}.`);
  }
  // A key may be written with escapes; those of ASCII letters and the underscore begin with \u005, \u006 or \u007.
  if (text.includes('__proto__') || (text.includes('\\u00') && /\\u00[567]/.test(text))) dropProto(value);
  return value;
}

function quoteSpans(text: string, spans: readonly Span[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { start, end } of spans) {
    parts.push(text.slice(from, start), text.slice(start, end));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join('"');
}

/** The position in the text that stands at `position` once each of the spans has a quote before and after it. */
function withoutQuotes(position: number, spans: readonly Span[]): number {
  let quotes = 0;
  for (const { start, end } of spans) {
    if (position > start + quotes) quotes += 1;
    if (position > end + quotes) quotes += 1;
  }
  return position - quotes;
}

function dropProto(value: Json): void {
  if (Array.isArray(value)) for (const item of value) dropProto(item);
  else if (isObject(value)) {
    if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
    for (const item of Object.values(value)) dropProto(item);
  }
}

/**
 * The same text for equal values: keys sorted by code unit, no white space, without the values at `omit`. Fingerprints are made of its bytes
 * (canonical.ts).
 * Throws INVALID_PAYLOAD when the value is nested deeper than twice {@link jsonDepthMax}.
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
  if (!isObject(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value);
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const state = omit && step(omit, key);
    if (state?.end) continue;
    text += `${text.length > 1 ? ',' : ''}${JSON.stringify(key)}:${write(value[key] ?? null, state, depth + 1)}`;
  }
  return `${text}}`;
}
