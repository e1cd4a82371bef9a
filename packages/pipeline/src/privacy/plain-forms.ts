import { keyWords } from './personal-field-names.ts';

/** The form by which a value is known to be about no one. */
export type PlainForm = 'number' | 'time' | 'currency' | 'boolean';

/*
 * Events and the things that they name are from these years, and the birth dates of almost all buyers are not. Telephone numbers of ten and of
 * thirteen digits begin with other digits than such a time in seconds or milliseconds, except some landlines.
 */
const timeMin = 1_200_000_000;
const timeMax = 2_200_000_000;
/** Digits of a number that may be any quantity. A longer one is an id, a time, a telephone number or a document. */
const quantityDigitsMax = 9;
const quantityTextDigitsMax = 7;

const decimal = /^[+-]?\d{1,15}(?:[.,]\d{1,10})?$/;
const isoTime = /^(\d{4})-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?\s?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;
const dayFirstTime = /^\d{1,2}[./-]\d{1,2}[./-](\d{4})(?:,?[T ]\d{1,2}:\d{2}(?::\d{2})?(?: ?[AP]M)?)?$/i;
const mailTime = /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} (\d{4}) \d{2}:\d{2}(?::\d{2})?(?: (?:[+-]\d{4}|[A-Z]{1,4}))?$/;
const clock = /^\d{1,2}:\d{2}(?::\d{2})?$/;
const currencies = new Set(
  `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP
   DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK
   LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF
   SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
   XPF YER ZAR ZMW ZWG`.split(/\s+/),
);

/**
 * The form by which a text is about no one: a quantity of at most seven digits, a time of this age, a currency code, `true` or `false`. Undefined
 * for every other text.
 */
export function plainForm(text: string): PlainForm | undefined {
  const { length } = text;
  if (length === 0 || length > 40) return undefined;
  const first = text.charCodeAt(0);
  if ((first >= 0x30 && first <= 0x39) || first === 0x2d || first === 0x2b) return digitsForm(text);
  if (length === 3)
    return currencies.has(text) || (text === text.toLowerCase() && currencies.has(text.toUpperCase())) ? 'currency' : undefined;
  if (text === 'true' || text === 'false' || text === 'null') return 'boolean';
  return isPlausibleYear(mailTime.exec(text)?.[1]) ? 'time' : undefined;
}

function digitsForm(text: string): PlainForm | undefined {
  if (decimal.test(text)) {
    const whole = text.replace(/^[+-]/, '').split(/[.,]/, 1)[0] ?? '';
    if (whole.length <= quantityTextDigitsMax && text[0] !== '+') return 'number';
    return isTimeNumber(Number(text.replace(',', '.'))) ? 'time' : undefined;
  }
  if (clock.test(text)) return 'time';
  return isPlausibleYear((isoTime.exec(text) ?? dayFirstTime.exec(text))?.[1]) ? 'time' : undefined;
}

const isPlausibleYear = (year: string | undefined): boolean => year !== undefined && year >= '2008' && year <= '2199';

function isTimeNumber(value: number): boolean {
  return (value >= timeMin && value < timeMax) || (value >= timeMin * 1000 && value < timeMax * 1000);
}

const amountWords = new Set(
  `amount amounts total subtotal price value valor preco cents fee tax discount balance sum net gross paid due received captured refunded count size bytes
   quantity unit ms millis nanos usec duration offset sequence seq version number`.split(/\s+/),
);

/** Whether a number is about no one: a quantity, an amount or a time. A long number under another name may be a telephone number or an id. */
export function isPlainNumber(value: number, key: string): boolean {
  const size = Math.abs(value);
  if (size < 10 ** quantityDigitsMax || !Number.isInteger(value)) return true;
  return isTimeNumber(size) || keyWords(key).some((word) => amountWords.has(word));
}
