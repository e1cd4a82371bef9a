import { isCanonicalType } from '@tributary/shared/canonical.ts';
import { describe, expect, it } from 'vitest';
import { type ProcessContext, processDelivery } from '../../process.ts';
import type { Json, JsonObject } from '../../source.ts';
import { meta } from './index.ts';

const seconds = 1_772_000_000;
/** Ten minutes before the notification, so that the two times are told apart. */
const own = seconds - 600;

const context: ProcessContext = {
  orgId: '11111111-1111-4111-8111-111111111111',
  projectId: '22222222-2222-4222-8222-222222222222',
  connectionId: '33333333-3333-4333-8333-333333333333',
  journalId: '44444444-4444-7444-8444-444444444444',
  config: {},
  hashKey: { version: 1, key: new Uint8Array(32).fill(7) },
  digestKey: new Uint8Array(32).fill(8),
  receivedAtMs: (seconds + 60) * 1000,
  nowMs: (seconds + 60) * 1000,
  isTest: false,
  newId: () => '55555555-5555-7555-8555-555555555555',
};

function events(value: Json) {
  const delivery = { method: 'POST', url: 'https://in.example.com/', headers: {}, raw: new Uint8Array() };
  return processDelivery(meta as never, delivery, { kind: 'json', value }, context).map((outcome) => {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome));
    return outcome.event;
  });
}

const ana = '5511955550101';
const bia = '5521955550102';
const contact = (phone: string) => ({ profile: { name: 'Nome Inventado' }, wa_id: phone });

function whatsApp(field: string, value: JsonObject, time: Json = seconds): JsonObject {
  const metadata = { display_phone_number: '15550783881', phone_number_id: '106540352242922' };
  const changes = [{ field, value: { messaging_product: 'whatsapp', metadata, ...value } }];
  return { object: 'whatsapp_business_account', entry: [{ id: '800200', time, changes }] };
}

/** A message of a person, and the same message as the echo of one that the business sent in its app. */
const message = (more: JsonObject) => (time?: Json) =>
  whatsApp('messages', { contacts: [contact(ana)], messages: [{ from: ana, id: 'wamid.CASE', timestamp: String(own), ...more }] }, time);
const echo = (more: JsonObject) => (time?: Json) =>
  whatsApp(
    'smb_message_echoes',
    { message_echoes: [{ from: '15550783881', to: ana, id: 'wamid.CASE', timestamp: String(own), ...more }] },
    time,
  );
const status =
  (more: JsonObject, field = 'messages') =>
  (time?: Json) =>
    whatsApp(field, { statuses: [{ id: 'wamid.CASE', timestamp: String(own), recipient_id: ana, ...more }] }, time);
const list = (field: string, name: string, item: JsonObject) => (time?: Json) => whatsApp(field, { [name]: [item] }, time);
const notice = (field: string, value: JsonObject) => (time?: Json) => whatsApp(field, value, time);
const messenger =
  (item: JsonObject, object = 'page') =>
  (time: Json = seconds) => ({
    object,
    entry: [
      {
        id: '900100',
        time: Number(time) * 1000,
        messaging: [{ sender: { id: '55501' }, recipient: { id: '900100' }, timestamp: own * 1000, ...item }],
      },
    ],
  });
const changed =
  (object: string, field: string, value: Json, entry: JsonObject = { id: '900100' }) =>
  (time: Json = seconds) => ({
    object,
    entry: [{ ...entry, time, changes: [{ field, value }] }],
  });

const whatsAppDocs = 'developers.facebook.com/documentation/business-messaging/whatsapp';
const messengerDocs = 'developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events';
const graphDocs = 'developers.facebook.com/docs/graph-api/webhooks/reference';
const messages = `${whatsAppDocs}/webhooks/reference/messages`;
const calls = `${whatsAppDocs}/calling/reference`;
const groups = `${whatsAppDocs}/groups/webhooks`;

interface Case {
  name: string;
  /** The page of Meta's documentation that names the record and its states. */
  docs: string;
  body: (time?: Json) => JsonObject;
  type: string;
  /** What the readable name of the event ends with, where the type alone does not say what happened. */
  says?: string;
  /** The record has no time, so that of the notification counts and a notification at another time is another event. */
  isTimeless?: true;
  /** The record has an id, so the time of the notification does not tell two apart. */
  hasId?: true;
}

const consent: Case[] = [
  {
    name: 'Messenger: a person stopped notifications',
    docs: `${messengerDocs}/messaging_optins`,
    body: messenger({
      optin: { type: 'notification_messages', notification_messages_token: 'a', notification_messages_status: 'STOP_NOTIFICATIONS' },
    }),
    type: 'message.opted_out',
    says: 'messaging_optins.STOP_NOTIFICATIONS',
  },
  {
    name: 'Messenger: a person resumed notifications',
    docs: `${messengerDocs}/messaging_optins`,
    body: messenger({ optin: { type: 'notification_messages', notification_messages_status: 'RESUME_NOTIFICATIONS' } }),
    type: 'message.opted_in',
    says: 'messaging_optins.RESUME_NOTIFICATIONS',
  },
  {
    name: 'Messenger: a person opted in for the first time, without a state',
    docs: `${messengerDocs}/messaging_optins`,
    body: messenger({ optin: { type: 'notification_messages', payload: 'NEWS', notification_messages_token: 'a' } }),
    type: 'message.opted_in',
  },
  {
    name: 'Messenger: a state that the reference does not name is no opt-in',
    docs: `${messengerDocs}/messaging_optins`,
    body: messenger({ optin: { type: 'notification_messages', notification_messages_status: 'PAUSE_NOTIFICATIONS' } }),
    type: 'meta.page_messaging_optins_pause_notifications',
  },
  {
    name: 'Messenger: an account was linked',
    docs: `${messengerDocs}/messaging_account_linking`,
    body: messenger({ account_linking: { status: 'linked', authorization_code: 'c' } }),
    type: 'meta.page_messaging_account_linking_linked',
  },
  {
    name: 'Messenger: an account was unlinked',
    docs: `${messengerDocs}/messaging_account_linking`,
    body: messenger({ account_linking: { status: 'unlinked' } }),
    type: 'meta.page_messaging_account_linking_unlinked',
  },
  ...['block', 'unblock', 'warning'].map((action) => ({
    name: `Messenger: policy enforcement, ${action}`,
    docs: `${messengerDocs}/messaging_policy_enforcement`,
    body: messenger({ sender: null, policy_enforcement: { action, reason: 'x' } }),
    type: `meta.page_messaging_policy_enforcement_${action}`,
  })),
  ...(
    [
      ['stop', 'message.opted_out'],
      ['resume', 'message.opted_in'],
      ['pause', 'meta.whatsapp_business_account_user_preferences_pause'],
    ] as const
  ).map(([value, type]) => ({
    name: `WhatsApp: marketing messages, ${value}`,
    docs: `${whatsAppDocs}/webhooks/reference/user_preferences`,
    body: list('user_preferences', 'user_preferences', { wa_id: ana, category: 'marketing_messages', value, timestamp: own }),
    type,
    says: `user_preferences.${value}`,
  })),
  ...['accept', 'reject'].map((response) => ({
    name: `WhatsApp: permission to call, ${response}`,
    docs: `${whatsAppDocs}/calling/user-call-permissions`,
    body: message({
      type: 'interactive',
      interactive: { type: 'call_permission_reply', call_permission_reply: { response, response_source: 'user_action' } },
    }),
    type: `meta.whatsapp_business_account_interactive_call_permission_reply_${response}`,
  })),
  ...['granted', 'revoked'].map((verb) => ({
    name: `A person ${verb} a permission of the app`,
    docs: `${graphDocs}/permissions`,
    body: changed('permissions', 'email', { verb, target_ids: ['1'] }, { id: '540', uid: '540' }),
    type: `meta.permissions_email_${verb}`,
    isTimeless: true as const,
  })),
  {
    name: 'A person disconnected the app',
    docs: `${graphDocs}/permissions`,
    body: changed('permissions', 'connected', { verb: 'disconnected' }, { id: '540', uid: '540' }),
    type: 'meta.permissions_connected_disconnected',
    isTimeless: true,
  },
  ...['add', 'remove'].map((action) => ({
    name: `WhatsApp: a contact of the business's app, ${action}`,
    docs: `${whatsAppDocs}/webhooks/reference/smb_app_state_sync`,
    body: list('smb_app_state_sync', 'state_sync', {
      type: 'contact',
      contact: { full_name: 'Nome Inventado', phone_number: ana },
      action,
      metadata: { timestamp: String(own) },
    }),
    type: `meta.whatsapp_business_account_smb_app_state_sync_${action}`,
  })),
  ...['add', 'remove'].map((action) => ({
    name: `Page: a label of a conversation, ${action}`,
    docs: `${graphDocs}/page`,
    body: changed('page', 'inbox_labels', { action, label: { id: '5' }, user: { id: '55501' } }),
    type: `meta.page_inbox_labels_${action}`,
    isTimeless: true as const,
  })),
];

const whatsAppMessages: Case[] = [
  ...['text', 'image', 'audio', 'video', 'document', 'sticker', 'location', 'contacts', 'order', 'unsupported'].map((type) => ({
    name: `WhatsApp: a message with ${type}`,
    docs: `${messages}/${type}`,
    body: message({ type, [type]: {} }),
    type: 'message.received',
  })),
  {
    name: 'WhatsApp: an edit',
    docs: `${messages}/edit`,
    body: message({ type: 'edit', edit: { original_message_id: 'wamid.A', message: { type: 'text', text: { body: 'x' } } } }),
    type: 'message.edited',
  },
  {
    name: 'WhatsApp: an edit that the API cannot show',
    docs: `${messages}/unsupported`,
    body: message({ type: 'unsupported', unsupported: { type: 'edit' }, errors: [{ code: 131051 }] }),
    type: 'message.edited',
  },
  {
    name: 'WhatsApp: a withdrawal',
    docs: `${messages}/revoke`,
    body: message({ type: 'revoke', revoke: { original_message_id: 'wamid.A' } }),
    type: 'message.deleted',
  },
  {
    name: 'WhatsApp: the button of a template',
    docs: `${messages}/button`,
    body: message({ type: 'button', button: { payload: 'YES', text: 'Sim' } }),
    type: 'message.postback',
  },
  ...['button_reply', 'list_reply', 'nfm_reply'].map((reply) => ({
    name: `WhatsApp: an interactive ${reply}`,
    docs: `${messages}/interactive`,
    body: message({ type: 'interactive', interactive: { type: reply, [reply]: { id: 'yes', title: 'Sim' } } }),
    type: 'message.postback',
    says: `interactive.${reply}`,
  })),
  {
    name: 'WhatsApp: a reaction',
    docs: `${messages}/reaction`,
    body: message({ type: 'reaction', reaction: { message_id: 'wamid.A', emoji: '👍' } }),
    type: 'message.reaction',
  },
  ...[{}, { emoji: '' }].map((emoji) => ({
    name: `WhatsApp: a reaction taken back, ${JSON.stringify(emoji)}`,
    docs: `${messages}/reaction`,
    body: message({ type: 'reaction', reaction: { message_id: 'wamid.A', ...emoji } }),
    type: 'message.reaction_removed',
    says: 'reaction.removed',
  })),
  ...['user_changed_number', 'customer_changed_number', 'user_changed_user_id'].map((type) => ({
    name: `WhatsApp: ${type}`,
    docs: `${messages}/system`,
    body: message({ type: 'system', system: { body: 'x', wa_id: bia, type } }),
    type: 'customer.updated',
    says: `system.${type}`,
  })),
  ...['customer_identity_changed', 'a_notice_of_tomorrow'].map((type) => ({
    name: `WhatsApp: ${type}`,
    docs: `${messages}/system`,
    body: message({ type: 'system', system: { body: 'x', type } }),
    type: `meta.whatsapp_business_account_system_${type}`,
  })),
  {
    name: 'WhatsApp: a system notice without a kind',
    docs: `${messages}/system`,
    body: message({ type: 'system', system: { body: 'x' } }),
    type: 'meta.whatsapp_business_account_system',
  },
  {
    name: 'WhatsApp: a person opened the chat',
    docs: `${whatsAppDocs}/business-phone-numbers/conversational-components`,
    body: message({ type: 'request_welcome' }),
    type: 'conversation.started',
  },
  {
    name: 'WhatsApp: a pinned message',
    docs: `${groups}`,
    body: message({ type: 'pin', pin: { message_id: 'wamid.A', type: 'pin' } }),
    type: 'meta.whatsapp_business_account_pin',
  },
  {
    name: 'WhatsApp: the echo of a message',
    docs: `${whatsAppDocs}/webhooks/reference/smb_message_echoes`,
    body: echo({ type: 'text', text: { body: 'x' } }),
    type: 'message.sent',
  },
  {
    name: 'WhatsApp: the echo of an edit',
    docs: `${whatsAppDocs}/webhooks/reference/smb_message_echoes`,
    body: echo({ type: 'edit', edit: { original_message_id: 'wamid.A', message: { type: 'text', text: { body: 'x' } } } }),
    type: 'message.edited',
  },
  {
    name: 'WhatsApp: the echo of a withdrawal',
    docs: `${whatsAppDocs}/webhooks/reference/smb_message_echoes`,
    body: echo({ type: 'revoke', revoke: { original_message_id: 'wamid.A' } }),
    type: 'message.deleted',
  },
  {
    name: 'WhatsApp: the echo of a reaction taken back',
    docs: `${whatsAppDocs}/webhooks/reference/smb_message_echoes`,
    body: echo({ type: 'reaction', reaction: { message_id: 'wamid.A' } }),
    type: 'message.reaction_removed',
  },
  {
    name: 'WhatsApp: a medium of the history that the business sent',
    docs: `${whatsAppDocs}/webhooks/reference/history`,
    body: (time) =>
      whatsApp('history', { messages: [{ from: '15550783881', to: ana, id: 'wamid.CASE', timestamp: String(own), type: 'image' }] }, time),
    type: 'message.sent',
  },
];

const whatsAppStates: Case[] = [
  ...(
    [
      ['sent', 'message.sent'],
      ['delivered', 'message.delivered'],
      ['read', 'message.read'],
      ['failed', 'message.failed'],
      ['deleted', 'message.deleted'],
      ['played', 'meta.whatsapp_business_account_status_played'],
      ['warning', 'meta.whatsapp_business_account_status_warning'],
    ] as const
  ).map(([state, type]) => ({
    name: `WhatsApp: a message is ${state}`,
    docs: `${messages}/status`,
    body: status({ status: state }),
    type,
  })),
  ...(
    [
      ['pending', 'payment.pending'],
      ['captured', 'payment.succeeded'],
      ['failed', 'payment.failed'],
    ] as const
  ).map(([state, type]) => ({
    name: `WhatsApp: a payment in the chat is ${state}`,
    docs: `${whatsAppDocs}/payments/payments-in/pg`,
    body: status({ status: state, type: 'payment', payment: { reference_id: 'order-1', transaction: { id: 't1', status: state } } }),
    type,
    says: `payment.${state}`,
  })),
  ...(
    [
      ['connect', 'call.started'],
      ['terminate', 'call.ended'],
      ['pre_accept', 'meta.whatsapp_business_account_calls_pre_accept'],
    ] as const
  ).map(([event, type]) => ({
    name: `WhatsApp: a call, ${event}`,
    docs: calls,
    body: list('calls', 'calls', {
      id: 'wacid.CASE',
      from: ana,
      to: '15550783881',
      event,
      direction: 'USER_INITIATED',
      timestamp: String(own),
    }),
    type,
    says: `calls.${event}`,
  })),
  ...['RINGING', 'ACCEPTED', 'REJECTED'].map((state) => ({
    name: `WhatsApp: a call of the business is ${state}`,
    docs: calls,
    body: status({ id: 'wacid.CASE', type: 'call', status: state }, 'calls'),
    type: `meta.whatsapp_business_account_call_${state.toLowerCase()}`,
    says: `calls.status.${state}`,
  })),
  {
    name: 'WhatsApp: the id of a person changed',
    docs: `${whatsAppDocs}/business-scoped-user-ids`,
    body: list('user_id_update', 'user_id_update', { wa_id: ana, user_id: { previous: 'BR.1', current: 'BR.2' }, timestamp: String(own) }),
    type: 'customer.updated',
    says: 'user_id_update',
  },
  ...(
    [
      ['group_lifecycle_update', 'group_create'],
      ['group_lifecycle_update', 'group_delete'],
      ['group_participants_update', 'group_participants_add'],
      ['group_participants_update', 'group_participants_remove'],
      ['group_participants_update', 'group_join_request_created'],
      ['group_participants_update', 'group_join_request_revoked'],
      ['group_settings_update', 'group_settings_update'],
      ['group_status_update', 'group_suspend'],
      ['group_status_update', 'group_suspend_cleared'],
    ] as const
  ).map(([field, type]) => ({
    name: `WhatsApp: ${type}`,
    docs: groups,
    body: list(field, 'groups', { timestamp: String(own), group_id: 'G1', type, wa_id: ana }),
    type: `meta.whatsapp_business_account_${type}`,
  })),
  {
    name: 'WhatsApp: Meta detected a purchase in a chat',
    docs: `${whatsAppDocs}/webhooks/reference/automatic_events`,
    body: list('automatic_events', 'automatic_events', { id: 'wamid.CASE', event_name: 'Purchase', timestamp: own, ctwa_clid: 'clid' }),
    type: 'meta.whatsapp_business_account_automatic_events_purchase',
  },
  {
    name: 'WhatsApp: control of a chat was passed',
    docs: `${whatsAppDocs}/webhooks/reference`,
    body: notice('messaging_handovers', { sender: { phone_number: ana }, control_passed: { metadata: 'x' }, timestamp: String(own) }),
    type: 'conversation.started',
  },
  {
    name: 'WhatsApp: the payment configuration is active',
    docs: `${whatsAppDocs}/webhooks/reference/payment_configuration_update`,
    body: notice('payment_configuration_update', {
      configuration_name: 'x',
      status: 'Active',
      created_timestamp: 1_700_000_000,
      updated_timestamp: own,
    }),
    type: 'meta.whatsapp_business_account_payment_configuration_update_active',
  },
  {
    name: 'WhatsApp: the PIN of a number was changed',
    docs: `${whatsAppDocs}/webhooks/reference/security`,
    body: notice('security', { event: 'PIN_CHANGED', requester: '1' }),
    type: 'meta.whatsapp_business_account_security_pin_changed',
    isTimeless: true,
  },
  {
    name: 'WhatsApp: a flow changed its state',
    docs: `${whatsAppDocs}/webhooks/reference/flows`,
    body: notice('flows', { event: 'FLOW_STATUS_CHANGE', flow_id: '1', old_status: 'DRAFT', new_status: 'PUBLISHED' }),
    type: 'meta.whatsapp_business_account_flows_flow_status_change',
    isTimeless: true,
  },
  ...[
    'account_update',
    'account_alerts',
    'account_review_update',
    'business_capability_update',
    'phone_number_name_update',
    'phone_number_quality_update',
  ].map((field) => ({
    name: `WhatsApp: ${field}`,
    docs: `${whatsAppDocs}/webhooks/reference/${field}`,
    body: notice(field, { event: 'X', decision: 'APPROVED' }),
    type: 'message_account.updated',
    isTimeless: true as const,
  })),
  ...[
    'message_template_status_update',
    'message_template_quality_update',
    'message_template_components_update',
    'template_category_update',
  ].map((field) => ({
    name: `WhatsApp: ${field}`,
    docs: `${whatsAppDocs}/webhooks/reference/${field}`,
    body: notice(field, { event: 'APPROVED', message_template_id: 77, message_template_name: 'boas_vindas' }),
    type: 'message_template.updated',
    isTimeless: true as const,
  })),
];

const conversations: Case[] = ['page', 'instagram'].flatMap((object): Case[] => [
  {
    name: `${object}: a reaction to a message`,
    docs: `${messengerDocs}/message-reactions`,
    body: messenger({ reaction: { mid: 'm_1', action: 'react', reaction: 'love', emoji: '❤' } }, object),
    type: 'message.reaction',
    says: 'message_reactions.react',
  },
  {
    name: `${object}: a reaction taken back`,
    docs: `${messengerDocs}/message-reactions`,
    body: messenger({ reaction: { mid: 'm_1', action: 'unreact' } }, object),
    type: 'message.reaction_removed',
    says: 'message_reactions.unreact',
  },
  {
    name: `${object}: a message edited`,
    docs: `${messengerDocs}/message_edits`,
    body: messenger({ message_edit: { mid: 'm_1', text: 'x', num_edit: 1 } }, object),
    type: 'message.edited',
  },
  {
    name: `${object}: a message withdrawn`,
    docs: 'developers.facebook.com/documentation/instagram-platform/webhooks/examples',
    body: messenger({ message: { mid: 'm_1', is_deleted: true } }, object),
    type: 'message.deleted',
  },
  {
    name: `${object}: a quick reply, which is a button`,
    docs: `${messengerDocs}/messages`,
    body: messenger({ message: { mid: 'm_1', text: 'Sim', quick_reply: { payload: 'YES' } } }, object),
    type: 'message.postback',
  },
  {
    name: `${object}: a button or a menu entry`,
    docs: `${messengerDocs}/messaging_postbacks`,
    body: messenger({ postback: { mid: 'm_1', title: 'Começar', payload: 'START' } }, object),
    type: 'message.postback',
  },
  {
    name: `${object}: a message seen`,
    docs: `${messengerDocs}/message-reads`,
    body: messenger({ read: { mid: 'm_1' } }, object),
    type: 'message.read',
  },
  {
    name: `${object}: a survey answered`,
    docs: `${messengerDocs}/messaging_feedback`,
    body: messenger({ messaging_feedback: { feedback_screens: [{ screen_id: 0 }] } }, object),
    type: 'form.submitted',
  },
  {
    name: `${object}: customer information given`,
    docs: `${messengerDocs}/messaging_customer_information`,
    body: messenger({ messaging_customer_information: { screens: [] } }, object),
    type: 'form.submitted',
  },
  {
    name: `${object}: a chat opened by a link or an ad`,
    docs: `${messengerDocs}/messaging_referrals`,
    body: messenger({ referral: { ref: 'x', source: 'SHORTLINK', type: 'OPEN_THREAD' } }, object),
    type: `meta.${object}_messaging_referrals`,
  },
  {
    name: `${object}: a game played`,
    docs: `${messengerDocs}/messaging_game_plays`,
    body: messenger({ game_play: { game_id: '1', player_id: '2', score: 3 } }, object),
    type: `meta.${object}_messaging_game_plays`,
  },
  {
    name: `${object}: a chat handed over`,
    docs: `${messengerDocs}/messaging_handovers`,
    body: messenger({ pass_thread_control: { new_owner_app_id: '1' } }, object),
    type: 'conversation.started',
  },
]);

const pages: Case[] = [
  ...(
    [
      ['comment', 'add', 'page.comment_created'],
      ['comment', 'edited', 'page.comment_updated'],
      ['comment', 'hide', 'page.comment_updated'],
      ['comment', 'remove', 'page.comment_deleted'],
      ['status', 'add', 'page.post_created'],
      ['status', 'unhide', 'page.post_updated'],
      ['reaction', 'add', 'page.reaction_added'],
      ['reaction', 'edit', 'page.reaction_updated'],
      ['reaction', 'remove', 'page.reaction_removed'],
      ['comment', 'block', 'meta.page_feed_comment_block'],
      ['comment', 'unblock', 'meta.page_feed_comment_unblock'],
    ] as const
  ).map(([item, verb, type]) => ({
    name: `Page: ${item}, ${verb}`,
    docs: `${graphDocs}/page#feed`,
    body: changed('page', 'feed', {
      item,
      verb,
      post_id: '900100_1',
      comment_id: '1_2',
      created_time: own,
      from: { id: '55501', name: 'x' },
    }),
    type,
    says: `feed.${item}.${verb}`,
  })),
  ...(
    [
      ['add', 'page.mentioned'],
      ['remove', 'meta.page_mention_comment_remove'],
    ] as const
  ).map(([verb, type]) => ({
    name: `Page: a mention, ${verb}`,
    docs: `${graphDocs}/page#mention`,
    body: changed('page', 'mention', { item: 'comment', verb, post_id: '900100_1', created_time: own }),
    type,
  })),
  ...['add', 'edit', 'remove'].map((verb) => ({
    name: `Page: a rating, ${verb}`,
    docs: `${graphDocs}/page#ratings`,
    body: changed('page', 'ratings', { item: 'rating', verb, reviewer_id: '55501', rating: 5, created_time: own }),
    type: `meta.page_ratings_rating_${verb}`,
  })),
  {
    name: 'Page: a field of the profile',
    docs: `${graphDocs}/page`,
    body: changed('page', 'phone', '+5511955550101'),
    type: 'page.updated',
    isTimeless: true,
  },
  {
    name: 'Page: a lead',
    docs: `${graphDocs}/page#leadgen`,
    body: changed('page', 'leadgen', { leadgen_id: '1', form_id: '2', created_time: own }),
    type: 'lead.created',
  },
  {
    name: 'Page: a lead changed',
    docs: `${graphDocs}/page#leadgen_update`,
    body: changed('page', 'leadgen_update', { leadgen_id: '1', form_id: '2', created_time: own }),
    type: 'lead.updated',
    isTimeless: true,
  },
  {
    name: 'Instagram: a comment',
    docs: `${graphDocs}/instagram#comments`,
    body: changed('instagram', 'comments', { id: '17', text: 'x', from: { id: '55501', username: 'x' } }),
    type: 'page.comment_created',
    isTimeless: true,
    hasId: true,
  },
];

const cases = [...consent, ...whatsAppMessages, ...whatsAppStates, ...conversations, ...pages];
const named = cases.map((one) => [one.name, one] as const);
const only = (body: JsonObject) => {
  const [event, ...more] = events(body);
  expect(more).toEqual([]);
  if (event === undefined) throw new Error('The body became no event.');
  return event;
};

describe('what happened', () => {
  it.each(named)('%s', (_, { body, type, says, docs }) => {
    const event = only(body());
    expect(event.type, docs).toBe(type);
    expect(isCanonicalType(event.type) || event.type.startsWith('meta.')).toBe(true);
    if (says !== undefined) expect(event.source_event_type.endsWith(`.${says}`), event.source_event_type).toBe(true);
  });
  it('every case names a page of Meta’s documentation', () => {
    for (const { docs } of cases) expect(docs).toMatch(/^developers\.facebook\.com\//);
  });
  it('a system notice names its kind in the properties too', () => {
    const event = only(message({ type: 'system', system: { body: 'x', wa_id: bia, type: 'user_changed_number' } })());
    expect(JSON.stringify(event.properties)).not.toContain(bia);
    expect(event.source_event_type).toContain('user_changed_number');
  });
});

describe('when it happened', () => {
  it.each(named)('%s', (_, { body, isTimeless }) => {
    expect(Date.parse(only(body()).event_time)).toBe((isTimeless ? seconds : own) * 1000);
  });
  it.each([
    ['seconds', own],
    ['seconds as text', String(own)],
    ['milliseconds', own * 1000],
    ['ISO 8601', new Date(own * 1000).toISOString()],
  ])('the time of a preference is read in %s', (_, timestamp) => {
    const body = list('user_preferences', 'user_preferences', { wa_id: ana, category: 'marketing_messages', value: 'stop', timestamp });
    expect(Date.parse(only(body()).event_time)).toBe(own * 1000);
  });
  it('a time of WhatsApp that cannot be read yields to that of the notification', () => {
    const body = list('user_preferences', 'user_preferences', { wa_id: ana, value: 'stop', timestamp: 'soon' });
    expect(Date.parse(only(body()).event_time)).toBe(seconds * 1000);
  });
});

describe('the same event sent again', () => {
  const keyOf = (body: JsonObject) => only(body).idempotency_key;

  it.each(named.filter(([, one]) => !one.isTimeless || one.hasId))(
    '%s: is a duplicate under another time of the notification',
    (_, { body }) => {
      expect(keyOf(body(seconds + 30))).toBe(keyOf(body()));
    },
  );
  it.each(named.filter(([, one]) => one.isTimeless && !one.hasId))('%s: only the notification tells two apart', (_, { body }) => {
    expect(keyOf(body(seconds + 30))).not.toBe(keyOf(body()));
  });
  it('a part of a history is identified by what is in it', () => {
    const chunk = (text: string) =>
      list('history', 'history', {
        metadata: { phase: 0, chunk_order: 1, progress: 5 },
        threads: [{ id: ana, messages: [{ id: 'wamid.h', from: ana, timestamp: String(own), type: 'text', text: { body: text } }] }],
      });
    expect(keyOf(chunk('a')(seconds + 30))).toBe(keyOf(chunk('a')()));
    expect(keyOf(chunk('b')())).not.toBe(keyOf(chunk('a')()));
  });
  it('alone or in a batch with others has the same key', () => {
    const preference = (phone: string, value: string) => ({ wa_id: phone, category: 'marketing_messages', value, timestamp: String(own) });
    const contacts = [contact(ana), contact(bia)];
    const both = events(whatsApp('user_preferences', { contacts, user_preferences: [preference(ana, 'stop'), preference(bia, 'stop')] }));
    const alone = only(whatsApp('user_preferences', { contacts: [contact(bia)], user_preferences: [preference(bia, 'stop')] }));
    expect(both[1]?.idempotency_key).toBe(alone.idempotency_key);
    expect(both[1]?.subject).toEqual(alone.subject);
  });
});

describe('two different events', () => {
  const differ = (...bodies: JsonObject[]) => {
    const keys = bodies.flatMap((body) => events(body).map((event) => event.idempotency_key));
    expect(new Set(keys).size).toBe(keys.length);
    return keys.length;
  };
  const preference = (phone: string, value: string, timestamp = own) => ({
    wa_id: phone,
    category: 'marketing_messages',
    value,
    timestamp,
  });

  it('are not one: choices of two people, of one person at two times, and the opposite choice', () => {
    const all = [preference(ana, 'stop'), preference(bia, 'stop'), preference(ana, 'resume'), preference(ana, 'stop', own + 60)];
    expect(differ(whatsApp('user_preferences', { contacts: [contact(ana), contact(bia)], user_preferences: all }))).toBe(4);
  });
  it('are not one: a call that connects, rings, is accepted and ends', () => {
    const call = (event: string) => list('calls', 'calls', { id: 'wacid.1', from: ana, event, timestamp: String(own) })();
    const state = (name: string) => status({ id: 'wacid.1', type: 'call', status: name }, 'calls')();
    differ(call('connect'), state('RINGING'), state('ACCEPTED'), call('terminate'));
  });
  it('are not one: a message, its edits, its withdrawal and reactions to it, whichever id Meta gives them', () => {
    for (const id of ['wamid.A', 'wamid.B']) {
      const change = (type: string, timestamp: number, inner: JsonObject) =>
        message({ id, timestamp: String(timestamp), type, [type]: inner })();
      const edit = { original_message_id: 'wamid.A' };
      differ(
        message({ id: 'wamid.0', type: 'text' })(),
        change('edit', own + 1, edit),
        ...(id === 'wamid.A' ? [change('edit', own + 2, edit), change('revoke', own + 3, edit), message({ id, type: 'text' })()] : []),
      );
    }
  });
  it('are not one: the members whom one change of a group is about, each of whom is the subject', () => {
    const members = [ana, bia].map((wa_id) => ({ wa_id }));
    const group = { timestamp: String(own), group_id: 'G1', type: 'group_participants_add', added_participants: members };
    const body = whatsApp('group_participants_update', { groups: [group] });
    expect(differ(body)).toBe(2);
    const phones = events(body).map((event) => event.subject.phone);
    expect(new Set(phones).size).toBe(2);
    expect(phones).not.toContain(undefined);
  });
  it('are not one: a payment and the failure to deliver its message, and two attempts', () => {
    const payment = (id: string, state: string) =>
      status({ status: state, type: 'payment', payment: { reference_id: 'o1', transaction: { id } } })();
    differ(status({ status: 'failed' })(), payment('t1', 'failed'), payment('t2', 'failed'), payment('t2', 'captured'));
  });
  it('are not one: two edits of a post at the time of the post', () => {
    const edit = (text: string) =>
      changed('page', 'feed', { item: 'comment', verb: 'edited', comment_id: '1_2', post_id: '1', created_time: own, message: text })();
    differ(edit('a'), edit('b'));
    expect(only(edit('a')).idempotency_key).toBe(only(edit('a')).idempotency_key);
  });
  it('are not one: two edits of a Messenger message, and a reaction given and taken back', () => {
    const edit = (num_edit: number) => messenger({ message_edit: { mid: 'm_1', text: 'x', num_edit }, timestamp: own * 1000 + num_edit })();
    const react = (action: string) => messenger({ reaction: { mid: 'm_1', action } })();
    differ(edit(1), edit(2), react('react'), react('unreact'));
  });
});

describe('money in a chat', () => {
  it('is the amount of the payment in minor units, and the order is the reference of the business', () => {
    const payment = {
      reference_id: 'order-1',
      amount: { value: 21000, offset: 100 },
      currency: 'INR',
      transaction: { id: 't1', status: 'success' },
    };
    const event = only(status({ status: 'captured', type: 'payment', payment })());
    expect(event).toMatchObject({ type: 'payment.succeeded', amount_minor: '21000', currency: 'INR', order_ref: 'order-1' });
    const inThousands = { ...payment, amount: { value: 210000, offset: 1000 }, currency: 'BRL' };
    expect(only(status({ status: 'captured', type: 'payment', payment: inThousands })()).amount_minor).toBe('21000');
  });
  it('is absent without an amount', () => {
    expect(only(status({ status: 'pending', type: 'payment', payment: { reference_id: 'order-1' } })())).toMatchObject({
      type: 'payment.pending',
      amount_minor: null,
      currency: null,
    });
  });
});

it('a thousand updates of one delivery become a thousand records, each with its own contact only', () => {
  const people = Array.from({ length: 1000 }, (_, index) => `55119${String(50_000_000 + index)}`);
  const statuses = people.map((phone, index) => ({ id: `wamid.${index}`, status: 'read', timestamp: String(own), recipient_id: phone }));
  const records = [...meta.split({ kind: 'json', value: whatsApp('messages', { contacts: people.map(contact), statuses }) }, {})];
  expect(records).toHaveLength(1000);
  expect(Math.max(...records.map((record) => JSON.stringify(record.value).length))).toBeLessThan(600);
});
