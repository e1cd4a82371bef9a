import { at, text } from '../../reading/fields.ts';
import { parseTime } from '../../reading/time.ts';
import { type JsonObject, RecordError } from '../../source.ts';

/** Clocks differ by this much. A time further ahead is not when the event happened. */
const aheadMaxMs = 5 * 60_000;

/**
 * The first of several fields that holds a time of the past, in milliseconds; undefined without one. A field that is no time or lies ahead yields
 * to the next: the panel's tests and copies of the platform put other things into dates that are not the event's own.
 */
export function firstTime(value: JsonObject, fields: readonly string[], receivedAtMs: number): number | undefined {
  for (const field of fields) {
    const found = at(value, field);
    if (found === undefined || found === null || text(value, field) === undefined) continue;
    try {
      const ms = parseTime(found, 'auto', field);
      if (ms <= receivedAtMs + aheadMaxMs) return ms;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  }
  return undefined;
}
