// ISO 4217, table A.1: every currency whose number of decimals is not two. Intl cannot be used for this, because it follows CLDR,
// which gives COP, HUF, IDR and others the decimals that are common in print.
const digitsByCurrency: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3]),
  ...'CLF UYW'.split(' ').map((code) => [code, 4]),
]);

/** Decimal places of a currency by ISO 4217: BRL 2, JPY 0, BHD 3. */
export function currencyDigits(currency: string): number {
  return digitsByCurrency[currency] ?? 2;
}

/** A range of amounts in minor units, as in an event filter; both ends are included. */
export interface AmountFilter {
  currency: string;
  amountMin?: string | undefined;
  amountMax?: string | undefined;
}

/**
 * Parses an amount that a person wrote in a URL or a field, in whole units of a currency: `BRL 100..200` (both ends included),
 * `BRL 99.90..`, `BRL ..200`, `BRL 100` (exactly this amount) or `BRL` (any amount in this currency). Case and spaces do not matter. The decimal
 * separator is a point or a comma; thousands are not separated. Returns undefined when the text has another form, has more decimals than the
 * currency, ends before it begins, or exceeds int64.
 */
export function parseAmount(text: string): AmountFilter | undefined {
  const match = /^\s*([a-z]{3})\s*(-?\d{1,19}(?:[.,]\d{1,4})?)?\s*(\.\.)?\s*(-?\d{1,19}(?:[.,]\d{1,4})?)?\s*$/i.exec(text);
  if (!match?.[1]) return undefined;
  const currency = match[1].toUpperCase();
  const [, , low, range, high] = match;
  if (high !== undefined && range === undefined) return undefined;
  const amountMin = low === undefined ? undefined : toMinor(low, currency);
  const top = range === undefined ? low : high;
  const amountMax = top === undefined ? undefined : toMinor(top, currency);
  if ((low !== undefined && amountMin === undefined) || (top !== undefined && amountMax === undefined)) return undefined;
  if (range !== undefined && low === undefined && high === undefined) return undefined;
  if (amountMin !== undefined && amountMax !== undefined && amountMin > amountMax) return undefined;
  return {
    currency,
    ...(amountMin === undefined ? {} : { amountMin: String(amountMin) }),
    ...(amountMax === undefined ? {} : { amountMax: String(amountMax) }),
  };
}

/** The shortest text that {@link parseAmount} reads as this filter. */
export function formatAmount({ currency, amountMin, amountMax }: AmountFilter): string {
  const [low = '', high = ''] = [amountMin, amountMax].map((minor) => (minor === undefined ? '' : fromMinor(minor, currency)));
  if (low === '' && high === '') return currency;
  return `${currency} ${low === high ? low : `${low}..${high}`}`;
}

const minorMax = 9_223_372_036_854_775_807n;

function toMinor(text: string, currency: string): bigint | undefined {
  const [whole = '', fraction = ''] = text.split(/[.,]/);
  const digits = currencyDigits(currency);
  if (fraction.length > digits) return undefined;
  const minor = BigInt(whole + fraction.padEnd(digits, '0'));
  return minor > minorMax || minor < -minorMax ? undefined : minor;
}

/** Converts minor units into a decimal number without rounding: `1990` BRL is `19.90`, and `2000` is `20`. */
export function fromMinor(minor: string, currency: string): string {
  const digits = currencyDigits(currency);
  const negative = minor.startsWith('-');
  const padded = (negative ? minor.slice(1) : minor).padStart(digits + 1, '0');
  const whole = padded.slice(0, padded.length - digits);
  const fraction = padded.slice(padded.length - digits).replace(/0+$/, '');
  // A fraction is written with all its decimals, because 99.9 looks like a mistake.
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction.padEnd(digits, '0')}`}`;
}
