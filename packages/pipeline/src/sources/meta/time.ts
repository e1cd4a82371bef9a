import { at } from '../../reading/fields.ts';
import { parseTime, type TimeUnit } from '../../reading/time.ts';
import { type Json, RecordError } from '../../source.ts';

/** The time at a path; undefined where there is none. Throws SCHEMA_DRIFT or VALIDATION_FAIL for a time that cannot be read. */
export function time(value: Json | undefined, path: string, unit: TimeUnit): number | undefined {
  const found = at(value, path);
  return found === undefined || found === null ? undefined : parseTime(found, unit, path);
}

/**
 * The time in any unit: seconds, seconds as text, milliseconds or ISO 8601. For times that Meta's reference does not promise: a time that
 * cannot be read counts as absent.
 */
export function lenientTime(found: Json | undefined): number | undefined {
  if (found === undefined) return undefined;
  try {
    return parseTime(found, 'auto', 'time');
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}
