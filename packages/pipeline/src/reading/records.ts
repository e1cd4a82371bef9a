import { type Body, type Delivery, type Json, type RawRecord, RecordError, type Source } from '../source.ts';
import { isObject } from './fields.ts';

/**
 * Records of one delivery of any source, and lines of one NDJSON body. No platform sends more; a sender with more records makes several
 * deliveries.
 */
export const recordsMax = 10_000;

/**
 * The records of a delivery may have this many times the size of its body together, in characters of JSON: data that several records share
 * is part of each record, and each record is read, redacted and hashed whole. WhatsApp's smallest notices have three times the size of
 * their body. Up to `alwaysAllowedChars` characters cost little and are always allowed.
 */
const bodySizesMax = 4;
const alwaysAllowedChars = 2_097_152;

/**
 * The records of a genuine delivery, one at a time. Throws the errors of the source's `split`, and INVALID_PAYLOAD as soon as there are
 * more than {@link recordsMax} records or the records together are much larger than the body. So the size of a delivery bounds the work for
 * it.
 */
export function* recordsOf(source: Source, delivery: Pick<Delivery, 'raw'>, body: Body, config: unknown): Generator<RawRecord, void, void> {
  const bytes = Math.max(1, delivery.raw.byteLength);
  // A record is hardly larger than its delivery, so this many records cannot exceed the limit. Most deliveries are not measured at all.
  const alwaysAllowedCount = Math.max(1, alwaysAllowedChars / bytes);
  let charsLeft = Math.max(alwaysAllowedChars, bodySizesMax * bytes);
  let count = 0;
  for (const record of source.split(body, config)) {
    count += 1;
    if (count > alwaysAllowedCount) charsLeft -= size(record.value) + (record.envelope === undefined ? 0 : size(record.envelope));
    if (count > recordsMax) throw new RecordError('INVALID_PAYLOAD', `The delivery has more than ${recordsMax} records.`);
    if (charsLeft < 0)
      throw new RecordError(
        'INVALID_PAYLOAD',
        'The records of the delivery share too much data: together they are many times as large as the delivery.',
      );
    yield record;
  }
}

/** Approximate characters of JSON, never more than the text that was parsed. */
function size(value: Json): number {
  if (typeof value === 'string') return value.length + 2;
  let chars = 1;
  if (Array.isArray(value)) for (const item of value) chars += size(item) + 1;
  else if (isObject(value)) for (const key of Object.keys(value)) chars += key.length + 4 + size(value[key] ?? null);
  return chars;
}
