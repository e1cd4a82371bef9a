import { defineTexts } from '../../lib/i18n.ts';

export const retentionTexts = defineTexts('retention', {
  en: {
    retention: 'How long data is kept',
    retentionHint:
      'Set by the operators of this installation, the same for every org. Older data is dropped by whole months, except data under a legal hold.',
    bodies: 'Encrypted bodies of deliveries, which replays start from',
    journal: 'Journal of deliveries',
    events: 'Canonical events',
    minutes: 'Figures by minute',
    hours: 'Figures by hour',
    idempotency: 'Idempotency keys, which make every record unique',
    deadLetters: 'Dead letters',
    untilPurged: 'until they are purged',
    forEver: 'for ever',
    days_one: '{{count}} day',
    days_other: '{{count}} days',
  },
  'pt-BR': {
    retention: 'Por quanto tempo os dados são guardados',
    retentionHint:
      'Definido por quem opera esta instalação, igual para todas as organizações. Dados mais antigos são descartados em meses inteiros, exceto os que estão sob uma retenção legal.',
    bodies: 'Corpos criptografados das entregas, de onde partem os reprocessamentos',
    journal: 'Diário das entregas',
    events: 'Eventos canônicos',
    minutes: 'Números por minuto',
    hours: 'Números por hora',
    idempotency: 'Chaves de idempotência, que tornam cada registro único',
    deadLetters: 'Falhas',
    untilPurged: 'até serem apagadas',
    forEver: 'para sempre',
    days_one: '{{count}} dia',
    days_other: '{{count}} dias',
  },
});
