import { defineTexts } from '../../lib/i18n.ts';

/** The page's own words and the names of the roles; each tab has a file of its own. */
export const settingsTexts = defineTexts('settings', {
  en: {
    title: 'Settings',
    description: 'The org itself: its name and limits, its projects and people, what it keeps, and who did what.',
    org: 'Org',
    projects: 'Projects',
    members: 'Members',
    privacy: 'Privacy',
    audit: 'Audit log',
    role: 'Role',
    owner: 'Owner',
    admin: 'Admin',
    analyst: 'Analyst',
    ownerHint: 'Everything, and the roles of others.',
    adminHint: 'Everything but the roles of others.',
    analystHint: 'Reads; changes nothing.',
  },
  'pt-BR': {
    title: 'Configurações',
    description: 'A organização em si: nome e limites, projetos e pessoas, o que ela guarda e quem fez o quê.',
    org: 'Organização',
    projects: 'Projetos',
    members: 'Membros',
    privacy: 'Privacidade',
    audit: 'Auditoria',
    role: 'Papel',
    owner: 'Owner',
    admin: 'Admin',
    analyst: 'Analyst',
    ownerHint: 'Tudo, inclusive os papéis dos outros.',
    adminHint: 'Tudo, menos os papéis dos outros.',
    analystHint: 'Lê; não altera nada.',
  },
});
