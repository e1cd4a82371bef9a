import { createHash } from 'node:crypto';
import { at, firstText, isObject, text } from '../../reading/fields.ts';
import type { Json, JsonObject } from '../../source.ts';
import { firstId, idAt } from './ids.ts';
import { stateWord } from './types.ts';

/** The panel's "Test" button always sends these ids, and an entry whose id is 0. */
const panelTestId = '444444444444';

/** Whether the record came from the "Test" button of Meta's app panel. */
export function isPanelTest(record: JsonObject): boolean {
  if (text(record, 'id') === '0' || text(record, 'uid') === '0') return true;
  return ['leadgen_id', 'form_id', 'page_id'].some((name) => text(record.value, name) === panelTestId);
}

/**
 * Lists into which WhatsApp packs what happened to different people, in the order in which they are looked for: a history may come with
 * messages.
 */
export const whatsAppLists = [
  'messages',
  'statuses',
  'message_echoes',
  'calls',
  'user_preferences',
  'user_id_update',
  'groups',
  'state_sync',
  'automatic_events',
  'history',
] as const;
export type WhatsAppList = (typeof whatsAppLists)[number];

/** The item of a WhatsApp list that the record is about; undefined for changes without a list. */
export function itemOf(record: JsonObject): { list: WhatsAppList; value: Json } | undefined {
  const change = record.value;
  if (record.object !== 'whatsapp_business_account' || !isObject(change)) return undefined;
  for (const list of whatsAppLists) {
    const items = change[list];
    if (Array.isArray(items) && items[0] !== undefined) return { list, value: items[0] };
  }
  return undefined;
}

/** The item of a Messenger or Instagram conversation and its place in the record; undefined for other records. */
export function conversationItem(record: JsonObject): { item: JsonObject; path: 'messaging' | 'standby' | 'value' } | undefined {
  if (isObject(record.messaging)) return { item: record.messaging, path: 'messaging' };
  if (isObject(record.standby)) return { item: record.standby, path: 'standby' };
  // Instagram, and the panel's test of a page, also send conversations as a change, with the same object as its value.
  const value = record.value;
  if (
    (record.object === 'instagram' || record.object === 'page') &&
    isObject(value) &&
    value.timestamp !== undefined &&
    (value.sender !== undefined || value.recipient !== undefined)
  ) {
    return { item: value, path: 'value' };
  }
  return undefined;
}

/** Where a change has its own time: the time of a change counts before that of the creation. */
const changeTimes = ['value.updated_time', 'value.updated_timestamp', 'value.created_time', 'value.timestamp'];

/** The record's own time, unparsed; undefined where only the notification has a time. */
export function ownTime(record: JsonObject): Json | undefined {
  const item = itemOf(record)?.value ?? conversationItem(record)?.item;
  for (const path of ['timestamp', 'metadata.timestamp']) {
    const found = at(item, path);
    if (isTime(found)) return found;
  }
  // A changed lead repeats when the lead was created.
  const paths = record.field === 'leadgen_update' ? changeTimes.slice(0, 2) : changeTimes;
  return paths.map((path) => at(record, path)).find(isTime);
}

const isTime = (found: Json | undefined) => typeof found === 'string' || typeof found === 'number';

/**
 * Whether the record says by itself which event it is: by an id, a time or its content. Otherwise only the time of the notification
 * distinguishes it from the same thing that happens again.
 */
export function isIdentified(record: JsonObject): boolean {
  return ownTime(record) !== undefined || platformKey(record) !== undefined || at(record, 'value.history.0.threads') !== undefined;
}

/**
 * Meta sends no event id. The key of a lead is its `leadgen_id`; of a post or comment its id, verb and created_time; of a WhatsApp message its
 * wamid; of a status the wamid and the status (one wamid is sent, delivered, read or failed), and in a group the recipient as well, since the
 * receipts of all members have the same wamid; of a call its id and event; of a Messenger message its mid. Undefined for other records, whose
 * key is the fingerprint, as it is where an id or state has not its form, and for the panel's test ids, which repeat forever.
 */
export function platformKey(record: JsonObject): string | undefined {
  if (isPanelTest(record)) return undefined;
  const conversation = conversationItem(record);
  if (conversation) return conversationKey(conversation.item);
  const value = record.value;
  switch (record.field) {
    case 'leadgen':
      return idAt(value, 'leadgen_id');
    case 'feed':
    case 'group_feed':
      return feedKey(value);
    case 'comments':
    case 'live_comments':
      return record.object === 'instagram' ? idAt(value, 'id') : undefined;
  }
  const item = itemOf(record);
  switch (item?.list) {
    case 'messages':
    case 'message_echoes':
      return messageKey(item.value);
    case 'statuses':
      return receiptKey(item.value);
    case 'calls':
      return joined(idAt(item.value, 'id'), wordAt(item.value, 'event'));
    case 'automatic_events':
      return joined(idAt(item.value, 'id'), wordAt(item.value, 'event_name'));
    default:
      return undefined;
  }
}

/** A message is identified by its wamid. An edit or withdrawal that has the wamid of the message it changes is told apart by its kind and time. */
function messageKey(message: Json): string | undefined {
  const id = idAt(message, 'id');
  const changed = firstText(message, 'edit.original_message_id', 'revoke.original_message_id', 'reaction.message_id');
  return id === undefined || changed !== id ? id : joined(id, wordAt(message, 'type'), timeAt(message, 'timestamp'));
}

/**
 * The key of a receipt. The key is a readable column, so the person's id goes in as a digest, which differs from message to message by the
 * wamid.
 */
function receiptKey(receipt: Json): string | undefined {
  const key = isPayment(receipt) ? paymentKey(receipt) : joined(idAt(receipt, 'id'), wordAt(receipt, 'status'));
  const { userId, phone } = groupMember(receipt);
  const member = userId ?? phone;
  return key === undefined || member === undefined ? key : withDigest(key, member);
}

/** Whether a status is about a payment in the chat and not about the delivery of the message. */
export function isPayment(status: Json): boolean {
  return text(status, 'type') === 'payment' || isObject(at(status, 'payment'));
}

/** One wamid may be paid in several attempts. */
function paymentKey(status: Json): string | undefined {
  return joined(idAt(status, 'id'), 'payment', idAt(status, 'payment.transaction.id'), wordAt(status, 'status'));
}

/** The member whose receipt this is of a message to a WhatsApp group, where the group is the recipient; empty for a message to a person. */
export function groupMember(receipt: Json | undefined): { phone?: string | undefined; userId?: string | undefined } {
  if (!isGroupReceipt(receipt)) return {};
  return {
    // The second name is the former spelling of Meta's reference.
    phone: firstText(receipt, 'recipient_participant_id', 'participant_recipient_id'),
    userId: firstText(receipt, 'recipient_participant_user_id', 'recipient_participant_parent_user_id'),
  };
}

export function isGroupReceipt(receipt: Json | undefined): boolean {
  return text(receipt, 'recipient_type') === 'group';
}

/** Template notices have no time, and a template may enter the same state again, so the notification's time is part of the key. */
export function templateKey(record: JsonObject, field: string): string | undefined {
  const template = idAt(record, 'value.message_template_id');
  if (template === undefined) return undefined;
  const state = firstText(record, 'value.event', 'value.new_quality_score', 'value.new_category');
  return joined(stateWord(field), template, state === undefined ? '' : stateWord(state), timeAt(record, 'time'));
}

function conversationKey(item: JsonObject): string | undefined {
  // Edits, reactions, reads and deletions name the mid of another message: only the message itself is identified by its mid.
  if (at(item, 'message.is_deleted') === true) return joined(idAt(item, 'message.mid'), 'deleted');
  return idAt(item, 'message.mid');
}

function feedKey(value: Json | undefined): string | undefined {
  // Two people may react to one post within a second, and the key must not contain a person's id.
  if (['reaction', 'like'].includes(text(value, 'item') ?? '')) return undefined;
  const verb = wordAt(value, 'verb');
  const key = joined(firstId(value, 'comment_id', 'post_id'), verb, timeAt(value, 'created_time'));
  // The time may be that of the post, so two edits of one post are told apart by what was written.
  const written = firstText(value, 'edited_time', 'message');
  return key !== undefined && written !== undefined && (verb === 'edited' || verb === 'edit' || verb === 'update')
    ? withDigest(key, `${written}|${text(value, 'message') ?? ''}`)
    : key;
}

/** The key with a digest of a text that may not be read in it. The digest is replaced by one under the org's key before it is stored. */
function withDigest(key: string, hidden: string): string {
  return `${key}:${createHash('sha256').update(`${key}|${hidden}`, 'utf8').digest('hex')}`;
}

const wordAt = (value: Json | undefined, path: string) => stateWord(text(value, path));

/** A time in digits, as the platform wrote it. */
function timeAt(value: Json | undefined, path: string): string | undefined {
  const found = text(value, path);
  return found !== undefined && /^\d{1,16}$/.test(found) ? found : undefined;
}

/** The parts joined by ":", or undefined when one is missing. */
export function joined(...parts: (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join(':');
}
