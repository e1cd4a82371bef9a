import { type Json, RecordError } from '../source.ts';

export type TimeUnit = 'seconds' | 'milliseconds' | 'iso' | 'auto';

/**
 * A smaller number is in seconds where the unit is not declared: 10^11 milliseconds are a day in 1973, 10^11 seconds one in the year 5138.
 */
const millisecondsFrom = 1e11;

/**
 * Parses a platform's time to milliseconds since the epoch.
 * `seconds` and `milliseconds` take numbers or decimal text, `iso` takes ISO 8601 (UTC without a zone), `auto` decides by form and magnitude.
 * Throws SCHEMA_DRIFT when the value is not a time in the unit, VALIDATION_FAIL when the time is outside the years 1971–2100.
 */
export function parseTime(value: Json, unit: TimeUnit, path: string): number {
  const ms = toMilliseconds(value, unit);
  if (ms === undefined)
    throw new RecordError('SCHEMA_DRIFT', `"${path}" is not a time in ${unit === 'auto' ? 'a known form' : unit}`, path);
  if (ms < 31_536_000_000 || ms > 4_102_444_800_000) throw new RecordError('VALIDATION_FAIL', `"${path}" is not a plausible time`, path);
  return ms;
}

function toMilliseconds(value: Json, unit: TimeUnit): number | undefined {
  const numeric =
    typeof value === 'number' ? value : typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
  if (numeric !== undefined) {
    if (unit === 'iso') return undefined;
    const inSeconds = unit === 'seconds' || (unit === 'auto' && numeric < millisecondsFrom);
    return Math.round(inSeconds ? numeric * 1000 : numeric);
  }
  if (typeof value !== 'string' || unit === 'seconds' || unit === 'milliseconds') return undefined;
  const match = /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|[+-]\d{2}:?\d{2})?\s*$/i.exec(value);
  if (!match) return undefined;
  const [, date, clock = '00:00', zone = 'Z'] = match;
  const ms = Date.parse(`${date}T${clock.length === 5 ? `${clock}:00` : clock}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
}
