import { isObject } from '../reading/fields.ts';
import type { Json, JsonObject } from '../source.ts';

/**
 * Shortens an object to at most `charsMax` characters of JSON: the largest branches are shortened first, small ones stay, and arrays keep their
 * beginning. A shortened object has `_truncated: true`.
 */
export function shrink(value: JsonObject, charsMax: number): JsonObject {
  const sizes = new Map<Json, number>();
  if (measure(value, sizes) <= charsMax) return value;
  const fitted = fit(value, charsMax - 20, sizes);
  return { ...(isObject(fitted) ? fitted : {}), _truncated: true };
}

/** Characters of the value's JSON. The sizes of containers are remembered. */
function measure(value: Json, sizes: Map<Json, number>): number {
  if (typeof value === 'string') return JSON.stringify(value).length;
  if (typeof value !== 'object' || value === null) return String(value).length;
  let size = 2;
  if (Array.isArray(value)) for (const item of value) size += measure(item, sizes) + 1;
  else for (const [key, item] of Object.entries(value)) size += JSON.stringify(key).length + 2 + measure(item, sizes);
  sizes.set(value, size);
  return size;
}

function sizeOf(value: Json, sizes: Map<Json, number>): number {
  return (typeof value === 'object' && value !== null ? sizes.get(value) : undefined) ?? measure(value, sizes);
}

function fit(value: Json, budget: number, sizes: Map<Json, number>): Json | undefined {
  if (sizeOf(value, sizes) <= budget) return value;
  if (budget < 10) return undefined;
  if (Array.isArray(value)) return fitArray(value, budget - 2, sizes);
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).map(([key, item]) => ({ key, item, size: JSON.stringify(key).length + 2 + sizeOf(item, sizes) }));
  const fitted = new Map<string, Json>();
  let left = budget - 2;
  // Smallest first, and each field gets at most an equal share of the rest: the large fields use what the small ones do not need.
  for (const [index, entry] of entries.toSorted((a, b) => a.size - b.size).entries()) {
    const share = Math.floor(left / (entries.length - index));
    const overhead = JSON.stringify(entry.key).length + 2;
    const kept = fit(entry.item, share - overhead, sizes);
    if (kept === undefined) continue;
    fitted.set(entry.key, kept);
    left -= overhead + sizeOf(kept, sizes);
  }
  const ordered: JsonObject = {};
  for (const { key } of entries) {
    const kept = fitted.get(key);
    if (kept !== undefined) ordered[key] = kept;
  }
  return ordered;
}

function fitArray(items: readonly Json[], budget: number, sizes: Map<Json, number>): Json[] {
  const kept: Json[] = [];
  let left = budget;
  for (const item of items) {
    const size = sizeOf(item, sizes) + 1;
    if (size > left) {
      const part = fit(item, left - 1, sizes);
      if (part !== undefined) kept.push(part);
      break;
    }
    kept.push(item);
    left -= size;
  }
  return kept;
}
