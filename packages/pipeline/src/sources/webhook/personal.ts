import type { Credentials, PersonalData } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';

const people = ['customer', 'buyer', 'contact', 'lead', 'user', 'subscriber'];
const roots = ['', 'data.', ...people.flatMap((person) => [`${person}.`, `data.${person}.`])];
const under = (...names: string[]) => roots.flatMap((root) => names.map((name) => `${root}${name}`));

/** Where an e-mail address and a phone number are looked for when no path is configured. */
export const emailPaths = under('email');
export const phonePaths = under('phone', 'phone_number', 'phoneNumber');

/** What is personal by the names most senders use; what a connection's own config adds is in {@link personalFor}. */
export const personal: PersonalData = {
  remove: [
    ...emailPaths,
    ...phonePaths,
    ...under(
      'address',
      'birthday',
      'birth_date',
      'birthdate',
      'cpf',
      'cnpj',
      'document',
      'fullName',
      'full_name',
      'firstName',
      'first_name',
      'lastName',
      'last_name',
    ),
    ...people.flatMap((person) => [`${person}.name`, `data.${person}.name`]),
  ],
  keep: [],
};

const extended = new WeakMap<object, PersonalData>();

/** The source's personal data and the config's: its identifiers and `personal` are removed, `keepText` is kept. One object per config. */
export function personalFor(config: WebhookConfig): PersonalData {
  const settings = settingsOf(config);
  if (settings === undefined) return personal;
  let data = extended.get(settings);
  if (data === undefined) {
    const { email, phone, document, externalId } = settings.fields ?? {};
    const identifiers = [email, phone, document, externalId].filter((path) => path !== undefined);
    const keep = settings.keepText ?? [];
    data = {
      remove: [
        ...personal.remove.filter((path) => !keep.some((kept) => path === kept || path.startsWith(`${kept}.`))),
        ...identifiers,
        ...(settings.personal ?? []),
      ],
      keep,
    };
    extended.set(settings, data);
  }
  return data;
}

/** What in a delivery carries the credential, besides the body: query parameters and headers to redact before anything is stored. */
export function credentialsFor(config: WebhookConfig): Credentials {
  const verification = settingsOf(config)?.verification;
  if (verification?.scheme === 'api-key') {
    return verification.in === 'query'
      ? { body: [], query: [verification.name], headers: [] }
      : { body: [], query: [], headers: [verification.name.toLowerCase()] };
  }
  return { body: [], query: [], headers: verification?.scheme === 'basic' ? ['authorization'] : [] };
}
