import { defineTexts } from '../lib/i18n.ts';

/** The names of the roles, and what each role may do. */
export const roleTexts = defineTexts('roles', {
  en: {
    role: 'Role',
    owner: 'Owner',
    admin: 'Admin',
    analyst: 'Analyst',
    ownerHint: 'Everything, and the roles of others.',
    adminHint: 'Everything but the roles of others.',
    analystHint: 'Reads; changes nothing.',
  },
  'pt-BR': {
    role: 'Papel',
    owner: 'Owner',
    admin: 'Admin',
    analyst: 'Analyst',
    ownerHint: 'Tudo, inclusive os papéis dos outros.',
    adminHint: 'Tudo, menos os papéis dos outros.',
    analystHint: 'Lê; não altera nada.',
  },
});
