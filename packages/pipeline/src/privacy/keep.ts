import { isObject } from '../reading/fields.ts';
import { jsonDepthMax } from '../reading/json.ts';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { follow, isPlainAt, type KeptPaths, open, type Places, type Rule, ruleAt, within } from './kept-paths.ts';
import { identifierIn, maskText } from './mask.ts';
import { personalKind } from './personal-field-names.ts';
import { isPlainNumber, plainForm } from './plain-forms.ts';
import { collectNameParts, collectPerson, lookForPerson, newRecordPerson, type RecordPerson } from './record-person.ts';
import { shrink } from './shrink.ts';

/** Characters of JSON that one event's `properties` may have. A platform's largest order has a quarter of them. */
const propertiesCharsMax = 65_536;
/** Characters of JSON that one character of a text may take. */
const escapeCharsMax = 6;

/** What happens to one value. */
export type Fate = 'kept' | 'masked' | 'digested' | 'dropped';
/** Why: the codes of the explanation on a connection's page (packages/shared/src/kept.ts). */
export type Reason =
  | 'plain'
  | 'word'
  | 'id'
  | 'text'
  | 'identifier'
  | 'credential'
  | 'person'
  | 'staff'
  | 'personal_name'
  | 'not_a_word'
  | 'not_an_id'
  | 'encoded'
  | 'long_number'
  | 'key'
  | 'unnamed';

/** Is told the fate of each leaf, by its path. Branches that are dropped whole are told once. */
export type Note = (path: string, fate: Fate, reason: Reason) => void;

/** How the ids of a record are stored: both functions return the same text for the same id of the org. */
export interface IdDigests {
  /** Replaces ids of the platform that contain a person’s identifier. */
  personalIds(text: string): string;
  /** What stands for an id that is, or contains, an identifier. */
  digest(id: string): string;
}

/** A kept text or id, which is searched once the person of the record is known. */
interface Pending {
  holder: JsonObject | Json[];
  key: string | number;
  text: string;
  rule: 'words' | 'ids' | 'texts' | 'key' | 'plain';
  path: string;
}

/** The first half of a redaction: what is dropped by its place or form is gone, and the kept texts are not searched yet. */
export interface Kept {
  value: JsonObject;
  person: RecordPerson;
  /** Estimated characters of the JSON of `value`, without escapes. */
  chars: number;
  pending: Pending[];
  /** For samples of dead letters: a dropped value leaves its type, and a text that jsonb refuses is repaired instead of refused. */
  asSample: boolean;
  charsMax: number;
}

interface Run extends Kept {
  paths: KeptPaths;
  note: Note | undefined;
}

/** The place of a value in its record: what the paths say about it and about what is below it. */
interface Place {
  key: string;
  places: Places;
  rule: Rule | 'personal_name' | undefined;
  plain: boolean;
  depth: number;
  path: string;
}

/**
 * Keeps of a record only what its source names and what is about no one by its form, and collects into `person` all that is dropped as personal.
 * At most `charsMax` characters of JSON are kept, so that the search of them is bounded; `_truncated: true` says that something was cut to fit.
 * Throws INVALID_PAYLOAD for kept text that jsonb refuses (U+0000, lone surrogates) and for infinite numbers.
 */
export function keep(
  record: JsonObject,
  paths: KeptPaths,
  person: RecordPerson,
  { asSample = false, charsMax = propertiesCharsMax, note }: { asSample?: boolean; charsMax?: number; note?: Note | undefined } = {},
): Kept {
  const run: Run = { value: {}, person, chars: 0, pending: [], paths, asSample, charsMax, note };
  const place: Place = { key: '', places: paths.root, rule: undefined, plain: paths.plainEverywhere, depth: 0, path: '' };
  run.value = keepObject(run, record, place);
  if (run.chars * escapeCharsMax <= charsMax) return run;
  const shortened = shrink(run.value, charsMax);
  if (shortened === run.value) return run;
  // The kept texts are found again in the shortened copy.
  run.pending = [];
  run.value = { ...keepObject({ ...run, person: newRecordPerson(), note: undefined }, shortened, place), _truncated: true };
  return run;
}

/** Prepares the search of all kept texts of a record, and of the texts of its columns, for its person. Call it before the columns are made. */
export function prepareSearch({ pending, person }: Kept, columnTexts: readonly string[]): void {
  lookForPerson(person, [...columnTexts, ...pending.map(({ text }) => text)]);
}

/** The second half: searches the kept texts, ids and keys for the identifiers and full names of the person. */
export function finishKept(kept: Kept, ids: IdDigests, note?: Note): JsonObject {
  for (const one of kept.pending) settle(one, kept, ids, note);
  // A digest is longer than a short id. Only a record that could be too large is measured exactly.
  return kept.chars * escapeCharsMax <= kept.charsMax ? kept.value : shrink(kept.value, kept.charsMax);
}

function settle({ holder, key, text, rule, path }: Pending, { person, asSample }: Kept, ids: IdDigests, note?: Note): void {
  const put = (value: Json | undefined) => {
    if (value !== undefined) (holder as JsonObject)[key] = value;
    else if (Array.isArray(holder)) holder[key as number] = null;
    else delete holder[key];
  };
  if (rule === 'texts') {
    const replaced = ids.personalIds(text);
    const masked = maskText(replaced, person);
    if (masked !== text) put(masked);
    note?.(path, masked === text ? 'kept' : 'masked', masked === text ? 'text' : 'identifier');
    return;
  }
  if (rule === 'ids') {
    const replaced = ids.personalIds(text);
    const id = identifierIn(replaced, person, true) === undefined ? replaced : ids.digest(text);
    if (id !== text) put(id);
    note?.(path, id === text ? 'kept' : 'digested', id === text ? 'id' : 'identifier');
    return;
  }
  const replaced = rule === 'words' ? ids.personalIds(text) : text;
  if (replaced !== text) put(replaced);
  const found = identifierIn(replaced, person, rule !== 'plain');
  if (found !== undefined) put(asSample && rule !== 'key' ? '[redacted string]' : undefined);
  note?.(
    path,
    found === undefined ? 'kept' : 'dropped',
    found !== undefined ? (rule === 'key' ? 'key' : 'identifier') : rule === 'words' ? 'word' : 'plain',
  );
}

const fieldName = /^[\p{L}_$@][\p{L}\p{M}\p{N}_$@:.[\]-]{0,99}$/u;

function keepObject(run: Run, object: JsonObject, place: Place): JsonObject {
  requireDepth(place.depth);
  const out: JsonObject = {};
  let hasPerson = place.rule === 'people' || place.rule === 'staff';
  for (const key of Object.keys(object)) {
    if (key === '__proto__') continue;
    const value = object[key] as Json;
    const places = follow(place.places, key);
    const path = run.note === undefined ? '' : place.path === '' ? key : `${place.path}.${key}`;
    // A key that a path spells is a field name; any other key may be a person’s name or number.
    if (!isFieldName(key, place.places)) {
      collectPerson(run.person, value, key, personalKind(key, place.key));
      run.note?.(place.path === '' ? '*' : `${place.path}.*`, 'dropped', 'key');
      continue;
    }
    const inner = placeAt(place, key, places, path, value);
    hasPerson ||= inner.rule === 'personal_name' || inner.rule === 'people';
    const kept = keepValue(run, value, inner, out, key);
    if (kept === undefined) continue;
    run.chars += key.length + 4;
    if (key.length > 6 && mayHideInKey(key)) run.pending.push({ holder: out, key, text: key, rule: 'key', path });
    out[key] = kept;
  }
  if (hasPerson) collectNameParts(run.person, object);
  return out;
}

function isFieldName(key: string, places: Places): boolean {
  return (
    fieldName.test(key) || (key.length <= 200 && key.isWellFormed() && !key.includes('\0') && places.some(({ named }) => named.has(key)))
  );
}

/** Whether a key may be or contain an identifier or a full name: it has digits, an `@` or several words. */
function mayHideInKey(key: string): boolean {
  return /[\d@]|[a-z].*[A-Z]|\p{L}[_.:-]\p{L}|[^\0-\x7f]/u.test(key);
}

function placeAt(place: Place, key: string, places: Places, path: string, value: Json): Place {
  const declared = ruleAt(places);
  let rule = declared ?? place.rule;
  let plain = place.plain || isPlainAt(places);
  let inside = open(places);
  if (declared === 'people' || declared === 'staff' || declared === 'credential') {
    inside = open(within(places, declared));
    plain = false;
  } else if (rule === undefined && value !== null && personalKind(key, place.key) !== undefined) {
    rule = 'personal_name';
    plain = false;
  } else if (declared !== undefined) plain = true;
  return { key, places: inside, rule, plain, depth: place.depth + 1, path };
}

function keepArray(run: Run, array: readonly Json[], place: Place): Json[] {
  requireDepth(place.depth);
  const out: Json[] = [];
  for (let index = 0; index < array.length; index++) {
    const item = array[index] as Json;
    const places = follow(place.places, String(index));
    const path = run.note === undefined ? '' : `${place.path}.${index}`;
    const declared = ruleAt(places);
    const inner: Place =
      declared === undefined && places.length === 0
        ? { ...place, places, depth: place.depth + 1, path }
        : { ...placeAt({ ...place, key: '' }, '', places, path, item), key: place.key };
    const kept = keepValue(run, item, inner, out, out.length);
    if (kept !== undefined) out.push(kept);
  }
  return out;
}

function keepValue(run: Run, value: Json, place: Place, holder: JsonObject | Json[], key: string | number): Json | undefined {
  const { rule } = place;
  if (typeof value === 'object' && value !== null) {
    const closed = rule === 'people' || rule === 'staff' || rule === 'credential' || rule === 'personal_name';
    if (closed && place.places.length === 0) return drop(run, value, place, rule === 'personal_name' ? rule : reasonOf(rule));
    run.chars += 26;
    const kept = Array.isArray(value) ? keepArray(run, value, place) : keepObject(run, value, place);
    // Nothing is left of most objects that are dropped leaf by leaf. An object that was empty when it came says so.
    if (isEmpty(kept) && (closed || !isEmpty(value))) return run.asSample ? placeholder(value) : undefined;
    return kept;
  }
  if (rule === 'people' || rule === 'staff' || rule === 'credential') return drop(run, value, place, reasonOf(rule));
  if (rule === 'personal_name') return typeof value === 'boolean' ? plainLeaf(run, value, place) : drop(run, value, place, rule);
  if (typeof value === 'string') return keepString(run, value, place, holder, key);
  if (typeof value === 'number') return keepNumber(run, value, place, holder, key);
  return place.plain || rule !== undefined ? plainLeaf(run, value, place) : drop(run, value, place, 'unnamed');
}

const reasonOf = (rule: 'people' | 'staff' | 'credential'): Reason => (rule === 'people' ? 'person' : rule);

function plainLeaf(run: Run, value: boolean | null, place: Place): Json {
  run.chars += 5;
  run.note?.(place.path, 'kept', 'plain');
  return value;
}

const oneWord = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.:/+*#-]{0,99}$/u;

function keepString(run: Run, value: string, place: Place, holder: JsonObject | Json[], key: string | number): Json | undefined {
  const { rule, path } = place;
  const wait = (as: Pending['rule']): string => {
    const text = storable(run, value);
    run.chars += text.length + 3;
    run.pending.push({ holder, key, text, rule: as, path });
    return text;
  };
  if (value === '' && (place.plain || rule !== undefined)) {
    run.note?.(path, 'kept', 'plain');
    run.chars += 3;
    return value;
  }
  if (rule === 'texts') return isEncodedData(value) ? drop(run, value, place, 'encoded') : wait('texts');
  if (rule === 'ids' && value.length <= 500 && run.paths.idForm.test(value)) return wait('ids');
  if (rule === 'words' && oneWord.test(value)) return wait('words');
  if (place.plain) {
    const form = plainForm(value.trim());
    if (form === 'time' || (form === 'number' && value.length >= 7)) return wait('plain');
    if (form !== undefined) {
      run.note?.(path, 'kept', 'plain');
      run.chars += value.length + 3;
      return value;
    }
  }
  return drop(run, value, place, rule === 'words' ? 'not_a_word' : rule === 'ids' ? 'not_an_id' : 'unnamed');
}

/** Whether the text is an object or list of its own, as text: the fields in it have no path. */
function isEncodedData(text: string): boolean {
  const first = text.trimStart().charCodeAt(0);
  return (first === 0x7b || first === 0x5b) && /^\s*(?:\{\s*"|\[\s*[{["])/.test(text);
}

function keepNumber(run: Run, value: number, place: Place, holder: JsonObject | Json[], key: string | number): Json | undefined {
  const { rule } = place;
  if (!place.plain && rule === undefined) return drop(run, value, place, 'unnamed');
  if (!Number.isFinite(value) && !run.asSample) throw new RecordError('INVALID_PAYLOAD', 'A number is too large.');
  if (rule !== 'ids' && !isPlainNumber(value, place.key)) return drop(run, value, place, 'long_number');
  run.chars += 26;
  const size = Math.abs(value);
  // jsonb writes 1e300 as three hundred digits, so that a small body would become a large row.
  if (size >= 1e21 || (size < 1e-21 && size > 0)) return String(value);
  if (size < 1_000_000) {
    run.note?.(place.path, 'kept', rule === 'ids' ? 'id' : 'plain');
    return value;
  }
  run.pending.push({ holder, key, text: String(value), rule: rule === 'ids' ? 'ids' : 'plain', path: place.path });
  return value;
}

/** Drops a value. Only what is personal by its place or its name is the person of the record: other dropped fields may be anything. */
function drop(run: Run, value: Json, place: Place, reason: Reason): Json | undefined {
  run.note?.(place.path, 'dropped', reason);
  if (reason === 'person' || reason === 'personal_name' || reason === 'staff') {
    collectPerson(run.person, value, place.key, personalKind(place.key, undefined));
  }
  return run.asSample ? placeholder(value) : undefined;
}

function storable(run: Run, text: string): string {
  if (isStorable(text)) return text;
  if (!run.asSample) requireStorable(text);
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** Throws INVALID_PAYLOAD for text that jsonb and text columns refuse. */
export function requireStorable(text: string): void {
  if (!isStorable(text))
    throw new RecordError('INVALID_PAYLOAD', 'A text contains U+0000 or a lone surrogate, which the database refuses.');
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function requireDepth(depth: number): void {
  if (depth > 2 * jsonDepthMax) throw new RecordError('INVALID_PAYLOAD', 'The record is nested too deep.');
}

function isEmpty(value: Json): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function placeholder(value: Json): string {
  return `[redacted ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value}]`;
}
