import { type Json, RecordError } from '../source.ts';
import { momentInZone } from './zone.ts';

const numericUnits = { seconds: 1000, milliseconds: 1, microseconds: 1e-3, nanoseconds: 1e-6 } as const;

/** The units and forms of times. `day-month-year` and `month-day-year` have to be declared, since 03/04/2026 may be either. */
export const timeUnits = [
  'auto',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds',
  'iso',
  'day-month-year',
  'month-day-year',
] as const;
export type TimeUnit = (typeof timeUnits)[number];

/**
 * Where the unit is not declared, a number is in the unit in which it lies between the years 1973 and 5138: 10^11 seconds are in 5138, and
 * 10^11 milliseconds, 10^14 microseconds and 10^17 nanoseconds are in 1973.
 */
const unitsByMagnitude = [
  [1e11, 'seconds'],
  [1e14, 'milliseconds'],
  [1e17, 'microseconds'],
  [Number.POSITIVE_INFINITY, 'nanoseconds'],
] as const;

/** How far a time may lie ahead of our clock, since the clocks of hosts differ. */
export const futureToleranceMs = 5 * 60_000;

/**
 * Parses a platform's time to milliseconds since the epoch. `seconds` to `nanoseconds` take numbers or decimal text, `iso` takes ISO 8601, RFC 3339
 * and RFC 2822, `day-month-year` and `month-day-year` take dates with slashes, dots or hyphens, and `auto` decides by form and magnitude. A time
 * without a zone is in `zone`, an IANA name. Throws SCHEMA_DRIFT when the value is not a time in the unit, VALIDATION_FAIL when the time is
 * outside the years 1971–2100.
 */
export function parseTime(value: Json, unit: TimeUnit, path: string, zone?: string): number {
  return readTime(value, unit, path, zone).ms;
}

/** Like {@link parseTime}; `isZoneless` says whether the time was read in `zone` because it names no zone. */
export function readTime(value: Json, unit: TimeUnit, path: string, zone = 'UTC'): { ms: number; isZoneless: boolean } {
  const found = momentOf(value, unit, zone);
  if (found === undefined)
    throw new RecordError('SCHEMA_DRIFT', `"${path}" is not a time in ${unit === 'auto' ? 'a known form' : unit}`, path);
  if (found.ms < 31_536_000_000 || found.ms > 4_102_444_800_000)
    throw new RecordError('VALIDATION_FAIL', `"${path}" is not a plausible time`, path);
  return found;
}

interface Moment {
  ms: number;
  isZoneless: boolean;
}

function momentOf(value: Json, unit: TimeUnit, zone: string): Moment | undefined {
  const isText = typeof value === 'string';
  const numeric = typeof value === 'number' ? value : isText && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
  if (numeric !== undefined && unit !== 'iso' && !isDayFirst(unit) && !(isText && /^\s*\d{14}\s*$/.test(value) && unit === 'auto')) {
    const inUnit = unit === 'auto' ? (unitsByMagnitude.find(([below]) => numeric < below)?.[1] ?? 'nanoseconds') : unit;
    return { ms: Math.round(numeric * numericUnits[inUnit]), isZoneless: false };
  }
  // The longest form, of JavaScript's Date with the name of its zone, has fewer characters.
  if (!isText || value.length > 100) return undefined;
  if (isDayFirst(unit)) return slashed(value, unit, zone);
  if (unit === 'auto' || unit === 'iso') return iso(value, zone) ?? compact(value, zone) ?? rfc2822(value, zone);
  return undefined;
}

function isDayFirst(unit: TimeUnit): unit is 'day-month-year' | 'month-day-year' {
  return unit === 'day-month-year' || unit === 'month-day-year';
}

const clock = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:\s?([AP])\.?M\.?)?`;
/** An offset, perhaps with its name behind it: `+00`, `-0300`, `+05:30`, `Z`, `UTC`, `+0000 UTC`, `GMT-0300 (Brasilia Standard Time)`, `[Europe/Rome]`. */
const offset = String.raw`(?:\s*(Z|(?:UTC|GMT|UT)?[+-]\d{2}(?::?\d{2})?(?::?00)?|UTC|GMT|UT)(?:\s*(?:[A-Z]{3,5}|\([^()]*\)|\[[^\][]*\]))?)?`;
const isoForm = new RegExp(String.raw`^\s*(\d{4})([-/])(\d{2})\2(\d{2})(?:(?:[T_]|\s+)${clock}${offset})?\s*$`, 'i');
const compactForm = /^\s*(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})(?:\.(\d+))?(Z|[+-]\d{2}(?::?\d{2})?)?\s*$/i;
const slashedForm = new RegExp(String.raw`^\s*(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:(?:,?\s+|T)${clock}${offset})?\s*$`, 'i');
const dayName = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\\s+';
const rfc2822Form = new RegExp(
  String.raw`^\s*(?:${dayName})?(?:(\d{1,2})[\s-]+([A-Z]{3})[a-z]*[\s-]+(\d{4})|([A-Z]{3})[a-z]*\s+(\d{1,2}),?\s+(\d{4}))(?:,?\s+${clock}\s*([A-Z]{1,5})?${offset})?\s*$`,
  'i',
);
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** The zones that RFC 2822 names. Any other letters there are no zone. */
const namedZones: Readonly<Record<string, number>> = {
  Z: 0,
  UT: 0,
  UTC: 0,
  GMT: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};

/** A day of a month that has it in every year. */
const certainDay = '(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)';
/** The form of most platforms' times, as far as `Date.parse` reads it as {@link moment} does. */
const instantForm = new RegExp(`^[1-9]\\d{3}-${certainDay}T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{3})?Z$`);

function iso(text: string, zone: string): Moment | undefined {
  // Measured: 0.3 µs instead of 0.9.
  if (instantForm.test(text)) return { ms: Date.parse(text), isZoneless: false };
  const match = isoForm.exec(text);
  if (!match) return undefined;
  const [, year, , month, day, ...rest] = match;
  return moment([year, month, day], rest, zone);
}

function compact(text: string, zone: string): Moment | undefined {
  const match = compactForm.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, shift] = match;
  return moment([year, month, day], [hour, minute, second, fraction, undefined, shift], zone);
}

function slashed(text: string, unit: 'day-month-year' | 'month-day-year', zone: string): Moment | undefined {
  const match = slashedForm.exec(text);
  if (!match) return undefined;
  const [, first, , second, year, ...rest] = match;
  return moment(unit === 'day-month-year' ? [year, second, first] : [year, first, second], rest, zone);
}

/** Also the forms of HTTP dates and of JavaScript's `Date.toString()`. */
function rfc2822(text: string, zone: string): Moment | undefined {
  const match = rfc2822Form.exec(text);
  if (!match) return undefined;
  const [, day, month, year, monthFirst, dayAfter, yearAfter, hour, minute, second, fraction, half, letters, shift] = match;
  const number = months.indexOf((month ?? monthFirst ?? '').toLowerCase()) + 1;
  if (number === 0) return undefined;
  let named = shift;
  if (letters !== undefined && shift === undefined) {
    const hours = namedZones[letters.toUpperCase()];
    if (hours === undefined) return undefined;
    named = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}`;
  }
  return moment([year ?? yearAfter, String(number), day ?? dayAfter], [hour, minute, second, fraction, half, named], zone);
}

type Digits = string | undefined;

/** Undefined for a day that no calendar and a time that no clock shows. */
function moment(date: readonly Digits[], time: readonly Digits[], zone: string): Moment | undefined {
  const [year, month, day] = date.map(Number) as [number, number, number];
  const [hourText, minuteText = '0', secondText = '0', fraction = '', half, shift] = time;
  const minute = Number(minuteText);
  // A leap second counts as the second after it.
  const second = Number(secondText);
  let hour = Number(hourText ?? 0);
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (half.toUpperCase() === 'P' ? 12 : 0);
  }
  if (minute > 59 || second > 60 || hour > 24 || (hour === 24 && minute + second > 0)) return undefined;
  const dayMs = Date.UTC(year, month - 1, day);
  const shown = new Date(dayMs);
  if (shown.getUTCMonth() !== month - 1 || shown.getUTCDate() !== day) return undefined;
  const localMs = dayMs + ((hour * 60 + minute) * 60 + second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  const minutes = shift === undefined ? undefined : offsetMinutes(shift);
  if (minutes === undefined) return { ms: zone === 'UTC' ? localMs : momentInZone(localMs, zone), isZoneless: true };
  return Number.isNaN(minutes) ? undefined : { ms: localMs - minutes * 60_000, isZoneless: false };
}

/** Minutes ahead of UTC; NaN for an offset that no place has. */
function offsetMinutes(shift: string): number {
  const match = /([+-])(\d{2}):?(\d{2})?/.exec(shift);
  if (!match) return 0;
  const [, sign, hours = '0', minutes = '0'] = match;
  const total = Number(hours) * 60 + Number(minutes);
  return total > 18 * 60 || Number(minutes) > 59 ? Number.NaN : sign === '-' ? -total : total;
}
