import { at, firstText, text } from '../../reading/fields.ts';
import { parseTime } from '../../reading/time.ts';
import type { JsonObject, Reading } from '../../source.ts';
import { campaignTexts, firstId } from './ids.ts';
import { conversationKinds, conversationStates, eventName, stateWord, unmappedType } from './types.ts';

const referralNames = ['ref', 'ad_id', 'source', 'type'] as const;

/**
 * Reads an item of Messenger or Instagram messaging. Its time is in milliseconds; in a change it is in seconds as text. The state of an item
 * that has one (stopped, linked, taken back) decides its type and is part of its name.
 */
export function readConversation(record: JsonObject, item: JsonObject, path: 'messaging' | 'standby' | 'value'): Reading {
  const object = text(record, 'object') ?? 'page';
  const { key, field, state, type } = meaningOf(item, text(record, 'field'));
  const timestamp = item.timestamp;
  return {
    type: type ?? unmappedType(object, field, state),
    sourceEventType: eventName(object, path === 'standby' ? path : undefined, field, state),
    sourceEventId: firstId(item, `${key || 'message'}.mid`, 'delivery.mids.0'),
    eventTimeMs:
      timestamp === undefined || timestamp === null
        ? undefined
        : parseTime(timestamp, path === 'value' ? 'auto' : 'milliseconds', `${path}.timestamp`),
    // The split removed the page's side of the conversation, so the side that is left is the person.
    subject: { external_id: firstText(item, ...(type === 'message.sent' ? ['recipient.id', 'sender.id'] : ['sender.id', 'recipient.id'])) },
    attribution: campaignTexts(at(item, 'referral') ?? at(item, 'postback.referral') ?? at(item, 'message.referral'), referralNames),
  };
}

const frame = new Set(['sender', 'recipient', 'timestamp']);

/** What an item is, by its content. Content that is not known is named by its key, or by the field that a change names. */
function meaningOf(
  item: JsonObject,
  changed: string | undefined,
): { key: string; field: string; state?: string | undefined; type?: string | undefined } {
  const known = conversationKinds.find(([key]) => at(item, key) !== undefined) ?? conversationKinds.find(([, field]) => field === changed);
  if (known === undefined) {
    const other = Object.keys(item).find((key) => !frame.has(key) && stateWord(key) !== undefined);
    return { key: '', field: stateWord(changed) ?? ['messaging', other].filter((part) => part !== undefined).join('_') };
  }
  const [key, field, type] = known;
  if (key === 'message') {
    if (at(item, 'message.is_deleted') === true) return { key, field, type: 'message.deleted' };
    if (at(item, 'message.is_echo') === true) return { key, field: 'message_echoes', type: 'message.sent' };
    // A quick reply is a button that sends its title as a message.
    if (at(item, 'message.quick_reply') !== undefined) return { key, field, type: 'message.postback' };
  }
  const states = conversationStates.get(key);
  const given = states && text(item, states.path);
  if (states === undefined || given === undefined) return { key, field, type };
  return { key, field, state: stateWord(given), type: states.types.get(given) };
}
