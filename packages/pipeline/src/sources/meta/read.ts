import { at, firstText, requireObject, requireText, text } from '../../reading/fields.ts';
import { type JsonObject, type RawRecord, type Reading, RecordError } from '../../source.ts';
import { readConversation } from './conversation.ts';
import { campaignTexts, idForm } from './ids.ts';
import { conversationItem, isPanelTest, ownTime, platformKey } from './keys.ts';
import { lenientTime, time } from './time.ts';
import { eventName, feedType, fieldTypes, stateWord, unmappedType } from './types.ts';
import { readWhatsApp } from './whatsapp.ts';

const leadNames = ['ad_id', 'adgroup_id', 'campaign_id', 'form_id'] as const;

/**
 * Reads one record of split.ts. Changes have times in seconds, WhatsApp seconds as text, conversations milliseconds; the time of the
 * notification counts where the record has no time. An event outside the vocabulary becomes `meta.<object>_<field>`, with the state where the
 * record names one. Throws MISSING_FIELD, SCHEMA_DRIFT or VALIDATION_FAIL.
 */
export function read({ value: record, envelope }: RawRecord): Reading {
  const conversation = conversationItem(record);
  const reading = conversation ? readConversation(record, conversation.item, conversation.path) : readChange(record);
  return {
    ...reading,
    sourceEventId: reading.sourceEventId !== undefined && idForm.test(reading.sourceEventId) ? reading.sourceEventId : undefined,
    eventTimeMs: reading.eventTimeMs ?? lenientTime(envelope?.time),
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
  if (Object.hasOwn(record, 'changed_field')) return readNotice(record, object, requireText(record, 'changed_field'));
  const field = requireText(record, 'field');
  if (object === 'whatsapp_business_account') return readWhatsApp(record, field);
  if (object === 'page' && field === 'leadgen') return readLead(record);
  if (object === 'page' && field === 'leadgen_update') return readLeadUpdate(record);
  if (object === 'page' && (field === 'feed' || field === 'group_feed')) return readFeed(record, field);
  return readNotice(record, object, field);
}

function readLead(record: JsonObject): Reading {
  const lead = requireObject(record, 'value');
  return {
    type: 'lead.created',
    sourceEventType: 'page.leadgen',
    sourceEventId: requireText(record, 'value.leadgen_id'),
    eventTimeMs: time(record, 'value.created_time', 'seconds'),
    attribution: campaignTexts(lead, leadNames),
  };
}

/** A lead that changed keeps its id, so the id is not the key. */
function readLeadUpdate(record: JsonObject): Reading {
  return {
    type: 'lead.updated',
    sourceEventType: 'page.leadgen_update',
    sourceEventId: text(record, 'value.leadgen_id'),
    eventTimeMs: lenientTime(ownTime(record)),
    attribution: campaignTexts(record.value, leadNames),
  };
}

/** A change of a page's feed, or of what the page posted in a group. */
function readFeed(record: JsonObject, field: 'feed' | 'group_feed'): Reading {
  requireObject(record, 'value');
  const item = requireText(record, 'value.item');
  const verb = text(record, 'value.verb');
  return {
    type: feedType(item, verb) ?? unmappedType('page', field, item, verb),
    sourceEventType: eventName('page', field, item, verb),
    sourceEventId: firstText(record, 'value.comment_id', 'value.post_id'),
    eventTimeMs: lenientTime(at(record, 'value.edited_time')) ?? time(record, 'value.created_time', 'seconds'),
    subject: { external_id: firstText(record, 'value.from.id', 'value.sender_id', 'value.user_id') },
  };
}

/** Objects of a business, whose records have an id of the event. In other objects the "id" may be a person's. */
const withIds = new Set(['page', 'instagram', 'ad_account']);

/**
 * A change of a field. What was done (granted or revoked, added or removed) decides the type: without it, or with "add", the field's own type
 * counts. Of a user it is not part of the type, since the fields of a user are about the user and consent is in the object "permissions".
 */
function readNotice(record: JsonObject, object: string, field: string): Reading {
  const done =
    object === 'user'
      ? undefined
      : stateWord(
          firstText(
            record,
            'value.verb',
            'value.action',
            'value.status',
            'value.status.video_status',
            ...(object === 'permissions' ? ['value'] : []),
          ),
        );
  const known = done === undefined || done === 'add' ? fieldTypes.get(`${object}.${field}`) : undefined;
  const outside = known === undefined ? [stateWord(text(record, 'value.item')), done] : [];
  return {
    type: known ?? unmappedType(object, field, ...outside),
    sourceEventType: eventName(object, field, ...outside),
    sourceEventId: withIds.has(object) ? firstText(record, 'value.id', 'value.comment_id') : undefined,
    eventTimeMs: lenientTime(ownTime(record)),
    subject: { external_id: firstText(record, 'uid', 'value.from.id', 'value.sender_id', 'value.reviewer_id', 'value.psid') },
  };
}

/** An id or key that is too long for its column counts as absent, and the key is then the fingerprint. */
function within255(id: string | undefined): string | undefined {
  return id !== undefined && id.length <= 255 ? id : undefined;
}
