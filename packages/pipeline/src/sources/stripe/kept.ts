import { personalKind } from '../../privacy/personal-field-names.ts';
import { text } from '../../reading/fields.ts';
import type { Json, JsonObject, KeptAs, KeptFields, NamedAs } from '../../source.ts';

/*
 * Stripe names its fields alike in all kinds of objects, in every place where one object contains another, and in `previous_attributes`. So what is
 * kept is decided by the name of a field, after docs.stripe.com/api, and the value has to have Stripe's form for it. Amounts, times, currencies and
 * flags are kept by their form. Metadata is free text of the merchant: what names a campaign was moved to `campaign` (campaign.ts), and of the
 * rest only plain numbers are kept.
 */

const list = (names: string) => names.trim().split(/\s+/);

/** Enumerations: states, kinds, methods, reasons. */
const words = new Set([
  ...list(`object type api_version status state mode kind code reason result action level behavior outcome capability usage`),
  // Payments and refunds.
  ...list(`billing_scheme cancellation_reason capture_method confirmation_method decline_code failure_code failure_reason funding funding_type
    network network_status network_decline_code network_advice_code advice_code risk_level payment_method_type payment_method_types
    setup_future_usage payment_status reference_status reference_type reporting_category pending_reason source_type balance_type method
    setup_credential_usage stored_credential_usage automatic_payment_methods allow_redirects request_three_d_secure electronic_commerce_indicator
    authentication_flow exemption_indicator result_reason three_d_secure_result card_presence read_method tokenization_method account_type
    account_holder_type brand brand_product display_brand card_brand preferred available supported_networks bank fraud_type stripe_report user_report
    payment_method_collection`),
  ...list(`cvc_check address_line1_check address_postal_code_check address_zip_check`),
  // Disputes and reviews.
  ...list(
    `case_type network_reason_code dispute_type opened_reason closed_reason submission_method eligibility enhanced_eligibility_types loss_reason`,
  ),
  // Checkout, consent and mandates.
  ...list(`promotions terms_of_service payment_method_reuse_agreement billing_address_collection customer_creation submit_type ui_mode locale
    redirect_on_completion allow_redisplay allow_redisplay_filters payment_method_save payment_method_remove tax_exempt customer_tax_exempt
    origin_context payment_behavior missing_payment_method customer_acceptance revocation_reason default_for payment_schedule transaction_type`),
  // Billing.
  ...list(`billing_reason collection_method interval usage_type aggregate_usage tiers_mode tax_behavior tax_type taxability_reason proration_behavior
    save_default_payment_method end_behavior feedback duration trial_update_behavior transform_usage amount_type price_type item_type
    jurisdiction_level rate_type disabled_reason liability provider proration_discounts reconciliation_mode reconciliation_status`),
  // Accounts, identity, linked accounts.
  ...list(`country account_country business_type structure default_currency requirement verification_status verification_method verification_type allowed_types
    currently_due eventually_due past_due pending_verification alternative_fields_due fields_needed permissions prefetch subcategory category
    supported_payment_method_types id_number_type available_payout_methods weekly_anchor delay_days dashboard requirement_collection
    service_agreement fees_collector stripe_dashboard preferred_locales preferred_language card_logo wallet_provider device_type location_source`),
]);

/** Objects that say what a checkout asks for. Their names are those of the payer's fields. */
const offers = new Set(list(`phone_number_collection shipping_address_collection name_collection tax_id_collection`));

/** The form of Stripe's own words. A name of a person begins with a capital letter, or has a space. */
const wordForm =
  /^(?:[a-z0-9][a-z0-9_.+-]{0,99}|[A-Z]{2,3}|[a-z]{2}-[A-Z]{2}|Visa|MasterCard|American Express|Discover|Diners Club|JCB|UnionPay|Unknown)$/;

/**
 * Ids with the prefix of their kind (docs.stripe.com/api). Those of customers (`cus_`) and of persons (`person_`) are not among them, nor are
 * secrets.
 */
const idForm = new RegExp(
  `^(?:${list(`acct agree ba bal balset bpc bps bt ca cap card ch clock cn cnli coupon cr cred cs cs_live cs_test ctoken di dp du evt evt_test fa fca
    fca_txn fcsess fee feature file fr iauth ic ich idp ii il ilt in inpay int inv ipi iss it link li loc mandate mbur mtr mtrusg obp obt or orb pac
    pan paym pi plan plink pm pmc pmd pmr po price prod promo prv psp py pyr qt rcb rcd rcvc re recobj req rqt rt rp sched secret_app seti setatt
    setdp shr si siv sku sli src sub sub_sched tax taxcalc taxi tcfg tdsrc tml tmr tok topup tr trr ts tu txcd txi txn txr upe us usage vr vs vsr we
    wh wsp`).join('|')})_(?!.*_?secret_)[A-Za-z0-9_]{1,250}$`,
);

/** Kinds of objects that are things, whose name and description are those of a product, a price, a discount or an app. */
const things = new Set(
  list(`product price plan sku coupon promotion_code application tax_rate shipping_rate line_item item invoiceitem invoice_item feature billing.meter
    entitlements.feature payment_link tax_code`),
);
/** Keys of objects whose name is that of a business, a thing or a field of the merchant, and not of a person. */
const businesses = new Set(list(`business_profile company dashboard merchant_data application product plan price coupon custom_fields`));

/** Names and texts of things and businesses, in every object. */
const texts = new Set([
  ...list(`nickname lookup_key unit_label statement_descriptor statement_descriptor_suffix statement_descriptor_prefix
    calculated_statement_descriptor statement_descriptor_kana statement_descriptor_kanji account_name bank_name institution_name seller_message
    failure_message receipt_number product_description client_facing_name`),
  // The merchant chooses these ids.
  ...list(`coupon promotion_code product price plan`),
]);
/** Texts of things only: in other objects they are free text of the merchant, or about a person. */
const textsOfThings = new Set(list(`name description display_name code caption`));
/** Kinds of things whose id the merchant may choose. */
const namedByMerchant = new Set(list(`product price plan sku coupon`));
/** The numbers that the merchant’s documents show. */
const numbered = new Set(list(`invoice quote credit_note`));
const errors = new Set(list(`last_payment_error last_setup_error last_finalization_error`));

/** Fields about the payer, the customer or another person, in every object. */
const people = new Set([
  ...list(`customer customer_account related_customer billing_details shipping shipping_details customer_shipping owner evidence enhanced_evidence
    individual individual_name business_name verified_outputs provided_details tos_acceptance client_reference_id
    representative ip ip_address ip_address_location client_ip user_agent`),
  ...list(`address addresses registered_address customer_address email phone phone_number name first_name last_name customer_email customer_name
    customer_phone receipt_email account_holder_name account_holder_email cardholder_name verified_name verified_email verified_phone payer_email
    payer_name payer_id buyer_id cashtag dob id_number tax_id tax_ids customer_tax_ids nationality nationalities gender legal_gender ethnicity race
    sex political_exposure username`),
  ...list(`address_city address_country address_line1 address_line2 address_state address_zip city line1 line2 postal_code`),
  // What identifies one person’s card or account.
  ...list(`last4 dynamic_last4 fingerprint iban iban_last4 account_number account_number_last4 routing_number sort_code bsb_number clabe bic
    reference payment_reference networks_reference network_transaction_id`),
]);

/** Decides by the name of a field. `thing`: the event is about a thing, so that `name` in `previous_attributes` is no name of a person. */
function byName(thing: boolean) {
  return (key: string, holder: string | undefined): NamedAs => {
    if (key === 'metadata') return undefined;
    const usual = usuallyPersonal(key, holder);
    if (holder === 'metadata' && usual === undefined) return undefined;
    const ofThing = textsOfThings.has(key);
    const ofPerson = people.has(key);
    return (value, around) => {
      // A flag or nothing under any name is about no one.
      if (value === null || typeof value === 'boolean') return undefined;
      if (holder === 'metadata') return usual;
      if (ofThing && isThing(holder, around, thing)) return 'text';
      if (ofPerson || isAnswer(key, holder, around)) return 'person';
      return idOrText(key, holder, around) ?? wordOf(key, holder, value) ?? usual;
    };
  };
}

/**
 * The payer’s own words in the fields of a checkout or an invoice, and the number of a tax id. What a dropdown offers is a text of the merchant, and is
 * not searched for.
 */
function isAnswer(key: string, holder: string | undefined, around: JsonObject): boolean {
  if (key === 'value') return around.object === 'tax_id' || personalKind(text(around, 'name') ?? '', 'label') !== undefined;
  return holder === 'custom_fields' && (key === 'text' || key === 'numeric');
}

function idOrText(key: string, holder: string | undefined, around: JsonObject): KeptAs | undefined {
  if (hasForm(around[key], idForm)) return 'id';
  const isKind = (kinds: ReadonlySet<string>) => kinds.has(text(around, 'object') ?? '');
  if (texts.has(key) || (key === 'id' && isKind(namedByMerchant)) || (key === 'number' && isKind(numbered))) return 'text';
  return key === 'message' && holder !== undefined && errors.has(holder) ? 'text' : undefined;
}

function wordOf(key: string, holder: string | undefined, value: Json | undefined): KeptAs | undefined {
  if (offers.has(key)) return 'word';
  const isWord = words.has(key) || holder === 'capabilities' || (key === 'key' && holder === 'custom_fields');
  return isWord && hasForm(value, wordForm) ? 'word' : undefined;
}

/** For fields of the merchant, and those that Stripe adds. */
function usuallyPersonal(key: string, holder: string | undefined): KeptAs | undefined {
  return personalKind(key, holder) === undefined ? undefined : 'person';
}

function isThing(holder: string | undefined, around: JsonObject, thing: boolean): boolean {
  if (holder !== undefined && businesses.has(holder)) return true;
  if (thing && holder === 'previous_attributes') return true;
  return things.has(text(around, 'object') ?? '');
}

/** Whether the text has the form, or every text of the list. */
function hasForm(value: Json | undefined, form: RegExp): boolean {
  if (typeof value === 'string') return form.test(value);
  if (typeof value !== 'object') return false;
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && form.test(item));
}

const shared = { words: [], ids: [], idForm, texts: ['campaign'], people: [], staff: [], plain: 'everywhere' } as const;
const ofPerson: KeptFields = { ...shared, byName: byName(false) };
const ofThing: KeptFields = { ...shared, byName: byName(true) };

/** What is kept of an event, by the kind of its object. */
export function keptFields(event: JsonObject): KeptFields {
  return things.has(text(event, 'data.object.object') ?? '') ? ofThing : ofPerson;
}
