import { isUuid } from './identifier-forms.ts';
import { hasReadableBase64, hasReadableHex } from './readable.ts';
import { addFolded, addNumbers, addWord, bitsOf, hashLetter, letterOf, newSieve, oddLetter, type Sieve } from './sieve.ts';

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

/** What is known of a character: its folded letter in the low bits, and what it may be part of. */
const letterBits = 0xff;
const lower = 0x100;
const upper = 0x200;
const digit = 0x400;
const wordSign = 0x800;
const at = 0x1000;
const coded = 0x2000;
const colon = 0x4000;
const equal = 0x8000;
const space = 0x10000;
const dot = 0x20000;
const plus = 0x40000;
const beyond = 0x80000;
/** Characters of a base64 or hexadecimal word. */
const inWord = lower | upper | digit | wordSign;
const ascii = new Int32Array(0x80);
for (let code = 0; code < 0x80; code++) ascii[code] = letterOf(code);
const mark = (from: string, to: string, bits: number): void => {
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) ascii[code] = (ascii[code] as number) | bits;
};
mark('a', 'z', lower);
mark('A', 'Z', upper);
mark('0', '9', digit);
for (const sign of '+/_-') mark(sign, sign, wordSign);
for (const sign of '%\\&') mark(sign, sign, coded);
mark('@', '@', at);
mark(':', ':', colon);
mark('=', '=', equal);
mark(' ', ' ', space);
mark('.', '.', dot);
mark('+', '+', plus);

const encodedWordMin = 10;
const hexWordMin = 14;
/** Fewer digits than every number has that counts as an identifier. */
const numberDigitsMin = 7;
const ipDigitsMin = 4;
const addressCharsMin = 8;

const unused = newSieve();

/** What the text may contain. */
export const traitsOf = (text: string): number => lookAt(text, unused);

/** What a look at a text finds, to be used again: the names of fields are the same in all records. */
export interface Signs {
  traits: number;
  words: readonly number[];
  ends: readonly number[];
}

export function signsOf(text: string): Signs {
  const sieve = newSieve();
  const traits = lookAt(text, sieve);
  return { traits, words: bitsOf(sieve.words), ends: bitsOf(sieve.ends) };
}

/** What the text may contain; its words and numbers are added to the sieve by the same pass. */
export function lookAt(text: string, sieve: Sieve): number {
  const { length } = text;
  let seen = 0;
  let hash = 0;
  let digits = 0;
  let colons = 0;
  let word = 0;
  let longestWord = 0;
  let isAscii = true;
  let isOdd = false;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    let known: number;
    let letter: number;
    if (code < 0x80) {
      known = ascii[code] as number;
      letter = known & letterBits;
    } else {
      isAscii = false;
      known = code >= 0x2000 || code === 0xad ? beyond : 0;
      letter = letterOf(code);
    }
    if (letter > oddLetter) hash = hashLetter(hash, letter);
    else {
      if (hash !== 0) addWord(sieve, hash);
      hash = 0;
      if (letter === oddLetter) isOdd = true;
    }
    seen |= known;
    if ((known & inWord) !== 0) {
      word += 1;
      if (word > longestWord) longestWord = word;
      if ((known & digit) !== 0) digits += 1;
    } else {
      word = 0;
      if (known === colon) colons += 1;
    }
  }
  if (hash !== 0) addWord(sieve, hash);
  if (isOdd) addFolded(sieve, text);
  else if (digits >= numberDigitsMin) addNumbers(sieve, text);
  if ((seen & (digit | at | coded | colon | equal | plus | beyond)) === 0 && (longestWord < encodedWordMin || !hasCases(seen)))
    return noTraits;
  if (isUuid(text)) return noTraits;
  const has = (kind: number): boolean => (seen & kind) !== 0;
  const isEncoded =
    has(coded) || (longestWord >= encodedWordMin && (hasCases(seen) || (has(digit) && longestWord >= hexWordMin)) && hasEncodedWord(text));
  if (!isEncoded && !has(digit | at | beyond | equal | plus) && colons < 2) return noTraits;
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
    (isEncoded || has(plus) || (has(equal) && /=[0-9A-F]{2}/.test(text)) ? encoded : 0) |
    (has(equal) ? parameters : 0)
  );
}

const hasCases = (seen: number): boolean => (seen & lower) !== 0 && (seen & upper) !== 0;

/** Whether a word may be encoded text: base64 has letters of both cases, and both encodings decode to a few readable characters in a row. */
function hasEncodedWord(text: string): boolean {
  let from = 0;
  let seen = 0;
  for (let index = 0; index <= text.length; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 0;
    const known = code < 0x80 ? (ascii[code] as number) : 0;
    if ((known & inWord) !== 0) {
      seen |= known;
      continue;
    }
    if (index - from >= encodedWordMin) {
      if (hasCases(seen) && hasReadableBase64(text, from, index)) return true;
      if ((seen & digit) !== 0 && index - from >= hexWordMin && hasReadableHex(text, from, index)) return true;
    }
    from = index + 1;
    seen = 0;
  }
  return false;
}
