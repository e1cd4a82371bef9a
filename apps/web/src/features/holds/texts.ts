import { defineTexts } from '../../lib/i18n.ts';

export const holdTexts = defineTexts('holds', {
  en: {
    holds: 'Legal holds',
    holdsHint: 'Data under a hold is not dropped by retention, purged, erased or rewritten by replays until the hold is released.',
    noHold: 'No legal hold',
    place: 'Place a hold',
    placeNow: 'Place the hold',
    covers: 'Covers',
    wholeOrg: 'The whole org',
    reason: 'Reason',
    reasonHint: 'Such as the number of the case. Everybody in the org can read it.',
    placed: 'Placed',
    state: 'State',
    stands: 'In force',
    release: 'Release',
    releaseNow: 'Release the hold',
    released: 'Released',
    releaseBody: 'The hold on {{covers}} ({{reason}}) ends: retention, purges, erasures and replays may change or delete its data again.',
  },
  'pt-BR': {
    holds: 'Retenções legais',
    holdsHint:
      'Os dados sob uma retenção não são descartados pelo prazo, apagados, eliminados nem reescritos por reprocessamentos até que ela seja liberada.',
    noHold: 'Nenhuma retenção legal',
    place: 'Criar retenção',
    placeNow: 'Criar a retenção',
    covers: 'Cobre',
    wholeOrg: 'A organização inteira',
    reason: 'Motivo',
    reasonHint: 'Como o número do processo. Todos na organização podem ler.',
    placed: 'Criada',
    state: 'Estado',
    stands: 'Vigente',
    release: 'Liberar',
    releaseNow: 'Liberar a retenção',
    released: 'Liberada',
    releaseBody:
      'A retenção sobre {{covers}} ({{reason}}) termina: prazo, exclusões, eliminações e reprocessamentos podem alterar ou apagar de novo os dados dela.',
  },
});
