import type { Translation } from '../../source.ts';

export const portuguese: Translation = {
  setup: [
    'No Dashboard da Stripe, abra Desenvolvedores → Webhooks e escolha "Adicionar destino".',
    'Selecione os eventos a receber, depois "Endpoint de webhook", e cole {{url}} como URL do endpoint.',
    'Abra o endpoint, revele o segredo de assinatura (whsec_…) e cole aqui.',
    'Use "Enviar evento de teste" ou pague em um sandbox: eventos de sandbox aparecem aqui marcados como teste.',
  ],
  secrets: {
    signing_secret: {
      label: 'Segredo de assinatura',
      help: 'Começa com whsec_. Cada endpoint tem o seu; ao trocá-lo, adicione o novo antes que o antigo termine.',
    },
  },
  samples: {
    'checkout.session.completed': 'Checkout concluído e pago',
    'payment_intent.succeeded': 'Pagamento aprovado',
    'payment_intent.payment_failed': 'Pagamento recusado',
    'charge.refunded': 'Cobrança reembolsada em parte',
    'charge.dispute.created': 'Pagamento contestado',
    'invoice.paid': 'Fatura paga',
    'invoice.payment_failed': 'Pagamento de fatura recusado',
    'customer.subscription.created': 'Assinatura criada',
    'customer.subscription.updated': 'Assinatura com pagamento em atraso',
    'customer.subscription.deleted': 'Assinatura cancelada',
    'customer.subscription.trial_will_end': 'Período de teste termina em três dias',
    'customer.created': 'Cliente criado',
  },
  settings: {
    toleranceSeconds: {
      label: 'Tolerância em segundos',
      help: 'Maior distância entre a hora em Stripe-Signature e a hora de chegada, em segundos.',
    },
  },
};
