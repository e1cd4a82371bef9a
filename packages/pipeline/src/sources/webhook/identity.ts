import { deliveryId } from '../../proofs/standard-webhooks.ts';
import { at, firstText, isObject, requireText, text } from '../../reading/fields.ts';
import { type Delivery, type JsonObject, RecordError } from '../../source.ts';
import { idJoint, settingsOf, type WebhookConfig } from './config.ts';
import { type Sender, senderOf } from './senders.ts';
import { byShape, present } from './shape.ts';

type Headers = Delivery['headers'];

const namePaths = [
  'type',
  'event',
  'event_type',
  'eventType',
  'topic',
  'event_name',
  'eventName',
  'action',
  'evento',
  'tipo_evento',
] as const;
const idPaths = ['id', 'event_id', 'eventId', 'uuid', 'messageId'] as const;
const namesPresent = present(namePaths);
const idsPresent = present(idPaths);
/** Headers in which platforms name the event: Shopify, WooCommerce, GitHub and its like, CloudEvents in binary mode. */
const nameHeaders = [
  'x-shopify-topic',
  'shopify-topic',
  'x-wc-webhook-topic',
  'x-github-event',
  'x-gitlab-event',
  'x-gitea-event',
  'x-event-key',
  'ce-type',
] as const;
/** Headers with the id of an event, which platforms keep when they send the event again. */
const idHeaders = [
  'x-shopify-event-id',
  'shopify-event-id',
  'x-github-delivery',
  'x-gitea-delivery',
  'x-gitlab-event-uuid',
  'webhook-id',
  'svix-id',
] as const;

/** The event's name where a header gives it, by the settings or by a header of a known platform. */
export function nameOutside(config: WebhookConfig, headers: Headers): string | undefined {
  const settings = settingsOf(config);
  const type = settings?.fields?.type;
  if (type === undefined) return firstHeader(headers, nameHeaders);
  return type.startsWith('header:') ? headers[type.slice('header:'.length).toLowerCase()]?.trim() || undefined : undefined;
}

/** The event's name. Throws MISSING_FIELD where the settings say where it is, and it is not there. */
export function eventName(value: JsonObject, config: WebhookConfig, headers: Headers): string {
  const type = settingsOf(config)?.fields?.type;
  if (type?.startsWith('=')) return type.slice(1).trim();
  if (type !== undefined) return required(value, type, headers);
  return (
    firstHeader(headers, nameHeaders) ?? firstText(value, ...(senderOf(value)?.name ?? []), ...byShape(value, namesPresent)) ?? 'event'
  );
}

export interface Identity {
  /** The id of the event, as the sender calls it. */
  id?: string | undefined;
  /** What makes two records one event; undefined where the fingerprint of the record does. */
  key?: string | undefined;
}

/**
 * What makes two records one event, in this order:
 * 1. the id that the settings name (`fields.id`): a path, a header, or several of them joined by ` + `;
 * 2. the id of the delivery, where a scheme signs it or a platform's header carries it, for a delivery of one record;
 * 3. the id of an event of a known platform (senders.ts), and source and id of a CloudEvent;
 * 4. an `id` beside the event's name, together with that name, where nothing says that the id is of a thing whose state the record tells;
 * 5. otherwise the fingerprint of the record. So an order of which each change is sent under its own id is an event each time.
 *
 * A name that a header gives is part of the key, since senders that name events in a header send the bare thing as the body; ids of deliveries
 * that a scheme signs or the settings name are complete without it.
 * `single`: the delivery has one record. Throws MISSING_FIELD about `fields.id`.
 */
export function identityOf(value: JsonObject, config: WebhookConfig, headers: Headers, single: boolean): Identity {
  const settings = settingsOf(config);
  const outside = nameOutside(config, headers);
  const named = (id: string | undefined): Identity => ({ id, key: id === undefined || outside === undefined ? id : `${outside} ${id}` });
  const configured = settings?.fields?.id;
  if (configured !== undefined) {
    const parts = configured.split(idJoint);
    // A header identifies the delivery, and not one of several records in it.
    const ofDelivery = parts.every((part) => part.startsWith('header:'));
    if (ofDelivery && !single) return {};
    const id = parts.map((part) => required(value, part, headers)).join(' ');
    return ofDelivery ? { id, key: id } : named(id);
  }
  const signed = single ? signedId(settings, headers) : undefined;
  if (signed !== undefined) return { id: signed, key: signed };
  const sent = single ? firstHeader(headers, idHeaders) : undefined;
  if (sent !== undefined) return named(sent);
  const sender = senderOf(value);
  if (sender !== undefined) return named(sender.id === undefined ? undefined : text(value, sender.id));
  const cloudEvent = cloudEventOf(value, headers);
  if (cloudEvent !== undefined) return cloudEvent;
  const id = guessedId(value, settings);
  const name = outside ?? guessedName(value);
  return id === undefined || name === undefined ? {} : { id, key: `${name} ${id}` };
}

function signedId(settings: WebhookConfig | undefined, headers: Headers): string | undefined {
  const { verification } = settings ?? {};
  if (verification?.scheme === 'standard-webhooks') return deliveryId(headers);
  return (verification?.scheme === 'hmac' && verification.idHeader && headers[verification.idHeader]?.trim()) || undefined;
}

/** CloudEvents 1.0: an id is unique only within its source. In binary mode both are headers. */
function cloudEventOf(value: JsonObject, headers: Headers): Identity | undefined {
  const inBody = value.specversion !== undefined;
  const id = inBody ? text(value, 'id') : headers['ce-id']?.trim();
  const source = inBody ? text(value, 'source') : headers['ce-source']?.trim();
  return id && source ? { id, key: `${source} ${id}` } : undefined;
}

/** Names of fields that tell the state of a thing: the id beside them is the thing's, and comes again with the next state. */
const stateOfThing =
  /^(?:.*_)?(?:status|state|situacao|situação|estado|stage|etapa|version|revision|sequence)$|^(?:last_?)?(?:updated|modified|changed|atualizado)|(?:Status|State|Stage)$/i;
const tellsState = (value: JsonObject): boolean => Object.keys(value).some((key) => stateOfThing.test(key));
/** Names of events that happen to one thing again and again. */
const namesChange = /(?:updat|chang|edit|modif|alter|atualiz|mudan|mov(?:ed|id)|sync)/i;
/** A name of several words, or one participle. */
const nameOfEvent = /[._:/\s-]|(?:ed|sent|paid|ad[oa]|id[oa])$|[a-z][A-Z]/;
/** Ids that platforms give to events only. */
const idOfEvent = /^(?:evt|event|ev|wh|whk|whevt|hook|webhook|msg|ntf|notification|delivery)[_-]/i;
/** Fields that hold the thing itself, apart from the envelope that the id is in. */
const payloadNames = ['data', 'payload', 'resource', 'object', 'detail', 'body', 'attributes', 'properties'] as const;

const payloadsPresent = present(payloadNames);

const hasPayload = (value: JsonObject): boolean =>
  byShape(value, payloadsPresent).some((name) => isObject(value[name]) || Array.isArray(value[name]));

const guessedName = (value: JsonObject): string | undefined => firstText(value, ...byShape(value, namesPresent));

/** The id beside the event's name, unless it may be the id of the thing that the event is about. */
function guessedId(value: JsonObject, settings: WebhookConfig | undefined): string | undefined {
  const path = byShape(value, idsPresent).find((one) => text(value, one) !== undefined && !settings?.volatile?.includes(one));
  const id = path === undefined ? undefined : text(value, path);
  if (id === undefined || idOfEvent.test(id)) return id;
  if (byShape(value, tellsState)) return undefined;
  const name = guessedName(value) ?? '';
  const changes = namesChange.test(name);
  if (hasPayload(value)) return changes && /^\d+$/.test(id) ? undefined : id;
  // `type: simple` is the kind of a product, `type: order.paid` the name of an event.
  const isKind = text(value, 'type') === name && !nameOfEvent.test(name);
  return changes || isKind ? undefined : id;
}

/** Fields of an envelope that tell about the delivery and not about the event. */
const volatileInEnvelope: readonly string[] = [
  ...[
    'attempt',
    'attempts',
    'attempt_number',
    'attemptNumber',
    'attempt_count',
    'attemptCount',
    'retry',
    'retries',
    'retry_count',
    'retryCount',
  ],
  ...[
    'delivery_attempt',
    'deliveryAttempt',
    'delivery_id',
    'deliveryId',
    'sent_at',
    'sentAt',
    'sent_date',
    'sentDate',
    'delivered_at',
    'deliveredAt',
  ],
  ...['api_version', 'apiVersion', 'pending_webhooks'],
];
/** Fields with one meaning, wherever they stand at the top of a record. */
const volatileAnywhere: readonly string[] = [
  'delivery_attempt',
  'deliveryAttempt',
  'webhook_attempt',
  'webhookAttempt',
  'pending_webhooks',
];

const extended = new WeakMap<object, Map<readonly string[], readonly string[]>>();

/**
 * What is left out of the fingerprint of a record: the paths of the settings, those of a known platform, and attempt counters and send times of an
 * envelope, which is an object with an id, a name and a payload apart from them. In other records such fields may be about the event itself: the
 * second attempt at a payment is another event.
 */
export function volatileFor(config: WebhookConfig, record: JsonObject): readonly string[] {
  const settings = settingsOf(config);
  const byShape: readonly string[] = volatileByShape(record);
  if (settings?.volatile === undefined || settings.volatile.length === 0) return byShape;
  const lists = extended.get(settings) ?? new Map<readonly string[], readonly string[]>();
  extended.set(settings, lists);
  const list = lists.get(byShape) ?? [...byShape, ...settings.volatile];
  lists.set(byShape, list);
  return list;
}

function volatileByShape(record: JsonObject): readonly string[] {
  const sender: Sender | undefined = senderOf(record);
  if (sender !== undefined) return sender.volatile;
  const isEnvelope =
    firstText(record, ...byShape(record, idsPresent)) !== undefined && guessedName(record) !== undefined && hasPayload(record);
  return isEnvelope && at(record, 'status') === undefined ? volatileInEnvelope : volatileAnywhere;
}

/** The non-empty text at a path or in a header. Throws MISSING_FIELD. */
export function required(value: JsonObject, where: string, headers: Headers): string {
  if (!where.startsWith('header:')) return requireText(value, where);
  const name = where.slice('header:'.length).toLowerCase();
  const found = headers[name]?.trim();
  if (!found) throw new RecordError('MISSING_FIELD', `the header ${name} is missing`, where);
  return found;
}

function firstHeader(headers: Headers, names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = headers[name]?.trim();
    if (found) return found;
  }
  return undefined;
}
