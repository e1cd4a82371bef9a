import { createHash } from 'node:crypto';
import { at, firstText, isObject, text } from '../../reading/fields.ts';
import type { Json, JsonObject } from '../../source.ts';

/** The panel's "Test" button always sends these ids, and an entry whose id is 0. */
const panelTestId = '444444444444';

/** Whether the record came from the "Test" button of Meta's app panel. */
export function isPanelTest(record: JsonObject): boolean {
  if (text(record, 'id') === '0' || text(record, 'uid') === '0') return true;
  return ['leadgen_id', 'form_id', 'page_id'].some((name) => text(record.value, name) === panelTestId);
}

/** The item of a Messenger or Instagram conversation and its place in the record; undefined for other records. */
export function conversationItem(record: JsonObject): { item: JsonObject; path: 'messaging' | 'standby' | 'value' } | undefined {
  if (isObject(record.messaging)) return { item: record.messaging, path: 'messaging' };
  if (isObject(record.standby)) return { item: record.standby, path: 'standby' };
  // Instagram also sends conversations as a change, with the same object as its value.
  const value = record.value;
  if (
    record.object === 'instagram' &&
    isObject(value) &&
    value.timestamp !== undefined &&
    (value.sender !== undefined || value.recipient !== undefined)
  ) {
    return { item: value, path: 'value' };
  }
  return undefined;
}

/** The time in the record, unparsed; undefined where only the notification has a time. */
export function valueTime(record: JsonObject): Json | undefined {
  const conversation = conversationItem(record);
  const found =
    conversation?.item.timestamp ??
    at(record, 'value.created_time') ??
    at(record, 'value.messages.0.timestamp') ??
    at(record, 'value.statuses.0.timestamp') ??
    at(record, 'value.message_echoes.0.timestamp') ??
    at(record, 'value.timestamp');
  return found === null ? undefined : found;
}

/**
 * Meta sends no event id. The key of a lead is its `leadgen_id`; of a post or comment its id, verb and created_time; of a WhatsApp message its
 * wamid; of a status the wamid and the status (one wamid is sent, delivered, read or failed), and in a group the recipient as well, since the
 * receipts of all members have the same wamid; of a Messenger message its mid. Undefined for other records, whose key is the fingerprint, and
 * for the panel's test ids, which repeat forever.
 */
export function platformKey(record: JsonObject): string | undefined {
  if (isPanelTest(record)) return undefined;
  const conversation = conversationItem(record);
  if (conversation) return messageKey(conversation.item);
  const value = record.value;
  switch (record.field) {
    case 'leadgen':
      return text(value, 'leadgen_id');
    case 'feed':
      return feedKey(value);
    case 'comments':
    case 'live_comments':
      return record.object === 'instagram' ? text(value, 'id') : undefined;
  }
  if (record.object !== 'whatsapp_business_account') return undefined;
  const status = text(value, 'statuses.0.status');
  if (status !== undefined) return receiptKey(at(value, 'statuses.0'), status);
  return firstText(value, 'messages.0.id', 'message_echoes.0.id');
}

/**
 * The key of a receipt. The key is a readable column, so the person's id goes in as a digest, which differs from message to message by the
 * wamid.
 */
function receiptKey(receipt: Json | undefined, status: string): string | undefined {
  const key = joined(text(receipt, 'id'), status);
  const { userId, phone } = groupMember(receipt);
  const member = userId ?? phone;
  if (key === undefined || member === undefined) return key;
  return `${key}:${createHash('sha256').update(`${key}|${member}`, 'utf8').digest('hex')}`;
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

function messageKey(item: JsonObject): string | undefined {
  // Edits, reactions, reads and deletions name the mid of another message: only the message itself is identified by its mid.
  if (at(item, 'message.is_deleted') === true) return joined(text(item, 'message.mid'), 'deleted');
  return text(item, 'message.mid');
}

function feedKey(value: Json | undefined): string | undefined {
  // Two people may react to one post within a second, and the key must not contain a person's id.
  if (['reaction', 'like'].includes(text(value, 'item') ?? '')) return undefined;
  return joined(firstText(value, 'comment_id', 'post_id'), text(value, 'verb'), text(value, 'created_time'));
}

/** The parts joined by ":", or undefined when one is missing. */
export function joined(...parts: (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join(':');
}
