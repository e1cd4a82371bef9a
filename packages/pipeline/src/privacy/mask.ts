import { type IdentifierForm, identifiersIn, type Span } from './identifier-forms.ts';
import { keyWords, personalKind } from './personal-field-names.ts';
import { isEmptyPerson, newRecordPerson, personIn, type RecordPerson } from './record-person.ts';
import { foldWithOrigins, formsOfText } from './text-forms.ts';
import { encoded, identifiable, noTraits, parameters, traitsOf } from './text-traits.ts';

/*
 * A kept text is searched for values with the form of an identifier, and for the identifiers and full names of its record's person. Texts that
 * cannot contain either are recognised by one pass over their characters, and only texts that may be encoded are decoded.
 */

const nobody = newRecordPerson();

/** Whether the person's values may occur in texts that are not decoded. */
export const isSearched = (person: RecordPerson): boolean => person.mayOccur && !isEmptyPerson(person);

/** The text with every identifier, and every full name of the record’s person, replaced by its kind: `[email]`. */
export function maskText(text: string, person: RecordPerson, traits = traitsOf(text)): string {
  const searched = isSearched(person);
  if (traits === noTraits && !searched) return text;
  let masked = text;
  if ((traits & identifiable) !== 0 || searched) masked = replaceSpans(text, spansIn(text, searched ? person : nobody, false));
  if ((traits & parameters) !== 0) masked = maskParameters(masked);
  if ((traits & encoded) === 0) return masked;
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
export function identifierIn(text: string, person: RecordPerson, inId: boolean, traits = traitsOf(text)): IdentifierForm | undefined {
  const searched = isSearched(person);
  if (traits === noTraits && !searched) return undefined;
  const [span] = (traits & identifiable) !== 0 || searched ? spansIn(text, searched ? person : nobody, inId) : [];
  if (span) return span.form;
  if ((traits & parameters) !== 0 && maskParameters(text) !== text) return 'name';
  return (traits & encoded) === 0 ? undefined : encodedForm(text, person);
}

/** {@link identifierIn} for an id, which is searched once for each record. */
export function identifierInId(id: string, person: RecordPerson, traits = traitsOf(id)): IdentifierForm | undefined {
  if (traits === noTraits && !isSearched(person)) return undefined;
  person.searchedIds ??= new Map();
  const { searchedIds } = person;
  if (searchedIds.has(id)) return searchedIds.get(id);
  const found = identifierIn(id, person, true, traits);
  searchedIds.set(id, found);
  return found;
}

/** The kind of the identifier that the whole text is, without regard to encodings, case and spaces around it; undefined for other texts. */
export function wholeIdentifier(text: string, person: RecordPerson): { form: IdentifierForm; value: string } | undefined {
  for (const form of (traitsOf(text) & encoded) === 0 ? [text] : formsOfText(text)) {
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
