import { isUuid } from './identifier-forms.ts';
import { hasReadableBase64, hasReadableHex } from './readable.ts';
import { addFolded, addNumbers, addWord, hashLetter, letterOf, newSieve, oddLetter, type Sieve } from './sieve.ts';

/*
 * What a text may contain, as bits, found by one pass over its characters. Texts that cannot contain an identifier are not searched, and only texts
 * that may be encoded are decoded.
 */

/** The text may contain a value with the form of an identifier. */
export const identifiable = 1;
export const encoded = 2;
/** Pairs of name and value, as in a form body or the query of a URL. */
export const parameters = 4;
export const noTraits = 0;

// The kinds of characters: up to `inWord` they may be part of a base64 or hexadecimal word.
const [lower, upper, digit, inWord, at, coded, colon, equal, space, dot, other, beyond] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const kinds = new Uint8Array(0x2000).fill(other);
for (let code = 0x61; code <= 0x7a; code++) kinds[code] = lower;
for (let code = 0x41; code <= 0x5a; code++) kinds[code] = upper;
for (let code = 0x30; code <= 0x39; code++) kinds[code] = digit;
for (const character of '+/_-') kinds[character.charCodeAt(0)] = inWord;
for (const character of '%\\&') kinds[character.charCodeAt(0)] = coded;
kinds[0x40] = at;
kinds[0x3a] = colon;
kinds[0x3d] = equal;
kinds[0x20] = space;
kinds[0x2e] = dot;
kinds[0xad] = beyond;

const encodedWordMin = 10;
/** Fewer digits than every number has that counts as an identifier. */
const numberDigitsMin = 7;
const ipDigitsMin = 4;
const addressCharsMin = 8;

const unused = newSieve();

/** What the text may contain. */
export const traitsOf = (text: string): number => lookAt(text, unused);

/** What the text may contain; its words and numbers are added to the sieve by the same pass. */
export function lookAt(text: string, sieve: Sieve): number {
  const { length } = text;
  let seen = 0;
  let hash = 0;
  let digits = 0;
  let colons = 0;
  let isEncoded = false;
  let plus = false;
  let isAscii = true;
  let isOdd = false;
  // The word of base64 characters that is being read: where it began, and which characters it has.
  let from = -1;
  let cases = 0;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    const letter = letterOf(code);
    if (letter > oddLetter) hash = hashLetter(hash, letter);
    else {
      if (hash !== 0) addWord(sieve, hash);
      hash = 0;
      if (letter === oddLetter) isOdd = true;
    }
    if (code >= 0x80) isAscii = false;
    const kind = code < 0x2000 ? (kinds[code] as number) : beyond;
    if (kind <= inWord) {
      if (from === -1) from = index;
      if (kind === digit) digits += 1;
      cases |= kind === inWord ? 0 : 1 << kind;
      if (code === 0x2b) plus = true;
      continue;
    }
    if (from !== -1) {
      if (index - from >= encodedWordMin && !isEncoded) isEncoded = isEncodedWord(text, from, index, cases);
      from = -1;
      cases = 0;
    }
    seen |= 1 << kind;
    if (kind === colon) colons += 1;
  }
  if (hash !== 0) addWord(sieve, hash);
  if (isOdd) addFolded(sieve, text);
  else if (digits >= numberDigitsMin) addNumbers(sieve, text);
  if (from !== -1 && length - from >= encodedWordMin && !isEncoded) isEncoded = isEncodedWord(text, from, length, cases);
  if (isUuid(text)) return noTraits;
  const has = (kind: number): boolean => (seen & (1 << kind)) !== 0;
  isEncoded ||= has(coded);
  const some = digits > 0 || has(at) || has(beyond) || colons > 1;
  if (!some && !isEncoded && !has(equal) && !plus) return noTraits;
  // Other alphabets have compatibility forms of digits and signs, so that only the folded text says what is in it.
  const mayIdentify =
    !isAscii ||
    has(at) ||
    digits >= numberDigitsMin ||
    (digits >= ipDigitsMin && has(dot)) ||
    (digits > 0 && (colons > 1 || (has(space) && length >= addressCharsMin)));
  return (
    (mayIdentify ? identifiable : 0) |
    // In a form, a plus sign is a space.
    (isEncoded || plus || (has(equal) && /=[0-9A-F]{2}/.test(text)) ? encoded : 0) |
    (has(equal) ? parameters : 0)
  );
}

/** Whether a word may be encoded text: base64 has letters of both cases, and both encodings decode to a few readable characters in a row. */
function isEncodedWord(text: string, from: number, to: number, cases: number): boolean {
  const both = (1 << lower) | (1 << upper);
  return (
    ((cases & both) === both && hasReadableBase64(text, from, to)) ||
    ((cases & (1 << digit)) !== 0 && to - from >= 14 && hasReadableHex(text, from, to))
  );
}
