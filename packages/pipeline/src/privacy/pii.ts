import { type CountryCode, type PhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { hmacSha256Hex } from '../crypto/keyed-hash.ts';

export const identifierKinds = ['email', 'phone', 'document', 'external_id'] as const;
export type IdentifierKind = (typeof identifierKinds)[number];

/** The address in lower case and NFC; undefined when the text is not one address of at most 254 characters (RFC 5321). */
export function normaliseEmail(text: string): string | undefined {
  const email = text.trim().normalize('NFC').toLowerCase();
  return email.length <= 254 && /^[^\s@<>()[\]",;:\\]+@[^\s@<>()[\]",;:\\.]+(?:\.[^\s@<>()[\]",;:\\.]+)+$/.test(email) ? email : undefined;
}

/**
 * The number in E.164 (`+5511987654321`); undefined when the text cannot be a telephone number. Digits without a plus are read as a national
 * number of `defaultCountry`, and if that fails with their country code. Brazilian mobile numbers get the ninth digit that ANATEL added by 2016 and that
 * WhatsApp ids still lack, so that one person has one hash.
 */
export function normalisePhone(text: string, defaultCountry: string): string | undefined {
  if (text.length > 40) return undefined;
  const digits = text.replace(/\D+/g, '');
  if (digits.length < 7 || digits.length > 16) return undefined;
  const trimmed = text.trim();
  // Most sources send a number that is in its final form already. It is not parsed again.
  const compact = trimmed.replace(/[\s().-]+/g, '');
  if (compact.startsWith('+55') ? isBrazilianMobile(compact.slice(3)) : defaultCountry === 'BR' && isBrazilianMobile(compact))
    return `+55${compact.slice(-11)}`;
  const national = parsePhoneNumberFromString(trimmed, defaultCountry as CountryCode);
  if (national?.isValid()) return e164(national);
  const international = trimmed.startsWith('+') ? undefined : parsePhoneNumberFromString(`+${digits}`);
  if (international?.isValid()) return e164(international);
  // Local digits without an area code belong to another person in every city.
  if (national?.isPossible() && !(national.country === 'BR' && national.nationalNumber.length < 10)) return e164(national);
  return international?.isPossible() ? e164(international) : undefined;
}

const brazilianMobile = /^(?:[14689][1-9]|2[12478]|3[1-578]|5[13-5]|7[13-79])9\d{8}$/;

/**
 * Whether the digits are area code and nine digits of a Brazilian mobile number, by far the most common phone. The library takes 13 µs for
 * it.
 */
export function isBrazilianMobile(digits: string): boolean {
  return brazilianMobile.test(digits);
}

function e164(number: PhoneNumber): string {
  const text = number.number;
  return /^\+55[1-9]{2}[6-9]\d{7}$/.test(text) ? `${text.slice(0, 5)}9${text.slice(5)}` : text;
}

/**
 * A tax or identity document without separators and in upper case (the CNPJ is alphanumeric from 2026 on); undefined when fewer than 3 or
 * more than 40 characters are left.
 */
export function normaliseDocument(text: string): string | undefined {
  const document = text.replace(/[^0-9a-z]+/gi, '').toUpperCase();
  return document.length >= 3 && document.length <= 40 ? document : undefined;
}

/** Hex HMAC-SHA256 of `<kind>|<canonical>`, so that one text has different hashes as an e-mail and as an external id. */
export function hashIdentifier(key: Uint8Array, kind: IdentifierKind, canonical: string): string {
  return hmacSha256Hex(key, `${kind}|${canonical}`);
}
