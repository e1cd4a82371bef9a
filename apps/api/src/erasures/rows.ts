import { setImmediate as nextTurn } from 'node:timers/promises';
import { idempotencyKeyDigest } from '@tributary/pipeline/columns.ts';
import { textsOf } from '@tributary/pipeline/privacy/person.ts';
import type { PersonMatcher } from '@tributary/pipeline/privacy/person-in-text.ts';
import type { Json, JsonObject } from '@tributary/pipeline/source.ts';
import type { TextTable } from '../deliveries/text-tables.ts';
import type { OrgKeys } from '../tenancy/org-keys.ts';

/** Stands where a text named the person. */
const erased = '[erased]';

export interface SearchedRow {
  at: string;
  id: string;
  texts: JsonObject;
}

/** The rows that name the person, with the values that replace those columns. */
export async function rowsToErase(
  table: TextTable,
  rows: readonly SearchedRow[],
  matcher: PersonMatcher,
  keys: OrgKeys,
): Promise<SearchedRow[]> {
  const isNamed = (value: Json) => matcher.names(textsOf(value));
  const found: SearchedRow[] = [];
  let workedSince = performance.now();
  for (const row of rows) {
    const named = matcher.names(textsOf(row.texts)) ? Object.keys(row.texts).filter((column) => isNamed(row.texts[column] ?? null)) : [];
    if (named.length > 0) found.push({ ...row, texts: replacementsOf(table, row.texts, named, isNamed, keys) });
    // Comparing texts keeps the event loop busy: live requests are served in between.
    if (performance.now() - workedSince > 5) {
      await nextTurn();
      workedSince = performance.now();
    }
  }
  return found;
}

function replacementsOf(
  table: TextTable,
  texts: JsonObject,
  named: readonly string[],
  isNamed: (value: Json) => boolean,
  { digestKey }: OrgKeys,
): JsonObject {
  const replaced: JsonObject = {};
  for (const column of named) {
    const value = texts[column] ?? null;
    if (table === 'canonical_events' && column === 'idempotency_key')
      replaced[column] = `hmac:${idempotencyKeyDigest(digestKey, String(texts.source_connection_id), String(value))}`;
    else if (column === 'source_event_id' || column === 'order_ref' || column === 'field_path' || column === 'content_type')
      replaced[column] = null;
    else if (table === 'dlq_events' && column === 'idempotency_key') replaced[column] = null;
    else if (column === 'type') replaced[column] = `${String(value).split('.', 1)[0]}.event`;
    else replaced[column] = without(value, isNamed);
  }
  // A record that named the person in one place may hold more of the person in others, such as a name.
  if (table === 'canonical_events') Object.assign(replaced, { properties: {}, attribution: {} });
  if (table === 'dlq_events') replaced.sample = null;
  return replaced;
}

/** The value without the texts, numbers and keys that name the person. */
function without(value: Json, isNamed: (value: Json) => boolean): Json {
  if (typeof value === 'string' || typeof value === 'number') return isNamed(value) ? erased : value;
  if (Array.isArray(value)) return value.map((item) => without(item, isNamed));
  if (value === null || typeof value === 'boolean') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [isNamed(key) ? erased : key, without(item, isNamed)]));
}
