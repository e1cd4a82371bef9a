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

export const statusTypes = new Map<string, CanonicalType>([
  ['sent', 'message.sent'],
  ['delivered', 'message.delivered'],
  ['read', 'message.read'],
  ['failed', 'message.failed'],
  ['deleted', 'message.deleted'],
]);

/** Fields whose canonical type depends on nothing else, by `<object>.<field>`. */
export const fieldTypes = new Map<string, CanonicalType>([
  ['page.mention', 'page.mentioned'],
  ['instagram.mentions', 'page.mentioned'],
  ['instagram.comments', 'page.comment_created'],
  ['instagram.live_comments', 'page.comment_created'],
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

/** Key of a conversation item's content, the webhook field that subscribes to it, and its canonical type if the vocabulary has one. */
export const conversationKinds: readonly [key: string, field: string, type?: CanonicalType][] = [
  ['message', 'messages', 'message.received'],
  ['message_edit', 'message_edits', 'message.edited'],
  ['reaction', 'message_reactions', 'message.reaction'],
  ['delivery', 'message_deliveries', 'message.delivered'],
  ['read', 'message_reads', 'message.read'],
  ['postback', 'messaging_postbacks', 'message.postback'],
  ['optin', 'messaging_optins', 'message.opted_in'],
  ['referral', 'messaging_referrals'],
  ['account_linking', 'messaging_account_linking'],
  ['policy_enforcement', 'messaging_policy_enforcement'],
  ['messaging_feedback', 'messaging_feedback'],
  ['game_play', 'messaging_game_plays'],
  ['pass_thread_control', 'messaging_handovers', 'conversation.started'],
  ['take_thread_control', 'messaging_handovers', 'conversation.started'],
  ['request_thread_control', 'messaging_handovers'],
  ['app_roles', 'messaging_handovers'],
];

/** The type `meta.<name>` of an event outside the vocabulary. */
export function unmappedType(name: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 100)
    .replaceAll(/^_|_$/g, '');
  return `meta.${slug || 'unknown'}`;
}
