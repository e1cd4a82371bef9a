import { defineTexts } from '../../lib/i18n.ts';

export const orgTexts = defineTexts('orgs', {
  en: {
    newOrg: 'Create your org',
    newOrgHint: 'An org is your company or team: its connections, events and members belong together and nobody else sees them.',
    name: 'Name of the org',
    nameMissing: 'Give the org a name',
    project: 'First project',
    projectHint: 'A product or funnel. You can add more later.',
    projectDefault: 'Main',
    create: 'Create',
  },
  'pt-BR': {
    newOrg: 'Crie sua organização',
    newOrgHint: 'A organização é sua empresa ou equipe: conexões, eventos e membros ficam juntos, e ninguém de fora os vê.',
    name: 'Nome da organização',
    nameMissing: 'Dê um nome à organização',
    project: 'Primeiro projeto',
    projectHint: 'Um produto ou funil. Você pode adicionar outros depois.',
    projectDefault: 'Principal',
    create: 'Criar',
  },
});
