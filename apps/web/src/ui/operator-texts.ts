import { defineTexts } from '../lib/i18n.ts';

export const operatorTexts = defineTexts('operator', {
  en: {
    operatorsOnly: 'For operators',
    operatorsHint:
      'This page concerns every org of this installation, so being a member of one org does not open it. If you operate the installation, enter the token of your operator account.',
    token: 'Operator token',
    tokenHint:
      '`tributary operators --create` makes an account with its token; the first one is in the settings of the server. This page keeps it only in the memory of the tab and forgets it on a reload.',
    wrongToken: 'This is not the operator token.',
    open: 'Open',
    lock: 'Lock',
  },
  'pt-BR': {
    operatorsOnly: 'Para operadores',
    operatorsHint:
      'Esta página diz respeito a todas as organizações desta instalação; ser membro de uma delas não a abre. Se você opera a instalação, informe o token do operador.',
    token: 'Token do operador',
    tokenHint: 'O token está nas configurações do servidor. Esta página o guarda só na memória da aba e o esquece ao recarregar.',
    wrongToken: 'Este não é o token do operador.',
    open: 'Abrir',
    lock: 'Bloquear',
  },
});
