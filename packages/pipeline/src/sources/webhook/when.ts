import { at, text } from '../../reading/fields.ts';
import { futureToleranceMs, readTime, type TimeUnit } from '../../reading/time.ts';
import { type Delivery, type Json, type JsonObject, type ReadingNote, RecordError } from '../../source.ts';
import type { WebhookConfig } from './config.ts';
import { required } from './identity.ts';
import { senderOf } from './senders.ts';
import { byShape, present } from './shape.ts';

/**
 * Where the time of an event is searched when no path is configured, in this order: names that say when it happened, then when the thing
 * changed, then when the record was made. A thing that was made long ago and changed now has both of the last two.
 */
const timePaths = [
  ...[
    'event_timestamp',
    'event_time',
    'eventTime',
    'occurred_at',
    'occurredAt',
    'triggered_at',
    'fired_at',
    'event_date',
    'eventDate',
    'data_evento',
    'dataEvento',
  ],
  ...['timestamp', 'time', 'date_time'],
  ...[
    'updated_at',
    'updatedAt',
    'atualizado_em',
    'data_atualizacao',
    'created_at',
    'createdAt',
    'date_created',
    'dateCreated',
    'create_time',
    'creation_date',
    'created',
  ],
  ...['criado_em', 'data_criacao'],
] as const;
const timesPresent = present(timePaths);
/** Headers with the time of the event: Shopify, and CloudEvents in binary mode. */
const timeHeaders = ['x-shopify-triggered-at', 'shopify-triggered-at', 'ce-time'] as const;

export interface When {
  /** Undefined where the record gives no time that can be read and has come, so that the time of arrival counts. */
  ms: number | undefined;
  notes: readonly ReadingNote[];
}

/**
 * The time of the event by the configured path (MISSING_FIELD, SCHEMA_DRIFT, VALIDATION_FAIL where it cannot be read), otherwise the first of the
 * usual fields that holds a time which has come. A guessed field may mean something else: the time of an appointment is in the future.
 */
export function eventTime(
  value: JsonObject,
  { fields, timeZone }: Pick<WebhookConfig, 'fields' | 'timeZone'>,
  headers: Delivery['headers'],
  receivedAtMs: number,
): When {
  const notes: ReadingNote[] = [];
  const take = (found: Json, unit: TimeUnit, path: string): number => {
    const { ms, isZoneless } = readTime(found, unit, path, timeZone);
    if (isZoneless && timeZone === undefined) notes.push({ code: 'time_without_zone', path, form: formOf(found) });
    return ms;
  };
  if (fields?.time !== undefined) {
    const { path, unit } = fields.time;
    return { ms: take(required(value, path, headers), unit, path), notes };
  }
  for (const [path, found] of guesses(value, headers)) {
    try {
      const ms = take(found, 'auto', path);
      if (ms <= receivedAtMs + futureToleranceMs) return { ms, notes };
      notes.push({ code: 'time_in_future', path, form: formOf(found) });
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      notes.push({ code: 'time_unreadable', path, form: formOf(found) });
    }
  }
  return { ms: undefined, notes: [...notes, { code: 'time_of_arrival' }] };
}

function* guesses(value: JsonObject, headers: Delivery['headers']): Generator<[path: string, found: Json]> {
  for (const name of timeHeaders) {
    const found = headers[name]?.trim();
    if (found) yield [`header:${name}`, found];
  }
  for (const path of [...(senderOf(value)?.time ?? []), ...byShape(value, timesPresent)]) {
    const found = at(value, path);
    if (typeof found === 'number' || (typeof found === 'string' && text(value, path) !== undefined)) yield [path, found];
  }
}

/** The value with `0` for each digit and `a` for each letter. */
function formOf(value: Json): string {
  return String(value)
    .slice(0, 60)
    .replace(/\p{Nd}/gu, '0')
    .replace(/\p{L}/gu, 'a');
}
