import { at, firstText, isObject, text } from '../../reading/fields.ts';
import type { Json, JsonObject, Subject } from '../../source.ts';

/** Kinds of objects that are themselves a person, with the id that other objects know the person by. */
const people = new Set(['customer', 'person', 'issuing.cardholder']);

/** Branches that hold the payer's e-mail address, phone or document, the most reliable one first. */
const payers = [
  'customer_details',
  'billing_details',
  'payment_method.billing_details',
  'last_payment_error.payment_method.billing_details',
  'last_setup_error.payment_method.billing_details',
  'charges.data.0.billing_details',
  'customer',
  'owner',
  'verified_outputs',
  'provided_details',
  'individual',
];

/** Holders of a payment method's details, which stand under the name of its type: `payment_method_details.boleto.tax_id`. */
const methodHolders = [
  'payment_method_details',
  'payment_method',
  'last_payment_error.payment_method',
  'charges.data.0.payment_method_details',
];

const emailPaths = [
  'customer_details.email',
  'customer_email',
  'billing_details.email',
  'receipt_email',
  ...payers.map((payer) => `${payer}.email`),
  'evidence.customer_email_address',
  'charges.data.0.receipt_email',
];
const phonePaths = [
  'customer_details.phone',
  'customer_phone',
  'billing_details.phone',
  ...payers.map((payer) => `${payer}.phone`),
  'shipping.phone',
  'customer_shipping.phone',
  'shipping_details.phone',
  'collected_information.shipping_details.phone',
  'charges.data.0.shipping.phone',
];
const documentPaths = ['billing_details.tax_id', 'charges.data.0.billing_details.tax_id'];

/** Lists of `{type, value}` with the tax numbers of the customer. */
const taxIdLists = ['customer_details.tax_ids', 'customer_tax_ids', 'tax_ids', 'tax_ids.data', 'customer.tax_ids.data'];

/** Merchants ask for a document or a phone in fields of their own, which are known by their key or label. */
const asked = {
  email: /^(?:e[-_ ]?mail|customer[-_ ]email)$/i,
  phone: /^(?:phone|phone[-_ ]number|mobile|telefone|celular|whats\s?app)$/i,
  document: /^(?:cpf|cnpj|cpf[-_/ ]*cnpj|tax[-_ ]?id|document|documento|nif)$/i,
} as const;

/** Who an object is about: the customer, wherever this kind of object has the identifiers. */
export function subjectOf(object: JsonObject): Subject {
  const isPerson = people.has(text(object, 'object') ?? '');
  const answers = answersOf(object);
  const method = methodOf(object);
  return {
    email:
      firstText(object, ...emailPaths, ...(isPerson ? ['email'] : [])) ??
      firstText(method, 'email', 'payer_email', 'verified_email') ??
      answers.email,
    phone: firstText(object, ...phonePaths, ...(isPerson ? ['phone', 'phone_number'] : [])) ?? answers.phone,
    document:
      taxNumber(object) ?? firstText(object, ...documentPaths) ?? text(method, 'tax_id') ?? verifiedNumber(object) ?? answers.document,
    // The customer is an id, or an object where it was expanded.
    external_id: object.object === 'customer' ? text(object, 'id') : firstText(object, 'customer', 'customer.id'),
  };
}

/** The details of the payer's means of payment. */
function methodOf(object: JsonObject): Json | undefined {
  for (const holder of [object, ...methodHolders.map((path) => at(object, path))]) {
    if (!isObject(holder) || typeof holder.type !== 'string' || !Object.hasOwn(holder, holder.type)) continue;
    return holder[holder.type];
  }
  return undefined;
}

/** The customer's tax number: of a `tax_id` object the number itself, of a list the Brazilian one, or else the first. */
function taxNumber(object: JsonObject): string | undefined {
  if (object.object === 'tax_id') return text(object, 'value');
  for (const path of taxIdLists) {
    const list = at(object, path);
    if (!Array.isArray(list)) continue;
    const brazilian = list.find((taxId) => isObject(taxId) && (taxId.type === 'br_cpf' || taxId.type === 'br_cnpj'));
    const found = text(brazilian ?? list[0], 'value');
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The number of the document that a verification session checked. */
function verifiedNumber(object: JsonObject): string | undefined {
  return object.object === 'identity.verification_session' ? text(object, 'verified_outputs.id_number') : undefined;
}

/** Identifiers among the merchant's own fields: those of a checkout (`key`, `label`), of an invoice (`name`) and metadata. */
function answersOf(object: JsonObject): Subject {
  const answers: Subject = {};
  const take = (value: string | undefined, ...names: readonly (string | undefined)[]) => {
    if (value === undefined) return;
    for (const kind of ['email', 'phone', 'document'] as const) {
      if (names.some((name) => name !== undefined && asked[kind].test(name))) answers[kind] ??= value;
    }
  };
  for (const field of [...listAt(object, 'custom_fields'), ...listAt(object, 'invoice_settings.custom_fields')]) {
    take(firstText(field, 'text.value', 'numeric.value', 'value'), text(field, 'key'), text(field, 'label.custom'), text(field, 'name'));
  }
  const { metadata } = object;
  if (isObject(metadata)) for (const key of Object.keys(metadata)) take(text(metadata, key), key);
  return answers;
}

function listAt(object: JsonObject, path: string): Json[] {
  const found = at(object, path);
  return Array.isArray(found) ? found : [];
}
