import { type Body, type Delivery, type Json, type RawRecord, RecordError, type Source } from '../source.ts';
import { isObject } from './fields.ts';

/** Records of one delivery, whatever the source, and lines of one NDJSON body. No platform sends more; what has more belongs into several. */
export const recordsMax = 10_000;

/**
 * Characters of JSON that the records of a delivery may have together: what several of them share stands in each, and each is read,
 * redacted and hashed whole. WhatsApp's smallest notices come out at three times their size; everything together up to
 * `sharedFreely` is no burden.
 */
const timesBody = 4;
const sharedFreely = 2_097_152;

/**
 * The records of a genuine delivery, cut one by one. Throws what the source's `split` throws, and INVALID_PAYLOAD as soon as there are more
 * than {@link recordsMax} or they are together much larger than the body: the work for a delivery is bounded by its size.
 */
export function* recordsOf(source: Source, delivery: Pick<Delivery, 'raw'>, body: Body, config: unknown): Generator<RawRecord, void, void> {
  const bytes = Math.max(1, delivery.raw.byteLength);
  // A record is hardly larger than its delivery: so few are no burden whatever they share, and most deliveries need no measuring.
  const fewAnyway = Math.max(1, sharedFreely / bytes);
  let room = Math.max(sharedFreely, timesBody * bytes);
  let count = 0;
  for (const record of source.split(body, config)) {
    count += 1;
    if (count > fewAnyway) room -= size(record.value) + (record.envelope === undefined ? 0 : size(record.envelope));
    if (count > recordsMax) throw new RecordError('INVALID_PAYLOAD', `The delivery has more than ${recordsMax} records.`);
    if (room < 0)
      throw new RecordError('INVALID_PAYLOAD', 'The records of the delivery share too much: together they are many times its size.');
    yield record;
  }
}

/** Characters of JSON, about: never more than it came with. */
function size(value: Json): number {
  if (typeof value === 'string') return value.length + 2;
  let chars = 1;
  if (Array.isArray(value)) for (const item of value) chars += size(item) + 1;
  else if (isObject(value)) for (const key of Object.keys(value)) chars += key.length + 4 + size(value[key] ?? null);
  return chars;
}
