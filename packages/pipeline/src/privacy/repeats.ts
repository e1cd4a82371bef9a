import { cut, isObject } from '../reading/fields.ts';
import type { Json } from '../source.ts';
import { isTooGeneral, type PersonalKind, personalKind } from './personal-field-names.ts';

/**
 * The personal values of one record, in the forms in which the rest of the record is searched for them: folded text, and digits without
 * separators. There is one for each record, and it is never stored.
 */
export interface Collected {
  /** Folded text → whether it counts only as a separate word (a short name is also part of other words: `ana` in `banana`). */
  texts: Map<string, boolean>;
  digits: Set<string>;
  /** There are too many values to search for, so every text counts as personal. */
  overflow: boolean;
}

const collectedMax = 2000;

/** Words in the names of companies and test buyers that every payload contains. They count only as part of the full name. */
const generic = new Set(
  `name nome nombre test teste tester prueba demo sample exemplo example customer cliente client buyer comprador compradora user usuario producer produtor
   produtora affiliate afiliado afiliada seller vendedor vendor product produto producto company empresa ltda eireli group grupo store loja shop digital
   online brasil brazil the and dos das del van von order pedido purchase compra payment pagamento subscription assinatura lead message page course curso
   first last full stripe hotmart meta facebook true false null status active approved paid email phone data event`.split(/\s+/),
);

export function newCollected(): Collected {
  return { texts: new Map(), digits: new Set(), overflow: false };
}

const marks = /\p{M}+/gu;
const notAscii = /[^\0-\x7f]+/g;
const foldedRuns = new Map<string, string>();

/** The text without case, accents and compatibility forms. */
function fold(text: string): string {
  return text.toLowerCase().replace(notAscii, foldRun);
}

/**
 * Folds a run of characters beyond ASCII, and remembers short ones: normal forms never join a run with the ASCII around it, and a language
 * has few accented letters.
 */
function foldRun(run: string): string {
  let folded = foldedRuns.get(run);
  if (folded === undefined) {
    folded = run.normalize('NFKD').replace(marks, '').replaceAll('ς', 'σ').toLowerCase();
    if (run.length <= 2 && foldedRuns.size < 2000) foldedRuns.set(run, folded);
  }
  return folded;
}

/** Collects every value in a personal branch. `kind` is the kind of the branch's key. */
export function collectBranch(into: Collected, value: Json, key: string, kind: PersonalKind | undefined): void {
  if (Array.isArray(value)) for (const item of value) collectBranch(into, item, key, kind);
  else if (isObject(value))
    for (const [inner, item] of Object.entries(value)) collectBranch(into, item, inner, personalKind(inner, undefined) ?? kind);
  else if (typeof value === 'string' || typeof value === 'number') {
    if (kind === 'name' || kind === 'phone' || !isTooGeneral(key)) collectValue(into, String(value), kind);
  }
}

/** Collects one personal value. */
export function collectValue(into: Collected, value: string, kind: PersonalKind | undefined): void {
  if (into.texts.size + into.digits.size > collectedMax) {
    into.overflow = true;
    return;
  }
  const text = value.trim();
  const digits = text.replace(/\D+/g, '');
  // A telephone number may be repeated with or without its country code: the last eight digits are in both.
  if (digits.length >= 7 && digits.length * 2 >= text.length && /[1-9]/.test(digits)) {
    const subscriber = digits.slice(-8);
    // 90000-0000 would match every id that is padded with zeros.
    into.digits.add(kind === 'phone' && !/0{6}/.test(subscriber) ? subscriber : digits);
  }
  // House numbers and dialling codes occur in ids and times by chance.
  if (/^\d{1,5}$/.test(text)) return;
  const folded = cut(fold(text), 200);
  addText(into, folded, kind === 'name' ? 2 : 4);
  if (kind !== 'name') return;
  for (const word of folded.split(/[^\p{L}\p{N}]+/u)) if (!generic.has(word)) addText(into, word, 3);
}

function addText(into: Collected, folded: string, lengthMin: number): void {
  // Two characters can be a full name in Chinese or Japanese, but not in Latin script.
  if (folded.length >= Math.max(3, lengthMin)) into.texts.set(folded, folded.length < 5);
  else if (folded.length === 2 && lengthMin < 4 && /^\p{Lo}+$/u.test(folded)) into.texts.set(folded, false);
}

/** The text, and behind it the decoded text where it has URL-encoded parts. */
export function readings(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return `${text}\n${decodeURIComponent(text.replaceAll('+', ' '))}`;
  } catch {
    return `${text}\n${text.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))}`;
  }
}

/** Whether `text` repeats one of the collected values. */
export function repeats(text: string, collected: Collected): boolean {
  if (collected.overflow) return true;
  if (collected.texts.size > 0) {
    const folded = fold(readings(text));
    for (const [needle, alone] of collected.texts) if (occurs(folded, needle, alone)) return true;
  }
  if (collected.digits.size > 0 && text.length >= 7) {
    const digits = text.replace(/\D+/g, '');
    if (digits.length >= 7) for (const needle of collected.digits) if (digits.includes(needle)) return true;
  }
  return false;
}

/** The collected values that occur anywhere in `texts`, found in one pass. In most records there are none. */
export function occurring(texts: readonly string[], collected: Collected): Collected {
  const found = newCollected();
  found.overflow = collected.overflow;
  if (found.overflow || texts.length === 0) return found;
  const joined = texts.join('\n');
  // Comparing ten million characters takes some milliseconds. A record that needs more would delay the other deliveries.
  if ((collected.texts.size + collected.digits.size) * joined.length > 20_000_000) {
    found.overflow = true;
    return found;
  }
  const folded = fold(joined.includes('%') || joined.includes('+') ? texts.map(readings).join('\n') : joined);
  for (const [needle, alone] of collected.texts) if (occurs(folded, needle, alone)) found.texts.set(needle, alone);
  if (collected.digits.size > 0) {
    const digits = joined.replace(/[^\d\n]+/g, '');
    for (const needle of collected.digits) if (digits.includes(needle)) found.digits.add(needle);
  }
  return found;
}

function occurs(folded: string, needle: string, alone: boolean): boolean {
  let at = folded.indexOf(needle);
  if (!alone) return at !== -1;
  while (at !== -1) {
    if (!isWordCode(folded.charCodeAt(at - 1)) && !isWordCode(folded.charCodeAt(at + needle.length))) return true;
    at = folded.indexOf(needle, at + 1);
  }
  return false;
}

/** Whether the code is a letter of the folded alphabet or beyond ASCII. NaN, outside of the text, is not. */
function isWordCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || code > 0x7f;
}
