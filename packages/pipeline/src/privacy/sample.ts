import { isObject } from '../reading/fields.ts';
import type { Json, JsonObject } from '../source.ts';
import { finishKept, type IdDigests, keep, prepareSearch } from './keep.ts';
import { compileKept } from './kept-paths.ts';
import { identifierIn } from './mask.ts';
import { type PlaceTable, placesFor } from './places.ts';
import { newRecordPerson, overflow, type RecordPerson } from './record-person.ts';

/** Characters of JSON that a dead letter's sample may have: enough to see what is wrong, and few enough for a list of samples. */
const sampleCharsMax = 4096;

/**
 * The form of a failed record that people may see: what is kept of it, with `[redacted string]` in place of each dropped value, so that the shape
 * stays visible. Never throws: of a record that cannot be redacted only the shape is shown.
 */
export function sampleOf(record: JsonObject, paths: PlaceTable, person: RecordPerson, ids: IdDigests): Json {
  try {
    const kept = keep(record, paths, person, { asSample: true, charsMax: sampleCharsMax });
    person.mayOccur = true;
    prepareSearch(kept, []);
    return finishKept(kept, ids);
  } catch {
    return shapeOf(record);
  } finally {
    // The message of the error is searched afterwards.
    person.mayOccur = true;
  }
}

/** Types instead of values, for a few levels and fields. For a body whose records are not known. */
export function shapeOf(value: Json): Json {
  const person = newRecordPerson();
  try {
    // Values are collected by the names of their keys, so that no key is shown that spells one of them.
    collectByName(person, value);
  } catch {
    overflow(person);
  }
  return shape(value, person, 0);
}

function collectByName(person: RecordPerson, value: Json): void {
  if (typeof value === 'object' && value !== null) keep({ value }, nothingKept, person, { asSample: true });
}

/** A table by which nothing is kept. */
const nothingKept = placesFor(compileKept({ words: [], ids: [], idForm: /^$/, texts: [], people: [], staff: [], plain: [] }, [], false));

const fieldName = /^[a-z_][a-z_0-9.-]{0,39}$/i;

function shape(value: Json, person: RecordPerson, depth: number): Json {
  if (Array.isArray(value)) {
    return depth < 4 && value.length > 0 ? [shape(value[0] ?? null, person, depth + 1), `${value.length} items`] : 'array';
  }
  if (!isObject(value)) return value === null ? 'null' : typeof value;
  if (depth >= 4) return 'object';
  const shown: JsonObject = {};
  for (const key of Object.keys(value).slice(0, 40)) {
    if (!fieldName.test(key) || key === '__proto__' || /\d{7}/.test(key) || identifierIn(key, person, true) !== undefined) continue;
    shown[key] = shape(value[key] ?? null, person, depth + 1);
  }
  return shown;
}
