import { at, isObject, text } from '../../reading/fields.ts';
import type { JsonObject } from '../../source.ts';

/**
 * What is known about the deliveries of a platform that arrive through the generic source. Settings of the connection go first.
 */
export interface Sender {
  /** Whether a record has the shape of this platform, which no other sender has. */
  sent(record: JsonObject): boolean;
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
    sent: (record) => record.object === 'event' && has(record, 'id', 'type', 'created') && isObject(at(record, 'data.object')),
    id: 'id',
    name: ['type'],
    time: ['created'],
    volatile: ['pending_webhooks', 'api_version', 'request'],
  },
  {
    // PayPal
    sent: (record) => has(record, 'id', 'event_type', 'resource_type') && isObject(record.resource),
    id: 'id',
    name: ['event_type'],
    time: ['create_time'],
    volatile: ['links', 'transmissions', 'event_version', 'resource_version'],
  },
  {
    // Mercado Pago
    sent: (record) => has(record, 'id', 'action', 'api_version', 'data.id'),
    id: 'id',
    name: ['action'],
    time: ['date_created'],
    volatile: ['api_version', 'version'],
  },
  {
    // Pagar.me
    sent: (record) => begins(record, 'id', /^hook_/) && has(record, 'type') && isObject(record.data),
    id: 'id',
    name: ['type'],
    time: ['created_at'],
    volatile: ['attempts'],
  },
  {
    // Eduzz: the time of a payment is in the invoice, and sentDate changes with each attempt.
    sent: (record) => begins(record, 'event', /^(?:myeduzz|nutror|sun|blinket|orbita)\./) && has(record, 'id', 'sentDate'),
    id: 'id',
    name: ['event'],
    time: ['sentDate'],
    volatile: ['sentDate'],
  },
  {
    // HubSpot: ids of events are not unique, and its test button always sends the same ones.
    sent: (record) => has(record, 'subscriptionType', 'subscriptionId', 'portalId', 'occurredAt'),
    name: ['subscriptionType'],
    time: ['occurredAt'],
    volatile: ['attemptNumber'],
  },
  {
    // Slack
    sent: (record) => record.type === 'event_callback' && has(record, 'event_id') && isObject(record.event),
    id: 'event_id',
    name: ['event.type'],
    time: ['event_time'],
    volatile: ['token', 'authorizations', 'event_context'],
  },
  {
    // Typeform
    sent: (record) => has(record, 'event_id', 'event_type') && isObject(record.form_response),
    id: 'event_id',
    name: ['event_type'],
    time: ['form_response.submitted_at', 'form_response.landed_at'],
    volatile: [],
  },
  {
    // Segment
    sent: (record) => has(record, 'messageId', 'type') && (has(record, 'userId') || has(record, 'anonymousId')),
    id: 'messageId',
    name: ['event', 'type'],
    time: ['timestamp'],
    volatile: ['sentAt', 'receivedAt', 'originalTimestamp', 'writeKey'],
  },
  {
    // PostHog
    sent: (record) => has(record, 'uuid', 'event', 'distinct_id'),
    id: 'uuid',
    name: ['event'],
    time: ['timestamp'],
    volatile: ['sent_at'],
  },
  {
    // SendGrid
    sent: (record) => has(record, 'sg_event_id', 'event'),
    id: 'sg_event_id',
    name: ['event'],
    time: ['timestamp'],
    volatile: [],
  },
  {
    // Mailgun: the signature in the body is made for each attempt.
    sent: (record) => has(record, 'event-data.id', 'event-data.event') && isObject(record.signature),
    id: 'event-data.id',
    name: ['event-data.event'],
    time: ['event-data.timestamp'],
    volatile: ['signature'],
  },
  {
    // Zendesk
    sent: (record) => begins(record, 'type', /^zen:event-type:/) && has(record, 'id'),
    id: 'id',
    name: ['type'],
    time: ['time'],
    volatile: [],
  },
  {
    // RD Station: event_timestamp is when it happened, timestamp when it was sent.
    sent: (record) => begins(record, 'event_type', /^WEBHOOK\./) && has(record, 'entity_type'),
    name: ['event_type'],
    time: ['event_timestamp'],
    volatile: ['timestamp'],
  },
  {
    // Kiwify: the id is the order's, which has many events.
    sent: (record) => has(record, 'order_id', 'webhook_event_type'),
    name: ['webhook_event_type'],
    time: ['updated_at', 'created_at'],
    volatile: [],
  },
  {
    // Monetizze: a sale is sent once for each event and each role, without an id of the event.
    sent: (record) => has(record, 'tipoEvento.codigo'),
    name: ['tipoEvento.descricao', 'tipoEvento.codigo'],
    time: ['venda.dataFinalizada', 'venda.dataInicio'],
    volatile: ['json'],
  },
  {
    // Braip
    sent: (record) => has(record, 'type') && (has(record, 'trans_key') || has(record, 'abandonment_key') || has(record, 'subs_key')),
    name: ['type'],
    time: ['trans_updatedate', 'trans_createdate'],
    volatile: [],
  },
];

/** The record that was asked for last. The parts of the reader ask about one record after the other. */
let last: { record: JsonObject; sender: Sender | undefined } | undefined;

/** The platform that a record comes from, where its shape says so. Several parts of the reader ask for it. */
export function senderOf(record: JsonObject): Sender | undefined {
  // Remembered for one record: a WeakMap grows with every record until the next full collection.
  if (last?.record !== record) last = { record, sender: senders.find((sender) => sender.sent(record)) };
  return last.sender;
}
