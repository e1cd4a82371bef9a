import type { Translation } from '../../source.ts';

export const portuguese: Translation = {
  setup: [
    'No painel do app da Meta, abra Configurações do app → Básico e copie a Chave Secreta do App para esta conexão.',
    'Abra Webhooks (ou o produto WhatsApp ou Messenger) e escolha o objeto: Page, Instagram ou WhatsApp Business Account.',
    'Cole {{url}} como URL de callback e o token de verificação desta conexão como token de verificação; depois salve.',
    'Assine os campos de que precisa: leadgen e feed para páginas, messages para WhatsApp e Messenger. Deixe "Incluir valores" ligado.',
    'Inscreva a página ou a conta do WhatsApp Business no app e clique em "Testar" ao lado de um campo.',
  ],
  secrets: {
    app_secret: {
      label: 'Chave Secreta do App',
      help: 'Configurações do app → Básico, no painel do app da Meta. Ela assina todas as entregas do app, de todas as páginas e números.',
    },
    verify_token: {
      label: 'Token de verificação',
      help: 'Cole ao lado da URL de callback. A Meta o devolve uma vez, para confirmar que a URL é sua.',
    },
  },
  samples: {
    leadgen: 'Anúncio de cadastro respondido',
    'feed.comment': 'Comentário em publicação da página',
    'whatsapp.message': 'Mensagem de WhatsApp recebida',
    'whatsapp.status': 'Mensagem de WhatsApp entregue',
    'messenger.message': 'Mensagem do Messenger recebida',
  },
  settings: {
    defaultCountry: { label: 'País padrão', help: 'País de duas letras (ISO 3166-1, como BR) dos telefones que vêm sem código do país.' },
  },
};
