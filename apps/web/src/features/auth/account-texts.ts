import { defineTexts } from '../../lib/i18n.ts';

export const accountTexts = defineTexts('account', {
  en: {
    account: 'Your account',
    changePassword: 'Change your password',
    signOutAll: 'Sign out everywhere',
    signOutAllHint: 'Ends every session of yours, on this and all other devices.',
  },
  'pt-BR': {
    account: 'Sua conta',
    changePassword: 'Mudar sua senha',
    signOutAll: 'Sair em todos os lugares',
    signOutAllHint: 'Encerra todas as suas sessões, neste e em todos os outros dispositivos.',
  },
});
