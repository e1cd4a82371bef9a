import type { PersonalData } from '../../source.ts';

const people = ['customer', 'buyer', 'contact', 'lead', 'user', 'subscriber'];
const roots = ['', 'data.', ...people.flatMap((person) => [`${person}.`, `data.${person}.`])];
const under = (...names: string[]) => roots.flatMap((root) => names.map((name) => `${root}${name}`));

const emailPaths = under('email');
const phonePaths = under('phone', 'phone_number', 'phoneNumber');

/** Personal data by the names that most senders use. */
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
