import { defineTexts } from '../../lib/i18n.ts';

/** The texts of the page itself; the texts of a tab are in its feature. */
export const settingsTexts = defineTexts('settings', {
  en: {
    title: 'Settings',
    description: 'The name and limits of the org, its projects and members, its security, how long its data is kept, and its audit log.',
    org: 'Org',
    projects: 'Projects',
    members: 'Members',
    quotas: 'Quotas',
    security: 'Security',
    privacy: 'Privacy',
    audit: 'Audit log',
  },
  'pt-BR': {
    title: 'Configurações',
    description:
      'Nome e limites da organização, seus projetos e membros, sua segurança, por quanto tempo os dados são guardados e a auditoria.',
    org: 'Organização',
    projects: 'Projetos',
    members: 'Membros',
    quotas: 'Cotas',
    security: 'Segurança',
    privacy: 'Privacidade',
    audit: 'Auditoria',
  },
});
