import { text } from '../../reading/fields.ts';
import type { JsonObject, PersonalData } from '../../source.ts';
import { accountFields } from './types.ts';

// A conversation arrives under any of these keys.
const conversations = ['messaging', 'standby', 'value'];

const under = (root: string, ...names: string[]) => names.map((name) => `${root}.${name}`);

/** Where Meta's reference has people and the texts that they write. The values are also removed where the rest of the record repeats them. */
const remove = [
  'uid',
  ...conversations.flatMap((root) =>
    under(
      root,
      'sender',
      'recipient',
      'message.text',
      'message.attachments.*.payload',
      'message.attachments.*.title',
      'message.attachments.*.url',
      // The payload of the quick replies "user_phone_number" and "user_email" is the number or address.
      'message.quick_reply',
      'message.reply_to.story',
      'message_edit.text',
      ...['ref', 'user_ref', 'payload', 'title', 'notification_messages_token', 'notification_messages_timezone'].map(
        (name) => `optin.${name}`,
      ),
      'account_linking.authorization_code',
      'messaging_feedback',
      'prior_message',
    ),
  ),
  // Posts, comments, mentions.
  'value.from',
  'value.message',
  'value.text',
  'value.username',
  'value.sender_id',
  'value.sender_name',
  'value.user_id',
  'value.user_name',
  'value.post.from',
  'value.post.message',
  'value.parent.from',
  'value.parent.message',
  // WhatsApp. The id of the business's phone number is kept.
  'value.metadata.display_phone_number',
  'value.display_phone_number',
  'value.contacts',
  ...under('value.user_preferences.*', 'wa_id', 'user_id', 'parent_user_id', 'detail'),
  ...['messages', 'message_echoes'].flatMap((list) =>
    under(
      `value.${list}.*`,
      'from',
      'from_user_id',
      'from_parent_user_id',
      'to',
      'to_user_id',
      'to_parent_user_id',
      'text',
      '*.caption',
      '*.url',
      '*.filename',
      'contacts',
      'location',
      ...['body', 'wa_id', 'new_wa_id', 'customer', 'identity', 'user_id', 'previous_user_id', 'parent_user_id'].map(
        (name) => `system.${name}`,
      ),
      'identity',
      'button.text',
      'interactive.nfm_reply.response_json',
      'interactive.nfm_reply.body',
      'context.from',
      'context.from_user_id',
      'order.text',
    ),
  ),
  ...under(
    'value.statuses.*',
    'recipient_id',
    'recipient_user_id',
    'recipient_parent_user_id',
    'parent_recipient_user_id',
    'recipient_participant_id',
    'participant_recipient_id',
    'recipient_participant_user_id',
    'recipient_participant_parent_user_id',
  ),
  ...under('value.calls.*', 'from', 'from_user_id', 'from_parent_user_id', 'to', 'to_user_id', 'to_parent_user_id'),
];

const keep = [
  'value.message_template_name',
  'value.message_template_language',
  'value.requested_verified_name',
  'value.metadata.phone_number_id',
  'value.messages.*.interactive.nfm_reply.name',
  'value.messages.*.referral.source_id',
];

/** Fields of every record: whose it is (a page, an account), what happened, when. */
const frame = ['object', 'id', 'field', 'time', 'changed_field'];

/**
 * Fields of WhatsApp that are kept. Media keep their ids; answers to the business's buttons and the ad that a person came from are kept too.
 */
const whatsAppPaths = [
  ...under(
    'value',
    'messaging_product',
    'metadata.phone_number_id',
    'event',
    'status',
    'type',
    'action',
    'decision',
    'timestamp',
    'errors',
  ),
  ...['messages', 'message_echoes'].flatMap((list) =>
    under(
      `value.${list}.*`,
      'id',
      'timestamp',
      'type',
      'group_id',
      'errors',
      'referral',
      'unsupported.type',
      'system.type',
      'edit.original_message_id',
      'revoke.original_message_id',
      'history_context.status',
      'context.id',
      'context.forwarded',
      'context.frequently_forwarded',
      'context.referred_product',
      ...['image', 'audio', 'video', 'sticker'].flatMap((kind) => under(kind, 'id', 'mime_type', 'sha256', 'voice', 'animated')),
      'reaction.message_id',
      'reaction.emoji',
      'button.payload',
      'interactive.type',
      'interactive.button_reply',
      'interactive.list_reply',
      'interactive.nfm_reply.name',
      'interactive.call_permission_reply',
      'order.catalog_id',
      'order.product_items',
    ),
  ),
  ...under(
    'value.statuses.*',
    'id',
    'status',
    'timestamp',
    'type',
    'recipient_type',
    'conversation',
    'pricing',
    'errors',
    'biz_opaque_callback_data',
    'payment.reference_id',
    'payment.amount',
    'payment.currency',
    'payment.transaction.id',
    'payment.transaction.type',
    'payment.transaction.status',
  ),
  // "session" and "connection" are left out: they contain the network addresses of both sides.
  ...under('value.calls.*', 'id', 'event', 'direction', 'status', 'timestamp', 'start_time', 'end_time', 'duration', 'errors'),
  ...under('value.groups.*', 'group_id', 'type', 'timestamp', 'request_id', 'reason', 'initiated_by', 'join_approval_mode', 'errors'),
  ...under('value.history.*', 'metadata.phase', 'metadata.chunk_order', 'metadata.progress', 'errors'),
  ...under('value.state_sync.*', 'type', 'action', 'metadata.timestamp', 'metadata.version'),
  'value.user_id_update.*.timestamp',
  ...under('value.user_preferences.*', 'category', 'value', 'timestamp'),
  ...under('value.automatic_events.*', 'id', 'event_name', 'timestamp', 'ctwa_clid', 'custom_data.currency', 'custom_data.value'),
];

/** Fields of a page or an Instagram account that are kept. */
const socialPaths = [
  ...conversations.flatMap((root) =>
    under(
      root,
      'timestamp',
      'message.mid',
      'message.is_echo',
      'message.is_deleted',
      'message.is_unsupported',
      'message.is_self',
      'message.app_id',
      'message.metadata',
      'message.tags',
      'message.referral',
      'message.reply_to.mid',
      'message.reply_to.is_self_reply',
      'message.attachments.*.type',
      'message_edit.mid',
      'message_edit.num_edit',
      'reaction.mid',
      'reaction.action',
      'reaction.emoji',
      'reaction.reaction',
      'delivery',
      'read',
      'postback',
      'referral',
      'policy_enforcement',
      ...['type', 'notification_messages_status', 'notification_messages_frequency', 'user_token_status'].map((name) => `optin.${name}`),
      'account_linking.status',
      'game_play.game_id',
      'game_play.context_type',
      'game_play.score',
      'pass_thread_control',
      'take_thread_control',
      'request_thread_control',
      'app_roles',
    ),
  ),
  ...under(
    'value',
    // Posts, comments, mentions, reviews.
    'item',
    'verb',
    'id',
    'post_id',
    'comment_id',
    'parent_id',
    'media_id',
    'album_id',
    'photo_id',
    'photo_ids',
    'video_id',
    'share_id',
    'story_id',
    'open_graph_story_id',
    'created_time',
    'edited_time',
    'published',
    'is_hidden',
    'reaction_type',
    'recommendation_type',
    'rating',
    'action',
    'label.id',
    'post.id',
    'post.status_type',
    'post.is_published',
    'post.updated_time',
    'post.promotion_status',
    'media.id',
    'media.media_product_type',
    'media.original_media_id',
    'media.ad_id',
    'status.video_status',
    // Leads.
    'leadgen_id',
    'page_id',
    'form_id',
    'ad_id',
    'adgroup_id',
    'campaign_id',
    // Stories.
    'impressions',
    'reach',
    'taps_forward',
    'taps_back',
    'exits',
    'replies',
  ),
];

const account: PersonalData = { remove, keep };
const whatsApp: PersonalData = { remove, keep, only: [...frame, ...whatsAppPaths] };
const social: PersonalData = { remove, keep, only: [...frame, ...socialPaths] };
const advertising: PersonalData = { remove, keep, only: [...frame, ...under('value', 'id', 'level', 'status_name', 'error_code')] };

/** For objects that are people, and for unknown objects: only which field changed is kept, and whether it was granted or added, not its value. */
export const personal: PersonalData = { remove, keep, only: [...frame, 'value.verb'] };

/**
 * The personal data of a record of split.ts, by its object and field. Meta adds fields without notice, and names people in them by `to`, `input`,
 * `id` or `value`: only fields that are known not to be about a person are kept. Leads have ids only.
 */
export function personalOf(record: JsonObject): PersonalData {
  switch (text(record, 'object')) {
    case 'whatsapp_business_account':
      return accountFields.has(text(record, 'field') ?? '') ? account : whatsApp;
    case 'page':
    case 'instagram':
      return social;
    case 'ad_account':
      return advertising;
    default:
      return personal;
  }
}
