import { defineTexts } from '../../lib/i18n.ts';

export const orgTexts = defineTexts('orgs', {
  en: {
    newOrg: 'Create your org',
    newOrgHint: 'An org is your company or team: its connections, events and members belong together and nobody else sees them.',
    name: 'Name of the org',
    nameMissing: 'Give it a name',
    project: 'First project',
    projectHint: 'A product or funnel. You can add more later.',
    projectDefault: 'Main',
    create: 'Create',
    invite: 'Joining an org',
    inviteMissing: 'The link is incomplete: it must end in a token. Ask for a new invite.',
    inviteWrong: 'This invite cannot be used: it was used before, has expired, or is for another e-mail address than {{email}}.',
    accepting: 'Accepting the invite…',
    start: 'Go to the start',
  },
  'pt-BR': {
    newOrg: 'Crie sua organização',
    newOrgHint: 'A organização é sua empresa ou equipe: conexões, eventos e membros ficam juntos, e ninguém de fora os vê.',
    name: 'Nome da organização',
    nameMissing: 'Dê um nome a ela',
    project: 'Primeiro projeto',
    projectHint: 'Um produto ou funil. Você pode adicionar outros depois.',
    projectDefault: 'Principal',
    create: 'Criar',
    invite: 'Entrando em uma organização',
    inviteMissing: 'O link está incompleto: ele precisa terminar com um token. Peça um novo convite.',
    inviteWrong: 'Este convite não pode ser usado: já foi usado, expirou ou é para outro e-mail que não {{email}}.',
    accepting: 'Aceitando o convite…',
    start: 'Ir para o início',
  },
});
