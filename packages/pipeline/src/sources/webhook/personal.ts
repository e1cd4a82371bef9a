import type { Credentials, PersonalData } from '../../source.ts';
import { settingsOf, type WebhookConfig } from './config.ts';

const people = ['customer', 'buyer', 'contact', 'lead', 'user', 'subscriber'];
const roots = ['', 'data.', ...people.flatMap((person) => [`${person}.`, `data.${person}.`])];
const under = (...names: string[]) => roots.flatMap((root) => names.map((name) => `${root}${name}`));

const emailPaths = under('email');
const phonePaths = under('phone', 'phone_number', 'phoneNumber');

/** Personal data by the names that most senders use. {@link personalFor} adds the paths of a connection's config. */
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

/**
 * The personal data of the source and of the config, whose identifiers and `personal` are removed and whose `keep` is kept. One object
 * for each config.
 */
export function personalFor(config: WebhookConfig): PersonalData {
  const settings = settingsOf(config);
  if (settings === undefined) return personal;
  let data = extended.get(settings);
  if (data === undefined) {
    const { email, phone, document, externalId } = settings.fields ?? {};
    const identifiers = [email, phone, document, externalId].filter((path) => path !== undefined);
    const keep = settings.keep ?? [];
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

/** The query parameter or header that carries the credential and is redacted before anything is stored. The body carries none. */
export function credentialsFor(config: WebhookConfig): Credentials {
  const verification = settingsOf(config)?.verification;
  if (verification?.scheme === 'api-key') {
    return verification.in === 'query'
      ? { body: [], query: [verification.name], headers: [] }
      : { body: [], query: [], headers: [verification.name.toLowerCase()] };
  }
  return { body: [], query: [], headers: verification?.scheme === 'basic' ? ['authorization'] : [] };
}
