import { Buffer } from 'node:buffer';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { type Charset, decodeCharset } from './charset.ts';
import { isObject } from './fields.ts';
import { jsonDepthMax } from './json.ts';

/** PHP's default for max_input_vars. The largest form that a platform sends has about a hundred fields. */
export const formFieldsMax = 1000;

/** Objects made from brackets. Those whose keys are 0, 1, 2, … become arrays, as PHP would encode them. */
type Bracketed = WeakSet<JsonObject>;

/**
 * Parses form fields to an object. PHP brackets nest (`venda[codigo]=1`, `items[0][id]=2`, `tags[]=a`), and the last of repeated names wins.
 * `decode` turns percent-encoded text into characters. Throws INVALID_PAYLOAD on more than 1,000 fields or 100 brackets in one name.
 */
export function parseForm(text: string, decode: (component: string) => string = decodeComponent): JsonObject {
  const form: JsonObject = {};
  const bracketed: Bracketed = new WeakSet();
  let fields = 0;
  for (const pair of text.split('&', formFieldsMax + 2)) {
    if (pair === '') continue;
    fields += 1;
    if (fields > formFieldsMax) throw new RecordError('INVALID_PAYLOAD', `The form has more than ${formFieldsMax} fields.`);
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    place(form, fieldPath(name), equals === -1 ? '' : decode(pair.slice(equals + 1)), bracketed);
  }
  return bracketsToArrays(form, bracketed) as JsonObject;
}

/** `venda[codigo][]` → `venda`, `codigo`, ``. A name whose brackets are not closed is one plain key. */
export function fieldPath(name: string): string[] {
  const open = name.indexOf('[');
  if (open <= 0 || !name.endsWith(']')) return [name];
  const path = [name.slice(0, open), ...name.slice(open + 1, -1).split('][')];
  if (path.length > jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', `The form is nested deeper than ${jsonDepthMax} levels.`);
  return path;
}

function place(form: JsonObject, path: readonly string[], value: string, bracketed: Bracketed): void {
  if (path.includes('__proto__')) return;
  let target = form;
  for (const [index, segment] of path.entries()) {
    const key = segment === '' && index > 0 ? String(Object.keys(target).length) : segment;
    if (index === path.length - 1) {
      target[key] = value;
      return;
    }
    let child: Json | undefined = Object.hasOwn(target, key) ? target[key] : undefined;
    if (!isObject(child)) {
      child = {};
      bracketed.add(child);
      target[key] = child;
    }
    target = child;
  }
}

function bracketsToArrays(value: Json, bracketed: Bracketed): Json {
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  for (const key of keys) value[key] = bracketsToArrays(value[key] ?? null, bracketed);
  return bracketed.has(value) && keys.every((key, index) => key === String(index)) ? Object.values(value) : value;
}

/**
 * Decodes one percent-encoded component in UTF-8, with `+` for a space. A stray `%` is kept, as browsers do.
 * Throws INVALID_PAYLOAD when the bytes are not UTF-8.
 */
export function decodeComponent(component: string): string {
  const spaced = component.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced.replace(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch {
    throw new RecordError('INVALID_PAYLOAD', 'A form field is not valid UTF-8.');
  }
}

/**
 * Decodes the components of a form in the charset that its content type declares. The text of the form has one character for each byte, because
 * a character of some charsets (Shift_JIS) continues in bytes that look like letters.
 */
export function componentDecoder(charset: Charset): (component: string) => string {
  return (component) => {
    const bytes = component
      .replaceAll('+', ' ')
      .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return decodeCharset(Buffer.from(bytes, 'latin1'), charset, 'A form field');
  };
}
