import { type Json, type JsonObject, RecordError } from '../source.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const splitPaths = new Map<string, readonly string[]>();

function keysOf(path: string): readonly string[] {
  let keys = splitPaths.get(path);
  if (keys === undefined) {
    keys = path.split('.');
    // Sources and configs have some hundreds of paths. The limit keeps paths that are made of data from filling the memory.
    if (splitPaths.size < 5000) splitPaths.set(path, keys);
  }
  return keys;
}

/** The value of one field of an object, or undefined. Own properties only. */
export function own(object: JsonObject, key: string): Json | undefined {
  const found: Json | undefined = object[key];
  // What is not there is mostly not inherited either, so that only what was found is asked whether it is the object's own.
  return found === undefined || !Object.hasOwn(object, key) ? undefined : found;
}

/** The value at a dotted path (`data.purchase.transaction`, `items.0.id`), or undefined. Own properties only. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let current: Json | undefined = value;
  for (const key of keysOf(path)) {
    if (typeof current !== 'object' || current === null) return undefined;
    if (Array.isArray(current)) current = /^\d+$/.test(key) ? current[Number(key)] : undefined;
    else current = own(current, key);
  }
  return current;
}

/**
 * The non-empty text at a path. A number becomes its decimal text, since ids arrive as both. Undefined when the value is absent, null or
 * blank.
 */
export function text(value: Json | undefined, path: string): string | undefined {
  return textOf(at(value, path));
}

/** The text of a value, as {@link text} reads it. */
export function textOf(found: Json | undefined): string | undefined {
  if (typeof found === 'number') return String(found);
  if (typeof found !== 'string') return undefined;
  const trimmed = found.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** Like {@link text}, for the first of several paths that has a text. */
export function firstText(value: Json | undefined, ...paths: string[]): string | undefined {
  for (const path of paths) {
    const found = text(value, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a text can be an id of a platform: it has no spaces and none of the signs of addresses. Any other text there may be about a person. */
export function isIdText(text: string): boolean {
  return /^[\w.:-]{1,255}$/.test(text);
}

/** Like {@link firstText}; throws MISSING_FIELD naming the first path. */
export function requireText(value: Json | undefined, ...paths: [string, ...string[]]): string {
  const found = firstText(value, ...paths);
  if (found === undefined) throw new RecordError('MISSING_FIELD', `"${paths[0]}" is missing`, paths[0]);
  return found;
}

/** The finite number at a path, from a number or decimal text; undefined when absent. Throws SCHEMA_DRIFT for any other value. */
export function number(value: Json | undefined, path: string): number | undefined {
  const found = at(value, path);
  if (found === undefined || found === null || found === '') return undefined;
  const parsed =
    typeof found === 'number' ? found : typeof found === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(found) ? Number(found) : Number.NaN;
  if (!Number.isFinite(parsed)) throw new RecordError('SCHEMA_DRIFT', `"${path}" should be a number`, path);
  return parsed;
}

/** The object at a path. Throws MISSING_FIELD when it is absent, SCHEMA_DRIFT for any other value. */
export function requireObject(value: Json | undefined, path: string): JsonObject {
  const found = at(value, path);
  if (found === undefined || found === null) throw new RecordError('MISSING_FIELD', `"${path}" is missing`, path);
  if (!isObject(found)) throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an object`, path);
  return found;
}

/** The fields of the object with one of the names and a non-empty text, for `attribution`. */
export function pickTexts(value: Json | undefined, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const found = text(value, name);
    if (found !== undefined) picked[name] = found;
  }
  return picked;
}

/**
 * At most the first `charsMax` UTF-16 code units of a text, without half a character at the end: the database refuses a lone surrogate.
 * Every text that is shortened to fit a column is shortened by this function.
 */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax);
}

/** Whether the lists have the same texts in the same order. */
export const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((text, index) => text === other[index]));
