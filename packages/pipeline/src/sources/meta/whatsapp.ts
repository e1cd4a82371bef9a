import { at, firstText, isObject, requireObject, requireText, text } from '../../reading/fields.ts';
import { currencyCode, minorUnits } from '../../reading/money.ts';
import type { Json, JsonObject, Reading, Subject } from '../../source.ts';
import { campaignTexts } from './ids.ts';
import { groupMember, isGroupReceipt, isPayment, itemOf, ownTime, templateKey } from './keys.ts';
import { lenientTime, time } from './time.ts';
import {
  eventName,
  fieldTypes,
  itemTypes,
  messageKinds,
  noticeKinds,
  paymentTypes,
  stateWord,
  statusTypes,
  unmappedType,
} from './types.ts';

const referralNames = ['source_id', 'source_type', 'ctwa_clid'] as const;
const object = 'whatsapp_business_account';

/** Reads a change of a WhatsApp account, of which split.ts made one record for each message, status, call, preference, contact or member. */
export function readWhatsApp(record: JsonObject, field: string): Reading {
  const item = itemOf(record);
  if (item === undefined) return readNotice(record, field);
  switch (item.list) {
    case 'messages':
    case 'message_echoes':
      return readMessage(record, item.list, field);
    case 'statuses':
      return readStatus(record, field);
    default:
      return readItem(record, item.list, item.value, field);
  }
}

function readMessage(record: JsonObject, list: 'messages' | 'message_echoes', field: string): Reading {
  const path = `value.${list}.0`;
  const message = requireObject(record, path);
  const id = requireText(record, `${path}.id`);
  const kinds = kindsOf(message);
  const kind = kinds.join('.');
  // The history of a number that joins contains the messages that the number sent among those that it received.
  const isSent = list === 'message_echoes' || isOwn(record, text(message, 'from'));
  const person = isSent ? 'to' : 'from';
  const content = isSent ? 'message.sent' : 'message.received';
  return {
    type: messageKinds.get(kind) ?? (noticeKinds.test(kind) ? unmappedType(object, ...kinds) : content),
    sourceEventType: eventName(object, field, ...kinds),
    sourceEventId: id,
    eventTimeMs: time(record, `${path}.timestamp`, 'seconds'),
    subject: whatsAppPerson(record, firstText(message, person, 'system.wa_id'), firstText(message, `${person}_user_id`, 'system.user_id')),
    attribution: campaignTexts(message.referral, referralNames),
  };
}

/** The kind of a message and what decides its meaning: `system` and `user_changed_number`, `interactive` and `button_reply`, `reaction` and `removed`. */
function kindsOf(message: JsonObject): string[] {
  const kind = stateWord(text(message, 'type'));
  const inner = (path: string) => stateWord(text(message, path));
  const parts = () => {
    switch (kind) {
      case 'system':
      case 'unsupported':
        return [inner(`${kind}.type`)];
      case 'interactive': {
        const reply = inner('interactive.type');
        return [reply, reply === 'call_permission_reply' ? inner('interactive.call_permission_reply.response') : undefined];
      }
      case 'reaction':
        // A person who takes a reaction back sends it again without the emoji.
        return isObject(message.reaction) && text(message, 'reaction.emoji') === undefined ? ['removed'] : [];
      default:
        return [];
    }
  };
  return [kind, ...parts()].filter((part) => part !== undefined);
}

function readStatus(record: JsonObject, field: string): Reading {
  const status = requireObject(record, 'value.statuses.0');
  const id = requireText(record, 'value.statuses.0.id');
  const state = requireText(record, 'value.statuses.0.status');
  const reading = {
    sourceEventType: eventName(object, field, 'status', state),
    sourceEventId: id,
    eventTimeMs: time(record, 'value.statuses.0.timestamp', 'seconds'),
    subject: isGroupReceipt(status)
      ? whatsAppPerson(record, groupMember(status).phone, groupMember(status).userId)
      : whatsAppPerson(record, text(status, 'recipient_id'), text(status, 'recipient_user_id')),
  };
  if (isPayment(status)) return { ...reading, ...readPayment(status, state), sourceEventType: eventName(object, field, 'payment', state) };
  if (text(status, 'type') === 'call' || field === 'calls') return { ...reading, type: unmappedType(object, 'call', state) };
  return { ...reading, type: statusTypes.get(state.toLowerCase()) ?? unmappedType(object, 'status', state) };
}

/** A payment in a chat. Its amount is `value / offset` in major units of the currency. */
function readPayment(status: JsonObject, state: string): Pick<Reading, 'type' | 'amountMinor' | 'currency' | 'orderRef'> {
  const type = paymentTypes.get(state.toLowerCase()) ?? unmappedType(object, 'payment', state);
  const orderRef = campaignTexts(status.payment, ['reference_id']).reference_id;
  const part = ['payment.transaction', 'payment'].find((path) => text(status, `${path}.amount.value`) && text(status, `${path}.currency`));
  if (part === undefined) return { type, orderRef };
  const currency = currencyCode(text(status, `${part}.currency`) ?? '', `value.statuses.0.${part}.currency`);
  const decimals = /^1(0{0,6})$/.exec(text(status, `${part}.amount.offset`) ?? '1')?.[1]?.length;
  if (decimals === undefined) return { type, orderRef };
  const path = `value.statuses.0.${part}.amount.value`;
  return { type, orderRef, currency, amountMinor: minorUnits(`${text(status, `${part}.amount.value`)}e-${decimals}`, currency, path) };
}

const statePaths: Readonly<Record<string, string>> = {
  calls: 'event',
  user_preferences: 'value',
  groups: 'type',
  state_sync: 'action',
  automatic_events: 'event_name',
};

/** A call, a choice, a new id, a group change, a contact of the business's app, an event that Meta detected or a part of a history. */
function readItem(record: JsonObject, list: string, item: Json, field: string): Reading {
  const state = stateWord(text(item, statePaths[list] ?? ''));
  const name = [list, state].filter((part) => part !== undefined).join('.');
  return {
    type: itemTypes.get(name.toLowerCase()) ?? unmappedType(object, list === 'groups' && state !== undefined ? undefined : field, state),
    sourceEventType: eventName(object, field, state),
    sourceEventId: list === 'calls' || list === 'automatic_events' ? text(item, 'id') : undefined,
    eventTimeMs: lenientTime(ownTime(record)),
    subject: personOfItem(record, list, item),
    attribution: list === 'automatic_events' ? campaignTexts(item, ['ctwa_clid']) : undefined,
  };
}

function personOfItem(record: JsonObject, list: string, item: Json): Subject {
  // The id of an automatic event is that of the message in which Meta found it, and a part of a history is about many people.
  if (list === 'history') return {};
  if (list === 'calls') return whatsAppPerson(record, otherSide(record, item), firstText(item, 'from_user_id', 'to_user_id'));
  if (list === 'state_sync') return whatsAppPerson(record, text(item, 'contact.phone_number'), text(item, 'contact.user_id'));
  const person = list === 'groups' ? (memberOf(item) ?? item) : item;
  // A person whom the business removed is named by the number or id in the request of the business.
  const input = text(person, 'input');
  return whatsAppPerson(
    record,
    text(person, 'wa_id') ?? (isNumber(input) ? input : undefined),
    firstText(person, 'user_id', 'user_id.current') ?? (isNumber(input) ? undefined : input),
  );
}

/** A change of the account, a template or a field that is not known. The vocabulary names known ones; the state names the others. */
function readNotice(record: JsonObject, field: string): Reading {
  const value = record.value ?? null;
  const state = stateWord(firstText(value, 'event', 'action', 'type', 'status', 'decision'));
  const handover =
    field === 'messaging_handovers' ? Object.keys(isObject(value) ? value : {}).find((key) => /^control_/.test(key)) : undefined;
  const known =
    handover === 'control_passed' || handover === 'control_taken' ? 'conversation.started' : fieldTypes.get(`${object}.${field}`);
  const outside = known === undefined ? (stateWord(handover) ?? state) : undefined;
  return {
    type: known ?? unmappedType(object, field, outside),
    sourceEventType: eventName(object, field, outside),
    eventTimeMs: lenientTime(ownTime(record)),
    idempotencyKey: templateKey(record, field),
    subject: whatsAppPerson(record, text(value, 'sender.phone_number'), text(value, 'sender.user_id')),
  };
}

/** The member in a group change, of which split.ts made one record for each. */
function memberOf(group: Json): Json | undefined {
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
