import type { Translation } from '../../source.ts';

export const portuguese: Translation = {
  setup: [
    'Na Hotmart, abra Ferramentas → Webhook (API e notificações) e escolha "Cadastrar webhook".',
    'Cole {{url}} como URL, escolha a versão 2.0.0, os produtos e todos os eventos que você quer receber.',
    'Abra a aba Autenticação da mesma página, copie o hottok e cole aqui: há um por conta.',
    'Salve e use "Testar" no painel: os eventos aparecem aqui marcados como teste.',
  ],
  secrets: {
    hottok: {
      label: 'Hottok',
      help: 'Ferramentas → Webhook → Autenticação. Um token por conta Hotmart; só o suporte da Hotmart pode trocá-lo.',
    },
  },
  samples: {
    PURCHASE_APPROVED: 'Compra aprovada',
    PURCHASE_COMPLETE: 'Compra completa (fim da garantia)',
    PURCHASE_CANCELED: 'Compra cancelada',
    PURCHASE_BILLET_PRINTED: 'Aguardando pagamento (boleto impresso)',
    PURCHASE_PROTEST: 'Pedido de reembolso',
    PURCHASE_REFUNDED: 'Compra reembolsada',
    PURCHASE_CHARGEBACK: 'Chargeback',
    PURCHASE_EXPIRED: 'Compra expirada',
    PURCHASE_DELAYED: 'Pagamento atrasado',
    PURCHASE_OUT_OF_SHOPPING_CART: 'Carrinho abandonado',
    SUBSCRIPTION_CANCELLATION: 'Assinatura cancelada',
    SWITCH_PLAN: 'Troca de plano',
    UPDATE_SUBSCRIPTION_CHARGE_DATE: 'Troca do dia de cobrança',
    CLUB_FIRST_ACCESS: 'Primeiro acesso à área de membros',
    CLUB_MODULE_COMPLETED: 'Módulo concluído',
    ORDER_FULFILLMENT: 'Pedido a enviar (produto físico)',
    v1_approved: 'Postback antigo 1.0: aprovada',
    v1_refunded: 'Postback antigo 1.0: reembolsada',
    v1_cart_abandoned: 'Formato antigo 1.0: carrinho abandonado',
    v1_subscription_canceled: 'Formato antigo 1.0: assinatura cancelada',
  },
  settings: {
    staff: {
      label: 'Nomes de quem vende',
      help: 'Nomes de afiliados, vendedores e produtores: "remove" os trata como os de compradores, "keep" os guarda legíveis. O padrão é "remove".',
    },
    defaultCountry: { label: 'País padrão', help: 'País de duas letras (ISO 3166-1, como BR) dos telefones que vêm sem código do país.' },
  },
};
