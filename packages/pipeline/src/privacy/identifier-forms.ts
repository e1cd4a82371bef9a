/** What a masked part of a text was. */
export type IdentifierForm = 'email' | 'phone' | 'document' | 'card' | 'ip' | 'address' | 'name' | 'date' | 'id';

export interface Span {
  from: number;
  to: number;
  form: IdentifierForm;
}

/**
 * Where a text has a value with the form of an e-mail address, a telephone number, a Brazilian document, a payment card, an IP address or a
 * postal address. `text` is folded (text-forms.ts). With `inId`, digits without separators count only when they have check digits or a
 * country code, because the ids of many platforms have as many digits as a telephone number. Nothing within a UUID counts. Takes time in proportion
 * to the text.
 */
export function identifiersIn(text: string, inId = false): Span[] {
  const found: Span[] = [];
  if (text.includes('@')) findEmails(text, found);
  const digits = digitsOf(text);
  if (digits >= 7) findNumbers(text, digits, inId, found);
  if (digits >= 4 && text.includes('.')) find(found, 'ip', text, ipv4);
  if (text.includes(':')) find(found, 'ip', text, ipv6, isIpv6);
  if (digits >= 1 && text.length >= 8 && text.includes(' ')) {
    find(found, 'address', text, street);
    find(found, 'address', text, englishStreet);
  }
  return found.length === 0 ? found : outsideUuids(text, found);
}

const uuidChars = 36;
const uuids = /(?<![\da-z])[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}(?![\da-z])/gi;
const uuid = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** Whether the whole text is a UUID, which tells nothing about a person by its form. */
export function isUuid(text: string): boolean {
  return text.length === uuidChars && text.charCodeAt(8) === 0x2d && uuid.test(text);
}

/** Without what lies in a UUID: one UUID in three hundred has digits that look like a number by chance. */
function outsideUuids(text: string, found: Span[]): Span[] {
  const starts = new Set<number>();
  for (const { index } of text.matchAll(uuids)) starts.add(index);
  if (starts.size === 0) return found;
  return found.filter(({ from, to }) => {
    for (let at = to - uuidChars; at <= from; at++) if (starts.has(at)) return false;
    return true;
  });
}

function findNumbers(text: string, digits: number, inId: boolean, found: Span[]): void {
  const hasDash = text.includes('-');
  const hasSpace = text.includes(' ');
  if (hasDash && text.includes('.')) find(found, 'document', text, formattedDocument);
  if (digits >= 11) {
    find(found, 'document', text, cpf, isCpf);
    if (digits >= 13) find(found, 'card', text, card, cardLength);
  }
  if (text.length >= 14) find(found, 'document', text, cnpj, isCnpj);
  if (text.includes('+')) find(found, 'phone', text, internationalPhone);
  if (text.includes('(')) find(found, 'phone', text, phoneWithParentheses);
  if (digits >= 11) find(found, 'phone', text, inId ? brazilianPhoneWithCountry : brazilianPhone);
  if (hasDash || hasSpace || text.includes('.')) {
    if (!inId && digits >= 9) find(found, 'phone', text, separatedPhone);
    if (!inId && hasDash) find(found, 'address', text, postalCode);
  }
  if (digits >= 8 && /tel:|wa\.me\/|phone=/.test(text)) find(found, 'phone', text, phoneLink);
}

function digitsOf(text: string): number {
  let digits = 0;
  for (let at = 0; at < text.length; at++) if (isDigit(text.charCodeAt(at))) digits += 1;
  return digits;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/**
 * Adds each match; `isOne` checks a match further, or says how many of its characters count. What fails the check may begin before an identifier,
 * as `4 4111 1111 1111 1111` does, so that the search goes on at its next character.
 */
function find(into: Span[], form: IdentifierForm, text: string, pattern: RegExp, isOne?: (match: string) => boolean | number): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const verdict = isOne === undefined || isOne(match[0]);
    if (verdict === false) pattern.lastIndex = match.index + 1;
    else into.push({ from: match.index, to: match.index + (verdict === true ? match[0].length : verdict), form });
  }
}

const localPart = /[^\s@"'<>,;:/?&=()[\]{}|\\#!*]/;
const domain = /@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,8}\.[\p{L}\p{N}]{2,63}/uy;

/** An address is extended to the left from its `@`, which stands once in it, so that the time is bounded by the text. */
function findEmails(text: string, into: Span[]): void {
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    let from = at;
    while (from > 0 && localPart.test(text[from - 1] as string)) from -= 1;
    if (from === at) continue;
    domain.lastIndex = at;
    const match = domain.exec(text);
    if (match) into.push({ from, to: at + match[0].length, form: 'email' });
  }
}

const areaCode = '(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-79])';
const internationalPhone = /(?<![\p{L}\p{N}_+])\+\d(?:[\s().-]{0,3}\d){6,16}(?!\d)/gu;
const phoneWithParentheses = /(?<!\d)\(\d{2,4}\)\s{0,2}\d{3,5}[\s.-]{0,2}\d{3,4}(?!\d)/g;
const brazilianPhoneWithCountry = new RegExp(`(?<!\\d)55${areaCode}(?:9\\d{8}|[2-5]\\d{7})(?!\\d)`, 'g');
const brazilianPhone = new RegExp(
  `(?<![\\d.,])(?:(?:55[\\s.-]{0,2})?\\(?${areaCode}\\)?[\\s.-]{0,2}9[\\s.-]?\\d{4}[\\s.-]?\\d{4}|55${areaCode}[2-5]\\d{7})(?!\\d)`,
  'g',
);
/** Numbers with separators between area code, exchange and number: a Brazilian landline, an American number, a mobile without its area code. */
const separatedPhone = new RegExp(
  `(?<![\\d.,-])(?:(?:55[\\s.-]{0,2})?${areaCode}[\\s.-]{1,2}[2-5]\\d{3}[\\s.-]\\d{4}|(?:1[\\s.-]?)?[2-9]\\d{2}[\\s.-]\\d{3}[\\s.-]\\d{4}|9\\d{4}-\\d{4})(?![\\d-])`,
  'g',
);
const phoneLink = /(?<=tel:|wa\.me\/|phone=)\+?\d{8,15}/g;

const formattedDocument = /(?<!\d)(?:\d{3}\.\d{3}\.\d{3}-\d{2}|[0-9a-z]{2}\.[0-9a-z]{3}\.[0-9a-z]{3}\/[0-9a-z]{4}-\d{2})(?!\d)/g;
const cpf = /(?<![\da-z])\d{3}[.\s]?\d{3}[.\s]?\d{3}[-.\s/]?\d{2}(?![\da-z])/g;
const cnpj = /(?<![\da-z])[0-9a-z]{2}\.?[0-9a-z]{3}\.?[0-9a-z]{3}\/?[0-9a-z]{4}-?\d{2}(?![\da-z])/g;

/** Whether the digits are a CPF by its two check digits. The same digit eleven times is none. */
export function isCpf(text: string): boolean {
  const digits = text.replace(/\D+/g, '');
  return digits.length === 11 && !/^(\d)\1+$/.test(digits) && hasCheckDigits(digits, 9, 11);
}

/** Whether the characters are a CNPJ, which is alphanumeric from 2026 on, by its two check digits. */
export function isCnpj(text: string): boolean {
  const characters = text.replace(/[^0-9a-z]+/gi, '').toUpperCase();
  return /^[0-9A-Z]{12}\d{2}$/.test(characters) && !/^(.)\1+$/.test(characters) && hasCheckDigits(characters, 12, 9);
}

/** Both check digits are a sum modulo 11 with weights from 2 up to `weightMax`, which begin again after it. */
function hasCheckDigits(text: string, length: number, weightMax: number): boolean {
  for (const count of [length, length + 1]) {
    let sum = 0;
    for (let at = count - 1, weight = 2; at >= 0; at--, weight = weight === weightMax ? 2 : weight + 1)
      sum += (text.charCodeAt(at) - 48) * weight;
    const rest = sum % 11;
    if ((rest < 2 ? 0 : 11 - rest) !== text.charCodeAt(count) - 48) return false;
  }
  return true;
}

const card = /(?<![\da-z])\d(?:[ -]?\d){12,18}(?![\da-z])/g;
const cardPrefix =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d*(?<=^\d{16})|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d|35(?:2[89]|[3-8]\d)|606282|3841|636368|636297|504175|5067|509\d)\d*(?<=^\d{16})|62\d{14,17})$/;
/** The characters of the text that are a card number, by the prefix of a scheme and Luhn’s check digit; false without one. */
function cardLength(text: string): number | false {
  let digits = '';
  let found: number | false = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) continue;
    digits += text[at];
    // A number ends where no digit follows; what follows after a space may be the card's date.
    if (digits.length >= 13 && !isDigit(text.charCodeAt(at + 1)) && cardPrefix.test(digits) && hasLuhnDigit(digits)) found = at + 1;
  }
  return found;
}

function hasLuhnDigit(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, isDouble = false; at >= 0; at--, isDouble = !isDouble) {
    const digit = digits.charCodeAt(at) - 48;
    sum += isDouble ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 === 0;
}

const ipv4 = /(?<![\p{L}\p{N}.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\p{L}\p{N}_]|\.\d)/gu;
const ipv6 = /(?<![\p{L}\p{N}:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\p{L}\p{N}_:])/gu;

function isIpv6(text: string): boolean {
  const parts = text.replace(/(?:\d{1,3}\.){3}\d{1,3}$/, '0:0').split('::');
  if (parts.length > 2 || !/\d/.test(text)) return false;
  const groups = parts.flatMap((part) => (part === '' ? [] : part.split(':')));
  if (groups.some((group) => !/^[0-9a-f]{1,4}$/.test(group))) return false;
  return parts.length === 2 ? groups.length >= 2 && groups.length <= 7 : groups.length === 8;
}

const postalCode = /(?<![\d-])\d{5}-\d{3}(?![\d-])/g;
const houseNumber =
  '(?:\\s{0,2},\\s{0,2}(?:n[o°.]{0,2}\\s?)?\\d{1,5}|\\s{1,2}n[o°.]{0,2}\\s?\\d{1,5}|\\s{1,2}(?!(?:19|20)\\d\\d(?!\\d))\\d{1,5})(?!\\d)';
const street = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:rua|r\\.|avenida|av\\.?|travessa|tv\\.|alameda|al\\.|rodovia|rod\\.|estrada|pra[cç]a|viela|calle|rue)\\s{1,2}(?:[\\p{L}.'’]{1,30}\\s{1,2}){0,6}?[\\p{L}.'’]{1,30}${houseNumber}`,
  'gu',
);
const englishStreet =
  /(?<![\p{L}\p{N}])\d{1,5}\s{1,2}(?:[\p{L}.'’]{1,30}\s{1,2}){1,4}?(?:street|st\.?|avenue|ave\.?|road|rd\.?|boulevard|blvd\.?)(?=\s{0,2}(?:,|$|\.|\d|apt|suite|unit))/gu;
