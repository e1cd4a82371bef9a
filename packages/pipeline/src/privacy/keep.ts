import type { FieldFate } from '@tributary/shared/field-fates.ts';
import type { FieldReason } from '@tributary/shared/kept.ts';
import { isObject } from '../reading/fields.ts';
import { jsonDepthMax } from '../reading/json.ts';
import { type Json, type JsonObject, RecordError } from '../source.ts';
import { identifierIn, identifierInId, isSearched, maskText } from './mask.ts';
import { personalKind } from './personal-field-names.ts';
import { addKey, decidedPlace, type Place, type PlaceTable, placeOfItem, placeOfKey } from './places.ts';
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

/** An object or list of what is kept. It is the one of the record as long as nothing of it is dropped or replaced, and then a copy. */
interface Holder {
  value: JsonObject | Json[];
  isCopy: boolean;
  around: Holder | undefined;
  /** Where it stands in the one around it. */
  at: string | number;
}

/** A kept text or id, which is searched once the person of the record is known. */
interface Pending {
  holder: Holder;
  key: string | number;
  text: string;
  rule: 'words' | 'ids' | 'texts' | 'key' | 'plain' | 'time' | 'digest';
  path: string;
  /** What the text may contain (text-traits.ts). */
  traits: number;
}

/** The first half of a redaction: what is dropped by its place or form is gone, and the kept texts are not searched yet. */
export interface Kept {
  top: Holder;
  person: RecordPerson;
  /** Estimated characters of the JSON of `value`, without escapes. */
  chars: number;
  pending: Pending[];
  /** The names of kept fields that can only hide a value of the person, in turn with what holds them. */
  keys: (Holder | Place)[];
  /** For samples of dead letters: a dropped value leaves its type, and a text that jsonb refuses is repaired instead of refused. */
  asSample: boolean;
  charsMax: number;
}

interface Run extends Kept {
  table: PlaceTable;
  note: Note | undefined;
}

/**
 * Keeps of a record only what its source names and what is about no one by its form, and collects into `person` all that is dropped as personal.
 * At most `charsMax` characters of JSON are kept, so that the search of them is bounded; `_truncated: true` says that something was cut to fit.
 * Throws INVALID_PAYLOAD for kept text that jsonb refuses (U+0000, lone surrogates) and for infinite numbers.
 */
export function keep(
  record: JsonObject,
  table: PlaceTable,
  person: RecordPerson,
  { asSample = false, charsMax = propertiesCharsMax, note }: { asSample?: boolean; charsMax?: number; note?: Note | undefined } = {},
): Kept {
  const top: Holder = { value: record, isCopy: false, around: undefined, at: '' };
  const run: Run = { top, person, chars: 0, pending: [], keys: [], table, asSample, charsMax, note };
  keepObject(run, record, table.top, top, 0, '');
  if (run.chars * escapeCharsMax <= charsMax) return run;
  const shortened = shrink(top.value as JsonObject, charsMax);
  if (shortened === top.value) return run;
  // The kept texts are found again in the shortened copy.
  run.pending = [];
  run.keys = [];
  const again = { ...run, person: newRecordPerson(), note: undefined };
  top.value = { ...keepObject(again, shortened, table.top, top, 0, ''), _truncated: true };
  top.isCopy = true;
  return run;
}

const comparedColumns = 16;
/** One for all records, since it is filled and asked within one call. */
const sieve = newSieve();

/** Prepares the search of all kept texts of a record, and of the texts of its columns, for its person. Call it before the columns are made. */
export function prepareSearch({ pending, keys, person }: Kept, columnTexts: readonly string[]): void {
  emptySieve(sieve);
  let chars = 0;
  for (const one of pending) {
    one.traits = lookAt(one.text, sieve);
    chars += one.text.length + 1;
  }
  person.traits = new Map();
  for (const text of columnTexts) {
    chars += text.length + 1;
    if (person.traits.has(text)) continue;
    // Most ids stand in a column and among the kept texts. Only a few columns are compared, since a record may have thousands of campaign parameters.
    const same = person.traits.size < comparedColumns ? pending.find((one) => one.text === text) : undefined;
    person.traits.set(text, same?.traits ?? lookAt(text, sieve));
  }
  for (let index = 1; index < keys.length; index += 2) {
    const place = keys[index] as Place;
    addKey(place, sieve);
    chars += place.key.length + 1;
  }
  const names = () => keys.flatMap((one) => ('key' in one ? [one.key] : []));
  lookForPerson(person, sieve, () => [...columnTexts, ...pending.map(({ text }) => text), ...names()], chars);
}

/** The second half: searches the kept texts, ids and keys for the identifiers and full names of the person. */
export function finishKept(kept: Kept, ids: IdDigests, note?: Note): JsonObject {
  const { pending, keys, person, top } = kept;
  for (const one of pending) settle(one, kept, ids, note);
  if (isSearched(person))
    for (let index = 0; index < keys.length; index += 2) {
      const { key, traits } = keys[index + 1] as Place;
      if (identifierIn(key, person, true, traits) !== undefined) delete (ownCopy(keys[index] as Holder) as JsonObject)[key];
    }
  const value = top.value as JsonObject;
  // A digest is longer than a short id. Only a record that could be too large is measured exactly.
  return kept.chars * escapeCharsMax <= kept.charsMax ? value : shrink(value, kept.charsMax);
}

/** The object or list to write into: the record itself is never changed. */
function ownCopy(holder: Holder): JsonObject | Json[] {
  if (!holder.isCopy) {
    holder.value = Array.isArray(holder.value) ? [...holder.value] : { ...holder.value };
    holder.isCopy = true;
    if (holder.around !== undefined) (ownCopy(holder.around) as JsonObject)[holder.at] = holder.value;
  }
  return holder.value;
}

function settle({ holder, key, text, rule, path, traits }: Pending, { person, asSample }: Kept, ids: IdDigests, note?: Note): void {
  const put = (value: Json | undefined) => {
    const own = ownCopy(holder);
    if (value !== undefined) (own as JsonObject)[key] = value;
    else if (Array.isArray(own)) own[key as number] = null;
    else delete own[key];
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

function keepObject(run: Run, object: JsonObject, place: Place, holder: Holder, depth: number, path: string): JsonObject {
  requireDepth(depth);
  let hasPerson = place.rule === 'people' || place.rule === 'staff';
  const keys = Object.keys(object);
  let out: JsonObject | undefined;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    const value = object[key] as Json;
    const kept = key === '__proto__' ? undefined : keepField(key, value);
    if (kept !== undefined && out === undefined && kept === value) continue;
    // Most objects are kept or dropped as a whole, and a copy of them is not made.
    out ??= firstFields(object, keys, index);
    if (kept !== undefined) out[key] = kept;
  }
  if (hasPerson) collectNameParts(run.person, object);
  holder.value = out ?? object;
  holder.isCopy = out !== undefined;
  return holder.value;

  function keepField(key: string, value: Json): Json | undefined {
    let inner = placeOfKey(run.table, place, key);
    if (inner === undefined) {
      collectPerson(run.person, value, key, personalKind(key, place.key));
      run.note?.(path === '' ? '*' : `${path}.*`, 'dropped', 'key');
      return undefined;
    }
    if (inner.ask !== undefined) inner = decidedPlace(run.table, inner, inner.ask(value, object));
    const { rule } = inner;
    hasPerson ||= rule === 'personal_name' || rule === 'people' || rule === 'staff';
    const innerPath = run.note === undefined ? '' : path === '' ? key : `${path}.${key}`;
    const kept = keepValue(run, value, inner, holder, key, depth + 1, innerPath);
    if (kept === undefined) return undefined;
    run.chars += key.length + 4;
    if (inner.traits === undefined) return kept;
    if (inner.traits === noTraits && run.note === undefined) run.keys.push(holder, inner);
    else run.pending.push({ holder, key, text: key, rule: 'key', path: innerPath, traits: noTraits });
    return kept;
  }
}

function firstFields(object: JsonObject, keys: readonly string[], count: number): JsonObject {
  const out: JsonObject = {};
  for (let index = 0; index < count; index++) out[keys[index] as string] = object[keys[index] as string] as Json;
  return out;
}

function keepArray(run: Run, array: readonly Json[], place: Place, holder: Holder, depth: number, path: string): readonly Json[] {
  requireDepth(depth);
  let out: Json[] | undefined;
  for (let index = 0; index < array.length; index++) {
    const item = array[index] as Json;
    const innerPath = run.note === undefined ? '' : `${path}.${index}`;
    const at = out === undefined ? index : out.length;
    const kept = keepValue(run, item, placeOfItem(run.table, place, index), holder, at, depth + 1, innerPath);
    if (kept !== undefined && out === undefined && kept === item) continue;
    out ??= array.slice(0, index);
    if (kept !== undefined) out.push(kept);
  }
  holder.value = out ?? (array as Json[]);
  holder.isCopy = out !== undefined;
  return holder.value;
}

function keepValue(
  run: Run,
  value: Json,
  place: Place,
  around: Holder,
  at: string | number,
  depth: number,
  path: string,
): Json | undefined {
  const { rule } = place;
  if (typeof value === 'object' && value !== null) {
    const closed = rule === 'people' || rule === 'staff' || rule === 'credential' || rule === 'personal_name';
    if (closed && place.paths.length === 0) return drop(run, value, place, path, rule === 'personal_name' ? rule : reasonOf(rule));
    run.chars += 26;
    const holder: Holder = { value: value as JsonObject, isCopy: false, around, at };
    const kept = Array.isArray(value)
      ? (keepArray(run, value, place, holder, depth, path) as Json[])
      : keepObject(run, value as JsonObject, place, holder, depth, path);
    // Nothing is left of most objects that are dropped leaf by leaf. An object that was empty when it came says so.
    if (isEmpty(kept) && (closed || !isEmpty(value))) return run.asSample ? placeholder(value) : undefined;
    return kept;
  }
  if (rule === 'people' || rule === 'staff' || rule === 'credential') return drop(run, value, place, path, reasonOf(rule));
  if (rule === 'personal_name') return typeof value === 'boolean' ? plainLeaf(run, value, path) : drop(run, value, place, path, rule);
  if (typeof value === 'string') return keepString(run, value, place, around, at, path);
  if (typeof value === 'number') return keepNumber(run, value, place, around, at, path);
  return place.plain || (rule ?? place.named) !== undefined ? plainLeaf(run, value, path) : drop(run, value, place, path, 'unnamed');
}

const reasonOf = (rule: 'people' | 'staff' | 'credential'): FieldReason => (rule === 'people' ? 'person' : rule);

function plainLeaf(run: Run, value: boolean | null, path: string): Json {
  run.chars += 5;
  run.note?.(path, 'kept', 'plain');
  return value;
}

/** One word without spaces. Without a letter only a short one, such as a version: longer ones are dates and numbers. */
const oneWord = /^(?=.*\p{L}|.{1,7}$)[\p{L}\p{N}][\p{L}\p{M}\p{N}_.:/+*#-]{0,99}$/u;

function keepString(run: Run, value: string, place: Place, holder: Holder, key: string | number, path: string): Json | undefined {
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
  if (rule === 'texts') return isEncodedData(value) ? drop(run, value, place, path, 'encoded') : wait('texts');
  if (rule === 'ids' && value.length <= 500 && run.table.paths.idForm.test(value)) return wait('ids');
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
  return drop(run, value, place, path, rule === 'words' ? 'not_a_word' : rule === 'ids' ? 'not_an_id' : 'unnamed');
}

/** Whether the text is an object or list of its own, as text: the fields in it have no path. */
function isEncodedData(text: string): boolean {
  const first = text.charCodeAt(0);
  return (first === 0x7b || first === 0x5b || first <= 0x20) && /^\s*(?:\{\s*"|\[\s*[{["])/.test(text);
}

function keepNumber(run: Run, value: number, place: Place, holder: Holder, key: string | number, path: string): Json | undefined {
  const rule = place.rule ?? place.named;
  if (!place.plain && rule === undefined) return drop(run, value, place, path, 'unnamed');
  if (!Number.isFinite(value) && !run.asSample) throw new RecordError('INVALID_PAYLOAD', 'A number is too large.');
  if (rule !== 'ids' && !isPlainNumber(value, place.key)) return drop(run, value, place, path, 'long_number');
  run.chars += 26;
  const size = Math.abs(value);
  // jsonb writes 1e300 as three hundred digits, so that a small body would become a large row.
  const isHuge = size >= 1e21 || (size < 1e-21 && size > 0);
  if (size < 1_000_000 && !isHuge) {
    run.note?.(path, 'kept', rule === 'ids' ? 'id' : 'plain');
    return value;
  }
  run.pending.push({
    holder,
    key,
    text: String(value),
    // A huge number is of no form of an identifier, but it may be a number of the person.
    rule: rule === 'ids' ? 'ids' : isHuge || isTimeNumber(size) ? 'time' : 'plain',
    path,
    traits: noTraits,
  });
  return isHuge ? String(value) : value;
}

/** Drops a value. Only what is personal by its place or its name is the person of the record: other dropped fields may be anything. */
function drop(run: Run, value: Json, place: Place, path: string, reason: FieldReason): Json | undefined {
  run.note?.(path, 'dropped', reason);
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
