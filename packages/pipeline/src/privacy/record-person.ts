import { isObject } from '../reading/fields.ts';
import type { Json } from '../source.ts';
import type { IdentifierForm, Span } from './identifier-forms.ts';
import { isTooGeneral, keyWords, type PersonalKind, personalKind } from './personal-field-names.ts';
import { plainForm } from './plain-forms.ts';
import { isSeparator, mayHold, mayHoldWords, type Sieve, separatorsMax } from './sieve.ts';
import { collapse, fold } from './text-forms.ts';

/**
 * The identifiers and full names of one record's person: what the kept texts of the record are searched for. A single word of a name is not in
 * it, because `Price`, `Ana` and `Express` are also words of products, campaigns and types. There is one for each record, and it is never stored.
 */
export interface RecordPerson {
  /** What was collected and not yet made into values to search for: most records have none of the values in their kept texts. */
  collected: Collected[];
  /** Made by {@link needlesOf} when a text has to be searched. */
  needles: Needles | undefined;
  /** False once a pass over all kept texts has found none of the values: then only what is decoded from them is searched. */
  mayOccur: boolean;
  /** The ids that were searched already, with what was found: most ids stand in several columns. */
  searchedIds: Map<string, IdentifierForm | undefined> | undefined;
  /** What the texts of the columns may contain (text-traits.ts), by the look at them before the search. */
  traits: Map<string, number> | undefined;
}

interface Needles {
  /** Collapsed texts (text-forms.ts) → what they are: full names, addresses and ids, which count as whole words. */
  phrases: Map<string, IdentifierForm>;
  /** Digits of telephone numbers and documents, in the spellings with and without country code, area code and ninth digit. */
  digits: Map<string, IdentifierForm>;
  /** Length and first digit of each of `digits`, by which most other numbers are told apart before they are compared. */
  digitStarts: Set<number>;
  /** There are too many values to search for, so every text that would be searched is dropped. */
  overflow: boolean;
}

type SubjectKind = 'email' | 'phone' | 'document' | 'external_id';
type Collected =
  /** A value of a person, or a branch of them, with the name of its field. */
  | { as: 'branch'; value: Json; key: string; kind: PersonalKind | undefined }
  /** An object that may have first and last name in two fields. */
  | { as: 'names'; value: { [key: string]: Json } }
  | { as: 'subject'; value: string; kind: SubjectKind };

const valuesMax = 2000;
const phraseCharsMax = 200;

export function newRecordPerson(): RecordPerson {
  return { collected: [], needles: undefined, mayOccur: true, searchedIds: undefined, traits: undefined };
}

/** Collects every value of a branch about a person. `kind` is the kind of the branch’s key. */
export function collectPerson({ collected }: RecordPerson, value: Json, key: string, kind: PersonalKind | undefined): void {
  if (value !== null && typeof value !== 'boolean') collected.push({ as: 'branch', value, key, kind });
}

/** First and last name in two fields of one object are a full name. */
export function collectNameParts({ collected }: RecordPerson, value: { [key: string]: Json }): void {
  collected.push({ as: 'names', value });
}

/** Collects an identifier of the record’s subject. */
export function collectIdentifier({ collected }: RecordPerson, value: string, kind: SubjectKind): void {
  collected.push({ as: 'subject', value, kind });
}

/** Every text that would be searched is dropped from now on. */
export function overflow(person: RecordPerson): void {
  needlesOf(person).overflow = true;
}

export function isEmptyPerson(person: RecordPerson): boolean {
  const { overflow, phrases, digits } = needlesOf(person);
  return !overflow && phrases.size === 0 && digits.size === 0;
}

/** The values to search for, with those that were collected since the last search. */
function needlesOf(person: RecordPerson): Needles {
  person.needles ??= { phrases: new Map(), digits: new Map(), digitStarts: new Set(), overflow: false };
  const { needles, collected } = person;
  if (collected.length === 0) return needles;
  for (const one of collected) {
    if (one.as === 'branch') addBranch(needles, one.value, one.key, one.kind);
    else if (one.as === 'names') addNameParts(needles, one.value);
    else addIdentifier(needles, one.value, one.kind);
  }
  person.collected = [];
  return needles;
}

function addBranch(into: Needles, value: Json, key: string, kind: PersonalKind | undefined): void {
  if (Array.isArray(value)) for (const item of value) addBranch(into, item, key, kind);
  else if (isObject(value)) {
    for (const inner of Object.keys(value)) addBranch(into, value[inner] as Json, inner, personalKind(inner, undefined) ?? kind);
    addNameParts(into, value);
  } else if (typeof value === 'string' || typeof value === 'number') addValue(into, String(value), key, kind);
}

/** Adds one value of a person; `key` is the name of its field. */
function addValue(into: Needles, value: string, key: string, kind: PersonalKind | undefined): void {
  const text = value.trim();
  if (text.length < 5 || isTooGeneral(key)) return;
  if (into.phrases.size + into.digits.size > valuesMax) {
    into.overflow = true;
    return;
  }
  const digits = /\d/.test(text) ? text.replace(/\D+/g, '') : '';
  if (digits.length >= 7 && digits.length <= 20 && digits.length * 2 >= text.length && /[1-9]{2}|[1-9].*[1-9]/.test(digits)) {
    const isTime = plainForm(text) === 'time';
    if (digits.length === 8 && (kind !== undefined || !isTime) && addDate(into, text)) return;
    if (!isTime) addDigits(into, digits, kind === 'document' ? 'document' : 'phone');
    if (/^[\d\s()+.-]+$/.test(text)) return;
  }
  if (text.length > phraseCharsMax || text.includes('://')) return;
  if (isStreet(key)) addPhrase(into, text, 'address');
  else if (kind === 'document' || isDistinctiveId(text)) addPhrase(into, text, kind === 'document' ? 'document' : 'id');
  else if ((kind === 'name' || kind === undefined) && isFullName(text)) addPhrase(into, text, 'name');
}

/** An id of six characters or more cannot be a quantity of the record by chance. */
function addIdentifier(into: Needles, value: string, kind: SubjectKind): void {
  if (kind === 'phone' || kind === 'document') addValue(into, value, kind, kind);
  else if (value.trim().length >= 6 && value.length <= phraseCharsMax) addPhrase(into, value, kind === 'email' ? 'email' : 'id');
}

function addNameParts(into: Needles, person: { [key: string]: Json }): void {
  const name = nameOfParts(person);
  if (name !== undefined) addPhrase(into, name, 'name');
}

function nameOfParts(person: { [key: string]: Json }): string | undefined {
  let first: string | undefined;
  let last: string | undefined;
  for (const key in person) {
    const part = namePart(key);
    if (part === 'none' || !Object.hasOwn(person, key)) continue;
    const value = person[key];
    if (typeof value !== 'string' || value.trim() === '') continue;
    if (part === 'first') first = value;
    else last = value;
  }
  return first !== undefined && last !== undefined ? `${first} ${last}` : undefined;
}

const nameParts = new Map<string, 'first' | 'last' | 'none'>();

/** Which part of a name the field holds. Remembered for each key, as far as senders do not invent them. */
function namePart(key: string): 'first' | 'last' | 'none' {
  if (key.length < 4 || key.length > 40) return 'none';
  const known = nameParts.get(key);
  if (known !== undefined) return known;
  const words = keyWords(key).join('');
  const isFirst = /(?:first|given)name$|^(?:primeiro)?nome$|^nombre$|^fname$/.test(words);
  const part = isFirst ? 'first' : /(?:last|family)name$|^surname$|^sobrenome$|^apellidos?$|^lname$/.test(words) ? 'last' : 'none';
  if (nameParts.size >= 5000) nameParts.clear();
  nameParts.set(key, part);
  return part;
}

/** Two to eight words of letters. */
function isFullName(text: string): boolean {
  return text.length <= 120 && /^\p{L}[\p{L}\p{M}'’.-]*(?:\s+\p{L}[\p{L}\p{M}'’.-]*){1,7}$/u.test(text);
}

const streets = new Map<string, boolean>();

/** Whether the field holds a street. Remembered for each key, as far as senders do not invent them. */
function isStreet(key: string): boolean {
  if (key.length > 40) return isStreetName(key);
  let found = streets.get(key);
  if (found === undefined) {
    found = isStreetName(key);
    if (streets.size >= 5000) streets.clear();
    streets.set(key, found);
  }
  return found;
}

function isStreetName(key: string): boolean {
  return /^(?:.*_)?(?:address|addresses|street|endereco|endere[cç]o|logradouro|rua|calle|direccion|line1|addressline1|address_line1|street_?name)$/i.test(
    key,
  );
}

/** Whether an id of a person cannot be another thing by chance: eight characters or more, letters and digits, and no spaces. */
function isDistinctiveId(text: string): boolean {
  return text.length >= 8 && !/\s/.test(text) && /\d/.test(text) && /\p{L}/u.test(text) && plainForm(text) === undefined;
}

function addPhrase(into: Needles, text: string, form: IdentifierForm): void {
  const phrase = collapse(fold(text)).trim();
  // Two letters and a space in between are a full name in many languages, and a part of everything in others.
  if (phrase.length >= 5 || /^\p{Lo}+$/u.test(phrase.replaceAll(' ', ''))) into.phrases.set(phrase, form);
}

/** Adds a day in the order of both spellings: a birth date. False for other texts. */
function addDate(into: Needles, text: string): boolean {
  const [, year, month, day] = /^((?:19|20)\d\d)-?(\d\d)-?(\d\d)$/.exec(text) ?? [];
  const [, dayFirst, monthSecond, yearLast] = /^(\d\d)[./-](\d\d)[./-]((?:19|20)\d\d)$/.exec(text) ?? [];
  const parts = year === undefined ? [yearLast, monthSecond, dayFirst] : [year, month, day];
  if (parts[0] === undefined) return false;
  addNumber(into, parts.join(''), 'date');
  addNumber(into, parts.toReversed().join(''), 'date');
  return true;
}

function addDigits(into: Needles, digits: string, form: IdentifierForm): void {
  addNumber(into, digits, form);
  if (form !== 'phone') return;
  const national = digits.length >= 12 && digits.startsWith('55') ? digits.slice(2) : digits;
  if (national.length === 10 || national.length === 11) {
    const isMobile = national.length === 11 && national[2] === '9';
    addSpellings(into, national);
    // The ninth digit of a Brazilian mobile number may be missing on either side.
    if (isMobile) addSpellings(into, national.slice(0, 2) + national.slice(3));
    else if (national.length === 10 && /[6-9]/.test(national[2] ?? '')) addSpellings(into, `${national.slice(0, 2)}9${national.slice(2)}`);
  } else if (digits.length > 10) addNumber(into, digits.slice(-10), form);
}

function addSpellings(into: Needles, national: string): void {
  for (const spelling of [national, `55${national}`, national.slice(2)])
    if (spelling.length >= 8 && !spelling.includes('000000')) addNumber(into, spelling, 'phone');
}

function addNumber(into: Needles, digits: string, form: IdentifierForm): void {
  into.digits.set(digits, form);
  into.digitStarts.add(digits.length * 10 + digits.charCodeAt(0) - 0x30);
}

/**
 * Finds out whether one of the person's values may occur in the texts of a record, whose words and numbers are in the sieve. In most records
 * none does.
 */
export function lookForPerson(person: RecordPerson, sieve: Sieve, texts: () => readonly string[], chars: number): void {
  if (person.needles === undefined) {
    if (person.collected.length === 0) return;
    const count = { values: 0 };
    const found = person.collected.some((one) => mayOccurAs(one, sieve, count));
    // So few values are never too many, in any spelling and with any letters.
    if (!found && count.values * needlesOfValue <= valuesMax && count.values * needlesOfValue * foldedMax * chars <= comparedCharsMax) {
      person.mayOccur = false;
      return;
    }
  }
  const needles = needlesOf(person);
  if (isEmptyPerson(person) || needles.overflow) return;
  const folded = fold(texts().join('\n'));
  if (needles.phrases.size * folded.length > comparedCharsMax) needles.overflow = true;
  else person.mayOccur = hasPhrase(needles, folded) || (needles.digits.size > 0 && knownDigits(needles, folded, true).length > 0);
}

/** Comparing ten million characters takes some milliseconds. A record that needs more would delay the other deliveries. */
const comparedCharsMax = 20_000_000;
/** A telephone number has at most seven spellings, and is also an id. */
const needlesOfValue = 8;
/** The characters into which one may be folded (U+FDFA). */
const foldedMax = 18;

function mayOccurAs(one: Collected, sieve: Sieve, count: { values: number }): boolean {
  if (one.as === 'branch') return mayOccurIn(one.value, one.key, sieve, count);
  count.values += 1;
  if (one.as === 'subject') return mayHold(sieve, one.value);
  const name = nameOfParts(one.value);
  return name !== undefined && mayHoldWords(sieve, name);
}

function mayOccurIn(value: Json, key: string, sieve: Sieve, count: { values: number }): boolean {
  if (typeof value === 'string' || typeof value === 'number') {
    count.values += 1;
    return mayHold(sieve, String(value)) && !isTooGeneral(key);
  }
  if (Array.isArray(value)) return value.some((item) => mayOccurIn(item, key, sieve, count));
  if (!isObject(value)) return false;
  for (const inner in value) if (Object.hasOwn(value, inner) && mayOccurIn(value[inner] as Json, inner, sieve, count)) return true;
  count.values += 1;
  const name = nameOfParts(value);
  return name !== undefined && mayHoldWords(sieve, name);
}

function hasPhrase({ phrases }: Needles, folded: string): boolean {
  let collapsed: string | undefined;
  for (const phrase of phrases.keys()) {
    // The first word of an id is its prefix, such as the `cus` that begins `customer` in every event.
    if (!folded.includes(longestWord(phrase))) continue;
    collapsed ??= collapse(folded);
    if (collapsed.includes(phrase)) return true;
  }
  return false;
}

function longestWord(phrase: string): string {
  if (!phrase.includes(' ')) return phrase;
  return phrase.split(' ').reduce((longest, word) => (word.length > longest.length ? word : longest));
}

const digitsMin = 7;
const digitsMax = 20;

/** Groups of digits that follow each other with separators, and together are one of the person’s numbers; with `first` the first of them only. */
function knownDigits(person: Needles, text: string, first = false): Span[] {
  const found: Span[] = [];
  // Begin and end of each group in turn. The list is used again, since ids have many groups, and most of them lead to nothing.
  const groups: number[] = [];
  let digits = 0;
  let at = 0;
  const { length } = text;
  while (at <= length) {
    const from = at;
    // A character behind the end is NaN, with which the whole loop is compiled for fractions: so the end is asked for first.
    while (at < length && isDigit(text.charCodeAt(at))) at += 1;
    if (at > from) {
      groups.push(from, at);
      digits += at - from;
      const separatorsEnd = Math.min(length, at + separatorsMax);
      while (at < separatorsEnd && isSeparator(text.charCodeAt(at))) at += 1;
      if (at < length && isDigit(text.charCodeAt(at))) continue;
    }
    if (digits >= digitsMin) knownInGroups(person, text, groups, found);
    if (first && found.length > 0) return found;
    if (digits > 0) groups.length = 0;
    digits = 0;
    at += 1;
  }
  return found;
}

function knownInGroups(person: Needles, text: string, groups: readonly number[], found: Span[]): void {
  for (let start = 0; start < groups.length; start += 2) {
    const from = groups[start] as number;
    const firstDigit = text.charCodeAt(from) - 0x30;
    let length = 0;
    for (let end = start; end < groups.length && length < digitsMax; end += 2) {
      const to = groups[end + 1] as number;
      length += to - (groups[end] as number);
      if (!person.digitStarts.has(length * 10 + firstDigit)) continue;
      const form = person.digits.get(text.slice(from, to).replace(/\D+/g, ''));
      if (form === undefined) continue;
      found.push({ from, to, form });
      start = end;
      break;
    }
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Where the person’s values are in a folded text. */
export function personIn(person: RecordPerson, folded: string): Span[] {
  const needles = needlesOf(person);
  const { phrases, digits, overflow } = needles;
  if (overflow) return [{ from: 0, to: folded.length, form: 'name' }];
  const found: Span[] = [];
  if (phrases.size > 0) {
    const collapsed = ` ${collapse(folded)} `;
    for (const [phrase, form] of phrases) {
      if (!collapsed.includes(` ${phrase} `)) continue;
      for (const match of folded.matchAll(phrasePattern(phrase)))
        found.push({ from: match.index, to: match.index + match[0].length, form });
    }
  }
  if (digits.size > 0) for (const span of knownDigits(needles, folded)) found.push(span);
  return found;
}

function phrasePattern(phrase: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${phrase.split(' ').join('[^\\p{L}\\p{N}]+')}(?![\\p{L}\\p{N}])`, 'gu');
}
