import { defineTexts } from '../../lib/i18n.ts';

export const retentionTexts = defineTexts('retention', {
  en: {
    retention: 'How long data is kept',
    retentionHint:
      'Older data is deleted in the background, except data under a legal hold. Leave a field empty to keep the data for as long as this installation does.',
    events: 'Canonical events, by their time',
    deliveries: 'Deliveries with their encrypted bodies, which replays start from',
    dead_letters: 'Dead letters',
    activity: 'Figures of connections',
    idempotency: 'Idempotency keys, which make every record unique',
    atMost: 'At most {{days}}',
    appliesFrom: 'the shorter time applies from',
    shortens:
      'The shorter time applies a day after you save it. Until then you can change it back; after that, older data is deleted and cannot be restored.',
    forEver: 'for ever',
    daysSuffix: ' days',
    days_one: '{{count}} day',
    days_other: '{{count}} days',
  },
  'pt-BR': {
    retention: 'Por quanto tempo os dados são guardados',
    retentionHint:
      'Dados mais antigos são apagados em segundo plano, exceto os que estão sob uma retenção legal. Deixe um campo vazio para guardar os dados pelo tempo desta instalação.',
    events: 'Eventos canônicos, pela data do evento',
    deliveries: 'Entregas com seus corpos criptografados, de onde partem os reprocessamentos',
    dead_letters: 'Falhas',
    activity: 'Números das conexões',
    idempotency: 'Chaves de idempotência, que tornam cada registro único',
    atMost: 'No máximo {{days}}',
    appliesFrom: 'o prazo menor vale a partir de',
    shortens:
      'O prazo menor vale um dia depois de salvo. Até lá você pode voltar atrás; depois disso, os dados mais antigos são apagados e não podem ser recuperados.',
    forEver: 'para sempre',
    daysSuffix: ' dias',
    days_one: '{{count}} dia',
    days_other: '{{count}} dias',
  },
});
