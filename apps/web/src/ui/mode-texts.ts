import { defineTexts } from '../lib/i18n.ts';

/** The names of the modes, and what each means for senders. */
export const modeTexts = defineTexts('mode', {
  en: {
    normal: 'Normal',
    throttled: 'Throttled',
    brownout: 'Brownout',
    drain: 'Draining',
    paused: 'Paused',
    announce: 'The mode is {{mode}}. {{what}}',
    normalAgain: 'The mode is normal again: deliveries are accepted as usual.',
    throttledWhat:
      'So much arrives at once that every org gets a fair share. A delivery above that share is answered 429, and the platform sends it again later.',
    brownoutHere:
      'About {{rate}} of the deliveries to this org’s connections of low priority are kept. The others are answered 429, and the platforms send them again later. All other connections work as usual.',
    brownoutElsewhere:
      'Part of the deliveries to connections of low priority is answered 429. This org has no such connection, so all its deliveries are accepted as usual.',
    drainWhat:
      'No new delivery is accepted for a while: each is answered 503, and the platform sends it again. Deliveries that were accepted are stored.',
    pausedWhat:
      'No new delivery is accepted, and retries and replays wait. Deliveries are answered 503, and the platforms send them again. Deliveries that were accepted are stored.',
    byOperator: 'Set by the operators of this server',
    byLoad: 'Set automatically, because of the load',
    details: 'The mode is {{mode}}: what that means',
  },
  'pt-BR': {
    normal: 'Normal',
    throttled: 'Limitado',
    brownout: 'Carga reduzida',
    drain: 'Drenando',
    paused: 'Pausado',
    announce: 'O modo é {{mode}}. {{what}}',
    normalAgain: 'O modo voltou ao normal: as entregas são aceitas como de costume.',
    throttledWhat:
      'Chega muita coisa ao mesmo tempo, então cada organização recebe a sua parte justa. Uma entrega acima dela recebe 429, e a plataforma a envia de novo mais tarde.',
    brownoutHere:
      'Cerca de {{rate}} das entregas às conexões de baixa prioridade desta organização são mantidas. As outras recebem 429, e as plataformas as enviam de novo mais tarde. As demais conexões são aceitas como de costume.',
    brownoutElsewhere:
      'Parte das entregas a conexões de baixa prioridade recebe 429. Esta organização não tem nenhuma, então todas as entregas dela são aceitas como de costume.',
    drainWhat:
      'Nenhuma entrega nova é aceita por enquanto: cada uma recebe 503, e a plataforma a envia de novo. As entregas já aceitas estão armazenadas.',
    pausedWhat:
      'Nenhuma entrega nova é aceita, e novas tentativas e reprocessamentos aguardam. As entregas recebem 503, e as plataformas as enviam de novo. As entregas já aceitas estão armazenadas.',
    byOperator: 'Definido pelos operadores deste servidor',
    byLoad: 'Definido automaticamente, por causa da carga',
    details: 'O modo é {{mode}}: o que isso significa',
  },
});
