import { personalKind } from '../../privacy/personal-field-names.ts';
import { plainForm } from '../../privacy/plain-forms.ts';
import { text } from '../../reading/fields.ts';
import type { Json, JsonObject, KeptAs, KeptFields, NamedAs } from '../../source.ts';
import { idJoint, settingsOf, type WebhookConfig } from './config.ts';
import { type FieldWords, fieldWords } from './field-words.ts';

/**
 * The usual forms of ids: with a digit (`or_8Zk2`, UUIDs, ULIDs, numbers, `gid://shopify/Order/1`), codes in capitals, and random letters, which are
 * not spelled like a word or a name. Whether digits are a phone, a document or a card is checked afterwards.
 */
export const idForm =
  /^(?=\S{1,128}$)(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|#?(?=.*\d)[\w.:/+=~-]+|[A-Z]{2,20}(?:[-_][A-Z0-9]{1,20})*|(?![A-Z]?[a-z]+$|(?:[A-Z][a-z]+){2,}$)[A-Za-z]{4,32}|[a-z]{2,10}_[A-Za-z]{4,64})$/;

const nothing: readonly string[] = [];

const atAnyPlace = (paths: readonly string[]) => paths.flatMap((path) => [path, `*.${path}`, `*.*.${path}`]);
/** Fields that say what a person has agreed to, which senders put into the branch about the person. */
const consentFields = [
  ...[
    'accepts_marketing',
    'accepts_marketing_updated_at',
    'marketing_opt_in_level',
    'aceita_marketing',
    'marketing_consent',
    'lgpd_consent',
  ],
  ...['gdpr_consent', 'opt_in', 'optIn', 'optin', 'opt_out', 'optOut', 'optout', 'email_opt_in', 'sms_opt_in', 'whatsapp_opt_in'],
  ...['subscribed', 'unsubscribed', 'unsubscribed_at', 'subscription_status', 'email_status'],
  ...['marketing', 'status', 'state', 'granted'].map((name) => `consent.${name}`),
  ...['email', 'sms'].flatMap((name) => ['state', 'opt_in_level', 'consent_updated_at'].map((one) => `${name}_marketing_consent.${one}`)),
  ...['category', 'type', 'status'].map((name) => `legal_bases.*.${name}`),
];
const consent = atAnyPlace(consentFields);
/** An object in the place of such a word may say who agreed. */
const belowConsent = atAnyPlace(consentFields.map((path) => `${path}.*`));

/** What is kept of a record of any sender: by the names of its fields, and numbers, booleans, times and currency codes by their form. */
export const kept: KeptFields = {
  words: consent,
  ids: nothing,
  idForm,
  texts: nothing,
  people: belowConsent,
  staff: nothing,
  plain: 'everywhere',
  byName,
};

const extended = new WeakMap<object, KeptFields>();

/** What the settings add: texts to keep, further people and staff, and where ids and identifiers are. One object for each config. */
export function keptFor(config: WebhookConfig): KeptFields {
  const settings = settingsOf(config);
  if (settings === undefined) return kept;
  let fields = extended.get(settings);
  if (fields === undefined) {
    const { id, orderRef, email, phone, document, externalId, type } = settings.fields ?? {};
    const isPath = (path: string | undefined): path is string => path !== undefined && !path.startsWith('header:') && !path.startsWith('=');
    const people = [email, phone, document, externalId, ...(settings.personal ?? [])].filter(isPath);
    fields = {
      ...kept,
      // A person's e-mail address may be the id of an event: people go first.
      ids: [...(id?.split(idJoint) ?? []), orderRef].filter(isPath).filter((path) => !people.includes(path)),
      words: [...kept.words, ...[type].filter(isPath)],
      texts: settings.keep ?? nothing,
      people: [...kept.people, ...people],
      staff: settings.staffPaths ?? nothing,
    };
    extended.set(settings, fields);
  }
  return fields;
}

/** Which kind of value a field holds, by its name and by the object that it is in. */
function byName(key: string, holder: string | undefined): NamedAs {
  const field = fieldWords(key);
  const outer = holder === undefined ? undefined : fieldWords(holder);
  if (field.isCampaign || (isCampaignHolder(holder) && campaignParts.test(key))) return 'text';
  // An address of the web may carry anything in its path and query.
  if (field.isAddress) return undefined;
  if ((field.isAnswer && !field.isId && !field.isEnumeration) || /^propertyvalue$/i.test(key)) return 'person';
  const named = ofPerson(key, holder, field, outer);
  if (!values.test(key)) return named;
  return (value, around) => (isAnswer(key, holder, around) ? 'person' : decide(named, value, around));
}

const decide = (named: NamedAs, value: Json, around: JsonObject): KeptAs | undefined =>
  typeof named === 'function' ? named(value, around) : named;

function ofPerson(key: string, holder: string | undefined, field: FieldWords, outer: FieldWords | undefined): NamedAs {
  if (field.isStaff || (field.isName && outer?.ofStaff)) return (value) => (isCount(value) ? undefined : 'staff');
  if (field.isPerson) return (value) => (isCount(value) ? undefined : 'person');
  const named = ofThing(field, outer);
  const party = isParty(key);
  const personal = isPersonal(key, holder, field);
  if (!party && !personal) return named;
  return (value, around) =>
    (party && typeof value !== 'number') || (personal && !isFigure(field, value)) ? 'person' : decide(named, value, around);
}

/** Words of lists; `product_name`, `name` in a product, a list of tags, and a title beside a price; ids. */
function ofThing(field: FieldWords, outer: FieldWords | undefined): NamedAs {
  if (field.isEnumeration) return 'word';
  if ((field.isName && field.isThing) || field.isNameOfThing) return 'text';
  const named = field.describes && outer?.isEnumeration ? 'word' : field.isId ? 'id' : undefined;
  if (!field.describes || field.words.length > 2) return named;
  if (outer?.isThing && !(outer.isEvent && field.words.some((word) => word.startsWith('descri')))) return 'text';
  if (outer !== undefined || field.words.includes('description')) return named;
  return (_, around) => (besideThings.some((name) => Object.hasOwn(around, name)) ? 'text' : named);
}
const besideThings = ['sku', 'variants', 'price', 'regular_price'];

const isCampaignHolder = (holder: string | undefined): boolean =>
  holder !== undefined && /^(?:utms?|campaign|attribution|conversion_origin)$/i.test(holder);
const campaignParts = /^(?:source|medium|campaign|term|content|name|channel)$/i;

/** `document_type` and `customer_country` are words of a list; what else such a name announces is about one person. */
function isPersonal(key: string, holder: string | undefined, field: FieldWords): boolean {
  const isOfList = field.isEnumeration && !(field.ofAddress && !field.isCountry);
  // The id of a message is no address.
  if (field.isId && /^e?mail_?ids?$/i.test(key)) return false;
  return (
    !isOfList &&
    (field.isPersonal ||
      (field.isId && holder !== undefined && /^(?:device|dispositivo|browser)$/i.test(holder)) ||
      (personalKind(key, holder) !== undefined && !(field.isName && field.isThing)))
  );
}

/** How many people there are is about no one of them. */
const isCount = (value: Json): boolean =>
  typeof value === 'boolean' || (typeof value === 'number' && Math.abs(value) < 1_000 && Number.isInteger(value));
/** Flags, and `pix_fee: 12`, `boleto_days: 3`, `pix_expiration: 12/04/2026`: figures and times about a means of payment. */
function isFigure({ words }: FieldWords, value: Json): boolean {
  if (typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'string') return words.some((word) => meansOfPayment.has(word)) && plainForm(value.trim()) === 'time';
  return typeof value === 'number' && words.length > 1 && words.some((word) => figures.has(word));
}
const meansOfPayment = new Set(['pix', 'boleto', 'billet']);
const figures = new Set([
  'fee',
  'fees',
  'tax',
  'taxa',
  'days',
  'dias',
  'amount',
  'valor',
  'value',
  'total',
  'count',
  'price',
  'discount',
  'desconto',
  'opens',
  'clicks',
]);

/** The parties of a message. */
const isParty = (key: string): boolean => /^(?:to|from|cc|bcc|reply_?to|para|de)$/i.test(key);

const labels = ['label', 'question', 'pergunta', 'pregunta', 'title', 'titulo', 'name', 'nome', 'key', 'field', 'ref', 'slug'] as const;
const values = /^(?:value|valor|values|answer|resposta|respuesta|text|texto|response|choice|choices|propertyvalue)$/i;

/** Whether a value is the answer of a pair such as `{ label, value }`, unless the pair is a figure or a campaign parameter. */
function isAnswer(key: string, holder: string | undefined, around: JsonObject): boolean {
  const label = labels.map((name) => text(around, name)).find((found) => found !== undefined);
  if (label === undefined) return false;
  if (fieldWords(label).isCampaign) return false;
  const ofForm =
    holder !== undefined &&
    /field|campo|question|pergunta|answer|respost|form|attribute|propert|variable|custom|option|meta_?data/i.test(holder);
  return ofForm || !/^-?\d{1,9}(?:[.,]\d{1,4})?$/.test(String(around[key]));
}
