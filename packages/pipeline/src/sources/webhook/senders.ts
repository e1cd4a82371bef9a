import { at, isObject, text } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';
import { byShape, mayLead } from './shape.ts';

/**
 * What is known about the deliveries of a platform that arrive through the generic source. Settings of the connection go first.
 */
export interface Sender {
  /** Paths that have a text in every record of this platform. */
  has: readonly string[];
  /** What else the shape of a record tells. With {@link has}, no other sender has the shape. */
  sent?(record: JsonObject): boolean;
  /** Paths of the event's name and times; the first that is there counts. */
  name?: readonly string[];
  time?: readonly string[];
  /** Path of the event's id, which stays the same whenever the event is sent again. Without it the fingerprint of the record is the key. */
  id?: string;
  /** What changes between two deliveries of one event. */
  volatile: readonly string[];
}

function has(record: JsonObject, ...paths: string[]): boolean {
  for (const path of paths) if (text(record, path) === undefined) return false;
  return true;
}

const begins = (record: JsonObject, path: string, start: RegExp): boolean => start.test(text(record, path) ?? '');

const senders: readonly Sender[] = [
  {
    // Stripe and senders that copy its envelope.
    has: ['id', 'type', 'created'],
    sent: (record) => record.object === 'event' && isObject(at(record, 'data.object')),
    id: 'id',
    name: ['type'],
    time: ['created'],
    volatile: ['pending_webhooks', 'api_version', 'request'],
  },
  {
    // PayPal
    has: ['id', 'event_type', 'resource_type'],
    sent: (record) => isObject(record.resource),
    id: 'id',
    name: ['event_type'],
    time: ['create_time'],
    volatile: ['links', 'transmissions', 'event_version', 'resource_version'],
  },
  {
    // Mercado Pago
    has: ['id', 'action', 'api_version', 'data.id'],
    id: 'id',
    name: ['action'],
    time: ['date_created'],
    volatile: ['api_version', 'version'],
  },
  {
    // Pagar.me
    has: ['id', 'type'],
    sent: (record) => begins(record, 'id', /^hook_/) && isObject(record.data),
    id: 'id',
    name: ['type'],
    time: ['created_at'],
    volatile: ['attempts'],
  },
  {
    // Eduzz: the time of a payment is in the invoice, and sentDate changes with each attempt.
    has: ['event', 'id', 'sentDate'],
    sent: (record) => begins(record, 'event', /^(?:myeduzz|nutror|sun|blinket|orbita)\./),
    id: 'id',
    name: ['event'],
    time: ['sentDate'],
    volatile: ['sentDate'],
  },
  {
    // HubSpot: ids of events are not unique, and its test button always sends the same ones.
    has: ['subscriptionType', 'subscriptionId', 'portalId', 'occurredAt'],
    name: ['subscriptionType'],
    time: ['occurredAt'],
    volatile: ['attemptNumber'],
  },
  {
    // Slack
    has: ['event_id'],
    sent: (record) => record.type === 'event_callback' && isObject(record.event),
    id: 'event_id',
    name: ['event.type'],
    time: ['event_time'],
    volatile: ['token', 'authorizations', 'event_context'],
  },
  {
    // Typeform
    has: ['event_id', 'event_type'],
    sent: (record) => isObject(record.form_response),
    id: 'event_id',
    name: ['event_type'],
    time: ['form_response.submitted_at', 'form_response.landed_at'],
    volatile: [],
  },
  {
    // Segment
    has: ['messageId', 'type'],
    sent: (record) => has(record, 'userId') || has(record, 'anonymousId'),
    id: 'messageId',
    name: ['event', 'type'],
    time: ['timestamp'],
    volatile: ['sentAt', 'receivedAt', 'originalTimestamp', 'writeKey'],
  },
  {
    // PostHog
    has: ['uuid', 'event', 'distinct_id'],
    id: 'uuid',
    name: ['event'],
    time: ['timestamp'],
    volatile: ['sent_at'],
  },
  {
    // SendGrid
    has: ['sg_event_id', 'event'],
    id: 'sg_event_id',
    name: ['event'],
    time: ['timestamp'],
    volatile: [],
  },
  {
    // Mailgun: the signature in the body is made for each attempt.
    has: ['event-data.id', 'event-data.event'],
    sent: (record) => isObject(record.signature),
    id: 'event-data.id',
    name: ['event-data.event'],
    time: ['event-data.timestamp'],
    volatile: ['signature'],
  },
  {
    // Zendesk
    has: ['id', 'type'],
    sent: (record) => begins(record, 'type', /^zen:event-type:/),
    id: 'id',
    name: ['type'],
    time: ['time'],
    volatile: [],
  },
  {
    // RD Station: event_timestamp is when it happened, timestamp when it was sent.
    has: ['event_type', 'entity_type'],
    sent: (record) => begins(record, 'event_type', /^WEBHOOK\./),
    name: ['event_type'],
    time: ['event_timestamp'],
    volatile: ['timestamp'],
  },
  {
    // Kiwify: the id is the order's, which has many events.
    has: ['order_id', 'webhook_event_type'],
    name: ['webhook_event_type'],
    time: ['updated_at', 'created_at'],
    volatile: [],
  },
  {
    // Monetizze: a sale is sent once for each event and each role, without an id of the event.
    has: ['tipoEvento.codigo'],
    name: ['tipoEvento.descricao', 'tipoEvento.codigo'],
    time: ['venda.dataFinalizada', 'venda.dataInicio'],
    volatile: ['json'],
  },
  {
    // Braip
    has: ['type'],
    sent: (record) => has(record, 'trans_key') || has(record, 'abandonment_key') || has(record, 'subs_key'),
    name: ['type'],
    time: ['trans_updatedate', 'trans_createdate'],
    volatile: [],
  },
];

/** The senders whose fields an object has, by their names. */
const sendersPresent = (object: JsonObject): Sender[] => senders.filter((sender) => sender.has.every((path) => mayLead(object, path)));

/** The record that was asked for last. The parts of the reader ask about one record after the other. */
let last: { record: JsonObject; sender: Sender | undefined } | undefined;

/** The platform that a record comes from, where its shape says so. Several parts of the reader ask for it. */
export function senderOf(record: JsonObject): Sender | undefined {
  // Remembered for one record: a WeakMap grows with every record until the next full collection.
  if (last?.record !== record) {
    const sender = byShape(record, sendersPresent).find((one) => has(record, ...one.has) && (one.sent?.(record) ?? true));
    last = { record, sender };
  }
  return last.sender;
}
