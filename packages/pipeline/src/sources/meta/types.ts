import type { CanonicalType } from '@tributary/shared/canonical.ts';

const postItems = new Set(['album', 'link', 'note', 'photo', 'post', 'share', 'status', 'video']);

type Change = 'added' | 'changed' | 'removed';

const changeByVerb = new Map<string, Change>([
  ['add', 'added'],
  ['edit', 'changed'],
  ['edited', 'changed'],
  ['update', 'changed'],
  ['hide', 'changed'],
  ['unhide', 'changed'],
  ['remove', 'removed'],
  ['delete', 'removed'],
]);

const feedTypes: Record<'post' | 'comment' | 'reaction', Record<Change, CanonicalType>> = {
  post: { added: 'page.post_created', changed: 'page.post_updated', removed: 'page.post_deleted' },
  comment: { added: 'page.comment_created', changed: 'page.comment_updated', removed: 'page.comment_deleted' },
  reaction: { added: 'page.reaction_added', changed: 'page.reaction_updated', removed: 'page.reaction_removed' },
};

/** Canonical type of a change in a page's feed; undefined for an item or verb outside the vocabulary. */
export function feedType(item: string, verb: string | undefined): CanonicalType | undefined {
  const change = changeByVerb.get(verb ?? '');
  if (change === undefined) return undefined;
  if (postItems.has(item)) return feedTypes.post[change];
  if (item === 'comment') return feedTypes.comment[change];
  return item === 'reaction' || item === 'like' ? feedTypes.reaction[change] : undefined;
}

/** What a WhatsApp message is, by its kind. A message of another kind is content that was received or sent. */
export const messageKinds = new Map<string, CanonicalType>([
  ['reaction', 'message.reaction'],
  ['reaction.removed', 'message.reaction_removed'],
  ['edit', 'message.edited'],
  ['unsupported.edit', 'message.edited'],
  ['revoke', 'message.deleted'],
  ['unsupported.revoke', 'message.deleted'],
  ['button', 'message.postback'],
  ['interactive.button_reply', 'message.postback'],
  ['interactive.list_reply', 'message.postback'],
  ['interactive.nfm_reply', 'message.postback'],
  // A person opened the chat for the first time and has not written yet.
  ['request_welcome', 'conversation.started'],
  ['system.user_changed_number', 'customer.updated'],
  ['system.customer_changed_number', 'customer.updated'],
  ['system.user_changed_user_id', 'customer.updated'],
]);

/** Kinds of WhatsApp messages that are notices of the platform or settings. Outside the vocabulary they are never messages. */
export const noticeKinds = /^(system|pin|unpin|interactive\.call_permission_reply)(\.|$)/;

export const statusTypes = new Map<string, CanonicalType>([
  ['sent', 'message.sent'],
  ['delivered', 'message.delivered'],
  ['read', 'message.read'],
  ['failed', 'message.failed'],
  ['deleted', 'message.deleted'],
]);

export const paymentTypes = new Map<string, CanonicalType>([
  ['pending', 'payment.pending'],
  ['captured', 'payment.succeeded'],
  ['failed', 'payment.failed'],
  ['canceled', 'payment.canceled'],
  ['cancelled', 'payment.canceled'],
]);

/**
 * Canonical types of the items of WhatsApp's other lists, by `<list>.<state>`. A call rings and is accepted between its connection and its
 * end: only the connection is its start, so that a call is counted once.
 */
export const itemTypes = new Map<string, CanonicalType>([
  ['calls.connect', 'call.started'],
  ['calls.terminate', 'call.ended'],
  ['user_preferences.stop', 'message.opted_out'],
  ['user_preferences.resume', 'message.opted_in'],
  ['user_preferences.start', 'message.opted_in'],
  ['user_id_update', 'customer.updated'],
]);

/** Fields of a page's profile. The page changed; its people are not concerned. */
const profileFields = [
  ...['about', 'attire', 'awards', 'bio', 'category', 'company_overview', 'culinary_team', 'current_location', 'description', 'email'],
  ...['features', 'founded', 'general_info', 'general_manager', 'hours', 'location', 'mission', 'name', 'parking', 'payment_options'],
  ...['phone', 'picture', 'price_range', 'products', 'public_transit', 'website'],
];

/** Fields whose canonical type depends on nothing else, by `<object>.<field>`. A verb other than "add" leads out of the vocabulary. */
export const fieldTypes = new Map<string, CanonicalType>([
  ['page.mention', 'page.mentioned'],
  ['page.messaging_in_thread_lead_form_submit', 'lead.created'],
  ['instagram.mentions', 'page.mentioned'],
  ['instagram.comments', 'page.comment_created'],
  ['instagram.live_comments', 'page.comment_created'],
  ...profileFields.map((field): [string, CanonicalType] => [`page.${field}`, 'page.updated']),
  ...[
    'message_template_status_update',
    'message_template_quality_update',
    'message_template_components_update',
    'template_category_update',
  ].map((field): [string, CanonicalType] => [`whatsapp_business_account.${field}`, 'message_template.updated']),
  ...[
    'account_update',
    'account_alerts',
    'account_review_update',
    'business_capability_update',
    'phone_number_name_update',
    'phone_number_quality_update',
  ].map((field): [string, CanonicalType] => [`whatsapp_business_account.${field}`, 'message_account.updated']),
]);

/** WhatsApp fields that are about the account only and never name a person who writes to it. */
export const accountFields: ReadonlySet<string> = new Set([
  ...[...fieldTypes.keys()]
    .filter((name) => name.startsWith('whatsapp_business_account.'))
    .map((name) => name.slice(name.indexOf('.') + 1)),
  'account_settings_update',
  'business_status_update',
  'flows',
  'partner_solutions',
  'payment_configuration_update',
  'template_correct_category_detection',
]);

/** Key of a conversation item's content, the webhook field that subscribes to it, and its canonical type if the vocabulary has one. */
export const conversationKinds: readonly [key: string, field: string, type?: CanonicalType][] = [
  ['message', 'messages', 'message.received'],
  ['message_edit', 'message_edits', 'message.edited'],
  ['reaction', 'message_reactions', 'message.reaction'],
  ['delivery', 'message_deliveries', 'message.delivered'],
  ['read', 'message_reads', 'message.read'],
  ['postback', 'messaging_postbacks', 'message.postback'],
  ['optin', 'messaging_optins', 'message.opted_in'],
  ['optout', 'messaging_optouts', 'message.opted_out'],
  ['marketing_message_delivery_failed', 'marketing_message_delivery_failed', 'message.failed'],
  ['referral', 'messaging_referrals'],
  ['account_linking', 'messaging_account_linking'],
  ['policy_enforcement', 'messaging_policy_enforcement'],
  ['messaging_feedback', 'messaging_feedback', 'form.submitted'],
  ['messaging_customer_information', 'messaging_customer_information', 'form.submitted'],
  ['game_play', 'messaging_game_plays'],
  ['pass_thread_control', 'messaging_handovers', 'conversation.started'],
  ['take_thread_control', 'messaging_handovers', 'conversation.started'],
  ['request_thread_control', 'messaging_handovers'],
  ['app_roles', 'messaging_handovers'],
];

/**
 * The states of a conversation item whose kind alone says nothing: their path in the item, and the canonical types of the states. Without a
 * state the kind's own type counts; a state outside the list leads out of the vocabulary.
 */
export const conversationStates = new Map<string, { path: string; types: ReadonlyMap<string, CanonicalType> }>([
  [
    'reaction',
    {
      path: 'reaction.action',
      types: new Map([
        ['react', 'message.reaction'],
        ['unreact', 'message.reaction_removed'],
      ]),
    },
  ],
  [
    'optin',
    {
      path: 'optin.notification_messages_status',
      types: new Map([
        ['STOP_NOTIFICATIONS', 'message.opted_out'],
        ['RESUME_NOTIFICATIONS', 'message.opted_in'],
      ]),
    },
  ],
  ['account_linking', { path: 'account_linking.status', types: new Map() }],
  ['policy_enforcement', { path: 'policy_enforcement.action', types: new Map() }],
]);

/** A state, kind or field that the platform names by one word; undefined for any other text, which could be a person's. */
export function stateWord(text: string | undefined): string | undefined {
  return text !== undefined && /^[A-Za-z][A-Za-z0-9_]{0,59}$/.test(text) ? text : undefined;
}

const words = (names: readonly (string | undefined)[]) => names.flatMap((name) => stateWord(name) ?? []);

/** The type `meta.<names>` of an event outside the vocabulary, by the words among the names. */
export function unmappedType(...names: (string | undefined)[]): string {
  const slug = words(names).join('_').toLowerCase().slice(0, 100).replaceAll(/__+/g, '_').replaceAll(/^_|_$/g, '');
  return `meta.${slug || 'unknown'}`;
}

/** The platform's name of an event: the words among the names. A name that is not a word is left out. */
export function eventName(...names: (string | undefined)[]): string {
  return words(names).join('.') || 'unknown';
}
