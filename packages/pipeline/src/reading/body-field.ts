import type { Delivery } from '../source.ts';
import { declaredCharset } from './charset.ts';
import { componentDecoder, decodeComponent, formFieldsMax } from './form.ts';
import { stringEnd } from './json.ts';

/** Bytes of a body that are searched. Platforms that put their credential into the body send some kilobytes. */
const walkedBytesMax = 262_144;
/** A longer name or value is not a credential. */
const literalBytesMax = 1_024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes of a field's value in the body, from `start` up to and without `end`. */
export interface FieldPlace {
  start: number;
  end: number;
}

export interface BodyField {
  /**
   * Text of the field, of the last one where the body has several; undefined without the field, or where its value is neither text nor a
   * whole number.
   */
  text: string | undefined;
  /** Every place of the field in the body, in order. */
  places: FieldPlace[];
  /** False where the body is too long or malformed, so that the field may also occur in a part that was not searched. */
  isComplete: boolean;
  kind: 'json' | 'form';
}

/**
 * Finds one top-level field of a body that is not verified yet, by a scan of its first 256 KiB that allocates no values: parsing would take
 * many times the memory and time that the sender spent. The body is a JSON object or a form; in any other body nothing is found.
 */
export function findBodyField({ raw, headers }: Pick<Delivery, 'raw' | 'headers'>, name: string): BodyField {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1', 0, walkedBytesMax);
  const isCut = raw.byteLength > walkedBytesMax;
  // In latin1 a byte order mark is three characters.
  const start = skipSpace(text, text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0);
  const first = text.charAt(start);
  const contentType = headers['content-type'] ?? '';
  const isJson = first === '{' || first === '[' || first === '"';
  const found = isJson ? walkObject(text, start, name, raw) : walkForm(text, name, contentType);
  return isCut ? { ...found, isComplete: false } : found;
}

const emptyField = (kind: BodyField['kind']): BodyField => ({ text: undefined, places: [], isComplete: false, kind });

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text.charAt(at) === ' ' || text.charAt(at) === '\n' || text.charAt(at) === '\r' || text.charAt(at) === '\t') at += 1;
  return at;
}

/** Scans the object that begins at `open`, key by key, and skips its values. Finds nothing where another kind of value begins there. */
function walkObject(text: string, open: number, name: string, raw: Uint8Array): BodyField {
  const found = emptyField('json');
  if (text.charAt(open) !== '{') return found;
  let at = skipSpace(text, open + 1);
  while (text.charAt(at) === '"') {
    const keyEnd = stringEnd(text, at) + 1;
    const key = text.slice(at + 1, keyEnd - 1);
    const isNamed = key === name || (key.includes('\\') && literal(raw, { start: at, end: keyEnd }) === name);
    at = skipSpace(text, keyEnd);
    if (text.charAt(at) !== ':') return found;
    const start = skipSpace(text, at + 1);
    const end = valueEnd(text, start);
    if (end > text.length || end === start) return found;
    if (isNamed) {
      found.places.push({ start, end });
      found.text = textOf(raw, { start, end });
    }
    at = skipSpace(text, end);
    if (text.charAt(at) === ',') at = skipSpace(text, at + 1);
    else break;
  }
  found.isComplete = text.charAt(at) === '}' && skipSpace(text, at + 1) === text.length;
  return found;
}

/** The position after the value that begins at `start`; beyond the text where the value is not complete. */
function valueEnd(text: string, start: number): number {
  const first = text.charAt(start);
  if (first === '"') return stringEnd(text, start) + 1;
  if (first !== '{' && first !== '[') {
    let at = start;
    while (at < text.length && !',}] \n\r\t'.includes(text.charAt(at))) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') at = stringEnd(text, at);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length + 1;
}

function textOf(raw: Uint8Array, place: FieldPlace): string | undefined {
  const value = literal(raw, place);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined;
}

/** A JSON value of at most {@link literalBytesMax} bytes; undefined where the value is longer or not JSON. */
function literal(raw: Uint8Array, { start, end }: FieldPlace): unknown {
  if (end - start > literalBytesMax) return undefined;
  try {
    return JSON.parse(utf8.decode(raw.subarray(start, end)));
  } catch {
    return undefined;
  }
}

function walkForm(text: string, name: string, contentType: string): BodyField {
  const found = emptyField('form');
  const charset = declaredCharset(contentType);
  const decode = charset === undefined ? decodeComponent : componentDecoder(charset);
  let start = 0;
  for (let fields = 0; fields <= formFieldsMax; fields++) {
    const next = text.indexOf('&', start);
    const end = next === -1 ? text.length : next;
    const equals = text.indexOf('=', start);
    if (equals !== -1 && equals < end && component(text.slice(start, equals), decode) === name) {
      found.places.push({ start: equals + 1, end });
      found.text = component(text.slice(equals + 1, end), decode)?.trim() || undefined;
    }
    if (next === -1) return { ...found, isComplete: true };
    start = next + 1;
  }
  return found;
}

function component(encoded: string, decode: (component: string) => string): string | undefined {
  if (encoded.length > literalBytesMax) return undefined;
  try {
    return decode(encoded.trim());
  } catch {
    return undefined;
  }
}
