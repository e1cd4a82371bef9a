import { type IdentifierForm, identifiersIn, type Span } from './identifier-forms.ts';
import { keyWords, personalKind } from './personal-field-names.ts';
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
  for (const part of [encodedWord, wordBetweenSpaces, everything]) {
    if (encodedForm(masked, person, false) === undefined) break;
    masked = masked.replace(part, (word) => {
      const form = encodedForm(word, person, false);
      return form === undefined ? word : `[${form}]`;
    });
  }
  return masked;
}

/**
 * The kind of an identifier in the text, in any encoding; undefined without one. `inId`: the text is an id, in which digits without separators
 * are no telephone number by their form.
 */
export function identifierIn(text: string, person: RecordPerson, inId: boolean): IdentifierForm | undefined {
  const hints = hintsOf(text);
  if (hints === hasNothing && !isSearched(person)) return undefined;
  const [span] = spansIn(text, isSearched(person) ? person : nobody, inId);
  if (span) return span.form;
  if (hints.parameters && maskParameters(text) !== text) return 'name';
  return hints.encoded ? encodedForm(text, person, inId) : undefined;
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

/** A word between spaces and the signs that stand between parameters, with the signs that base64 ends with. */
const encodedWord = /[^\s?&=;,"'<>|()[\]{}]+(?:={1,2}(?![^\s&;,"'<>|()[\]{}]))?/g;
const wordBetweenSpaces = /\S+/g;
const everything = /^[\s\S]*$/;

function encodedForm(text: string, person: RecordPerson, inId: boolean): IdentifierForm | undefined {
  for (const form of formsOfText(text)) {
    if (form === text) continue;
    const [span] = spansIn(form, person, inId);
    if (span) return span.form;
    if (form.includes('=') && maskParameters(form) !== form) return 'name';
  }
  return undefined;
}

const parameter = /(?<![^?&#;\s])([^=&#?;\s]{1,60})=([^&#;\s]+)/g;

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
  let digits = 0;
  let colons = 0;
  let at = false;
  let other = false;
  let encoded = false;
  let equals = false;
  // The word of base64 or hexadecimal characters that is being read: its length, and which characters it has.
  let word = 0;
  let lower = false;
  let upper = false;
  let hex = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (isDigit || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46)) hex += 1;
    else hex = 0;
    if (isDigit) digits += 1;
    else if (code >= 0x61 && code <= 0x7a) lower = true;
    else if (code >= 0x41 && code <= 0x5a) upper = true;
    else if (code === 0x2b || code === 0x2f || code === 0x5f || code === 0x2d) {
      if (code === 0x2b) equals ||= digits > 0 || index > 0;
    } else {
      word = 0;
      lower = false;
      upper = false;
      if (code === 0x40) at = true;
      else if (code === 0x3a) colons += 1;
      else if (code === 0x3d) equals = true;
      else if (code === 0x25 || code === 0x5c || code === 0x26) encoded = true;
      else if (code >= 0x2000 || code === 0xad) other = true;
      continue;
    }
    word += 1;
    if (hex >= 14 || (word >= 10 && lower && upper)) encoded = true;
  }
  if (!at && digits === 0 && colons < 2 && !other && !encoded && !equals) return hasNothing;
  return {
    // In a form, a plus sign is a space.
    encoded: encoded || (equals && (text.includes('+') || /=[0-9A-F]{2}/.test(text))),
    parameters: equals && text.includes('='),
  };
}
