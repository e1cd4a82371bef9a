import { defineTexts } from '../../lib/i18n.ts';

/** The texts of the page itself; the texts of a tab are in its feature. */
export const settingsTexts = defineTexts('settings', {
  en: {
    title: 'Settings',
    description: 'The org itself: its name and limits, its projects and people, what it keeps, and who did what.',
    org: 'Org',
    projects: 'Projects',
    members: 'Members',
    privacy: 'Privacy',
    audit: 'Audit log',
  },
  'pt-BR': {
    title: 'Configurações',
    description: 'A organização em si: nome e limites, projetos e pessoas, o que ela guarda e quem fez o quê.',
    org: 'Organização',
    projects: 'Projetos',
    members: 'Membros',
    privacy: 'Privacidade',
    audit: 'Auditoria',
  },
});
