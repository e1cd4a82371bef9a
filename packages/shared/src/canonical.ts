import { z } from 'zod';

/** Version of the row shape below; it rises when the meaning of a column changes. */
export const schemaVersion = 1;

/**
 * The canonical vocabulary: names of events that mean the same on every platform, in the form `<entity>.<past participle>`.
 * An event of a platform without a counterpart here is stored as `<source>.<event>`.
 */
export const canonicalTypes = {
  'order.created': 'An order was placed; its payment is not known yet.',
  'order.pending': 'Payment was requested and is awaited: boleto printed, Pix code made, invoice sent.',
  'order.authorized': 'The payment was authorised but not captured.',
  'order.paid': 'The payment was approved. The one event to count as a sale.',
  'order.completed': 'The guarantee or return period ended. Not a second sale.',
  'order.updated': 'A property of the order changed for which there is no other type.',
  'order.canceled': 'The order was cancelled before it was paid, or by the merchant.',
  'order.expired': 'The time to pay ran out.',
  'order.delayed': 'Payment is overdue.',
  'order.refund_requested': 'The buyer requested a refund.',
  'order.refunded': 'The whole amount was returned to the buyer.',
  'order.partially_refunded': 'A part of the amount was returned; amount_minor is that part.',
  'order.dispute': 'The buyer opened a dispute or protest; the money is held.',
  'order.dispute_closed': 'A dispute was decided; the properties say in whose favour.',
  'order.chargeback': 'The card issuer took the money back.',
  'order.processing': 'The merchant started preparing the order.',
  'order.fulfilled': 'Everything in the order was delivered or made available.',
  'order.partially_fulfilled': 'A part of the order was delivered.',
  'order.shipped': 'The parcel was shipped.',
  'order.delivered': 'The parcel was delivered.',
  'order.returned': 'Goods were returned.',

  'cart.created': 'A cart was opened.',
  'cart.updated': 'The content of a cart changed.',
  'cart.abandoned': 'A cart or checkout was left with contact details in it.',

  'checkout.created': 'A checkout was opened.',
  'checkout.updated': 'A checkout changed.',
  'checkout.completed': 'A checkout was finished; the payment may still be pending.',
  'checkout.expired': 'A checkout session ran out.',

  'subscription.created': 'A subscription was set up.',
  'subscription.activated': 'A subscription became active: first payment made, or trial accepted.',
  'subscription.updated': 'A property of the subscription changed for which there is no other type.',
  'subscription.renewed': 'A further period was paid.',
  'subscription.plan_changed': 'The subscriber switched to another plan.',
  'subscription.charge_date_changed': 'The date of the next charge changed.',
  'subscription.trial_started': 'A trial began.',
  'subscription.trial_ending': 'A trial is about to end.',
  'subscription.past_due': 'A charge failed or is late; the subscription is not cancelled.',
  'subscription.paused': 'The subscription was paused and is not charged.',
  'subscription.resumed': 'A paused subscription was resumed.',
  'subscription.canceled': 'The subscription was cancelled, by either side.',
  'subscription.expired': 'The subscription reached its end.',

  'payment.created': 'A payment was set up.',
  'payment.pending': 'A payment is being processed.',
  'payment.authorized': 'A payment was authorised but not captured.',
  'payment.succeeded': 'A payment was made.',
  'payment.failed': 'A payment attempt was refused.',
  'payment.canceled': 'A payment was cancelled before it was made.',
  'payment.refunded': 'A payment was returned in full.',
  'payment.partially_refunded': 'A part of a payment was returned.',
  'payment.disputed': 'A payment is contested or was charged back.',
  'payment.dispute_closed': 'The dispute about a payment was decided.',
  'payment_method.attached': 'A means of payment was stored for a customer.',
  'payment_method.updated': 'A stored means of payment changed.',
  'payment_method.detached': 'A stored means of payment was removed.',

  'refund.created': 'A refund was started.',
  'refund.updated': 'A refund changed state.',
  'refund.failed': 'A refund did not go through.',

  'payout.created': 'A transfer to the merchant was scheduled.',
  'payout.paid': 'A transfer to the merchant arrived.',
  'payout.failed': 'A transfer to the merchant failed.',
  'payout.canceled': 'A transfer to the merchant was cancelled.',
  'commission.processed': 'A commission was computed or released.',

  'invoice.created': 'An invoice was created.',
  'invoice.finalized': 'An invoice became final and payable.',
  'invoice.sent': 'An invoice was sent.',
  'invoice.upcoming': 'An invoice will be created soon.',
  'invoice.updated': 'An invoice changed.',
  'invoice.paid': 'An invoice was paid.',
  'invoice.payment_failed': 'An attempt to collect an invoice failed.',
  'invoice.overdue': 'An invoice passed its due date.',
  'invoice.voided': 'An invoice was voided or written off.',

  'product.created': 'A product was added.',
  'product.updated': 'A product changed.',
  'product.deleted': 'A product was removed.',
  'inventory.updated': 'A stock level changed.',

  'customer.created': 'A customer record was created.',
  'customer.updated': 'A customer record changed.',
  'customer.merged': 'Two customer records were merged.',
  'customer.deleted': 'A customer record was removed.',

  'lead.created': 'Somebody left contact details: form, ad, chat.',
  'lead.updated': 'A lead or contact changed.',
  'lead.qualified': 'A lead was qualified.',
  'lead.converted': 'A lead became a customer or finished a conversion.',
  'lead.lost': 'A lead was given up.',
  'lead.deleted': 'A lead or contact was removed.',
  'deal.created': 'A sales opportunity was opened.',
  'deal.updated': 'A sales opportunity changed, its stage included.',
  'deal.won': 'A sales opportunity was won.',
  'deal.lost': 'A sales opportunity was lost.',

  'message.received': 'A message was received.',
  'message.sent': 'A message was sent.',
  'message.delivered': 'A message was delivered to the device.',
  'message.read': 'A message was read.',
  'message.failed': 'A message could not be delivered.',
  'message.edited': 'A message was changed.',
  'message.deleted': 'A message was withdrawn.',
  'message.reaction': 'Somebody reacted to a message.',
  'message.reaction_removed': 'A reaction to a message was withdrawn.',
  'message.postback': 'Somebody pressed a button or menu entry in a chat.',
  'message.opted_in': 'Somebody opted in to messages.',
  'message.opted_out': 'Somebody opted out of messages.',
  'message_template.updated': 'A message template changed status, category or quality.',
  'message_account.updated': 'A messaging account or number changed: restriction, quality, limits.',
  'conversation.started': 'A conversation began, or was handed over to a new handler.',
  'conversation.closed': 'A conversation ended.',
  'call.started': 'A voice call began.',
  'call.ended': 'A voice call ended.',

  'email.sent': 'An e-mail was accepted for sending.',
  'email.delivered': 'The receiving server accepted the e-mail.',
  'email.delayed': 'Delivery of an e-mail is being retried.',
  'email.bounced': 'The receiving server refused an e-mail permanently.',
  'email.dropped': 'An e-mail was not sent: suppressed or invalid.',
  'email.failed': 'An e-mail could not be sent.',
  'email.opened': 'An e-mail was opened.',
  'email.clicked': 'A link in an e-mail was clicked.',
  'email.complained': 'The recipient reported spam.',
  'email.unsubscribed': 'The recipient unsubscribed.',
  'email.resubscribed': 'The recipient subscribed again.',
  'email.received': 'An e-mail was received.',

  'page.post_created': 'A post was published on a page.',
  'page.post_updated': 'A post on a page was changed, hidden or unpublished.',
  'page.post_deleted': 'A post on a page was removed.',
  'page.comment_created': 'A comment was published.',
  'page.comment_updated': 'A comment was changed or hidden.',
  'page.comment_deleted': 'A comment was removed.',
  'page.reaction_added': 'Somebody reacted to a post or comment.',
  'page.reaction_updated': 'A reaction to a post or comment was changed.',
  'page.reaction_removed': 'A reaction to a post or comment was withdrawn.',
  'page.mentioned': 'The page was mentioned.',
  'page.updated': 'A field of the page itself changed.',
  'page.viewed': 'A web page was viewed.',

  'course.first_access': 'A student opened a course for the first time.',
  'course.enrolled': 'A student was given access.',
  'course.unenrolled': 'A student lost access.',
  'course.lesson_completed': 'A student finished a lesson.',
  'course.module_completed': 'A student finished a module.',
  'course.completed': 'A student finished the course.',
  'course.certificate_issued': 'A certificate was issued.',

  'form.submitted': 'A form or survey was answered.',
  'booking.created': 'An appointment was booked.',
  'booking.rescheduled': 'An appointment was rescheduled.',
  'booking.canceled': 'An appointment was cancelled.',
  'booking.no_show': 'Somebody did not come to an appointment.',
  'ticket.created': 'A support ticket was opened.',
  'ticket.updated': 'A support ticket changed.',
  'ticket.closed': 'A support ticket was closed.',

  'repository.pushed': 'Commits were pushed.',
  'repository.pull_request': 'A pull request was opened, changed or closed.',
  'repository.issue': 'An issue was opened, changed or closed.',
  'repository.release': 'A release was published or changed.',
  'repository.starred': 'A repository was starred or unstarred.',
  'deployment.updated': 'A build or deployment changed state.',

  'app.installed': 'The app or integration was connected.',
  'app.uninstalled': 'The app or integration was disconnected.',
  'privacy.data_requested': 'The platform passes on a request for a copy of personal data.',
  'privacy.erasure_requested': 'The platform passes on a request to erase personal data.',
  'test.ping': 'The platform sent a test of the connection; it reports nothing that happened.',
} as const satisfies Record<`${string}.${string}`, string>;

export type CanonicalType = keyof typeof canonicalTypes;

export function isCanonicalType(type: string): type is CanonicalType {
  return Object.hasOwn(canonicalTypes, type);
}

/** The form of a type outside the vocabulary: `<source>.<event>`, at most 140 characters. */
export const sourceTypePattern = /^[a-z][a-z0-9_-]{0,39}\.[a-z0-9_]{1,100}$/;

const uuid = () => z.guid();
const identifier = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('hex HMAC-SHA256 under the org’s hash key');

/** Hashed identifiers of the person an event is about: `{}` when it is about no person. */
export const HashedSubject = z.strictObject({
  hash_version: z.int().min(1).optional().describe('version of the hash key the identifiers were made with'),
  email: identifier.optional(),
  phone: identifier.optional(),
  document: identifier.optional(),
  external_id: identifier.optional(),
});
export type HashedSubject = z.infer<typeof HashedSubject>;

/** A row of `canonical_events` as JSON: times in ISO 8601, int64 as decimal text. */
export const CanonicalEvent = z
  .strictObject({
    id: uuid().describe('UUID version 7'),
    org_id: uuid().describe('the tenant'),
    project_id: uuid().describe('the project inside the org'),
    source_connection_id: uuid().describe('the connection that received it'),
    type: z
      .string()
      .refine((type) => isCanonicalType(type) || sourceTypePattern.test(type), 'must be a type of the vocabulary or <source>.<event>')
      .describe('a type of the vocabulary, or `<source>.<event>`'),
    source_type: z.string().min(1).max(40).describe('the platform: `hotmart`, `stripe`, …'),
    source_event_type: z.string().min(1).max(255).describe('the platform’s own name of the event'),
    source_event_id: z.string().min(1).max(255).nullable().describe('the platform’s own id of the event'),
    event_time: z.iso.datetime().describe('when it happened, by the platform’s clock; the time of arrival when the platform sends no time'),
    received_at: z.iso
      .datetime()
      .describe('received: when the delivery arrived from which the event was read, however often it was replayed'),
    ingested_at: z.iso.datetime().describe('stored: when the event was first committed; a reprocessing does not change it'),
    rewritten_at: z.iso
      .datetime()
      .nullable()
      .default(null)
      .describe('rewritten: when a reprocessing last rewrote the event; null when none has'),
    revision: z.int().min(1).default(1).describe('1 when the event is first stored; each reprocessing that rewrites the event adds one'),
    idempotency_key: z.string().min(1).max(255).describe('unique per connection, permanently'),
    subject: HashedSubject.describe('hashed identifiers of the person concerned'),
    amount_minor: z
      .string()
      .regex(/^-?\d{1,19}$/)
      .nullable()
      .describe('amount in integer minor units of the currency, as decimal text (int64)'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .nullable()
      .describe('ISO 4217 code'),
    order_ref: z.string().min(1).max(255).nullable().describe('the platform’s order or transaction reference'),
    attribution: z.record(z.string().max(100), z.string().max(500)).describe('campaign parameters, at most 30'),
    properties: z.record(z.string(), z.json()).describe('the rest of the record without personal data and credentials'),
    is_test: z.boolean().describe('sent by a test button, a sandbox or our own test sender'),
    journal_id: uuid().describe('the delivery that the record arrived in'),
    schema_version: z.literal(schemaVersion).describe('version of this shape'),
  })
  .describe('One record of a delivery: verified, normalised, hashed.');
export type CanonicalEvent = z.infer<typeof CanonicalEvent>;
