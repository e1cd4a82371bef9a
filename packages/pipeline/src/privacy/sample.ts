import { isObject } from '../reading/fields.ts';
import type { Json, JsonObject } from '../source.ts';
import { finishKept, type IdDigests, keep, prepareSearch } from './keep.ts';
import type { KeptPaths } from './kept-paths.ts';
import type { RecordPerson } from './record-person.ts';
import { finish, type PersonalPaths, prune } from './redact.ts';
import { type Collected, newCollected, repeats } from './repeats.ts';

/** Characters of JSON that a dead letter's sample may have: enough to see what is wrong, and few enough for a list of samples. */
const sampleCharsMax = 4096;

/**
 * The form of a failed record that people may see: redacted like `properties`, with `[redacted string]` in place of each removed value, so
 * that the shape stays visible. Never throws: of a record that cannot be redacted only the shape is shown.
 */
export function sampleOf(record: JsonObject, paths: PersonalPaths, collected: Collected): Json {
  try {
    const pruned = prune(record, paths, true);
    for (const [text, alone] of collected.texts) pruned.collected.texts.set(text, alone);
    for (const digits of collected.digits) pruned.collected.digits.add(digits);
    pruned.collected.overflow ||= collected.overflow;
    return finish(pruned, sampleCharsMax);
  } catch {
    return shapeOf(record);
  }
}

/**
 * The form of a failed record that people may see: what is kept of it, with `[redacted string]` in place of each dropped value, so that the shape
 * stays visible. Never throws: of a record that cannot be redacted only the shape is shown.
 */
export function keptSample(record: JsonObject, paths: KeptPaths, person: RecordPerson, ids: IdDigests): Json {
  try {
    const kept = keep(record, paths, person, { asSample: true, charsMax: sampleCharsMax });
    person.mayOccur = true;
    prepareSearch(kept, []);
    return finishKept(kept, ids);
  } catch {
    return shapeOf(record);
  }
}

/** Types instead of values, for a few levels and fields. For a body whose personal paths are not known. */
export function shapeOf(value: Json): Json {
  let collected = newCollected();
  try {
    // Values are collected by the names of their keys, so that no key is shown that spells one of them.
    if (typeof value === 'object' && value !== null) collected = prune({ value }, { remove: undefined, keep: undefined }, true).collected;
  } catch {
    collected.overflow = true;
  }
  return shape(value, collected, 0);
}

const fieldName = /^[a-z_][a-z_0-9.-]{0,39}$/i;

function shape(value: Json, collected: Collected, depth: number): Json {
  if (Array.isArray(value)) {
    return depth < 4 && value.length > 0 ? [shape(value[0] ?? null, collected, depth + 1), `${value.length} items`] : 'array';
  }
  if (!isObject(value)) return value === null ? 'null' : typeof value;
  if (depth >= 4) return 'object';
  const shown: JsonObject = {};
  for (const key of Object.keys(value).slice(0, 40)) {
    if (!fieldName.test(key) || key === '__proto__' || /\d{7}/.test(key) || repeats(key, collected)) continue;
    shown[key] = shape(value[key] ?? null, collected, depth + 1);
  }
  return shown;
}
