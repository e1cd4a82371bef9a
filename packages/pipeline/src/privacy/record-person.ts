import { isObject } from '../reading/fields.ts';
import type { Json } from '../source.ts';
import type { IdentifierForm, Span } from './identifier-forms.ts';
import { isTooGeneral, keyWords, type PersonalKind, personalKind } from './personal-field-names.ts';
import { plainForm } from './plain-forms.ts';
import { collapse, fold } from './text-forms.ts';

/**
 * The identifiers and full names of one record's person: what the kept texts of the record are searched for. A single word of a name is not in
 * it, because `Price`, `Ana` and `Express` are also words of products, campaigns and types. There is one for each record, and it is never stored.
 */
export interface RecordPerson {
  /** Collapsed texts (text-forms.ts) → what they are: full names, addresses and ids, which count as whole words. */
  phrases: Map<string, IdentifierForm>;
  /** Digits of telephone numbers and documents, in the spellings with and without country code, area code and ninth digit. */
  digits: Map<string, IdentifierForm>;
  /** There are too many values to search for, so every text that would be searched is dropped. */
  overflow: boolean;
  /** False once a pass over all kept texts has found none of the values: then only what is decoded from them is searched. */
  mayOccur: boolean;
}

const valuesMax = 2000;
const phraseCharsMax = 200;

export function newRecordPerson(): RecordPerson {
  return { phrases: new Map(), digits: new Map(), overflow: false, mayOccur: true };
}

export function isEmptyPerson(person: RecordPerson): boolean {
  return !person.overflow && person.phrases.size === 0 && person.digits.size === 0;
}

/** Collects every value of a branch about a person. `kind` is the kind of the branch’s key. */
export function collectPerson(into: RecordPerson, value: Json, key: string, kind: PersonalKind | undefined): void {
  if (Array.isArray(value)) for (const item of value) collectPerson(into, item, key, kind);
  else if (isObject(value)) {
    for (const inner of Object.keys(value)) collectPerson(into, value[inner] as Json, inner, personalKind(inner, undefined) ?? kind);
    collectNameParts(into, value);
  } else if (typeof value === 'string' || typeof value === 'number') collectPersonal(into, String(value), key, kind);
}

/** Collects one value of a person; `key` is the name of its field. */
export function collectPersonal(into: RecordPerson, value: string, key: string, kind: PersonalKind | undefined): void {
  const text = value.trim();
  if (text.length < 5 || isTooGeneral(key)) return;
  if (into.phrases.size + into.digits.size > valuesMax) {
    into.overflow = true;
    return;
  }
  const digits = text.replace(/\D+/g, '');
  if (digits.length >= 7 && digits.length <= 20 && digits.length * 2 >= text.length && /[1-9]{2}|[1-9].*[1-9]/.test(digits)) {
    const isTime = plainForm(text) === 'time';
    if (!isTime || kind !== undefined) addDigits(into, digits, isTime || kind === 'document' ? 'document' : 'phone');
    if (/^[\d\s()+.-]+$/.test(text)) return;
  }
  if (text.length > phraseCharsMax || text.includes('://')) return;
  if (isStreet(key)) addPhrase(into, text, 'address');
  else if (kind === 'document' || isDistinctiveId(text)) addPhrase(into, text, kind === 'document' ? 'document' : 'id');
  else if ((kind === 'name' || kind === undefined) && isFullName(text)) addPhrase(into, text, 'name');
}

/** Collects an identifier of the record’s subject. An id of six characters or more cannot be a quantity of the record by chance. */
export function collectIdentifier(into: RecordPerson, value: string, kind: 'email' | 'phone' | 'document' | 'external_id'): void {
  if (kind === 'phone' || kind === 'document') collectPersonal(into, value, kind, kind);
  else if (value.trim().length >= 6 && value.length <= phraseCharsMax) addPhrase(into, value, kind === 'email' ? 'email' : 'id');
}

/** First and last name in two fields of one object are a full name. */
export function collectNameParts(into: RecordPerson, person: { [key: string]: Json }): void {
  let first: string | undefined;
  let last: string | undefined;
  for (const key of Object.keys(person)) {
    const part = namePart(key);
    const value = part === undefined ? undefined : person[key];
    if (typeof value !== 'string' || value.trim() === '') continue;
    if (part === 'first') first = value;
    else last = value;
  }
  if (first !== undefined && last !== undefined) addPhrase(into, `${first} ${last}`, 'name');
}

const nameParts = new Map<string, 'first' | 'last' | undefined>();

/** Which part of a name the field holds. Remembered for each key, as far as senders do not invent them. */
function namePart(key: string): 'first' | 'last' | undefined {
  if (key.length < 4 || key.length > 40) return undefined;
  if (nameParts.has(key)) return nameParts.get(key);
  const words = keyWords(key).join('');
  const isFirst = /(?:first|given)name$|^(?:primeiro)?nome$|^nombre$|^fname$/.test(words);
  const part = isFirst ? 'first' : /(?:last|family)name$|^surname$|^sobrenome$|^apellidos?$|^lname$/.test(words) ? 'last' : undefined;
  if (nameParts.size >= 5000) nameParts.clear();
  nameParts.set(key, part);
  return part;
}

/** Two to eight words of letters. */
function isFullName(text: string): boolean {
  return text.length <= 120 && /^\p{L}[\p{L}\p{M}'’.-]*(?:\s+\p{L}[\p{L}\p{M}'’.-]*){1,7}$/u.test(text);
}

function isStreet(key: string): boolean {
  return /^(?:.*_)?(?:address|addresses|street|endereco|endere[cç]o|logradouro|rua|calle|direccion|line1|addressline1|address_line1|street_?name)$/i.test(
    key,
  );
}

/** Whether an id of a person cannot be another thing by chance: eight characters or more, letters and digits, and no spaces. */
function isDistinctiveId(text: string): boolean {
  return text.length >= 8 && !/\s/.test(text) && /\d/.test(text) && /\p{L}/u.test(text) && plainForm(text) === undefined;
}

function addPhrase(into: RecordPerson, text: string, form: IdentifierForm): void {
  const phrase = collapse(fold(text)).trim();
  // Two letters and a space in between are a full name in many languages, and a part of everything in others.
  if (phrase.length >= 5 || /^\p{Lo}+$/u.test(phrase.replaceAll(' ', ''))) into.phrases.set(phrase, form);
}

function addDigits(into: RecordPerson, digits: string, form: IdentifierForm): void {
  const add = (spelling: string) => {
    if (spelling.length >= 8 && !/0{6}/.test(spelling)) into.digits.set(spelling, form);
  };
  into.digits.set(digits, form);
  if (form !== 'phone') return;
  const national = digits.length >= 12 && digits.startsWith('55') ? digits.slice(2) : digits;
  if (national.length === 10 || national.length === 11) {
    const short = national.length === 11 && national[2] === '9' ? national.slice(0, 2) + national.slice(3) : national;
    for (const one of new Set([national, short])) {
      add(one);
      add(`55${one}`);
      add(one.slice(2));
    }
    if (national.length === 10 && /[6-9]/.test(national[2] ?? '')) {
      add(`${national.slice(0, 2)}9${national.slice(2)}`);
      add(`55${national.slice(0, 2)}9${national.slice(2)}`);
    }
  } else if (digits.length > 10) add(digits.slice(-10));
}

/** Finds out in one pass over all texts of a record whether one of the person's values may occur in them. In most records none does. */
export function lookForPerson(person: RecordPerson, texts: readonly string[]): void {
  if (isEmptyPerson(person) || person.overflow) return;
  const collapsed = collapse(fold(texts.join('\n')));
  // Comparing ten million characters takes some milliseconds. A record that needs more would delay the other deliveries.
  if (person.phrases.size * collapsed.length > 20_000_000) person.overflow = true;
  else person.mayOccur = hasPhrase(person, collapsed) || hasKnownDigits(person, collapsed);
}

function hasPhrase(person: RecordPerson, collapsed: string): boolean {
  for (const phrase of person.phrases.keys()) if (collapsed.includes(phrase)) return true;
  return false;
}

const digitRun = /\d+(?:[\s().\-/\u2010-\u2015]{1,3}\d+)*/g;
const digitsMax = 20;

function hasKnownDigits(person: RecordPerson, text: string): boolean {
  if (person.digits.size > 0) for (const _ of knownDigits(person, text)) return true;
  return false;
}

/** Groups of digits that follow each other with separators, and together are one of the person’s numbers. */
function* knownDigits(person: RecordPerson, text: string): Generator<Span> {
  for (const run of text.matchAll(digitRun)) {
    const groups = [...run[0].matchAll(/\d+/g)];
    for (let first = 0; first < groups.length; first++) {
      let digits = '';
      for (let last = first; last < groups.length && digits.length < digitsMax; last++) {
        const group = groups[last] as RegExpExecArray;
        digits += group[0];
        const form = person.digits.get(digits);
        if (form === undefined) continue;
        yield { from: run.index + (groups[first]?.index ?? 0), to: run.index + group.index + group[0].length, form };
        first = last;
        break;
      }
    }
  }
}

/** Where the person’s values are in a folded text. */
export function personIn(person: RecordPerson, folded: string): Span[] {
  if (person.overflow) return [{ from: 0, to: folded.length, form: 'name' }];
  const found: Span[] = [];
  if (person.phrases.size > 0) {
    const collapsed = ` ${collapse(folded)} `;
    for (const [phrase, form] of person.phrases) {
      if (!collapsed.includes(` ${phrase} `)) continue;
      for (const match of folded.matchAll(phrasePattern(phrase)))
        found.push({ from: match.index, to: match.index + match[0].length, form });
    }
  }
  if (person.digits.size > 0) found.push(...knownDigits(person, folded));
  return found;
}

function phrasePattern(phrase: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${phrase.split(' ').join('[^\\p{L}\\p{N}]+')}(?![\\p{L}\\p{N}])`, 'gu');
}
