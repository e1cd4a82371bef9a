import { currencyDigits } from '@tributary/shared/currency.ts';
import { RecordError } from '../source.ts';

/** The ISO 4217 code in upper case. Throws VALIDATION_FAIL when the text is not three letters. */
export function currencyCode(text: string, path: string): string {
  const code = text.trim().toUpperCase();
  if (!/^[A-Z]{3}$/.test(code)) throw new RecordError('VALIDATION_FAIL', `"${path}" is not a currency code`, path);
  return code;
}

/**
 * Converts decimal major units (`1500.0`, `"19.90"`) to integer minor units by their decimal text, so that no cent is lost to binary fractions.
 * More decimals than the currency has are rounded half away from zero. Throws SCHEMA_DRIFT when the amount is not a decimal number.
 */
export function minorUnits(amount: number | string, currency: string, path: string): bigint {
  const match = /^\s*(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,2}))?\s*$/i.exec(String(amount));
  if (!match) throw new RecordError('SCHEMA_DRIFT', `"${path}" should be a decimal amount`, path);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const scale = currencyDigits(currency) + Number(exponent) - fraction.length;
  let minor = BigInt(whole + fraction);
  if (scale >= 0) minor *= 10n ** BigInt(scale);
  else {
    const divisor = 10n ** BigInt(-scale);
    minor = (minor + divisor / 2n) / divisor;
  }
  return checkRange(sign === '-' ? -minor : minor, path);
}

/** An amount that is in minor units already. Throws SCHEMA_DRIFT when the amount is not an integer. */
export function integerMinorUnits(amount: number | string, path: string): bigint {
  if (!/^-?\d+$/.test(String(amount))) throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an integer of minor units`, path);
  return checkRange(BigInt(amount), path);
}

function checkRange(minor: bigint, path: string): bigint {
  if (minor > 9_223_372_036_854_775_807n || minor < -9_223_372_036_854_775_808n) {
    throw new RecordError('VALIDATION_FAIL', `"${path}" is too large an amount`, path);
  }
  return minor;
}
