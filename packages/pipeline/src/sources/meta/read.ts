import { at, cut, firstText, pickTexts, requireObject, requireText, text } from '../../reading/fields.ts';
import { parseTime, type TimeUnit } from '../../reading/time.ts';
import { type Json, type JsonObject, type RawRecord, type Reading, RecordError, type Subject } from '../../source.ts';
import { readConversation } from './conversation.ts';
import { conversationItem, groupMember, isGroupReceipt, isPanelTest, joined, platformKey } from './keys.ts';
import { feedType, fieldTypes, statusTypes, unmappedType } from './types.ts';

const referralNames = ['source_id', 'source_type', 'ctwa_clid'] as const;
const leadNames = ['ad_id', 'adgroup_id', 'campaign_id', 'form_id'] as const;

/**
 * Reads one record of split.ts. Changes have times in seconds, WhatsApp seconds as text, conversations milliseconds; the time of the
 * notification counts where the record has no time. An event outside the vocabulary becomes `meta.<object>_<field>`.
 * Throws MISSING_FIELD, SCHEMA_DRIFT or VALIDATION_FAIL.
 */
export function read({ value: record, envelope }: RawRecord): Reading {
  const conversation = conversationItem(record);
  const reading = conversation ? readConversation(record, conversation.item, conversation.path) : readChange(record);
  return {
    ...reading,
    sourceEventType: cut(reading.sourceEventType, 255),
    sourceEventId: within255(reading.sourceEventId),
    eventTimeMs: reading.eventTimeMs ?? notificationTime(envelope),
    idempotencyKey: within255(reading.idempotencyKey ?? platformKey(record)),
    isTest: isPanelTest(record),
  };
}

function readChange(record: JsonObject): Reading {
  for (const list of ['messaging', 'standby', 'changes'] as const) {
    if (Object.hasOwn(record, list)) throw new RecordError('SCHEMA_DRIFT', `each item of "${list}" should be an object`, list);
  }
  if (Object.hasOwn(record, 'entry')) throw new RecordError('SCHEMA_DRIFT', 'the entry carries neither changes nor messages', 'entry');
  const object = requireText(record, 'object');
  // With "Include values" off, Meta sends only the name of the field that changed.
  if (Object.hasOwn(record, 'changed_field')) return plain(object, requireText(record, 'changed_field'), record);
  const field = requireText(record, 'field');
  if (object === 'whatsapp_business_account') return readWhatsApp(record, field);
  if (object === 'page' && field === 'leadgen') return readLead(record);
  if (object === 'page' && field === 'feed') return readFeed(record);
  return plain(object, field, record);
}

function readLead(record: JsonObject): Reading {
  const lead = requireObject(record, 'value');
  return {
    type: 'lead.created',
    sourceEventType: 'page.leadgen',
    sourceEventId: requireText(record, 'value.leadgen_id'),
    eventTimeMs: time(record, 'value.created_time', 'seconds'),
    attribution: pickTexts(lead, leadNames),
  };
}

function readFeed(record: JsonObject): Reading {
  requireObject(record, 'value');
  const item = requireText(record, 'value.item');
  const verb = text(record, 'value.verb');
  return {
    type: feedType(item, verb) ?? unmappedType(`page_feed_${item}_${verb ?? ''}`),
    sourceEventType: verb === undefined ? `page.feed.${item}` : `page.feed.${item}.${verb}`,
    sourceEventId: firstText(record, 'value.comment_id', 'value.post_id'),
    eventTimeMs: time(record, 'value.created_time', 'seconds'),
    subject: { external_id: firstText(record, 'value.from.id', 'value.sender_id', 'value.user_id') },
  };
}

function readWhatsApp(record: JsonObject, field: string): Reading {
  const value = record.value ?? null;
  const name = `whatsapp_business_account.${field}`;
  if (at(value, 'messages.0') !== undefined) return readWhatsAppMessage(record, 'messages', name);
  if (at(value, 'message_echoes.0') !== undefined) return readWhatsAppMessage(record, 'message_echoes', name);
  if (at(value, 'statuses.0') !== undefined) return readWhatsAppStatus(record, name);
  // Template notices have no time, and a template may enter the same state again, so the notification's time is part of the key.
  const template = text(value, 'message_template_id');
  const key = joined(
    template && field,
    template,
    firstText(value, 'event', 'new_quality_score', 'new_category') ?? '',
    text(record, 'time'),
  );
  return { ...plain('whatsapp_business_account', field, record), idempotencyKey: key, subject: personOfChange(record) };
}

function readWhatsAppMessage(record: JsonObject, list: 'messages' | 'message_echoes', name: string): Reading {
  const path = `value.${list}.0`;
  const message = requireObject(record, path);
  const id = requireText(record, `${path}.id`);
  const kind = text(message, 'type');
  // The history of a number that joins contains the messages that the number sent among those that it received.
  const person = list === 'messages' && !(isOwn(record, text(message, 'from')) && text(message, 'to') !== undefined) ? 'from' : 'to';
  let type = list === 'messages' ? 'message.received' : 'message.sent';
  if (kind === 'reaction') type = 'message.reaction';
  return {
    type,
    sourceEventType: kind === undefined ? name : `${name}.${kind}`,
    sourceEventId: id,
    eventTimeMs: time(record, `${path}.timestamp`, 'seconds'),
    subject: whatsAppPerson(record, text(message, person), text(message, `${person}_user_id`)),
    attribution: pickTexts(message.referral, referralNames),
  };
}

function readWhatsAppStatus(record: JsonObject, name: string): Reading {
  const status = requireObject(record, 'value.statuses.0');
  const id = requireText(record, 'value.statuses.0.id');
  const state = requireText(record, 'value.statuses.0.status');
  return {
    type: statusTypes.get(state) ?? unmappedType(`whatsapp_business_account_status_${state}`),
    sourceEventType: `${name}.status.${state}`,
    sourceEventId: id,
    eventTimeMs: time(record, 'value.statuses.0.timestamp', 'seconds'),
    subject: isGroupReceipt(status)
      ? whatsAppPerson(record, groupMember(status).phone, groupMember(status).userId)
      : whatsAppPerson(record, text(status, 'recipient_id'), text(status, 'recipient_user_id')),
  };
}

/** The person of a call, a choice, a new id or a group change. A change about several people has no subject. */
function personOfChange(record: JsonObject): Subject {
  const about = ['calls', 'user_id_update', 'user_preferences', 'groups'].find((list) => at(record, `value.${list}.0`) !== undefined);
  if (about !== undefined && at(record, `value.${about}.1`) !== undefined) return {};
  const item = about === undefined ? undefined : at(record, `value.${about}.0`);
  if (about === 'calls') return whatsAppPerson(record, otherSide(record, item), firstText(item, 'from_user_id', 'to_user_id'));
  const person = about === 'groups' ? (onlyMember(item) ?? item) : item;
  // A person whom the business removed is named by the number or id in the request of the business.
  const input = text(person, 'input');
  return whatsAppPerson(
    record,
    text(person, 'wa_id') ?? (isNumber(input) ? input : undefined),
    firstText(person, 'user_id', 'user_id.current') ?? (isNumber(input) ? undefined : input),
  );
}

function onlyMember(group: Json | undefined): Json | undefined {
  const members = ['added_participants', 'removed_participants', 'failed_participants'].flatMap((list) => at(group, list) ?? []);
  return members.length === 1 ? members[0] : undefined;
}

/** The side of a call that is not the business's own number. Where the number is not given, the call's direction decides. */
function otherSide(record: JsonObject, call: Json | undefined): string | undefined {
  const others = ['from', 'to'].flatMap((side) => text(call, side) ?? []).filter((number) => !isOwn(record, number));
  return others.length < 2 ? others[0] : text(call, text(call, 'direction') === 'USER_INITIATED' ? 'from' : 'to');
}

function isOwn(record: JsonObject, number: string | undefined): boolean {
  const digits = (of: string | undefined) => of?.replace(/\D+/g, '') || undefined;
  const own = digits(text(record, 'value.metadata.display_phone_number'));
  return own !== undefined && own === digits(number);
}

/** The person of a wa_id, which is an international phone number without its "+". The "+" is added, so that no default country is assumed. */
function whatsAppPerson(record: JsonObject, waId: string | undefined, userId: string | undefined): Subject {
  // With several contacts it is unknown which one is meant.
  const contact = at(record, 'value.contacts.1') === undefined ? at(record, 'value.contacts.0') : undefined;
  const number = waId ?? text(contact, 'wa_id');
  return {
    phone: isNumber(number) ? `+${number.replace('+', '')}` : undefined,
    external_id: userId ?? text(contact, 'user_id'),
  };
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\+?\d{5,15}$/.test(text);
}

/** Objects of a business, whose records have an id of the event. In other objects the "id" may be a person's. */
const withIds = new Set(['page', 'instagram', 'ad_account']);

function plain(object: string, field: string, record: JsonObject): Reading {
  return {
    type: fieldTypes.get(`${object}.${field}`) ?? unmappedType(`${object}_${field}`),
    sourceEventType: `${object}.${field}`,
    sourceEventId: withIds.has(object) ? firstText(record, 'value.id', 'value.comment_id') : undefined,
    eventTimeMs: undefinedIfUnreadable(() => time(record, 'value.created_time', 'auto') ?? time(record, 'value.timestamp', 'auto')),
    subject: { external_id: firstText(record, 'uid', 'value.from.id', 'value.sender_id', 'value.reviewer_id') },
  };
}

function notificationTime(envelope: JsonObject | undefined): number | undefined {
  return undefinedIfUnreadable(() => time(envelope, 'time', 'auto'));
}

function time(value: Json | undefined, path: string, unit: TimeUnit): number | undefined {
  const found = at(value, path);
  return found === undefined || found === null ? undefined : parseTime(found, unit, path);
}

/** For times that Meta's reference does not promise: a time that cannot be read counts as absent. */
function undefinedIfUnreadable(parse: () => number | undefined): number | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

/** An id or key that is too long for its column counts as absent, and the key is then the fingerprint. */
function within255(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= 255 ? id : undefined;
}
