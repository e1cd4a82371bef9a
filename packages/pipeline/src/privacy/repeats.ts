import { cut, isObject } from '../reading/fields.ts';
import type { Json } from '../source.ts';
import { isCoarse, type PersonalKind, personalKind } from './personal-field-names.ts';

/**
 * Personal values found in one record, in the forms they are looked for in the rest of it: folded text, and digits without separators.
 * One per record; nothing of it is ever stored.
 */
export interface Collected {
  /** Folded text → whether it has to stand alone as a word (short ones would hit inside other words: `ana` in `banana`). */
  texts: Map<string, boolean>;
  digits: Set<string>;
  /** More values than are looked for one by one: every text then counts as personal. */
  overflow: boolean;
}

const collectedMax = 2000;

/** Words that appear in names of companies and of test buyers, and in every payload: looked for only as part of the full name. */
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

/** Text without case, accents and compatibility forms. */
function fold(text: string): string {
  return text.toLowerCase().replace(notAscii, foldRun);
}

/** Normal forms never join a run to the ASCII around it, and a language's accented letters are few. */
function foldRun(run: string): string {
  let folded = foldedRuns.get(run);
  if (folded === undefined) {
    folded = run.normalize('NFKD').replace(marks, '').replaceAll('ς', 'σ').toLowerCase();
    if (run.length <= 2 && foldedRuns.size < 2000) foldedRuns.set(run, folded);
  }
  return folded;
}

/** Notes every value in a personal branch. `kind` is that of the branch's own key. */
export function collectBranch(into: Collected, value: Json, key: string, kind: PersonalKind | undefined): void {
  if (Array.isArray(value)) for (const item of value) collectBranch(into, item, key, kind);
  else if (isObject(value))
    for (const [inner, item] of Object.entries(value)) collectBranch(into, item, inner, personalKind(inner, undefined) ?? kind);
  else if (typeof value === 'string' || typeof value === 'number') {
    if (kind === 'name' || kind === 'phone' || !isCoarse(key)) collectValue(into, String(value), kind);
  }
}

/** Notes one personal value. */
export function collectValue(into: Collected, value: string, kind: PersonalKind | undefined): void {
  if (into.texts.size + into.digits.size > collectedMax) {
    into.overflow = true;
    return;
  }
  const text = value.trim();
  const digits = text.replace(/\D+/g, '');
  // A telephone number is repeated with and without its country code: the subscriber's eight digits are in both.
  if (digits.length >= 7 && digits.length * 2 >= text.length && /[1-9]/.test(digits)) {
    const subscriber = digits.slice(-8);
    // 90000-0000 would be found in every id that is padded with zeros.
    into.digits.add(kind === 'phone' && !/0{6}/.test(subscriber) ? subscriber : digits);
  }
  // House numbers and dialling codes occur by chance in any id or time.
  if (/^\d{1,5}$/.test(text)) return;
  const folded = cut(fold(text), 200);
  addText(into, folded, kind === 'name' ? 2 : 4);
  if (kind !== 'name') return;
  for (const word of folded.split(/[^\p{L}\p{N}]+/u)) if (!generic.has(word)) addText(into, word, 3);
}

function addText(into: Collected, folded: string, lengthMin: number): void {
  // Two characters make a full name in Chinese or Japanese, and mean nothing in Latin script.
  if (folded.length >= Math.max(3, lengthMin)) into.texts.set(folded, folded.length < 5);
  else if (folded.length === 2 && lengthMin < 4 && /^\p{Lo}+$/u.test(folded)) into.texts.set(folded, false);
}

/** Texts with URL-encoded parts are read both ways. */
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

/** The part of `collected` that occurs anywhere in `texts` at all: mostly nothing, found in one pass over all of them. */
export function occurring(texts: readonly string[], collected: Collected): Collected {
  const found = newCollected();
  found.overflow = collected.overflow;
  if (found.overflow || texts.length === 0) return found;
  const joined = texts.join('\n');
  // Ten million characters compared take some milliseconds; beyond it a record is not worth the time of its neighbours.
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

/** Letters of the folded alphabet and everything beyond ASCII; NaN (outside the text) is none. */
function isWordCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || code > 0x7f;
}
