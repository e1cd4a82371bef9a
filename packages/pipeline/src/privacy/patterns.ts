import { personalKind } from './personal-field-names.ts';

// One character before the @ is enough: a longer run would be tried again from each of its characters.
const email = /[^\s@"'<>,;:/?&=](?:@|%40)[a-z0-9\u0080-\uffff-]{1,63}(?:\.|%2e)[a-z0-9\u0080-\uffff]/i;
const phoneLink = /(?:\btel:|wa\.me\/|phone=)(?:\+|%2b)?\d{8}/i;
const formattedDocument = /(?<!\d)(?:\d{3}\.\d{3}\.\d{3}-\d{2}|[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}\/[0-9A-Z]{4}-\d{2})(?!\d)/i;
const internationalPhone = /(?:^|[^\w+])(?:\+|%2b)\d[\d\s().-]{6,18}\d(?!\w)/i;
const formattedPhone = /\(\d{2,4}\)\s?\d{3,5}[\s.-]?\d{3,4}(?!\d)/;
const date = /\d{4}-\d{2}-\d{2}|\d{2}[./-]\d{2}[./-]\d{4}/g;
const numberInText = /(?<![\w])\d(?:[\s().-]{0,2}\d){9,14}(?!\w)/;

/**
 * Whether a text carries an e-mail address, a telephone number or a Brazilian document in a form that cannot be mistaken for an id.
 * A text of digits only counts as an id (a Mercado Pago payment has eleven digits, like a CPF); digits inside a sentence do not.
 */
export function looksPersonal(text: string): boolean {
  if ((text.includes('@') || text.includes('%40')) && email.test(text)) return true;
  if (text.length < 9 || !hasDigits(text, 8)) return false;
  if (text.includes('+') || text.includes('%2')) if (internationalPhone.test(text)) return true;
  if (phoneLink.test(text)) return true;
  if (text.includes('(') && formattedPhone.test(text)) return true;
  if (text.includes('-') && formattedDocument.test(text)) return true;
  return text.includes(' ') && /\p{L}|^\d{2} /u.test(text) && numberInText.test(text.replace(date, ''));
}

/** Whether a text is prose or encoded data, which may hold personal data that no pattern finds. */
export function isFreeText(text: string): boolean {
  if (text.length > 200) return true;
  if (text.length < 7) return false;
  const first = text.charCodeAt(0);
  if ((first === 0x7b || first === 0x5b) && /^(?:\{\s*"|\[\s*[{["])/.test(text)) return true;
  if (text.includes('://') && text.includes('=') && hasPersonalParameter(text)) return true;
  return hasFourWords(text);
}

function hasFourWords(text: string): boolean {
  let words = 0;
  let inWord = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const space = code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000;
    if (!space && !inWord && ++words === 4) return true;
    inWord = !space;
  }
  return false;
}

function hasDigits(text: string, wanted: number): boolean {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39 && ++digits === wanted) return true;
  }
  return false;
}

/** Whether the query of a URL has a personal parameter: checkout links often carry the buyer's name and telephone. */
function hasPersonalParameter(url: string): boolean {
  for (const match of url.matchAll(/[?&#;]([^=&#?;]{1,60})=/g)) if (personalKind(match[1] ?? '', undefined) !== undefined) return true;
  return false;
}
