import type { PersonalData } from '../../source.ts';

// Conversations arrive under any of these.
const conversations = ['messaging', 'standby', 'value'];

/** Paths within a record of split.ts. What people write is removed whole, for nobody can tell what stands in it. Leads carry ids only. */
export const personal: PersonalData = {
  remove: [
    'uid',
    ...conversations.flatMap((root) => [
      `${root}.sender`,
      `${root}.recipient`,
      `${root}.message.text`,
      `${root}.message.attachments.*.payload`,
      `${root}.message.attachments.*.title`,
      `${root}.message.attachments.*.url`,
      // The quick replies "user_phone_number" and "user_email" put just that in the payload.
      `${root}.message.quick_reply`,
      `${root}.message.reply_to.story`,
      `${root}.message_edit.text`,
      `${root}.optin`,
      `${root}.account_linking`,
      `${root}.messaging_feedback`,
      `${root}.prior_message`,
    ]),
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
    // WhatsApp. The phone number's id stays and says which number it was.
    'value.metadata.display_phone_number',
    'value.display_phone_number',
    'value.contacts',
    'value.user_preferences',
    ...['messages', 'message_echoes'].flatMap((list) => [
      `value.${list}.*.from`,
      `value.${list}.*.from_user_id`,
      `value.${list}.*.from_parent_user_id`,
      `value.${list}.*.to`,
      `value.${list}.*.to_user_id`,
      `value.${list}.*.text`,
      `value.${list}.*.*.caption`,
      `value.${list}.*.*.url`,
      `value.${list}.*.*.filename`,
      `value.${list}.*.contacts`,
      `value.${list}.*.location`,
      `value.${list}.*.system`,
      `value.${list}.*.identity`,
      `value.${list}.*.button.text`,
      `value.${list}.*.interactive.nfm_reply.response_json`,
      `value.${list}.*.interactive.nfm_reply.body`,
      `value.${list}.*.context.from`,
      `value.${list}.*.context.from_user_id`,
      `value.${list}.*.order.text`,
    ]),
    'value.statuses.*.recipient_id',
    'value.statuses.*.recipient_user_id',
    'value.statuses.*.parent_recipient_user_id',
    'value.statuses.*.recipient_participant_id',
  ],
  keep: [
    'value.message_template_name',
    'value.message_template_language',
    'value.requested_verified_name',
    'value.metadata.phone_number_id',
    'value.messages.*.interactive.nfm_reply.name',
    'value.messages.*.referral.source_id',
  ],
};
