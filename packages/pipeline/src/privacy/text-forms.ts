import { Buffer } from 'node:buffer';

/** How often a text is decoded again: base64 in a percent-encoded address in an escaped text is three times. */
const depthMax = 4;
/** The characters of all forms together, as a multiple of the text: what is longer is decoded less deeply. */
const timesMax = 12;
const alwaysChars = 65_536;

/**
 * The text in every form in which it may hide another text: as it is, and with its percent-encoding, escapes, character references, base64
 * and hexadecimal parts decoded, one within the other. The length of all forms together is bounded by the length of the text.
 */
export function formsOfText(text: string): string[] {
  const forms = new Set([text]);
  let latest = [text];
  let charsLeft = timesMax * text.length + alwaysChars;
  for (let depth = 0; depth < depthMax && latest.length > 0; depth++) {
    const next: string[] = [];
    for (const form of latest) {
      for (const decode of decoders) {
        const decoded = decode(form);
        if (decoded === undefined || forms.has(decoded) || decoded.length > charsLeft) continue;
        charsLeft -= decoded.length;
        forms.add(decoded);
        next.push(decoded);
      }
    }
    latest = next;
  }
  return [...forms];
}

const invisible = /[\0\u00ad\u200b\u200e\u200f\u2060-\u2064\ufeff]|\u200c|\u200d|[\ufe00-\ufe0f]/g;

/** The text without case, compatibility forms (`＠` is `@`) and invisible characters. */
export function foldText(text: string): string {
  const plain = text.replace(invisible, '');
  return (/^[\0-\x7f]*$/.test(plain) ? plain : plain.normalize('NFKC')).toLowerCase();
}

const marks = /\p{M}+/gu;
const notAscii = /[^\0-\x7f]+/g;
const foldedRuns = new Map<string, string>();

/** The text without case, accents, compatibility forms and invisible characters, in which names are compared. */
export function fold(text: string): string {
  return text.toLowerCase().replace(notAscii, foldRun);
}

/**
 * Folds a run of characters beyond ASCII, and remembers short ones: normal forms never join a run with the ASCII around it, and a language
 * has few accented letters.
 */
function foldRun(run: string): string {
  let folded = foldedRuns.get(run);
  if (folded === undefined) {
    folded = run.replace(invisible, '').normalize('NFKD').replace(marks, '').replaceAll('ς', 'σ').toLowerCase();
    if (run.length <= 2 && foldedRuns.size < 2000) foldedRuns.set(run, folded);
  }
  return folded;
}

/** The folded text with one space in place of all that stands between words. Lines stay apart. */
export function collapse(folded: string): string {
  return folded.replace(/[^\p{L}\p{N}\n]+/gu, ' ');
}

/** A folded text, and for each of its characters where the character comes from: the end is the length of the original. */
export interface Folded {
  text: string;
  origins: readonly number[] | undefined;
}

/** The text folded by {@link fold}, so that what is found in it can be replaced in the original. */
export function foldWithOrigins(original: string): Folded {
  if (/^[\0-\x7f]*$/.test(original)) return { text: original.toLowerCase(), origins: undefined };
  let text = '';
  const origins: number[] = [];
  let at = 0;
  for (const character of original) {
    const folded = fold(character);
    for (let count = 0; count < folded.length; count++) origins.push(at);
    text += folded;
    at += character.length;
  }
  origins.push(at);
  return { text, origins };
}

const fromCode = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd');

/** Each returns the decoded text, or undefined when the text has nothing to decode. */
const decoders: ((text: string) => string | undefined)[] = [
  (text) => (text.includes('%') ? decodePercent(text) : undefined),
  // In a form, a plus sign is a space.
  (text) => (text.includes('+') ? decodePercent(text.replaceAll('+', ' ')) : undefined),
  (text) =>
    /%u[0-9a-f]{4}/i.test(text) ? text.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => fromCode(Number.parseInt(hex, 16))) : undefined,
  (text) => (text.includes('\\') ? decodeEscapes(text) : undefined),
  (text) => (text.includes('&') ? decodeReferences(text) : undefined),
  // Quoted-printable, which mails are written in.
  (text) => (/=[0-9A-F]{2}/.test(text) ? decodePercent(text.replace(/=\r?\n/g, '').replace(/=(?=[0-9A-F]{2})/g, '%')) : undefined),
  decodeTokens,
];

/** Bytes that are not UTF-8 are read as Latin-1. A percent sign that encodes nothing stays. */
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => decodeBytes(Buffer.from(run.replaceAll('%', ''), 'hex')));
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

const escaped: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: ' ', f: ' ' };

function decodeEscapes(text: string): string {
  return text.replace(
    /\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([^ux]))/gi,
    (_, braced?: string, four?: string, two?: string, one = '') => {
      const hex = braced ?? four ?? two;
      return hex === undefined ? (escaped[one] ?? one) : fromCode(Number.parseInt(hex, 16));
    },
  );
}

const references: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  commat: '@',
  plus: '+',
  period: '.',
  nbsp: ' ',
};

function decodeReferences(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));?/gi, (whole, hex?: string, decimal?: string, name = '') => {
    if (hex !== undefined) return fromCode(Number.parseInt(hex, 16));
    return decimal === undefined ? (references[name.toLowerCase()] ?? whole) : fromCode(Number(decimal));
  });
}

/**
 * The decoded base64 and hexadecimal words of a text, those that hold readable characters; undefined when there are none. A word may begin with
 * something else (`order-ZXlK…`), so that base64 is decoded from each of the four places at which a group of its characters may begin.
 */
function decodeTokens(text: string): string | undefined {
  const found: string[] = [];
  for (const [token] of text.matchAll(/[A-Za-z0-9+/_-]{10,}/g)) {
    // Encoded text has digits or capital letters among ten characters; the names of most fields have neither.
    if (!/[A-Z0-9]/.test(token)) continue;
    for (let from = 0; from < 4; from++) keepReadable(Buffer.from(token.slice(from), 'base64').toString('utf8'), found);
    for (const [hex] of token.matchAll(/(?:[0-9a-f]{2}){7,}/gi)) keepReadable(Buffer.from(hex, 'hex').toString('utf8'), found);
  }
  return found.length > 0 ? found.join('\n') : undefined;
}

/** Most words are not encoded, and decode to bytes among which six readable characters in a row are rare. */
function keepReadable(decoded: string, found: string[]): void {
  if (/[\x20-\x7e\p{L}]{6}/u.test(decoded)) found.push(decoded);
}
