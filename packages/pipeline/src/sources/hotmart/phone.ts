import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isBrazilianMobile } from '../../privacy/pii.ts';

/**
 * Joins the two fields of a phone. The code field holds an area code in most deliveries, a country code in others and nine meaningless digits
 * in the panel's test, and the number may repeat it: the first reading that is a valid number wins. Returns E.164 where a reading is valid, and
 * otherwise the digits as they came; undefined without a number, or without the area code that makes a number belong to one person.
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
  // A number from before the ninth digit was added is no longer valid, but with its area code it can be completed. Without an area code the
  // same digits belong to another person in every city.
  return prefix.length > 0 && prefix.length <= 4 ? `${prefix}${digits}` : undefined;
}
