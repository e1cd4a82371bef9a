import { defineTexts } from '../../lib/i18n.ts';

export const ownQuotaTexts = defineTexts('own-quotas', {
  en: {
    quotas: 'Quotas',
    hint: 'How much this org may have, and what it uses now. Quotas of a day start again at midnight UTC. The people who operate this server can raise a quota.',
  },
  'pt-BR': {
    quotas: 'Cotas',
    hint: 'Quanto esta organização pode ter e quanto usa agora. As cotas diárias recomeçam à meia-noite UTC. Quem opera este servidor pode aumentar uma cota.',
  },
});
