import { type IdentifierForm, identifiersIn, isUuid, type Span } from './identifier-forms.ts';
import { keyWords, personalKind } from './personal-field-names.ts';
import { hasReadableBase64, hasReadableHex } from './readable.ts';
import { isEmptyPerson, newRecordPerson, personIn, type RecordPerson } from './record-person.ts';
import { foldWithOrigins, formsOfText } from './text-forms.ts';

/*
 * A kept text is searched for values with the form of an identifier, and for the identifiers and full names of its record's person. Texts that
 * cannot contain either are recognised by one pass over their characters, and only texts that may be encoded are decoded.
 */

/** What a text may contain, found by one pass over its characters. */
interface Hints {
  encoded: boolean;
  /** Pairs of name and value, as in a form body or the query of a URL. */
  parameters: boolean;
}

const hasNothing: Hints = { encoded: false, parameters: false };

const nobody = newRecordPerson();

/** Whether the person's values may occur in texts that are not decoded. */
const isSearched = (person: RecordPerson): boolean => person.mayOccur && !isEmptyPerson(person);

/** The text with every identifier, and every full name of the record’s person, replaced by its kind: `[email]`. */
export function maskText(text: string, person: RecordPerson): string {
  const hints = hintsOf(text);
  if (hints === hasNothing && !isSearched(person)) return text;
  let masked = replaceSpans(text, spansIn(text, isSearched(person) ? person : nobody, false));
  if (hints.parameters) masked = maskParameters(masked);
  if (!hints.encoded) return masked;
  // What is decoded only together, such as a form body with spaces, leaves nothing of the text.
  for (const part of [encodedPart, encodedWord, wordBetweenSpaces, everything]) {
    if (encodedForm(masked, person) === undefined) break;
    masked = masked.replace(part, (word) => {
      const form = encodedForm(word, person);
      return form === undefined ? word : `[${form}]`;
    });
  }
  return masked;
}

/**
 * The kind of an identifier in the text, in any encoding; undefined without one. `inId`: the text is an id, in which digits without separators
 * are no telephone number by their form. What an id hides in an encoding is a text.
 */
export function identifierIn(text: string, person: RecordPerson, inId: boolean): IdentifierForm | undefined {
  const hints = hintsOf(text);
  if (hints === hasNothing && !isSearched(person)) return undefined;
  const [span] = spansIn(text, isSearched(person) ? person : nobody, inId);
  if (span) return span.form;
  if (hints.parameters && maskParameters(text) !== text) return 'name';
  return hints.encoded ? encodedForm(text, person) : undefined;
}

/** {@link identifierIn} for an id, which is searched once for each record. */
export function identifierInId(id: string, person: RecordPerson): IdentifierForm | undefined {
  const { searchedIds } = person;
  if (searchedIds.has(id)) return searchedIds.get(id);
  const found = identifierIn(id, person, true);
  searchedIds.set(id, found);
  return found;
}

/** The kind of the identifier that the whole text is, without regard to encodings, case and spaces around it; undefined for other texts. */
export function wholeIdentifier(text: string, person: RecordPerson): { form: IdentifierForm; value: string } | undefined {
  for (const form of hintsOf(text).encoded ? formsOfText(text) : [text]) {
    const value = form.trim();
    const { text: folded } = foldWithOrigins(value);
    for (const span of [...identifiersIn(folded), ...personIn(person, folded)])
      if (span.from <= 1 && span.to >= folded.length - 1) return { form: span.form, value: value.normalize('NFKC') };
  }
  return undefined;
}

function spansIn(text: string, person: RecordPerson, inId: boolean): Span[] {
  const { text: folded, origins } = foldWithOrigins(text);
  const spans = identifiersIn(folded, inId);
  if (!isEmptyPerson(person)) spans.push(...personIn(person, folded));
  if (origins !== undefined) for (const span of spans) Object.assign(span, { from: origins[span.from], to: origins[span.to] });
  return spans;
}

/** The text with its spans replaced. Of spans that overlap the first stands for all. */
function replaceSpans(text: string, spans: Span[]): string {
  if (spans.length === 0) return text;
  spans.sort((a, b) => a.from - b.from || b.to - a.to);
  let masked = '';
  let at = 0;
  for (const { from, to, form } of spans) {
    if (from >= at) masked += `${text.slice(at, from)}[${form}]`;
    at = Math.max(at, to);
  }
  return masked + text.slice(at);
}

/** A word between spaces and the signs that stand between parameters, first in parts, and with the signs that base64 ends with. */
const encodedPart = /[^\s?&=;:,"'<>|()[\]{}/]+(?:={1,2}(?![^\s&;,"'<>|()[\]{}]))?/g;
const encodedWord = /[^\s?&=;,"'<>|()[\]{}]+(?:={1,2}(?![^\s&;,"'<>|()[\]{}]))?/g;
const wordBetweenSpaces = /\S+/g;
const everything = /^[\s\S]*$/;

function encodedForm(text: string, person: RecordPerson): IdentifierForm | undefined {
  for (const form of formsOfText(text)) {
    if (form === text) continue;
    const [span] = spansIn(form, person, false);
    if (span) return span.form;
    if (form.includes('=') && maskParameters(form) !== form) return 'name';
  }
  return undefined;
}

/** A name has no U+FFFD, which stands for bytes that are no text: an id decoded as base64 has some, and `ip-y\ufffda=` in it is no parameter. */
const parameter = /(?<![^?&#;\s\ufffd])([^=&#?;\s\ufffd]{1,60})=([^&#;\s]+)/g;

/** Replaces the values of parameters with a personal name: checkout links often carry the buyer’s name and telephone. */
function maskParameters(text: string): string {
  return text.replace(parameter, (whole, name: string, value: string) => {
    const kind = value.startsWith('[') ? undefined : personalKind(name, undefined);
    return kind === undefined ? whole : `${name}=[${kind === 'other' ? otherForm(name) : kind}]`;
  });
}

function otherForm(name: string): IdentifierForm {
  const words = keyWords(name).join('');
  if (words.includes('mail')) return 'email';
  return words.startsWith('ip') ? 'ip' : 'address';
}

function hintsOf(text: string): Hints {
  if (isUuid(text)) return hasNothing;
  const { length } = text;
  let some = false;
  let encoded = false;
  let plus = false;
  let equals = false;
  let colons = 0;
  // The word of base64 characters that is being read: where it began, and which characters it has.
  let from = -1;
  let cases = 0;
  for (let index = 0; index <= length; index++) {
    const code = index < length ? text.charCodeAt(index) : 0;
    const kind = code < 0x2000 ? (kinds[code] as number) : beyond;
    if (kind <= inWord) {
      if (from === -1) from = index;
      if (kind === digit) some = true;
      cases |= kind === inWord ? 0 : 1 << kind;
      if (code === 0x2b) plus = true;
      continue;
    }
    if (from !== -1) {
      if (index - from >= 10 && !encoded) encoded = isEncodedWord(text, from, index, cases);
      from = -1;
      cases = 0;
    }
    if (kind === at || kind === beyond) some = true;
    else if (kind === coded) encoded = true;
    else if (kind === colon) colons += 1;
    else if (kind === equal) equals = true;
  }
  if (!some && colons < 2 && !encoded && !equals && !plus) return hasNothing;
  // In a form, a plus sign is a space.
  return { encoded: encoded || plus || (equals && /=[0-9A-F]{2}/.test(text)), parameters: equals };
}

// The kinds of characters: up to `inWord` they may be part of a base64 or hexadecimal word.
const [lower, upper, digit, inWord, at, coded, colon, equal, other, beyond] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const kinds = new Uint8Array(0x2000).fill(other);
for (let code = 0x61; code <= 0x7a; code++) kinds[code] = lower;
for (let code = 0x41; code <= 0x5a; code++) kinds[code] = upper;
for (let code = 0x30; code <= 0x39; code++) kinds[code] = digit;
for (const character of '+/_-') kinds[character.charCodeAt(0)] = inWord;
for (const character of '%\\&') kinds[character.charCodeAt(0)] = coded;
kinds[0x40] = at;
kinds[0x3a] = colon;
kinds[0x3d] = equal;
kinds[0xad] = beyond;

/** Whether a word may be encoded text: base64 has letters of both cases, and both encodings decode to a few readable characters in a row. */
function isEncodedWord(text: string, from: number, to: number, cases: number): boolean {
  const both = (1 << lower) | (1 << upper);
  return (
    ((cases & both) === both && hasReadableBase64(text, from, to)) ||
    ((cases & (1 << digit)) !== 0 && to - from >= 14 && hasReadableHex(text, from, to))
  );
}
