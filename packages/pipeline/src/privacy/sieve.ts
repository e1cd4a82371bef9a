import { collapse, fold, foldWithOrigins } from './text-forms.ts';

/*
 * Which words stand in the kept texts of a record, and how their numbers end, as bits of two tables. In nearly all records none of the person's
 * values is among them, which the tables say without any text being folded, joined or searched.
 * Measured: collecting the person of a webhook's record and searching for it takes about half of the time with the tables.
 */

const wordBits = 1 << 14;
const endings = 10_000;

export interface Sieve {
  /** A bit for the hash of each word. */
  words: Int32Array;
  /** A bit for the last four digits of each number, also of one that is spelled in groups. */
  ends: Int32Array;
}

export function newSieve(): Sieve {
  return { words: new Int32Array(wordBits / 32), ends: new Int32Array(Math.ceil(endings / 32)) };
}

export function emptySieve({ words, ends }: Sieve): void {
  words.fill(0);
  ends.fill(0);
}

/** The code of a folded letter or digit; {@link gap} between words. A text with a character that is `oddLetter` has to be folded as a whole. */
export const gap = 0;
export const oddLetter = 1;
const lettersMax = 0x100;
const letters = new Uint16Array(lettersMax).fill(gap);
for (let code = 0; code < lettersMax; code++) {
  const folded = fold(String.fromCharCode(code));
  // A character beyond ASCII may be a digit, or a space between digits, in another form.
  if (folded.length !== 1 || (code >= 0x80 && /[\0-\x60\x7b-\x7f]/.test(folded))) letters[code] = oddLetter;
  else if (/[\p{L}\p{N}]/u.test(folded)) letters[code] = folded.charCodeAt(0);
}

export const letterOf = (code: number): number => (code < lettersMax ? (letters[code] as number) : oddLetter);

/** The hash of a word with one more letter. It is never 0, which stands for no word. */
export const hashLetter = (hash: number, letter: number): number => (Math.imul(hash, 31) + letter) | 1;

const placeOf = (hash: number): number => ((hash >>> 15) ^ (hash >>> 1)) & (wordBits - 1);

export function addWord(words: Int32Array, hash: number): void {
  const place = placeOf(hash);
  words[place >>> 5] = (words[place >>> 5] as number) | (1 << (place & 31));
}

/** The numbers of the bits that are set. */
export function bitsOf(table: Int32Array): number[] {
  const found: number[] = [];
  for (const [index, bits] of table.entries())
    if (bits !== 0) for (let bit = 0; bit < 32; bit++) if ((bits & (1 << bit)) !== 0) found.push(index * 32 + bit);
  return found;
}

export function setBits(table: Int32Array, bits: readonly number[]): void {
  for (const bit of bits) table[bit >>> 5] = (table[bit >>> 5] as number) | (1 << (bit & 31));
}

function hasWord({ words }: Sieve, hash: number): boolean {
  const place = placeOf(hash);
  return ((words[place >>> 5] as number) & (1 << (place & 31))) !== 0;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
/** The characters between groups of digits that are one number: see record-person.ts. */
export const separatorsMax = 3;
const groupedDigitsMin = 7;

/** A space, one of `( ) . - /` or a dash. */
export function isSeparator(code: number): boolean {
  return (
    (code >= 0x28 && code <= 0x2f && code !== 0x2a && code !== 0x2b && code !== 0x2c) || code === 0x20 || (code >= 0x2010 && code <= 0x2015)
  );
}

/** Adds how the numbers of a folded text end. `known` is how many of its characters are digits, where that was counted. */
export function addNumbers({ ends }: Sieve, folded: string, known: number): void {
  if (known === folded.length) {
    addEnd(ends, lastDigits(folded, known));
    return;
  }
  let digits = 0;
  let between = 0;
  for (let at = 0; at < folded.length; at++) {
    const code = folded.charCodeAt(at);
    if (!isDigit(code)) {
      if (between === 0 && digits >= groupedDigitsMin) addEnd(ends, lastDigits(folded, at));
      between = isSeparator(code) ? between + 1 : separatorsMax + 1;
      continue;
    }
    if (between > separatorsMax) digits = 0;
    between = 0;
    digits += 1;
  }
  if (between === 0 && digits >= groupedDigitsMin) addEnd(ends, lastDigits(folded, folded.length));
}

/** The last four digits before the place. */
function lastDigits(text: string, to: number): number {
  let value = 0;
  let unit = 1;
  for (let at = to - 1; at >= 0 && unit < endings; at--) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) continue;
    value += (code - 0x30) * unit;
    unit *= 10;
  }
  return value;
}

function addEnd(ends: Int32Array, end: number): void {
  ends[end >>> 5] = (ends[end >>> 5] as number) | (1 << (end & 31));
}

/** Adds a text that cannot be folded letter by letter, as it is folded when it is searched. */
export function addFolded(sieve: Sieve, text: string): void {
  const folded = foldWithOrigins(text).text;
  for (const word of wordsOf(folded)) addWord(sieve.words, hashOf(word));
  addNumbers(sieve, folded, 0);
}

const wordsOf = (folded: string): string[] => collapse(folded).split(/[ \n]/).filter(Boolean);

function hashOf(word: string): number {
  let hash = 0;
  for (let at = 0; at < word.length; at++) hash = hashLetter(hash, word.charCodeAt(at));
  return hash;
}

const valueCharsMin = 5;
const valueCharsMax = 200;
const numberDigitsMax = 20;

/** Whether a value of a person may stand in the texts: all its words do, or a number ends like it. Values of other lengths are not searched for. */
export function mayHold(sieve: Sieve, value: string): boolean {
  const text = value.trim();
  if (text.length < valueCharsMin || text.length > valueCharsMax) return false;
  return mayHoldWords(sieve, text) || mayHoldNumber(sieve, text);
}

/** Whether all words of the text may stand in the texts. */
export function mayHoldWords(sieve: Sieve, text: string): boolean {
  let hash = 0;
  let some = false;
  for (let at = 0; at < text.length; at++) {
    const letter = letterOf(text.charCodeAt(at));
    if (letter > oddLetter) {
      hash = hashLetter(hash, letter);
      some = true;
      continue;
    }
    if (letter === oddLetter) return wordsOf(fold(text)).every((word) => hasWord(sieve, hashOf(word)));
    if (hash !== 0 && !hasWord(sieve, hash)) return false;
    hash = 0;
  }
  return some && (hash === 0 || hasWord(sieve, hash));
}

function mayHoldNumber({ ends }: Sieve, text: string): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at++) if (isDigit(text.charCodeAt(at))) digits += 1;
  if (digits < groupedDigitsMin || digits > numberDigitsMax) return false;
  const hasEnd = (end: number): boolean => ((ends[end >>> 5] as number) & (1 << (end & 31))) !== 0;
  if (hasEnd(lastDigits(text, text.length))) return true;
  if (digits !== 8) return false;
  // A birth date is also searched for with its year at the other end.
  const date = text.replace(/\D+/g, '');
  return hasEnd(Number(date.slice(0, 4))) || hasEnd(Number(date.slice(2, 4) + date.slice(0, 2)));
}
