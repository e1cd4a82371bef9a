import { isObject } from '../reading/fields.ts';
import { jsonDepthMax } from '../reading/json.ts';
import { type PathState, step } from '../reading/paths.ts';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { isFreeText, looksPersonal } from './patterns.ts';
import { personalKind } from './personal-field-names.ts';
import { type Collected, collectBranch, newCollected, occurring, repeats } from './repeats.ts';
import { shrink } from './shrink.ts';

/** Characters of JSON that one event's `properties` may have. A platform's largest order has a quarter of them. */
const propertiesCharsMax = 65_536;

/** The compiled paths of a record that are personal or credentials. */
export interface PersonalPaths {
  remove: PathState | undefined;
  keep: PathState | undefined;
  /** With this set, every field that none of its paths names is removed too. */
  only?: PathState | 'none' | undefined;
}

/** What may be kept below the current place of the walk: everything, nothing, or the fields that these paths name. */
type Allowed = PathState | 'all' | 'none';

/** The first half of a redaction: values that are personal by their path, key or form are removed, and their repetitions are still there. */
export interface Pruned {
  value: JsonObject;
  collected: Collected;
  /** Every key, string and longer number of `value`, which may repeat a collected value. */
  texts: string[];
  /** Estimated characters of the JSON of `value`, without escapes. */
  chars: number;
}

interface Run extends Omit<Pruned, 'value'> {
  /** For samples of dead letters: a removed value leaves its type, and a text that jsonb refuses is repaired instead of refused. */
  asSample: boolean;
}

/**
 * Removes everything personal from a record, by `paths` and by the names of its keys, and collects the removed values. Free text is removed
 * too, except under `keep`, and so is every field that `only` does not name: of these fields only the values with a personal key are collected,
 * since the others may be anything. Throws INVALID_PAYLOAD for text that jsonb refuses (U+0000, lone surrogates) and for infinite numbers.
 */
export function prune(record: JsonObject, paths: PersonalPaths, asSample = false): Pruned {
  const run: Run = { collected: newCollected(), texts: [], chars: 0, asSample };
  const { remove, keep, only = 'all' } = paths;
  const value = pruneObject(run, record, { key: undefined, holder: undefined, remove, keep, allowed: only, kept: false, depth: 0 });
  return { value, ...run };
}

/**
 * The second half: removes every string, number and key that repeats a collected value.
 * The result has at most `charsMax` characters of JSON; `_truncated: true` says that something was cut to fit.
 */
export function finish(pruned: Pruned, charsMax: number = propertiesCharsMax): JsonObject {
  // An escape takes up to six characters. Only a record that could be too large is measured exactly, and shortened before the search.
  const value = pruned.chars * 6 <= charsMax ? pruned.value : shrink(pruned.value, charsMax);
  const found = occurring(value === pruned.value ? pruned.texts : textsOf(value), pruned.collected);
  if (found.overflow) return { _truncated: true };
  return isEmpty(found) ? value : (withoutRepeats(value, found) as JsonObject);
}

function textsOf(value: Json, into: string[] = []): string[] {
  if (typeof value === 'string' || typeof value === 'number') into.push(String(value));
  else if (Array.isArray(value)) for (const item of value) textsOf(item, into);
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      into.push(key);
      textsOf(item, into);
    }
  }
  return into;
}

/** Both halves in one, for a record whose personal values are all in the record. */
export function redact(record: JsonObject, paths: PersonalPaths, charsMax: number = propertiesCharsMax): JsonObject {
  return finish(prune(record, paths), charsMax);
}

/** Whether a text for a readable column contains or repeats a personal value. */
export function containsPersonal(text: string, collected: Collected): boolean {
  return looksPersonal(text) || repeats(text, collected);
}

/** Throws INVALID_PAYLOAD for text that jsonb and text columns refuse. */
export function requireStorable(text: string): void {
  if (!isStorable(text))
    throw new RecordError('INVALID_PAYLOAD', 'A text contains U+0000 or a lone surrogate, which the database refuses.');
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

const isEmpty = (collected: Collected) => !collected.overflow && collected.texts.size === 0 && collected.digits.size === 0;

/** The place of a value in its record: how far the paths have been followed to it, and what may stay of it. */
interface Place {
  key: string | undefined;
  /** Key of the object around the value. */
  holder: string | undefined;
  remove: PathState | undefined;
  keep: PathState | undefined;
  allowed: Allowed;
  /** A path of `keep` names this value or one above: nothing below is removed for its key or for being free text. */
  kept: boolean;
  depth: number;
}

function pruneObject(run: Run, object: JsonObject, place: Place): JsonObject {
  requireDepth(place.depth);
  const out: JsonObject = {};
  for (const key of Object.keys(object)) {
    if (key === '__proto__') continue;
    const value = object[key] as Json;
    const remove = place.remove && step(place.remove, key);
    const keep = place.keep && step(place.keep, key);
    const kept = place.kept || keep?.end === true;
    const kind = personalKind(key, place.key);
    const declared = remove?.end === true;
    if (declared || (kind !== undefined && !kept && typeof value !== 'boolean' && value !== null)) {
      collectBranch(run.collected, value, key, kind);
      if (run.asSample && storableKey(key)) {
        run.texts.push(key);
        out[key] = placeholder(value);
      }
      continue;
    }
    if (!storableKey(key)) {
      if (!run.asSample) requireStorable(key);
      collectBranch(run.collected, value, key, kind);
      continue;
    }
    const allowed = allowedAt(place.allowed, key);
    const pruned = isContainer(value)
      ? pruneContainer(run, value, { key, holder: place.key, remove, keep, allowed, kept, depth: place.depth + 1 })
      : pruneLeaf(run, value, allowed, kept);
    if (pruned === undefined || (allowed !== 'all' && !run.asSample && holdsNoValue(pruned))) continue;
    run.texts.push(key);
    run.chars += key.length + 4;
    out[key] = pruned;
  }
  return out;
}

function pruneArray(run: Run, array: readonly Json[], place: Place): Json[] {
  requireDepth(place.depth);
  const out: Json[] = [];
  for (let index = 0; index < array.length; index++) {
    const item = array[index] as Json;
    const remove = place.remove && step(place.remove, String(index));
    const keep = place.keep && step(place.keep, String(index));
    if (remove?.end) {
      const { key = '', holder } = place;
      collectBranch(run.collected, item, key, personalKind(key, holder));
      if (run.asSample) out.push(placeholder(item));
      continue;
    }
    const allowed = allowedAt(place.allowed, String(index));
    const kept = place.kept || keep?.end === true;
    const pruned = isContainer(item)
      ? pruneContainer(run, item, { ...place, remove, keep, allowed, kept, depth: place.depth + 1 })
      : pruneLeaf(run, item, allowed, kept);
    if (pruned !== undefined) out.push(pruned);
  }
  return out;
}

function pruneContainer(run: Run, value: Json[] | JsonObject, place: Place): Json {
  run.chars += 26;
  return Array.isArray(value) ? pruneArray(run, value, place) : pruneObject(run, value, place);
}

function pruneLeaf(run: Run, value: Leaf, allowed: Allowed, kept: boolean): Json | undefined {
  if (allowed !== 'all') return run.asSample ? placeholder(value) : undefined;
  run.chars += typeof value === 'string' ? value.length + 3 : 26;
  if (typeof value === 'string') return pruneString(run, value, kept);
  return typeof value === 'number' ? pruneNumber(run, value) : value;
}

type Leaf = Exclude<Json, Json[] | JsonObject>;

function isContainer(value: Json): value is Json[] | JsonObject {
  return typeof value === 'object' && value !== null;
}

function requireDepth(depth: number): void {
  if (depth > 2 * jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', 'The record is nested too deep.');
}

function allowedAt(allowed: Allowed, key: string): Allowed {
  if (typeof allowed === 'string') return allowed;
  const next = step(allowed, key);
  return next === undefined ? 'none' : next.end ? 'all' : next;
}

/** Whether the value is empty, or holds only empty objects and lists. */
function holdsNoValue(value: Json): boolean {
  if (Array.isArray(value)) return value.every(holdsNoValue);
  return isObject(value) && Object.keys(value).length === 0;
}

function pruneString(run: Run, value: string, kept: boolean): string | undefined {
  if ((!kept && isFreeText(value)) || looksPersonal(value)) return run.asSample ? placeholder(value) : undefined;
  if (isStorable(value)) {
    run.texts.push(value);
    return value;
  }
  if (!run.asSample) requireStorable(value);
  const repaired = value.toWellFormed().replaceAll('\0', '\ufffd');
  run.texts.push(repaired);
  return repaired;
}

function pruneNumber(run: Run, value: number): Json {
  if (!Number.isFinite(value) && !run.asSample) throw new RecordError('INVALID_PAYLOAD', 'A number is too large.');
  const size = Math.abs(value);
  // jsonb writes 1e300 as three hundred digits, so that a small body would become a large row.
  if (size >= 1e21 || (size < 1e-21 && size > 0)) return String(value);
  if (size >= 100_000) run.texts.push(String(value));
  return value;
}

function placeholder(value: Json): string {
  return `[redacted ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value}]`;
}

/** Whether a key may be stored: it is short, has no characters that jsonb refuses, and is not an address or a number. */
function storableKey(key: string): boolean {
  return key.length <= 200 && isStorable(key) && !looksPersonal(key);
}

function withoutRepeats(value: Json, found: Collected): Json | undefined {
  if (typeof value === 'string' || typeof value === 'number') return repeats(String(value), found) ? undefined : value;
  if (Array.isArray(value)) return value.map((item) => withoutRepeats(item, found)).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== '_truncated' && repeats(key, found)) continue;
    const clean = withoutRepeats(item, found);
    if (clean !== undefined) out[key] = clean;
  }
  return out;
}
