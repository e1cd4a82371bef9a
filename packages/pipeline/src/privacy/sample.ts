import { isObject } from '../reading/fields.ts';
import type { Json, JsonObject } from '../source.ts';
import { finish, type PersonalPaths, prune } from './redact.ts';
import { type Collected, newCollected, repeats } from './repeats.ts';

/** Characters of JSON of a dead letter's sample: enough to see what is wrong, small enough for a list of them. */
const sampleCharsMax = 4096;

/**
 * What a person may see of a record that failed: redacted like `properties`, with `[redacted string]` in place of what was removed,
 * so that its shape stays. Never throws: a record that cannot be redacted is shown as its shape alone.
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

/** Types instead of values, a few levels and fields of them: for a body of which not even the personal paths are known. */
export function shapeOf(value: Json): Json {
  let collected = newCollected();
  try {
    // By the names of its keys alone: what it finds must not be spelled by a key that is shown.
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
