// Whether a text that somebody types into a search is an identifier of a person. Such a text must never become part of a URL, a log or a key.

export type PersonalKind = 'email' | 'phone' | 'document';

/** The kind of a typed text that identifies a person; undefined for other texts. In doubt between a phone number and an id, it is a phone number. */
export function personalKind(typed: string): PersonalKind | undefined {
  const text = typed.normalize('NFKC').replaceAll(/%40/gi, '@').trim();
  if (/[^\s@]@[^\s@]+\.[^\s@]/.test(text)) return 'email';
  if (isDocument(text)) return 'document';
  return isPhone(text) ? 'phone' : undefined;
}

/** Whether a text that is still being typed may become an identifier of a person, so that it must wait until the person has finished. */
export const mayBecomePersonal = (typed: string): boolean => /@|\uff20|%40/.test(typed) || /^\s*\+?[\d\s()./-]{6,}$/.test(typed);

/** A CPF or CNPJ with its check digits, with or without its punctuation. */
function isDocument(text: string): boolean {
  const bare = text.replaceAll(/[\s./-]/g, '').toUpperCase();
  if (/^\d{11}$/.test(bare)) return hasCheckDigits(bare, [10, 9, 8, 7, 6, 5, 4, 3, 2]);
  return /^[\dA-Z]{12}\d\d$/.test(bare) && hasCheckDigits(bare, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
}

/** Checks the last two digits by modulus 11. The weights of the second one start one higher, and a letter counts as its code less 48. */
function hasCheckDigits(text: string, weights: readonly number[]): boolean {
  if (new Set(text).size === 1) return false;
  const digit = (used: readonly number[]) => {
    const sum = used.reduce((total, weight, at) => total + weight * (text.charCodeAt(at) - 48), 0);
    return (sum % 11 < 2 ? 0 : 11 - (sum % 11)).toString();
  };
  const [first = 0] = weights;
  return text.slice(-2) === digit(weights) + digit([weights.length === 9 ? first + 1 : 6, ...weights]);
}

function isPhone(text: string): boolean {
  if (!/^(tel:)?\+?[\d\s().-]+$/i.test(text) || /^\d{4}-\d\d-\d\d/.test(text) || /^\d+\.\d+$/.test(text)) return false;
  const digits = text.replaceAll(/\D/g, '');
  if (/^(\+|tel:|00)/i.test(text)) return digits.length >= 8 && digits.length <= 17;
  // Digits alone: a Brazilian number with its country code, or a mobile number with its area code. Others are rather ids.
  if (digits === text) return /^55[1-9]\d9?\d{8}$/.test(digits) || /^[1-9][1-9]9\d{8}$/.test(digits);
  return digits.length >= 10 && digits.length <= 13;
}
