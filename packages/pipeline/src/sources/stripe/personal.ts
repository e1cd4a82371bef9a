import type { PersonalData } from '../../source.ts';

/*
 * Paths name leaves instead of branches where a branch also holds constants of Stripe (`type: "card"`, `tax_exempt: "none"`): the whole record is
 * searched for removed values, so that every other "card" would be removed too.
 */

const cardLeaves = [
  'last4',
  'dynamic_last4',
  'fingerprint',
  'iban',
  'iban_last4',
  'account_number',
  'routing_number',
  'account_holder_name',
];
const accountLeaves = [
  ...cardLeaves,
  'name',
  'owner',
  'address_city',
  'address_line1',
  'address_line2',
  'address_state',
  'address_zip',
  'customer',
  'metadata',
];
const payerLeaves = [
  'tax_id',
  'verified_name',
  'verified_email',
  'payer_email',
  'payer_name',
  'payer_id',
  'buyer_id',
  'email',
  'name',
  'phone',
  'cashtag',
];

const under = (base: string, leaves: readonly string[]) => leaves.map((leaf) => `${base}.${leaf}`);

/** Paths in a charge, which payment intents of older API versions contain too. */
const charge = [
  'billing_details',
  'customer',
  'description',
  'metadata',
  'receipt_email',
  'receipt_url',
  'shipping',
  ...under('source', accountLeaves),
  ...under('payment_method_details.*', [...cardLeaves, ...payerLeaves]),
  'payment_method_details.*.wallet.dynamic_last4',
  'payment_method_details.*.generated_from.payment_method_details.*.last4',
];

/** Paths in a payment method, which the error of a failed attempt contains too. */
const paymentMethod = [
  'billing_details',
  'customer',
  'metadata',
  ...under('*', [...cardLeaves, ...payerLeaves]),
  'card.wallet.dynamic_last4',
];

/** Paths within `data.object` of every kind: a name that means a person in one kind means a person in all kinds. */
const fields = [
  ...charge,
  ...under('charges.data.*', charge),
  ...paymentMethod,
  ...under('last_payment_error.payment_method', paymentMethod),
  ...under('last_payment_error.source', accountLeaves),
  ...under('last_setup_error.payment_method', paymentMethod),
  ...under('last_setup_error.source', accountLeaves),
  // The payer's boleto, Pix code or redirect, whose links and numbers belong to one person.
  'next_action.*.*',
  // Customers, accounts and persons of Connect, separate cards and bank accounts.
  ...accountLeaves,
  ...under('sources.data.*', accountLeaves),
  ...under('external_accounts.data.*', accountLeaves),
  'email',
  'phone',
  'address',
  'individual',
  'individual_name',
  'business_name',
  'company',
  'business_profile',
  'tos_acceptance',
  'tax.ip_address',
  'tax.location',
  'tax_ids',
  'invoice_settings.custom_fields.*.value',
  'first_name',
  'last_name',
  'dob',
  'id_number',
  // Checkout sessions. A client_reference_id may be the customer's id, and a client_secret gives access to the payment.
  ...under('customer_details', ['email', 'name', 'phone', 'address', 'tax_ids', 'individual_name', 'business_name']),
  'collected_information',
  'shipping_details',
  'custom_fields.*.value',
  'custom_fields.*.*.value',
  'client_reference_id',
  'client_secret',
  'url',
  // Invoices and subscriptions.
  'customer_address',
  'customer_email',
  'customer_name',
  'customer_phone',
  'customer_shipping',
  'customer_tax_ids',
  'hosted_invoice_url',
  'invoice_pdf',
  'lines.data.*.metadata',
  'items.data.*.metadata',
  'subscription_details.metadata',
  'parent.subscription_details.metadata',
  // Refunds, disputes, verifications.
  'destination_details.*.reference',
  'evidence',
  'verified_outputs',
  'provided_details',
  'ip_address',
];

/** Personal data of every kind of object. `previous_attributes` repeats the fields that changed, with their former values. */
export const personal: PersonalData = {
  remove: [...new Set(fields)].flatMap((field) => [`data.object.${field}`, `data.previous_attributes.${field}`]),
  keep: [
    'data.object.account_name',
    'data.object.plan.nickname',
    'data.object.discount.coupon.name',
    'data.object.discounts.*.coupon.name',
    'data.object.items.data.*.plan.nickname',
    'data.object.items.data.*.price.nickname',
    'data.object.lines.data.*.plan.nickname',
    'data.object.lines.data.*.price.nickname',
    'data.object.payment_settings.payment_method_types',
  ],
};
