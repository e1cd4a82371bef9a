import type { FieldFate } from '@tributary/shared/field-fates.ts';
import type { FieldReason } from '@tributary/shared/kept.ts';
import { isObject } from '../reading/fields.ts';
import { jsonDepthMax } from '../reading/json.ts';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { follow, isPlainAt, type KeptPaths, open, type Places, type Rule, ruleAt, within } from './kept-paths.ts';
import { identifierIn, identifierInId, isSearched, maskText } from './mask.ts';
import { personalKind } from './personal-field-names.ts';
import { isPlainNumber, isTimeNumber, plainForm } from './plain-forms.ts';
import { collectNameParts, collectPerson, lookForPerson, newRecordPerson, personIn, type RecordPerson } from './record-person.ts';
import { shrink } from './shrink.ts';
import { emptySieve, newSieve } from './sieve.ts';
import { lookAt, noTraits } from './text-traits.ts';

/** Characters of JSON that one event's `properties` may have. A platform's largest order has a quarter of them. */
const propertiesCharsMax = 65_536;
/** Characters of JSON that one character of a text may take. */
const escapeCharsMax = 6;

/** Is told what happens to each value, and why, by its path. A branch that is dropped whole is told once. */
export type Note = (path: string, fate: FieldFate, reason: FieldReason) => void;

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
  rule: 'words' | 'ids' | 'texts' | 'key' | 'plain' | 'time' | 'digest';
  path: string;
  /** What the text may contain (text-traits.ts). */
  traits: number;
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
  /** Of the path that names this value or a branch around it, and of a branch about a person. */
  rule: Rule | 'personal_name' | undefined;
  /** What the name of the field says about a text, or about the texts of a list. */
  named: 'words' | 'ids' | 'texts' | undefined;
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
  const place: Place = { key: '', places: paths.root, rule: undefined, named: undefined, plain: paths.plainEverywhere, depth: 0, path: '' };
  run.value = keepObject(run, record, place);
  if (run.chars * escapeCharsMax <= charsMax) return run;
  const shortened = shrink(run.value, charsMax);
  if (shortened === run.value) return run;
  // The kept texts are found again in the shortened copy.
  run.pending = [];
  run.value = { ...keepObject({ ...run, person: newRecordPerson(), note: undefined }, shortened, place), _truncated: true };
  return run;
}

/** One for all records, since it is filled and asked within one call. */
const sieve = newSieve();

/** Prepares the search of all kept texts of a record, and of the texts of its columns, for its person. Call it before the columns are made. */
export function prepareSearch({ pending, person }: Kept, columnTexts: readonly string[]): void {
  emptySieve(sieve);
  let chars = 0;
  for (const one of pending) {
    one.traits = lookAt(one.text, sieve);
    chars += one.text.length + 1;
  }
  for (const text of columnTexts) {
    lookAt(text, sieve);
    chars += text.length + 1;
  }
  lookForPerson(person, sieve, () => [...columnTexts, ...pending.map(({ text }) => text)], chars);
}

/** The second half: searches the kept texts, ids and keys for the identifiers and full names of the person. */
export function finishKept(kept: Kept, ids: IdDigests, note?: Note): JsonObject {
  for (const one of kept.pending) settle(one, kept, ids, note);
  // A digest is longer than a short id. Only a record that could be too large is measured exactly.
  return kept.chars * escapeCharsMax <= kept.charsMax ? kept.value : shrink(kept.value, kept.charsMax);
}

function settle({ holder, key, text, rule, path, traits }: Pending, { person, asSample }: Kept, ids: IdDigests, note?: Note): void {
  const put = (value: Json | undefined) => {
    if (value !== undefined) (holder as JsonObject)[key] = value;
    else if (Array.isArray(holder)) holder[key as number] = null;
    else delete holder[key];
  };
  if (rule === 'texts') {
    const replaced = ids.personalIds(text);
    const masked = maskText(replaced, person, replaced === text ? traits : undefined);
    if (masked !== text) put(masked);
    note?.(path, masked === text ? 'kept' : 'masked', masked === text ? 'text' : 'identifier');
    return;
  }
  if (rule === 'ids') {
    const replaced = ids.personalIds(text);
    const id = identifierInId(replaced, person, replaced === text ? traits : undefined) === undefined ? replaced : ids.digest(text);
    if (id !== text) put(id);
    note?.(path, id === text ? 'kept' : 'digested', id === text ? 'id' : 'identifier');
    return;
  }
  if (rule === 'digest') {
    put(ids.digest(text));
    note?.(path, 'digested', 'not_an_id');
    return;
  }
  if (rule === 'time') {
    // A time is of no other form, but it may be the birth date of the person.
    const isPersonal = isSearched(person) && personIn(person, text).length > 0;
    if (isPersonal) put(asSample ? '[redacted string]' : undefined);
    if (isPersonal) note?.(path, 'dropped', 'identifier');
    else note?.(path, 'kept', 'plain');
    return;
  }
  const replaced = rule === 'words' ? ids.personalIds(text) : text;
  if (replaced !== text) put(replaced);
  const found = identifierIn(replaced, person, rule !== 'plain', replaced === text ? traits : undefined);
  if (found !== undefined) put(asSample && rule !== 'key' ? '[redacted string]' : undefined);
  if (found !== undefined) note?.(path, 'dropped', rule === 'key' ? 'key' : 'identifier');
  else if (rule !== 'key') note?.(path, replaced === text ? 'kept' : 'digested', rule === 'words' ? 'word' : 'plain');
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
    const form = keyForm(key);
    if (form === 'other' && !spells(place.places, key)) {
      collectPerson(run.person, value, key, personalKind(key, place.key));
      run.note?.(place.path === '' ? '*' : `${place.path}.*`, 'dropped', 'key');
      continue;
    }
    const inner = placeAt(run, place, key, value, object, places, path);
    hasPerson ||= inner.rule === 'personal_name' || inner.rule === 'people' || inner.rule === 'staff';
    const kept = keepValue(run, value, inner, out, key);
    if (kept === undefined) continue;
    run.chars += key.length + 4;
    if (form !== 'word') run.pending.push({ holder: out, key, text: key, rule: 'key', path, traits: noTraits });
    out[key] = kept;
  }
  if (hasPerson) collectNameParts(run.person, object);
  return out;
}

const keyForms = new Map<string, 'word' | 'searched' | 'other'>();

/**
 * The form of a key: a field name that cannot hide anything, a field name that may be or contain an identifier or a full name because it has
 * digits or several words, or no field name. Remembered for each key, as far as senders do not invent them.
 */
function keyForm(key: string): 'word' | 'searched' | 'other' {
  let form = keyForms.get(key);
  if (form === undefined) {
    form = !fieldName.test(key)
      ? 'other'
      : key.length > 6 && /[\d@]|[a-z].*[A-Z]|\p{L}[_.:-]\p{L}|[^\0-\x7f]/u.test(key)
        ? 'searched'
        : 'word';
    if (keyForms.size >= 5000) keyForms.clear();
    if (key.length <= 100) keyForms.set(key, form);
  }
  return form;
}

/** Whether a path spells the key, which is then a field name in any form. */
function spells(places: Places, key: string): boolean {
  return key.length <= 200 && key.isWellFormed() && !key.includes('\0') && places.some(({ named }) => named.has(key));
}

const ruleNamed = { word: 'words', id: 'ids', text: 'texts', person: 'people', staff: 'staff' } as const;

function placeAt(run: Run, place: Place, key: string, value: Json, around: JsonObject, places: Places, path: string): Place {
  const declared = ruleAt(places);
  const inner: Place = {
    key,
    places: open(places),
    rule: declared ?? place.rule,
    named: undefined,
    plain: place.plain,
    depth: place.depth + 1,
    path,
  };
  if (declared === undefined && place.rule === undefined) decideByName(run, inner, place.key, value, around);
  else if (declared !== undefined) inner.plain = true;
  if (isPlainAt(places)) inner.plain = true;
  if (declared === 'people' || declared === 'staff' || declared === 'credential') {
    inner.places = open(within(places, declared));
    inner.plain = false;
  }
  return inner;
}

/** What no path names is decided by the name of its field: by the source where it knows the names, otherwise by the usual names of personal fields. */
function decideByName({ paths }: Run, place: Place, holder: string, value: Json, around: JsonObject): void {
  if (paths.byName === undefined) {
    if (value === null || personalKind(place.key, holder) === undefined) return;
    place.rule = 'personal_name';
    place.plain = false;
    return;
  }
  const as = paths.byName(place.key, holder === '' ? undefined : holder, around);
  if (as === undefined) return;
  if (as === 'staff' && paths.keepsStaff) place.rule = 'texts';
  else if (as === 'person' || as === 'staff') {
    place.rule = ruleNamed[as];
    place.plain = false;
  } else place.named = ruleNamed[as];
}

function keepArray(run: Run, array: readonly Json[], place: Place): Json[] {
  requireDepth(place.depth);
  const out: Json[] = [];
  for (let index = 0; index < array.length; index++) {
    const item = array[index] as Json;
    const places = follow(place.places, String(index));
    const path = run.note === undefined ? '' : `${place.path}.${index}`;
    const inner: Place =
      places.length === 0
        ? { ...place, places, depth: place.depth + 1, path }
        : { ...itemPlace(place, places), depth: place.depth + 1, path };
    const kept = keepValue(run, item, inner, out, out.length);
    if (kept !== undefined) out.push(kept);
  }
  return out;
}

/** The place of an item of a list, which is named by a path or like its list. */
function itemPlace(place: Place, places: Places): Place {
  const declared = ruleAt(places);
  const closed = declared === 'people' || declared === 'staff' || declared === 'credential';
  return {
    ...place,
    places: open(closed ? within(places, declared) : places),
    rule: declared ?? place.rule,
    plain: !closed && (place.plain || declared !== undefined || isPlainAt(places)),
  };
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
  return place.plain || (rule ?? place.named) !== undefined ? plainLeaf(run, value, place) : drop(run, value, place, 'unnamed');
}

const reasonOf = (rule: 'people' | 'staff' | 'credential'): FieldReason => (rule === 'people' ? 'person' : rule);

function plainLeaf(run: Run, value: boolean | null, place: Place): Json {
  run.chars += 5;
  run.note?.(place.path, 'kept', 'plain');
  return value;
}

/** One word without spaces. Without a letter only a short one, such as a version: longer ones are dates and numbers. */
const oneWord = /^(?=.*\p{L}|.{1,7}$)[\p{L}\p{N}][\p{L}\p{M}\p{N}_.:/+*#-]{0,99}$/u;

function keepString(run: Run, value: string, place: Place, holder: JsonObject | Json[], key: string | number): Json | undefined {
  const { path } = place;
  const rule = place.rule ?? place.named;
  const wait = (as: Pending['rule']): string => {
    const text = storable(run, value);
    run.chars += text.length + 3;
    run.pending.push({ holder, key, text, rule: as, path, traits: noTraits });
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
    if (form === 'time') return wait('time');
    if (form !== undefined) {
      run.note?.(path, 'kept', 'plain');
      run.chars += value.length + 3;
      return value;
    }
  }
  // A word of another form may be a name. As a digest it still joins records.
  if (rule === 'ids' && oneWord.test(value)) return wait('digest');
  return drop(run, value, place, rule === 'words' ? 'not_a_word' : rule === 'ids' ? 'not_an_id' : 'unnamed');
}

/** Whether the text is an object or list of its own, as text: the fields in it have no path. */
function isEncodedData(text: string): boolean {
  const first = text.charCodeAt(0);
  return (first === 0x7b || first === 0x5b || first <= 0x20) && /^\s*(?:\{\s*"|\[\s*[{["])/.test(text);
}

function keepNumber(run: Run, value: number, place: Place, holder: JsonObject | Json[], key: string | number): Json | undefined {
  const rule = place.rule ?? place.named;
  if (!place.plain && rule === undefined) return drop(run, value, place, 'unnamed');
  if (!Number.isFinite(value) && !run.asSample) throw new RecordError('INVALID_PAYLOAD', 'A number is too large.');
  if (rule !== 'ids' && !isPlainNumber(value, place.key)) return drop(run, value, place, 'long_number');
  run.chars += 26;
  const size = Math.abs(value);
  // jsonb writes 1e300 as three hundred digits, so that a small body would become a large row.
  const isHuge = size >= 1e21 || (size < 1e-21 && size > 0);
  if (size < 1_000_000 && !isHuge) {
    run.note?.(place.path, 'kept', rule === 'ids' ? 'id' : 'plain');
    return value;
  }
  run.pending.push({
    holder,
    key,
    text: String(value),
    // A huge number is of no form of an identifier, but it may be a number of the person.
    rule: rule === 'ids' ? 'ids' : isHuge || isTimeNumber(size) ? 'time' : 'plain',
    path: place.path,
    traits: noTraits,
  });
  return isHuge ? String(value) : value;
}

/** Drops a value. Only what is personal by its place or its name is the person of the record: other dropped fields may be anything. */
function drop(run: Run, value: Json, place: Place, reason: FieldReason): Json | undefined {
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
  if (Array.isArray(value)) return value.length === 0;
  if (!isObject(value)) return false;
  // A list of all keys is not made, since this is asked of each object.
  for (const key in value) if (Object.hasOwn(value, key)) return false;
  return true;
}

function placeholder(value: Json): string {
  return `[redacted ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value}]`;
}
