import { text } from '../../reading/fields.ts';
import type { JsonObject, KeptFields } from '../../source.ts';
import { idForm } from './ids.ts';
import { accountFields } from './types.ts';

/*
 * What of a record is kept, by its object and field. Meta adds fields without notice and names people in them by `to`, `input`, `id` or `value`,
 * so only what its reference says to be about no one is named here. What people write (messages, captions, comments, posts, answers) and who they
 * are is dropped; names of templates, titles of buttons and texts of ads are those of the business.
 */

const under = (root: string, ...names: string[]) => names.map((name) => `${root}.${name}`);
const underAll = (roots: readonly string[], ...names: string[]) => roots.flatMap((root) => under(root, ...names));

// A conversation arrives under any of these keys, and a message as one that was received or that the business sent.
const conversations = ['messaging', 'standby', 'value'];
const messages = ['value.messages.*', 'value.message_echoes.*'];

/** Branches about people, whose values are also looked for in what is kept. */
const people = [
  'uid',
  ...underAll(conversations, 'sender', 'recipient', 'prior_message', 'optin.user_ref', 'game_play.player_id'),
  ...under(
    'value',
    'from',
    'username',
    'sender_id',
    'sender_name',
    'user',
    'user_id',
    'user_name',
    'reviewer_id',
    'reviewer_name',
    'recipient_id',
    'psid',
  ),
  ...under('value', 'post.from', 'parent.from', 'comment.from', 'media.owner'),
  // The number of the business is hidden like one of a person, since that of a small business is one. Its id is kept.
  ...under('value', 'metadata.display_phone_number', 'display_phone_number', 'contacts'),
  ...underAll(
    messages,
    ...['from', 'from_user_id', 'from_parent_user_id', 'to', 'to_user_id', 'to_parent_user_id'],
    ...['contacts', 'location', 'identity', 'system', 'context.from', 'context.from_user_id'],
  ),
  ...under(
    'value.statuses.*',
    ...['recipient_id', 'recipient_user_id', 'recipient_parent_user_id', 'parent_recipient_user_id'],
    ...['recipient_participant_id', 'participant_recipient_id', 'recipient_participant_user_id', 'recipient_participant_parent_user_id'],
  ),
  ...under(
    'value.calls.*',
    'from',
    'from_user_id',
    'from_parent_user_id',
    'to',
    'to_user_id',
    'to_parent_user_id',
    'session',
    'connection',
  ),
  ...under('value.user_preferences.*', 'wa_id', 'user_id', 'parent_user_id'),
  ...under('value.user_id_update.*', 'wa_id', 'user_id', 'parent_user_id'),
  ...under('value.groups.*', 'wa_id', 'user_id', 'parent_user_id', 'added_participants', 'removed_participants', 'failed_participants'),
  ...under('value.state_sync.*', 'contact'),
  ...under('value.history.*', 'threads'),
];

/** Admins of the account and roles that its apps have in a conversation. */
const staff = ['value.requester', ...underAll(conversations, 'app_roles')];

/** A platform's error: its number, and its own words for it. */
const errors = (root: string) => ({
  plain: [`${root}.errors.*.code`],
  texts: under(`${root}.errors.*`, 'title', 'message', 'error_data.details'),
});

type Lists = Partial<Record<'words' | 'ids' | 'texts' | 'plain', readonly string[]>>;

/** Fields of every record: whose it is (a page, an account), what happened, when. */
const frame: Lists = { words: ['object', 'field', 'changed_field'], ids: ['id'], plain: ['time'] };

function table(...lists: Lists[]): KeptFields {
  const all = (name: keyof Lists) => [frame, ...lists].flatMap((one) => one[name] ?? []);
  return { words: all('words'), ids: all('ids'), texts: all('texts'), plain: all('plain'), idForm, people, staff };
}

/** What a change of a WhatsApp account is about. */
const whatsAppFrame: Lists = {
  words: under('value', 'messaging_product', 'event', 'status', 'type', 'action', 'decision'),
  ids: ['value.metadata.phone_number_id'],
  plain: ['value.timestamp'],
};

/**
 * A message keeps its kind, its media by their ids, what it refers to, the button that was pressed by the id that the business gave it, the
 * products that were ordered, and the ad that the person came from.
 */
const whatsAppMessages: Lists = {
  words: underAll(
    messages,
    ...['type', 'system.type', 'unsupported.type', 'history_context.status', 'reaction.emoji', 'button.payload'],
    ...['interactive.type', 'interactive.button_reply.id', 'interactive.list_reply.id', 'interactive.nfm_reply.name'],
    ...under('interactive.call_permission_reply', 'response', 'response_source'),
    ...under('referral', 'source_type', 'media_type', 'source_id'),
    'order.product_items.*.product_retailer_id',
    'context.referred_product.product_retailer_id',
  ),
  ids: underAll(
    messages,
    ...['id', 'group_id', 'context.id', 'reaction.message_id', 'edit.original_message_id', 'revoke.original_message_id', 'pin.message_id'],
    ...['image', 'audio', 'video', 'sticker', 'document'].flatMap((kind) => under(kind, 'id', 'sha256')),
    ...['referral.ctwa_clid', 'order.catalog_id', 'context.referred_product.catalog_id'],
  ),
  texts: underAll(
    messages,
    ...['image', 'audio', 'video', 'sticker', 'document'].map((kind) => `${kind}.mime_type`),
    ...['interactive.button_reply.title', 'interactive.list_reply.title', 'interactive.list_reply.description', 'button.text'],
    ...under('referral', 'headline', 'body', 'source_url'),
    ...under('errors.*', 'title', 'message', 'error_data.details'),
  ),
  plain: underAll(
    messages,
    ...['timestamp', 'context.forwarded', 'context.frequently_forwarded', 'audio.voice', 'sticker.animated', 'errors.*.code'],
    ...under('interactive.call_permission_reply', 'expiration_timestamp', 'is_permanent'),
    ...under('order.product_items.*', 'quantity', 'item_price', 'currency'),
  ),
};

const status = 'value.statuses.*';
const whatsAppStatuses: Lists = {
  words: under(
    status,
    ...['status', 'type', 'recipient_type', 'conversation.origin.type'],
    ...under('pricing', 'pricing_model', 'category', 'type'),
    ...under('payment', 'reference_id', 'transaction.type', 'transaction.status', 'transaction.method.type'),
  ),
  ids: under(status, 'id', 'conversation.id', 'payment.transaction.id'),
  // A text of the business, in which it may have put the number of the person.
  texts: [`${status}.biz_opaque_callback_data`, ...errors(status).texts],
  plain: [
    ...errors(status).plain,
    ...under(status, 'timestamp', 'conversation.expiration_timestamp', 'pricing.billable'),
    ...underAll([`${status}.payment`, `${status}.payment.transaction`], 'amount', 'currency', 'created_timestamp', 'updated_timestamp'),
  ],
};

/** Items of the other lists. Of a call the network addresses of both sides are left out, of a group its name and the link into it. */
const whatsAppItems: Lists = {
  words: [
    ...under('value.calls.*', 'event', 'direction', 'status'),
    ...under('value.user_preferences.*', 'category', 'value'),
    ...under('value.groups.*', 'type', 'reason', 'initiated_by', 'join_approval_mode'),
    ...under('value.state_sync.*', 'type', 'action'),
    ...under('value.automatic_events.*', 'event_name'),
  ],
  ids: [
    'value.calls.*.id',
    ...under('value.groups.*', 'group_id', 'request_id', 'join_request_id'),
    ...under('value.automatic_events.*', 'id', 'ctwa_clid'),
  ],
  texts: [
    'value.calls.*.biz_opaque_callback_data',
    ...['value', 'value.calls.*', 'value.groups.*', 'value.history.*'].flatMap((root) => errors(root).texts),
  ],
  plain: [
    ...['value', 'value.calls.*', 'value.groups.*', 'value.history.*'].flatMap((root) => errors(root).plain),
    ...under('value.calls.*', 'timestamp', 'start_time', 'end_time', 'duration'),
    ...['value.user_preferences.*.timestamp', 'value.user_id_update.*.timestamp', 'value.groups.*.timestamp'],
    ...['group_subject', 'group_description', 'profile_picture'].map((setting) => `value.groups.*.${setting}.update_successful`),
    ...under('value.history.*.metadata', 'phase', 'chunk_order', 'progress'),
    ...under('value.state_sync.*.metadata', 'timestamp', 'version'),
    ...under('value.automatic_events.*', 'timestamp', 'custom_data.currency', 'custom_data.value'),
  ],
};

/** Notices about the account, its numbers, templates and flows, which name no person who writes to it. */
const accountNotices: Lists = {
  words: [
    ...under(
      'value',
      ...['country', 'reason', 'rejection_reason', 'message_template_language', 'message_template_category', 'category'],
      ...['previous_quality_score', 'new_quality_score', 'previous_category', 'new_category', 'correct_category'],
      ...['current_limit', 'old_limit', 'max_daily_conversation_per_phone', 'max_daily_conversations_per_business'],
      ...['old_status', 'new_status', 'alert_state', 'entity_type', 'alert_severity', 'alert_status', 'alert_type'],
      ...['solution_status', 'business_verification_status', 'provider_mid'],
    ),
    ...under('value.alert_info', 'alert_severity', 'alert_status', 'alert_type'),
    ...['value.violation_info.violation_type', 'value.restriction_info.*.restriction_type', 'value.ban_info.waba_ban_state'],
    ...under('value.disconnection_info', 'reason', 'initiated_by'),
    ...under('value.volume_tier_info', 'tier', 'pricing_category', 'region', 'effective_month'),
    ...under('value.partner_client_certification_info', 'status', 'rejection_reasons'),
    ...under('value.rejection_info', 'reason'),
    'value.message_template_buttons.*.message_template_button_type',
    'value.errors.*.error_type',
    'value.phone_number_settings.calling.status',
  ],
  ids: [
    ...under('value', 'message_template_id', 'flow_id', 'entity_id', 'business_id', 'solution_id', 'phone_number_id'),
    ...under('value.waba_info', 'waba_id', 'owner_business_id', 'partner_app_id', 'solution_id', 'ad_account_linked'),
    'value.waba_info.solution_partner_business_ids',
    'value.partner_client_certification_info.client_business_id',
  ],
  texts: [
    ...under(
      'value',
      ...['status', 'message_template_name', 'message_template_element', 'message_template_title', 'message_template_footer'],
      ...[
        'requested_verified_name',
        'verified_name',
        'business_username',
        'configuration_name',
        'provider_name',
        'message',
        'alert_description',
      ],
    ),
    ...under('value.message_template_buttons.*', 'message_template_button_text', 'message_template_button_url'),
    ...[
      'value.alert_info.alert_description',
      'value.other_info.title',
      'value.other_info.description',
      'value.rejection_info.recommendation',
    ],
  ],
  plain: ['value'],
};

/** Messenger and Instagram messaging. The ids and payloads of buttons are the business's; what the person wrote or uploaded is left out. */
const conversationItems: Lists = {
  words: underAll(
    conversations,
    ...['message.metadata', 'message.tags.source', 'message.quick_reply.payload', 'message.attachments.*.type'],
    ...['reaction.action', 'reaction.emoji', 'reaction.reaction', 'postback.payload'],
    ...['referral', 'postback.referral', 'message.referral'].flatMap((root) => under(root, 'ref', 'source', 'type')),
    ...under('optin', 'type', 'ref', 'payload', 'notification_messages_status', 'notification_messages_frequency', 'user_token_status'),
    ...['account_linking.status', 'policy_enforcement.action', 'game_play.context_type'],
    ...['pass', 'take', 'request'].map((act) => `${act}_thread_control.metadata`),
    'messaging_feedback.feedback_screens.*.questions.*.type',
  ),
  ids: underAll(
    conversations,
    ...['message.mid', 'message.app_id', 'message.reply_to.mid', 'message_edit.mid', 'reaction.mid', 'delivery.mids', 'read.mid'],
    ...['postback.mid', 'game_play.game_id'],
    ...['referral', 'postback.referral', 'message.referral'].flatMap((root) =>
      under(root, 'ad_id', 'ads_context_data.post_id', 'ads_context_data.product_id'),
    ),
    ...['pass', 'take', 'request'].flatMap((act) =>
      under(`${act}_thread_control`, 'new_owner_app_id', 'previous_owner_app_id', 'requested_owner_app_id'),
    ),
  ),
  texts: underAll(
    conversations,
    ...['postback.title', 'optin.title', 'policy_enforcement.reason'],
    ...['referral', 'postback.referral', 'message.referral'].map((root) => `${root}.ads_context_data.ad_title`),
  ),
  plain: underAll(
    conversations,
    ...[
      'timestamp',
      'message.is_echo',
      'message.is_deleted',
      'message.is_unsupported',
      'message.is_self',
      'message.reply_to.is_self_reply',
    ],
    ...[
      'message_edit.num_edit',
      'delivery.watermark',
      'read.watermark',
      'read.timestamp',
      'game_play.score',
      'optin.token_expiry_timestamp',
    ],
    'messaging_feedback.feedback_screens.*.screen_id',
  ),
};

/** Posts, comments, mentions, reviews, leads and stories of a page or an Instagram account. Leads have ids only. */
const publications: Lists = {
  words: under(
    'value',
    ...['item', 'verb', 'action', 'reaction_type', 'recommendation_type'],
    ...['post.status_type', 'post.promotion_status', 'media.media_product_type', 'status', 'status.video_status'],
  ),
  ids: under(
    'value',
    ...['id', 'post_id', 'comment_id', 'parent_id', 'media_id', 'album_id', 'photo_id', 'photo_ids', 'video_id', 'share_id', 'story_id'],
    ...['open_graph_story_id', 'label.id', 'post.id', 'media.id', 'media.original_media_id', 'media.ad_id'],
    ...['leadgen_id', 'lead_id', 'group_id', 'page_id', 'form_id', 'ad_id', 'adgroup_id', 'campaign_id'],
  ),
  texts: ['value.media.ad_title'],
  plain: under(
    'value',
    ...['created_time', 'edited_time', 'updated_time', 'published', 'is_hidden', 'rating', 'post.is_published', 'post.updated_time'],
    ...['impressions', 'reach', 'taps_forward', 'taps_back', 'exits', 'replies'],
  ),
};

/** Ads and their problems. */
const adNotices: Lists = {
  words: under('value', 'level', 'error_type'),
  ids: ['value.id'],
  texts: under('value', 'status_name', 'error_summary', 'error_message'),
  plain: ['value.error_code'],
};

const account = table(whatsAppFrame, accountNotices);
const whatsApp = table(whatsAppFrame, whatsAppMessages, whatsAppStatuses, whatsAppItems);
const social = table(conversationItems, publications);
const advertising = table(adNotices);

/** For objects that are people, and for unknown objects: which field changed and whether it was granted or revoked, not its value. */
export const kept = table({ words: ['value.verb'] });

/** What is kept of a record of split.ts, by its object and field. */
export function keptOf(record: JsonObject): KeptFields {
  switch (text(record, 'object')) {
    case 'whatsapp_business_account':
      return accountFields.has(text(record, 'field') ?? '') ? account : whatsApp;
    case 'page':
    case 'instagram':
      return social;
    case 'ad_account':
      return advertising;
    default:
      return kept;
  }
}
