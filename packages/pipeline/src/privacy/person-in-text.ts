import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { type IdentifierKind, normaliseDocument, normalisePhone } from './pii.ts';
import { foldText, formsOfText } from './text-forms.ts';

const documentCharsMax = 60;
/** A shorter document within a text would be found in many numbers by chance. It is found as a whole value. */
const documentInTextMin = 8;

/** An identifier in the form that is compared. */
export interface Identifier {
  kind: IdentifierKind;
  form: string;
}

export interface PersonMatcher {
  /** Whether one of the texts names the person, within it or as a whole. */
  names(texts: readonly string[]): boolean;
  /** Whether the person is named within a text, which may be a list of values or a raw body. */
  within(text: string): boolean;
  /** Whether the text as a whole is an identifier of the person, with any separators. */
  isWhole(text: string): boolean;
}

/**
 * Recognises the person in texts, in any form in which they may hide that (text-forms.ts). An e-mail address, a phone with its area code and a
 * document of eight characters or more are found within longer texts, and so are the usual digests of every identifier (MD5, SHA-1, SHA-256). A
 * short document counts only as a whole text. An external id may be any short number: only one that cannot occur by chance is found in texts.
 * `hashes` are those of the org, which stand for an identifier in a campaign parameter (`email:<hash>`).
 */
export function personMatcher(
  identifiers: readonly Identifier[],
  countries: readonly string[],
  hashes: readonly string[] = [],
): PersonMatcher {
  const formsOf = (kind: IdentifierKind) => identifiers.filter((one) => one.kind === kind).map(({ form }) => form);
  const digests = new Set([...digestsOf(identifiers), ...hashes]);
  const addresses = formsOf('email')
    .flatMap(addressesOf)
    .map((address) => ({ address, whole: addressPattern(address) }));
  const phones = formsOf('phone');
  const endings = [...new Set(phones.map((phone) => phone.slice(-8)))].map((ending) => ({ ending, pattern: spelled(ending) }));
  const [document] = formsOf('document');
  const [id] = formsOf('external_id');
  const documentInText = document !== undefined && document.length >= documentInTextMin ? spelledWord(foldText(document)) : undefined;
  const externalId = id !== undefined && isDistinctive(id) ? foldText(id) : undefined;
  const externalIdInText = externalId === undefined ? undefined : word(externalId);

  function isIn(text: string): boolean {
    if (addresses.some(({ address, whole }) => text.includes(address) && whole.test(text))) return true;
    if (externalId !== undefined && text.includes(externalId) && externalIdInText?.test(text)) return true;
    if (documentInText?.test(text) || hasDigest(text, digests)) return true;
    if (phones.length === 0) return false;
    const digits = text.replace(/\D+/g, '');
    return endings.some(({ ending, pattern }) => digits.includes(ending) && hasPhone(text, pattern, phones, countries));
  }

  const matcher: PersonMatcher = {
    within: (text) => formsOfText(text).some((form) => hasEncodedDigest(form, digests) || isIn(foldText(form))),
    isWhole(text) {
      if (document !== undefined && text.length <= documentCharsMax && normaliseDocument(text) === document) return true;
      if (phones.length === 0 || text.length < 8 || text.length > 40) return false;
      const ending = text.replace(/\D+/g, '').slice(-8);
      return endings.some((one) => one.ending === ending) && countries.some((country) => isOneOf(phones, normalisePhone(text, country)));
    },
    // Texts are searched together, because the search of one costs more than its length.
    names: (texts) => texts.some(matcher.isWhole) || slices(texts.join(between)).some(matcher.within),
  };
  return matcher;
}

/** Stands between texts that are searched together: it is part of no identifier, separator or word. */
const between = '\u0001';
const sliceChars = 65_536;
/** What may stand at the end of one slice and the beginning of the next. */
const overlapChars = 2_048;

/** A long text in pieces that overlap, so that the forms of only one piece are in memory. */
export function slices(text: string): string[] {
  if (text.length <= sliceChars + overlapChars) return [text];
  return Array.from({ length: Math.ceil(text.length / sliceChars) }, (_, n) =>
    text.slice(n * sliceChars, (n + 1) * sliceChars + overlapChars),
  );
}

/** The address with its domain in Unicode and in ASCII (`xn--…`). */
function addressesOf(email: string): string[] {
  const at = email.lastIndexOf('@');
  try {
    const { hostname } = new URL(`http://${email.slice(at + 1)}`);
    return [...new Set([foldText(email), `${foldText(email.slice(0, at))}@${hostname}`])];
  } catch {
    return [foldText(email)];
  }
}

/** The address within a text, but not as the end of a longer address or the beginning of a longer domain. */
function addressPattern(address: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}._%+-])${literally(address)}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`, 'u');
}

const word = (text: string): RegExp => new RegExp(`(?<![\\p{L}\\p{N}])${literally(text)}(?![\\p{L}\\p{N}])`, 'u');
const separator = '[\\s().\\-/\\u2010-\\u2015]{0,3}';
/** The characters with separators between them, not at the beginning of a longer number. */
const spelled = (digits: string): RegExp => new RegExp(`${[...digits].join(separator)}(?!\\d)`, 'g');
const spelledWord = (text: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}])${[...text].map(literally).join(separator)}(?![\\p{L}\\p{N}])`, 'u');

/** The text as a part of a Unicode pattern. */
function literally(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Whether an external id cannot be another thing by chance: twelve characters, or eight with letters and digits. */
function isDistinctive(id: string): boolean {
  return id.length >= 12 || (id.length >= 8 && /\d/.test(id) && /\p{L}/u.test(id));
}

/** Words after which a number without a country code and separators is an id and not a phone. */
const idBefore = /(?:order|pedido|compra|purchase|invoice|fatura|transaction|transa[cç][aã]o|ticket|protocolo|ref|id|n[ºo]|#)[\s:.#=]*$/;

/**
 * Whether one of the phones is where `ending`, the last eight digits, was found: with the digits before it, which are the area code and the
 * country code in one of several spellings.
 */
function hasPhone(text: string, ending: RegExp, phones: readonly string[], countries: readonly string[]): boolean {
  for (const match of text.matchAll(ending)) {
    const end = match.index + match[0].length;
    const before = /(?:\+|\d|[\s().\-/\u2010-\u2015](?![\s().\-/\u2010-\u2015]{3})){0,16}$/.exec(
      text.slice(Math.max(0, match.index - 24), match.index),
    );
    const from = match.index - (before?.[0].length ?? 0);
    for (let start = from; start <= match.index; start++) {
      // A candidate begins at a plus sign or at the first digit of a group.
      if (!/[\d+]/.test(text[start] ?? '') || /\d/.test(text[start - 1] ?? '')) continue;
      const candidate = text.slice(start, end);
      if (candidate.length > 40) continue;
      const isBare = /^\d{8,11}$/.test(candidate);
      if (isBare && idBefore.test(text.slice(Math.max(0, start - 24), start))) continue;
      if (countries.some((country) => isOneOf(phones, normalisePhone(candidate, country)))) return true;
    }
  }
  return false;
}

const isOneOf = (phones: readonly string[], phone: string | undefined): boolean => phone !== undefined && phones.includes(phone);

/** The usual digests of the person's identifiers in hexadecimal, in the spellings in which advertisers hash them. */
function digestsOf(identifiers: readonly Identifier[]): ReadonlySet<string> {
  const texts = identifiers.flatMap(({ kind, form }) =>
    kind === 'phone' ? [form, form.slice(1), form.replace(/^\+55/, '')] : [form, form.toLowerCase()],
  );
  return new Set(texts.flatMap((text) => ['md5', 'sha1', 'sha256'].map((algorithm) => hash(algorithm, text))));
}

function hasDigest(folded: string, digests: ReadonlySet<string>): boolean {
  if (!/[0-9a-f]{32}/.test(folded)) return false;
  for (const [token] of folded.matchAll(/(?<![0-9a-f])[0-9a-f]{32,64}(?![0-9a-f])/g)) if (digests.has(token)) return true;
  return false;
}

/** Whether a base64 word of the text is one of the digests. */
function hasEncodedDigest(text: string, digests: ReadonlySet<string>): boolean {
  for (const [token] of text.matchAll(/(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{22,44}(?![A-Za-z0-9+/_-])/g))
    if ([22, 27, 43].includes(token.length) && digests.has(Buffer.from(token, 'base64').toString('hex'))) return true;
  return false;
}
