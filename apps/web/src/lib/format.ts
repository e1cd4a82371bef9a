import { currencyDigits, fromMinor } from '@tributary/shared/currency.ts';
import type { Language } from './i18n.ts';

/** Formats minor units as money, with the number of decimals that the currency has. */
export function formatMoney(minor: number | string | bigint, currency: string, language: Language): string {
  const digits = currencyDigits(currency);
  try {
    const format = new Intl.NumberFormat(language, {
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    // Passed as a string, because a number above 2^53 would be rounded.
    return format.format(fromMinor(String(minor), currency) as Intl.StringNumericLiteral);
  } catch {
    // The currency code is invalid.
    return `${minor} ${currency}`;
  }
}

export function formatNumber(value: number, language: Language): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);
}

/** 12,345 as 12.3 k: for axes and tiles. */
export function formatCompact(value: number, language: Language): string {
  return new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

/** A share between 0 and 1. */
export function formatShare(share: number, language: Language, maximumFractionDigits = share < 0.01 ? 2 : 1): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits }).format(share);
}

export function formatDateTime(iso: string, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
}

/** Formats a time to the second, for columns of times. The year is written only when it is not the current one. */
export function formatMoment(iso: string, nowMs: number, language: Language): string {
  const at = new Date(iso);
  const year = at.getFullYear() === new Date(nowMs).getFullYear() ? undefined : ('numeric' as const);
  return new Intl.DateTimeFormat(language, {
    ...(year && { year }),
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    second: '2-digit',
  }).format(at);
}

/** 2026-11-25 18:04:09.123 UTC, with all known digits. */
export const formatUtc = (iso: string): string => iso.replace('T', ' ').replace(/(Z|\+00(:00)?)$/, ' UTC');

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** "3 minutes ago"; the largest unit that is not zero. */
export function formatAgo(iso: string, nowMs: number, language: Language): string {
  const seconds = Math.round((Date.parse(iso) - nowMs) / 1000);
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(Math.trunc(seconds / size), unit);
}

/** A length of time: 850 ms, 3.2 s, 4 min, 2 h, 3 d. The symbols are the same in both languages. */
export function formatDuration(seconds: number, language: Language): string {
  const [value, unit, maximumFractionDigits] =
    seconds < 1
      ? [seconds * 1_000, 'ms', 0]
      : seconds < 90
        ? [seconds, 's', 1]
        : seconds < 5_400
          ? [seconds / 60, 'min', 0]
          : seconds < 172_800
            ? [seconds / 3_600, 'h', 1]
            : [seconds / 86_400, 'd', 1];
  return `${new Intl.NumberFormat(language, { maximumFractionDigits }).format(value)}\u00a0${unit}`;
}
