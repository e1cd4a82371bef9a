import { defineTexts } from '../../lib/i18n.ts';

export const orgSettingsTexts = defineTexts('org-settings', {
  en: {
    general: 'Name and limit',
    name: 'Name',
    nameHint: 'Shown in the header. The name can change at any time, because no URL contains it.',
    rateLimit: 'Rate limit of the whole org',
    rateLimitHint: 'All connections of the org share it.',
    about: 'About this org',
    slug: 'Slug',
    slugHint: 'The part of the dashboard’s URL that names this org. It stays the same when the name changes, so that links keep working.',
    id: 'Id',
    idHint: 'For the API and the command line.',
    yourRole: 'Your role',
    created: 'Created',
  },
  'pt-BR': {
    general: 'Nome e limite',
    name: 'Nome',
    nameHint: 'Aparece no topo. O nome pode mudar a qualquer hora, porque nenhuma URL o contém.',
    rateLimit: 'Limite de taxa da organização inteira',
    rateLimitHint: 'Todas as conexões da organização o dividem.',
    about: 'Sobre esta organização',
    slug: 'Slug',
    slugHint:
      'A parte da URL do painel que identifica esta organização. Continua igual quando o nome muda, para que os links sigam valendo.',
    id: 'Id',
    idHint: 'Para a API e a linha de comando.',
    yourRole: 'Seu papel',
    created: 'Criada',
  },
});
