import { at, isObject } from '../../reading/fields.ts';
import { type Body, type Json, type RawRecord, RecordError } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';

/**
 * The records are the array at `records.path`, otherwise a top-level array or the lines of NDJSON, otherwise the object itself. The envelope has
 * `single` when the delivery is one record, and `malformed` for a record that is not an object and so fails.
 * Throws INVALID_PAYLOAD, or MISSING_FIELD and SCHEMA_DRIFT about `records.path`.
 */
export function split(body: Body, config: WebhookConfig): Iterable<RawRecord> {
  if (body.kind === 'empty') throw new RecordError('INVALID_PAYLOAD', 'the body is empty');
  const path = settingsOf(config)?.records?.path;
  const roots = body.kind === 'ndjson' ? body.value : [body.value];
  const values =
    path === undefined ? (body.kind === 'ndjson' ? roots : unwrapped(body.value)) : roots.flatMap((root) => arrayAt(root, path));
  return recordsOf(values);
}

function* recordsOf(values: readonly Json[]): Generator<RawRecord> {
  const single = values.length === 1 ? { single: true } : {};
  for (const value of values) {
    yield isObject(value) ? { value, envelope: single } : { value: { value }, envelope: { ...single, malformed: true } };
  }
}

function unwrapped(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) throw new RecordError('INVALID_PAYLOAD', 'the body is neither an object nor an array of objects');
  return [value];
}

function arrayAt(root: Json, path: string): Json[] {
  const found = at(root, path);
  if (found === undefined || found === null) throw new RecordError('MISSING_FIELD', `"${path}" is missing`, path);
  if (!Array.isArray(found)) throw new RecordError('SCHEMA_DRIFT', `"${path}" should be an array`, path);
  return found;
}
