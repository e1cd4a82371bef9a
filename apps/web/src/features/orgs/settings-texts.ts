import { defineTexts } from '../../lib/i18n.ts';

export const orgSettingsTexts = defineTexts('org-settings', {
  en: {
    general: 'Name and limit',
    name: 'Name',
    nameHint: 'As people see it in the header. It can change at any time: no address contains it.',
    rateLimit: 'Rate limit of the whole org',
    rateLimitHint: 'All connections of the org share it.',
    about: 'About this org',
    slug: 'Slug',
    slugHint: 'The part of the dashboard’s address that is this org. It stays when the name changes, so that links keep working.',
    id: 'Id',
    idHint: 'For the API and the command line.',
    yourRole: 'Your role',
    created: 'Created',
  },
  'pt-BR': {
    general: 'Nome e limite',
    name: 'Nome',
    nameHint: 'Como as pessoas o veem no topo. Pode mudar a qualquer hora: nenhum endereço o contém.',
    rateLimit: 'Limite de taxa da organização inteira',
    rateLimitHint: 'Todas as conexões da organização o dividem.',
    about: 'Sobre esta organização',
    slug: 'Slug',
    slugHint: 'A parte do endereço do painel que é esta organização. Fica quando o nome muda, para que os links continuem valendo.',
    id: 'Id',
    idHint: 'Para a API e a linha de comando.',
    yourRole: 'Seu papel',
    created: 'Criada',
  },
});
