import { at, firstText, isIdText, requireObject, requireText, text } from '../../reading/fields.ts';
import { parseTime } from '../../reading/time.ts';
import { type JsonObject, type Reading, RecordError } from '../../source.ts';
import { amountOf } from './amount.ts';
import { campaignOf } from './campaign.ts';
import { canonicalType } from './events.ts';
import { subjectOf } from './subject.ts';

/**
 * Reads one event. Throws MISSING_FIELD without id, type, created or (snapshot events) data.object; SCHEMA_DRIFT when the object is not an event
 * or an amount is not an integer; VALIDATION_FAIL for impossible times and currencies. A type outside the vocabulary becomes `stripe.<type>`.
 */
export function readEvent(event: JsonObject): Reading {
  const kind = requireText(event, 'object');
  // A thin event has the id of its object and no data of it, so there is nothing more to read.
  if (kind === 'v2.core.event') return { ...readEnvelope(event, 'iso'), type: canonicalType(event, {}) };
  if (kind !== 'event') throw new RecordError('SCHEMA_DRIFT', '"object" should be "event"', 'object');
  const envelope = readEnvelope(event, 'seconds');
  const object = requireObject(event, 'data.object');
  return {
    ...envelope,
    type: canonicalType(event, object),
    subject: subjectOf(object),
    ...amountOf(event, object),
    orderRef: orderRefOf(object),
    attribution: campaignOf(event),
  };
}

function readEnvelope(event: JsonObject, timeUnit: 'seconds' | 'iso') {
  const id = requireText(event, 'id');
  if (!isIdText(id)) throw new RecordError('VALIDATION_FAIL', '"id" is not an id of Stripe', 'id');
  const type = requireText(event, 'type');
  const created = at(event, 'created');
  if (created === undefined || created === null) throw new RecordError('MISSING_FIELD', '"created" is missing', 'created');
  return {
    sourceEventType: type,
    sourceEventId: id,
    idempotencyKey: id,
    eventTimeMs: parseTime(created, timeUnit, 'created'),
    isTest: event.livemode === false || undefined,
  };
}

/*
 * The payment's id comes first, so that session, payment, charge, refund and dispute of one sale share their reference. A session's
 * client_reference_id is free text of the merchant, often the customer's id or e-mail, so it is not used for this readable column.
 */
const orderRefPaths = new Map<string, readonly [string, ...string[]]>([
  ['checkout.session', ['payment_intent', 'payment_intent.id', 'invoice', 'invoice.id', 'id']],
  ['payment_intent', ['id']],
  ['charge', ['payment_intent', 'payment_intent.id', 'id']],
  ['refund', ['payment_intent', 'payment_intent.id', 'charge', 'charge.id']],
  ['dispute', ['payment_intent', 'payment_intent.id', 'charge', 'charge.id']],
  ['invoice', ['id']],
]);

function orderRefOf(object: JsonObject): string | undefined {
  const paths = orderRefPaths.get(text(object, 'object') ?? '');
  const found = paths && firstText(object, ...paths);
  return found !== undefined && isIdText(found) ? found : undefined;
}
