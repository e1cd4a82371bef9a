import { at, firstText, pickTexts, text } from '../../reading/fields.ts';
import { parseTime } from '../../reading/time.ts';
import type { JsonObject, Reading } from '../../source.ts';
import { conversationKinds, unmappedType } from './types.ts';

/** Reads an item of Messenger or Instagram messaging. Its time is in milliseconds; in an Instagram change it is in seconds as text. */
export function readConversation(record: JsonObject, item: JsonObject, path: 'messaging' | 'standby' | 'value'): Reading {
  const object = text(record, 'object') ?? 'page';
  const [key, name, canonical] = conversationKinds.find(([key]) => at(item, key) !== undefined) ?? ['', 'messaging'];
  let field = name;
  let type: string | undefined = canonical;
  if (at(item, 'message.is_deleted') === true) type = 'message.deleted';
  else if (at(item, 'message.is_echo') === true) [field, type] = ['message_echoes', 'message.sent'];
  const timestamp = item.timestamp;
  return {
    type: type ?? unmappedType(`${object}_${field}`),
    sourceEventType: path === 'standby' ? `${object}.standby.${field}` : `${object}.${field}`,
    sourceEventId: firstText(item, `${key || 'message'}.mid`, 'delivery.mids.0'),
    eventTimeMs:
      timestamp === undefined || timestamp === null
        ? undefined
        : parseTime(timestamp, path === 'value' ? 'auto' : 'milliseconds', `${path}.timestamp`),
    // The split removed the page's side of the conversation, so the side that is left is the person.
    subject: { external_id: firstText(item, ...(type === 'message.sent' ? ['recipient.id', 'sender.id'] : ['sender.id', 'recipient.id'])) },
    attribution: pickTexts(at(item, 'referral') ?? at(item, 'postback.referral') ?? at(item, 'message.referral'), [
      'ref',
      'ad_id',
      'source',
      'type',
    ]),
  };
}
