import { defineTexts } from '../lib/i18n.ts';

/** The names of the roles, and what each role may do. */
export const roleTexts = defineTexts('roles', {
  en: {
    role: 'Role',
    owner: 'Owner',
    admin: 'Admin',
    analyst: 'Analyst',
    ownerHint: 'Can change everything, including the roles of other members.',
    adminHint: 'Can change everything except the roles of other members.',
    analystHint: 'Can read, but cannot change anything.',
  },
  'pt-BR': {
    role: 'Papel',
    owner: 'Proprietário',
    admin: 'Administrador',
    analyst: 'Analista',
    ownerHint: 'Pode mudar tudo, inclusive os papéis dos outros membros.',
    adminHint: 'Pode mudar tudo, menos os papéis dos outros membros.',
    analystHint: 'Pode ler, mas não pode mudar nada.',
  },
});
