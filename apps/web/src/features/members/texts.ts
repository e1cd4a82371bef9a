import { defineTexts } from '../../lib/i18n.ts';

export const memberTexts = defineTexts('members', {
  en: {
    members: 'Members',
    joined: 'Joined',
    you: 'you',
    roleOf: 'Role of {{email}}',
    roleChanged: '{{email}} is {{role}} now',
    remove: 'Remove',
    removeOf: 'Remove {{email}}',
    removeTitle: 'Remove {{email}}?',
    removeBody:
      '1 person loses access to {{org}} at once, also where that person is signed in. The audit log keeps what the person did. A new invite gives access again.',
    removeConfirm: 'Remove 1 person',
    removed: '{{email}} was removed',
    leave: 'Leave this org',
    leaveTitle: 'Leave {{org}}?',
    leaveBody: '1 person, you, loses access to {{org}} at once. Only a new invite gives you access again.',
    leaveConfirm: 'Leave',
    left: 'You have left {{org}}',
    lastOwner:
      'You are the only owner, and an org must keep at least one. Make another member an owner first; they can then change your role.',
    ownerLeaves: 'An owner cannot leave. Another owner has to change your role first, because nobody can change their own role.',
    ownRole: 'You cannot change your own role: ask another owner.',
    rolesByOwners: 'Only owners can change roles. Your role is {{role}}.',
    ownersStay: 'An owner cannot be removed. Another owner has to change this role first.',
    refusedMember: 'Nothing was changed: this member is gone, or your role does not allow it any more. Reload the page.',
    keepOwner: 'An org must keep at least one owner.',
  },
  'pt-BR': {
    members: 'Membros',
    joined: 'Entrou',
    you: 'você',
    roleOf: 'Papel de {{email}}',
    roleChanged: '{{email}} agora é {{role}}',
    remove: 'Remover',
    removeOf: 'Remover {{email}}',
    removeTitle: 'Remover {{email}}?',
    removeBody:
      '1 pessoa perde o acesso a {{org}} na hora, também onde já entrou. O que ela fez continua na auditoria. Um novo convite devolve o acesso.',
    removeConfirm: 'Remover 1 pessoa',
    removed: '{{email}} foi removido',
    leave: 'Sair desta organização',
    leaveTitle: 'Sair de {{org}}?',
    leaveBody: '1 pessoa, você, perde o acesso a {{org}} na hora. Só um novo convite devolve o acesso a você.',
    leaveConfirm: 'Sair',
    left: 'Você saiu de {{org}}',
    lastOwner:
      'Você é o único proprietário, e uma organização precisa manter ao menos um. Torne outro membro proprietário primeiro; ele poderá então mudar seu papel.',
    ownerLeaves:
      'Um proprietário não pode sair. Outro proprietário precisa mudar seu papel antes, porque ninguém pode mudar o próprio papel.',
    ownRole: 'Você não pode mudar o próprio papel: peça a outro proprietário.',
    rolesByOwners: 'Só proprietários mudam papéis. Seu papel é {{role}}.',
    ownersStay: 'Um proprietário não pode ser removido. Outro proprietário precisa mudar este papel antes.',
    refusedMember: 'Nada foi alterado: este membro já saiu, ou seu papel não permite mais isso. Recarregue a página.',
    keepOwner: 'Uma organização precisa manter ao menos um proprietário.',
  },
});
