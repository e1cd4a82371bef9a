import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isBrazilianMobile } from '../../privacy/pii.ts';

/**
 * One phone from Hotmart's two fields. The code field is an area code in most deliveries, a country code in others, noise
 * (nine digits) in the panel's test, and the number may repeat it: the first reading that is a valid number wins.
 * Answers E.164 where a reading is valid, else the digits as they came; undefined without a number, or without the area code that
 * a number needs to be one person's.
 */
export function joinPhone(code: string | undefined, number: string | undefined, defaultCountry: string): string | undefined {
  if (number === undefined) return undefined;
  const digits = number.replace(/\D/g, '');
  const prefix = (code ?? '').replace(/\D/g, '');
  const country: CountryCode | undefined = isSupportedCountry(defaultCountry) ? defaultCountry : undefined;
  const readings = number.startsWith('+') ? [number] : [digits];
  if (prefix.length > 0 && prefix.length <= 4) readings.unshift(`${prefix}${digits}`, `+${prefix}${digits}`);
  if (country === 'BR' && isBrazilianMobile(readings[0] ?? '')) return `+55${readings[0]}`;
  for (const reading of readings) {
    const parsed = parsePhoneNumberFromString(reading, country);
    if (parsed?.isValid()) return parsed.number;
  }
  if (digits.length > 9) return number;
  // Numbers of before the ninth digit are valid no more; with their area code they can still be told and completed. Without one, the
  // same digits are a different person's in every city.
  return prefix.length > 0 && prefix.length <= 4 ? `${prefix}${digits}` : undefined;
}
